// Orthogonal regularisation: filters of a layer should be orthogonal; their norms do not matter. Brock et al. 2019,
// equation 4. A penalty on the weights of either player.
import * as tf from '@tensorflow/tfjs';

/** A layer's kernel, and its axis of filters. */
export interface Kernel {
  readonly weight: tf.Tensor;
  readonly filters: number;
}

/** Σ ‖WᵀW ⊙ (1 − I)‖²_F over the kernels, whose filters are the columns of W. */
export function orthogonality(kernels: readonly Kernel[]): tf.Scalar {
  return tf.addN(
    kernels.map(({ weight, filters }) => {
      const count = weight.shape[filters] ?? 1;
      const others = weight.shape.map((_, axis) => axis).filter((axis) => axis !== filters);
      const columns = tf.reshape(tf.transpose(weight, [...others, filters]), [-1, count]);
      const products = tf.matMul(columns, columns, true);
      return tf.sum<tf.Scalar>(tf.square(tf.mul(products, tf.sub(1, tf.eye(count)))));
    }),
  );
}

/** Trainable kernels of a network's dense and convolutional layers. */
export function kernelsOf(model: tf.LayersModel): Kernel[] {
  return model.layers.flatMap((layer) => {
    const weight = layer.trainableWeights.find(({ originalName }) => originalName.endsWith('/kernel'));
    if (weight === undefined) return [];
    const { rank } = weight.read();
    // transposed convolutions: [height, width, out, in]
    return [{ weight: weight.read(), filters: rank - (layer.getClassName().startsWith('Conv2DTranspose') ? 2 : 1) }];
  });
}
