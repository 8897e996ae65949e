// tfjs ops that define their own gradient with tf.customGrad: correct at first order, wrong or refused at second order.
// They are recognised by the op scope they run in, and get gradients written in terms of their inputs.
import * as tf from '@tensorflow/tfjs';
import type { AttrsOf } from '../kernels/attributes.js';
import { rowOf } from '../kernels/rows.js';
import { logSoftmaxAdjoint } from './activations.js';
import { convolutionGradients } from './convolution.js';
import { at, unbroadcast, type GradientTable, type KernelGradient } from './tape.js';

/** Gradients of all inputs of a composite op; `attrs` are those of the one kernel that it runs. */
type Adjoint = (dy: tf.Tensor, inputs: readonly tf.Tensor[], attrs: AttrsOf<string>) => tf.Tensor[];

/**
 * Adjoint of tfjs's fused convolutions, which layers use; tfjs's own has no gradient for dilated ones. While a tape
 * records, tfjs fuses linear activations only, so the activation needs no gradient here.
 */
function fused(kernelName: string, table: GradientTable): Adjoint {
  return (dy, inputs, attrs) => {
    const [x, filter, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const slopes = dy.rank === x.rank ? dy : tf.reshape(dy, [1, ...dy.shape]);
    const grads = rowOf<KernelGradient>(table, kernelName)?.grad(slopes, [x, filter], attrs) ?? {};
    return [
      ...[grads['x'], grads['filter']].flatMap((g) => (g === undefined ? [] : [g()])),
      ...(bias === undefined ? [] : [unbroadcast(slopes, bias.shape)]),
    ];
  };
}

const COMPOSITES: Record<string, Adjoint> = {
  logSigmoid__op: (dy, inputs) => [tf.mul(dy, tf.sigmoid(tf.neg(at(inputs, 0))))],
  logSoftmax__op: (dy, inputs) => [logSoftmaxAdjoint(dy, at(inputs, 0))],
  // −Σ labels·logSoftmax(logits)
  softmaxCrossEntropy__op: (dy, inputs) => {
    const [labels, logits] = [at(inputs, 0), at(inputs, 1)];
    const slope = tf.expandDims(dy, -1);
    const total = tf.mul(tf.sum(labels, -1, true), tf.softmax(logits));
    return [tf.mul(slope, tf.neg(tf.logSoftmax(logits))), tf.mul(slope, tf.sub(total, labels))];
  },
  fusedConv2d__op: fused('Conv2D', convolutionGradients),
  fusedDepthwiseConv2d__op: fused('DepthwiseConv2dNative', convolutionGradients),
};

type Engine = ReturnType<typeof tf.engine>;
type CustomGrad = Engine['customGrad'];
type GradientFunction = Parameters<CustomGrad>[0];

/** The result of `fn`, and the attributes of the last fused kernel that it runs. */
function watchingAttributes<T>(engine: Engine, fn: () => T): { result: T; attrs: AttrsOf<string> } {
  const own = Object.getOwnPropertyDescriptor(engine, 'runKernel');
  const { runKernel } = engine;
  let attrs: AttrsOf<string> = {};
  engine.runKernel = (name, inputs, given) => {
    if (name.startsWith('Fused')) attrs = given ?? {};
    return runKernel.call(engine, name, inputs, given) as never; // generic in the caller's result type
  };
  try {
    return { result: fn(), attrs };
  } finally {
    putBack(engine, 'runKernel', own);
  }
}

function putBack(engine: Engine, name: 'runKernel' | 'customGrad', own: PropertyDescriptor | undefined): void {
  if (own === undefined) Reflect.deleteProperty(engine, name);
  else Object.defineProperty(engine, name, own);
}

/** Makes `tf.customGrad` use {@link COMPOSITES} for the ops named there. Returns a function that undoes it. */
export function replaceComposites(): () => void {
  const engine = tf.engine();
  const own = Object.getOwnPropertyDescriptor(engine, 'customGrad');
  const { customGrad } = engine;
  const wrapped =
    (f: GradientFunction): ReturnType<CustomGrad> =>
    (...inputs) => {
      const adjoint = COMPOSITES[engine.state.activeScope?.name ?? ''];
      if (adjoint === undefined) return customGrad.call(engine, f)(...inputs);
      const replaced: GradientFunction = (...args) => {
        const save = args.at(-1) as (tensors: tf.Tensor[]) => void; // the engine appends it
        const tensors = args.slice(0, -1) as tf.Tensor[];
        const { result, attrs } = watchingAttributes(engine, () => f(...tensors, () => undefined));
        save(tensors);
        return { value: result.value, gradFunc: (dy, saved) => adjoint(dy, saved, attrs) };
      };
      return customGrad.call(engine, replaced)(...inputs);
    };
  engine.customGrad = wrapped as CustomGrad; // generic in the tensor class, which it passes through
  return () => putBack(engine, 'customGrad', own);
}
