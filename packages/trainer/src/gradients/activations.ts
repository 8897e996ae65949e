// Activation functions. Derivatives are computed from the input. Masks are constants to differentiation; smooth factors
// are not.
import * as tf from '@tensorflow/tfjs';
import { at, constant, unary, unbroadcast, type GradientTable } from './tape.js';

/** min(x, 0): exp of it is 1 for x > 0, and so never overflows. */
const negativePart = (x: tf.Tensor): tf.Tensor => tf.sub(x, tf.relu(x));

/** 1 for x > 0 and `slope` elsewhere. */
const slopes = (x: tf.Tensor, slope: number): tf.Tensor => constant(() => tf.step(x, slope));

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/** y·(g − Σ g·y) along the last axis, with y recomputed from the logits. */
function softmaxAdjoint(dy: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  const y = tf.softmax(logits);
  const weighted = tf.mul(dy, y);
  return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), y));
}

/** Adjoint of tf.logSoftmax (an op with its own gradient): g − softmax(x)·Σ g along the last axis. */
export function logSoftmaxAdjoint(dy: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  return tf.sub(dy, tf.mul(tf.sum(dy, -1, true), tf.softmax(logits)));
}

/** Gradients of activations. */
export const activationGradients: GradientTable = {
  Relu: unary('x', (dy, x) => tf.mul(dy, slopes(x, 0))),
  Relu6: unary('x', (dy, x) =>
    tf.mul(
      dy,
      constant(() => tf.mul(slopes(x, 0), slopes(tf.sub(6, x), 0))),
    ),
  ),
  LeakyRelu: unary('x', (dy, x, attrs) =>
    tf.mul(dy, slopes(x, typeof attrs['alpha'] === 'number' ? attrs['alpha'] : 0.2)),
  ),
  Prelu: {
    inputs: ['x', 'alpha'],
    grad: (dy, saved) => {
      const [x, alpha] = [at(saved, 0), at(saved, 1)];
      return {
        x: () => {
          const mask = slopes(x, 0);
          return tf.mul(
            dy,
            tf.add(
              mask,
              tf.mul(
                constant(() => tf.sub(1, mask)),
                alpha,
              ),
            ),
          );
        },
        alpha: () => unbroadcast(tf.mul(dy, negativePart(x)), alpha.shape),
      };
    },
  },
  Elu: unary('x', (dy, x) => tf.mul(dy, tf.exp(negativePart(x)))),
  Selu: unary('x', (dy, x) => {
    const mask = constant(() => tf.mul(slopes(x, 0), SELU_SCALE));
    const rest = constant(() => tf.mul(tf.sub(1, slopes(x, 0)), SELU_SCALE * SELU_ALPHA));
    return tf.mul(dy, tf.add(mask, tf.mul(rest, tf.exp(negativePart(x)))));
  }),
  Tanh: unary('x', (dy, x) => tf.mul(dy, tf.sub(1, tf.square(tf.tanh(x))))),
  Sigmoid: unary('x', (dy, x) => {
    const y = tf.sigmoid(x);
    return tf.mul(dy, tf.mul(y, tf.sub(1, y)));
  }),
  Softplus: unary('x', (dy, x) => tf.mul(dy, tf.sigmoid(x))),
  Softmax: unary('logits', softmaxAdjoint),
};
