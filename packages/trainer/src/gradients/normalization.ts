// Normalisation across channels (LRN), and batch normalisation with given statistics. Per-channel factors are combined
// first, so that x's gradient is one product, and the others need two sums. In training mode, the gradients of Mean,
// Square and Sub through the statistics add the remaining terms.
import * as tf from '@tensorflow/tfjs';
import type { AttrsOf } from '../kernels/attributes.js';
import { at, filled, unary, unbroadcast, type GradientTable, type KernelGradient } from './tape.js';

/** `scale` and `offset` may be absent. */
const FusedBatchNorm: KernelGradient<'FusedBatchNorm'> = {
  inputs: ['x', 'mean', 'variance', 'scale'],
  grad: (dy, saved, attrs) => {
    const [x, mean, variance] = [at(saved, 0), at(saved, 1), at(saved, 2)];
    const scale = saved[3];
    const epsilon = typeof attrs['varianceEpsilon'] === 'number' ? attrs['varianceEpsilon'] : 0.001;
    const r = tf.rsqrt(tf.add(variance, epsilon));
    const factor = scale === undefined ? r : tf.mul(r, scale);
    const slopes = (): tf.Tensor => unbroadcast(dy, mean.shape);
    const moments = (): tf.Tensor => unbroadcast(tf.mul(dy, tf.sub(x, mean)), mean.shape);
    return {
      x: () => tf.mul(dy, factor),
      mean: () => tf.neg(tf.mul(slopes(), factor)),
      variance: () => tf.mul(tf.mul(moments(), factor), tf.mul(tf.square(r), -0.5)),
      scale: () => tf.mul(moments(), r),
      offset: slopes,
    };
  },
};

/**
 * y = x·B^−β with B = bias + α·(squares summed over neighbouring channels): the sum is a product with a band matrix of
 * ones.
 */
function responseAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<'LRN'>): tf.Tensor {
  const [radius, bias, alpha, beta] = (['depthRadius', 'bias', 'alpha', 'beta'] as const).map((name) =>
    Number(attrs[name]),
  );
  const channels = x.shape.at(-1) ?? 1;
  const band = filled([channels, channels], (at) =>
    Math.abs(Math.floor(at / channels) - (at % channels)) <= (radius ?? 0) ? 1 : 0,
  );
  const near = (t: tf.Tensor): tf.Tensor =>
    tf.reshape(tf.matMul(tf.reshape(t, [t.size / channels, channels]), band), t.shape);
  const base = tf.add(tf.mul(near(tf.square(x)), alpha ?? 1), bias ?? 1);
  const power = tf.pow(base, -(beta ?? 0.5));
  const through = near(tf.div(tf.mul(tf.mul(dy, x), power), base));
  return tf.sub(tf.mul(dy, power), tf.mul(tf.mul(x, through), 2 * (alpha ?? 1) * (beta ?? 0.5)));
}

/** Gradients of normalisation. */
export const normalizationGradients: GradientTable = { FusedBatchNorm, LRN: unary('x', responseAdjoint) };
