// Augmentation: random crops, mirrored and transposed, each picture with its own random numbers. Computed as products
// with zeros and ones, which are exact and run on every device.
import * as tf from '@tensorflow/tfjs';

/** [n, h, w, c] → [n, edge, edge, c]: the crop of each picture that begins at `top` and `left`, int32 [n]. */
export function cropped(x: tf.Tensor4D, top: tf.Tensor, left: tf.Tensor, edge: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  /** [n, edge, size]: for each row of the crop, a one at the row of the picture that it comes from. */
  const chosen = (from: tf.Tensor, size: number): tf.Tensor => {
    const wanted = tf.add(tf.reshape(tf.cast(from, 'float32'), [n, 1, 1]), tf.reshape(tf.range(0, edge), [1, edge, 1]));
    return tf.cast(tf.equal(wanted, tf.reshape(tf.range(0, size), [1, 1, size])), 'float32');
  };
  const rows = tf.reshape(tf.matMul(chosen(top, h), tf.reshape(x, [n, h, w * c])), [n, edge, w, c]);
  const turned = tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [n, w, edge * c]);
  const columns = tf.reshape(tf.matMul(chosen(left, w), turned), [n, edge, edge, c]);
  return tf.transpose(columns, [0, 2, 1, 3]) as tf.Tensor4D; // `columns` has rank 4
}

/**
 * Square pictures [n, e, e, c], each mirrored, turned upside down and transposed if its entry in the respective float32
 * [n] is 1; together these give the eight symmetries of the square.
 */
export function turned(x: tf.Tensor4D, at: { mirror: tf.Tensor; upend: tf.Tensor; transpose: tf.Tensor }): tf.Tensor4D {
  const [n] = x.shape;
  const either = (ones: tf.Tensor, is: tf.Tensor4D, not: tf.Tensor4D): tf.Tensor4D => {
    const one = tf.reshape(ones, [n, 1, 1, 1]);
    return tf.add(tf.mul(is, one), tf.mul(not, tf.sub(1, one)));
  };
  const across = either(at.mirror, tf.reverse(x, 2), x);
  const down = either(at.upend, tf.reverse(across, 1), across);
  return either(at.transpose, tf.transpose(down, [0, 2, 1, 3]), down);
}
