// Rewrites matrix products in batches of one, as tf.layers emits them, into plain matrix products, so that the reshapes
// around them cancel.
import { traitsOf } from '../kernels/traits.js';
import type { KernelCall, Program, Size, ValueId } from '../program/program.js';
import { inputOf, outputOf, Rewriter } from '../program/graph.js';

const isBatchOfOne = (shape: readonly Size[]): boolean => shape.length === 3 && shape[0] === 1;

/** Rewrites products of [1, m, k] and [1, k, n] to products of matrices, with reshapes before and after. */
export function flattenProducts(program: Program): Program {
  const rewriter = new Rewriter(program);
  const reshape = (
    call: KernelCall,
    x: ValueId,
    shape: readonly Size[],
    output = rewriter.value(rewriter.dtype(x), shape),
  ): ValueId => {
    rewriter.emit({ ...call, kernel: 'Reshape', inputs: { x }, attrs: { shape: [...shape] }, outputs: [output] });
    return output;
  };
  return rewriter.run((call) => {
    const [a, b, y] = [inputOf(call, 'a'), inputOf(call, 'b'), outputOf(call)];
    const slopes = inputOf(call, 'preluActivationWeights');
    if (
      traitsOf(call.kernel).product !== true ||
      a === undefined ||
      b === undefined ||
      slopes !== undefined ||
      ![a, b, y].every((id) => isBatchOfOne(rewriter.shape(id)))
    )
      return rewriter.emit(call);
    const [left, right] = [a, b].map((id) => reshape(call, id, rewriter.shape(id).slice(1)));
    const product = rewriter.value(rewriter.dtype(y), rewriter.shape(y).slice(1));
    rewriter.emit({ ...call, inputs: { ...call.inputs, a: left ?? a, b: right ?? b }, outputs: [product] });
    reshape(call, product, rewriter.shape(y), y);
  });
}
