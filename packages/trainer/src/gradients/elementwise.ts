// Element-wise functions whose stock gradient saves its output, forgets to sum broadcast axes, or contains a comparison
// that cannot be differentiated.
import * as tf from '@tensorflow/tfjs';
import { at, binary, constant, unary, unbroadcast, type GradientTable } from './tape.js';

/** 1 where the condition holds. */
const mask = (condition: () => tf.Tensor): tf.Tensor => constant(() => tf.cast(condition(), 'float32'));

/** Gradients of element-wise functions. */
export const elementwiseGradients: GradientTable = {
  Abs: unary('x', (dy, x) =>
    tf.mul(
      dy,
      constant(() => tf.sign(x)),
    ),
  ),
  Exp: unary('x', (dy, x) => tf.mul(dy, tf.exp(x))),
  Sqrt: unary('x', (dy, x) => tf.div(dy, tf.mul(tf.sqrt(x), 2))),
  Rsqrt: unary('x', (dy, x) => {
    const r = tf.rsqrt(x);
    return tf.mul(dy, tf.mul(tf.mul(r, tf.square(r)), -0.5));
  }),
  Square: unary('x', (dy, x) => tf.mul(x, tf.mul(dy, 2))),
  ClipByValue: unary('x', (dy, x, attrs) => {
    const [low, high] = [Number(attrs['clipValueMin']), Number(attrs['clipValueMax'])];
    return tf.mul(
      dy,
      mask(() => tf.logicalAnd(tf.greaterEqual(x, low), tf.lessEqual(x, high))),
    );
  }),
  Maximum: binary(
    (dy, a, b) =>
      tf.mul(
        dy,
        mask(() => tf.greaterEqual(a, b)),
      ),
    (dy, a, b) =>
      tf.mul(
        dy,
        mask(() => tf.less(a, b)),
      ),
  ),
  Minimum: binary(
    (dy, a, b) =>
      tf.mul(
        dy,
        mask(() => tf.lessEqual(a, b)),
      ),
    (dy, a, b) =>
      tf.mul(
        dy,
        mask(() => tf.greater(a, b)),
      ),
  ),
  SquaredDifference: binary(
    (dy, a, b) => tf.mul(tf.sub(a, b), tf.mul(dy, 2)),
    (dy, a, b) => tf.mul(tf.sub(b, a), tf.mul(dy, 2)),
  ),
  Pow: {
    inputs: ['a', 'b'],
    grad: (dy, saved) => {
      const [a, b] = [at(saved, 0), at(saved, 1)];
      return {
        a: () => {
          // Where b is 0 the slope is 0: use the exponent 0 there, as a^(b − 1) is infinite at a = 0.
          const one = constant(() => tf.sub(1, tf.cast(tf.equal(b, 0), 'float32')));
          return unbroadcast(tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, one)))), a.shape);
        },
        b: () => {
          // log of the base if positive; elsewhere log 1 = 0, as in TensorFlow.
          const positive = mask(() => tf.greater(a, 0));
          const base = tf.add(
            tf.mul(a, positive),
            constant(() => tf.sub(1, positive)),
          );
          return unbroadcast(tf.mul(dy, tf.mul(tf.pow(a, b), tf.log(base))), b.shape);
        },
      };
    },
  },
  // a − b·⌊a / b⌋
  Mod: binary(
    (dy) => dy,
    (dy, a, b) =>
      tf.mul(
        dy,
        constant(() => tf.neg(tf.floor(tf.div(a, b)))),
      ),
  ),
  Cast: unary('x', (dy, x, attrs) => (attrs['dtype'] === 'float32' ? dy : tf.zeros(x.shape))),
};
