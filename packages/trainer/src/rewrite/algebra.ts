// Simplifies reductions that gradients contain: sums over axes that a Tile repeated, and sums of deviations from a mean
// (common in batch norm's gradient), which are zero.
import { traitsOf } from '../kernels/traits.js';
import type { KernelCall, Program, Size, ValueId } from '../program/program.js';
import { inputOf, outputOf, Rewriter, sameSize } from '../program/graph.js';

/** The axes that a reduction sums, non-negative and sorted. */
function axesOf(call: KernelCall, rank: number): number[] {
  const { axis } = call.attrs;
  const axes =
    typeof axis === 'number'
      ? [axis]
      : Array.isArray(axis)
        ? axis.map(Number)
        : Array.from({ length: rank }, (_, i) => i);
  return axes.map((a) => (a + rank) % rank).sort((a, b) => a - b);
}

/** Whether a value of this shape is constant along `axes` after broadcasting to `rank`. */
function isConstantAlong(shape: readonly Size[], axes: readonly number[], rank: number): boolean {
  return axes.every((axis) => (shape[axis - rank + shape.length] ?? 1) === 1);
}

/**
 * Whether `id` sums to zero along `axes` by construction, up to rounding: it is x − mean(x), or that times a factor
 * that is constant along these axes.
 */
function isCentred(id: ValueId, axes: readonly number[], on: Rewriter): boolean {
  const call = on.producer.get(id);
  const rank = on.shape(id).length;
  const [a, b] = call === undefined ? [] : [inputOf(call, 'a') ?? inputOf(call, 'x'), inputOf(call, 'b')];
  if (call === undefined || a === undefined) return false;
  const { adds, broadcasts, linear = [] } = traitsOf(call.kernel);
  if (b === undefined) return adds !== undefined && isCentred(a, axes, on);
  const whole = (side: ValueId): boolean =>
    on.shape(side).length === rank && on.shape(side).every((size, i) => sameSize(size, on.shape(id)[i]));
  const scales = (side: ValueId, by: ValueId): boolean =>
    whole(side) && isConstantAlong(on.shape(by), axes, rank) && isCentred(side, axes, on);
  if (broadcasts === true && linear.length > 0)
    return (linear.includes('a') && scales(a, b)) || (linear.includes('b') && scales(b, a));
  const mean = on.producer.get(b);
  const averaged =
    call.kernel === 'Sub' &&
    whole(a) &&
    mean?.kernel === 'Mean' &&
    inputOf(mean, 'x') === a &&
    isConstantAlong(on.shape(b), axes, rank);
  return averaged && String(axesOf(mean, rank)) === String(axes);
}

/**
 * Rewrites Sum(Tile(x)) as a multiple of Sum(x), and Mean(Tile(x)) as Mean(x), if all repeated axes have size 1 in x
 * and are reduced. Returns false if it does not apply.
 */
function sumOfTile(call: KernelCall, tiled: ValueId, axes: readonly number[], on: Rewriter): boolean {
  const tile = on.producer.get(tiled);
  const x = tile?.kernel === 'Tile' ? inputOf(tile, 'x') : undefined;
  if (x === undefined) return false;
  const [small, large] = [on.shape(x), on.shape(tiled)];
  let count = 1;
  for (const [i, size] of large.entries()) {
    if (sameSize(small[i], size)) continue;
    if (small[i] !== 1 || !axes.includes(i) || typeof size !== 'number') return false;
    count *= size;
  }
  if (call.kernel === 'Mean') {
    on.emit({ ...call, inputs: { ...call.inputs, x } });
    return true;
  }
  const sum = on.value('float32', on.shape(outputOf(call)));
  on.emit({ ...call, inputs: { ...call.inputs, x }, outputs: [sum] });
  on.emit({
    ...call,
    kernel: 'Multiply',
    inputs: { a: sum, b: on.constant('float32', [], Float32Array.of(count)) },
    attrs: {},
  });
  return true;
}

/** Moves sums and means before the Tile that they read, and replaces sums of deviations from a mean by zeros. */
export function simplifyReductions(program: Program): Program {
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const x = inputOf(call, 'x');
    if ((call.kernel !== 'Sum' && call.kernel !== 'Mean') || x === undefined || rewriter.dtype(x) !== 'float32')
      return rewriter.emit(call);
    const axes = axesOf(call, rewriter.shape(x).length);
    if (isCentred(x, axes, rewriter))
      return rewriter.emit({
        ...call,
        kernel: 'Fill',
        inputs: {},
        attrs: { shape: [...rewriter.shape(outputOf(call))], value: 0, dtype: 'float32' },
      });
    if (!sumOfTile(call, x, axes, rewriter)) rewriter.emit(call);
  });
}
