// Rewrites batch norms whose statistics are not vectors of channels into sums and products, which broadcast. tf.layers'
// layer normalization makes such batch norms.
import type { Program, ValueId } from '../program/program.js';
import { inputOf, outputOf, Rewriter, sameSize } from '../program/graph.js';

/** Rewrites such batch norms as (x - mean) · (scale / √(variance + ε)) + offset. */
export function spreadNorms(program: Program): Program {
  const rewriter = new Rewriter(program);
  return rewriter.run((call) => {
    const x = inputOf(call, 'x');
    const [mean, variance, scale, offset] = ['mean', 'variance', 'scale', 'offset'].map((name) =>
      unspread(inputOf(call, name), rewriter),
    );
    const broadcasts = [mean, variance].some((id) => id !== undefined && rewriter.shape(id).length > 1);
    if (
      call.kernel !== 'FusedBatchNorm' ||
      x === undefined ||
      mean === undefined ||
      variance === undefined ||
      !broadcasts
    )
      return rewriter.emit(call);
    const binary = (
      kernel: string,
      a: ValueId,
      b: ValueId,
      output = rewriter.value('float32', rewriter.shape(a)),
    ): ValueId => {
      rewriter.emit({ ...call, kernel, inputs: { a, b }, attrs: {}, outputs: [output] });
      return output;
    };
    const epsilon = rewriter.constant('float32', [], Float32Array.of(Number(call.attrs['varianceEpsilon'] ?? 1e-3)));
    const inverse = rewriter.value('float32', rewriter.shape(variance));
    const raised = binary('Add', variance, epsilon);
    rewriter.emit({ ...call, kernel: 'Rsqrt', inputs: { x: raised }, attrs: {}, outputs: [inverse] });
    const centred = binary('Sub', x, mean);
    const y = outputOf(call);
    if (scale === undefined && offset === undefined) return void binary('Multiply', centred, inverse, y);
    const normal = binary('Multiply', centred, inverse);
    if (offset === undefined) return void binary('Multiply', normal, scale ?? inverse, y);
    binary('Add', scale === undefined ? normal : binary('Multiply', normal, scale), offset, y);
  });
}

/** The value that `id` was tiled from along axes of size 1. */
function unspread(id: ValueId | undefined, on: Rewriter): ValueId | undefined {
  const tile = id === undefined ? undefined : on.producer.get(id);
  const from = tile?.kernel === 'Tile' ? inputOf(tile, 'x') : undefined;
  if (
    id === undefined ||
    from === undefined ||
    !on.shape(from).every((size, i) => size === 1 || sameSize(size, on.shape(id)[i]))
  )
    return id;
  return unspread(from, on);
}
