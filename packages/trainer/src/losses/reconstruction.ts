// Distances of a picture from its target, added to the adversarial loss if there is one (pix2pix) or a cycle
// (CycleGAN).
import * as tf from '@tensorflow/tfjs';

/** Mean distance over all elements, by name. */
export type Reconstruction = (got: tf.Tensor, wanted: tf.Tensor) => tf.Scalar;

/** E|got − wanted|. Isola et al. 2017, equation 3. */
export const l1: Reconstruction = (got, wanted) => tf.mean(tf.abs(tf.sub(got, wanted)));

/** E(got − wanted)². */
export const l2: Reconstruction = (got, wanted) => tf.mean(tf.square(tf.sub(got, wanted)));

/** E√((got − wanted)² + ε²), smooth at 0, with ε = 10⁻³. Charbonnier et al. 1994; Lai et al. 2017, equation 5. */
export const charbonnier: Reconstruction = (got, wanted) =>
  tf.mean(tf.sqrt(tf.add(tf.square(tf.sub(got, wanted)), 1e-6)));
