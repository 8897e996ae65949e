// Small identities that gradients call for: sums of what was only spread out.
import { type KernelCall, type Program } from '../trace/program.js';
import { inputOf, outputOf, Rewriter, sameSize } from './graph.js';

/** Sum(Tile(x)) over the axes that Tile spread from size 1 is a multiple of Sum(x); Mean(Tile(x)) is Mean(x). */
function sumOfTile(call: KernelCall, on: Rewriter): void {
  const tiled = inputOf(call, 'x');
  const tile = tiled === undefined ? undefined : on.producer.get(tiled);
  const x = tile?.kernel === 'Tile' ? inputOf(tile, 'x') : undefined;
  const axes = call.attrs['axis'];
  if (tiled === undefined || x === undefined || !Array.isArray(axes) || on.dtype(x) !== 'float32') return on.emit(call);
  const [small, large] = [on.shape(x), on.shape(tiled)];
  const summed = axes.map((axis) => (Number(axis) + large.length) % large.length);
  let count = 1;
  for (const [i, size] of large.entries()) {
    if (sameSize(small[i], size)) continue;
    if (small[i] !== 1 || !summed.includes(i) || typeof size !== 'number') return on.emit(call);
    count *= size;
  }
  if (call.kernel === 'Mean') return on.emit({ ...call, inputs: { ...call.inputs, x } });
  const sum = on.value('float32', on.shape(outputOf(call)));
  on.emit({ ...call, inputs: { ...call.inputs, x }, outputs: [sum] });
  on.emit({ ...call, kernel: 'Multiply', inputs: { a: sum, b: on.constant('float32', [], Float32Array.of(count)) }, attrs: {} });
}

/** `program` with sums and means of tiled tensors taken before the tiling. */
export function simplifyReductions(program: Program): Program {
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => (call.kernel === 'Sum' || call.kernel === 'Mean' ? sumOfTile(call, rewriter) : rewriter.emit(call)));
}
