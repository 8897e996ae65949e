// Batch normalisation with given statistics: per-channel factors are combined while small, so that x's gradient is one
// product and the rest two sums. In training mode the statistics' own gradients (Mean, Square, Sub) complete the
// three-term form.
import * as tf from '@tensorflow/tfjs';
import { at, unbroadcast, type GradientTable, type KernelGradient } from './tape.js';

/** `scale` and `offset` may be absent. */
const FusedBatchNorm: KernelGradient = {
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

/** Gradients of normalisation. */
export const normalizationGradients: GradientTable = { FusedBatchNorm };
