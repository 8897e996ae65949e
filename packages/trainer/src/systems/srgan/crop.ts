// Parts of pictures at random places, each picture at its own: by products with rows of zeros and a one, which are exact
// and run on every device.
import * as tf from '@tensorflow/tfjs';

/** [n, h, w, c] → [n, edge, edge, c]: the part of each picture that begins at `top` and `left`, int32 [n]. */
export function cropped(x: tf.Tensor4D, top: tf.Tensor, left: tf.Tensor, edge: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  /** [n, edge, size]: a one where a row of the part comes from. */
  const chosen = (from: tf.Tensor, size: number): tf.Tensor => {
    const wanted = tf.add(tf.reshape(tf.cast(from, 'float32'), [n, 1, 1]), tf.reshape(tf.range(0, edge), [1, edge, 1]));
    return tf.cast(tf.equal(wanted, tf.reshape(tf.range(0, size), [1, 1, size])), 'float32');
  };
  const rows = tf.reshape(tf.matMul(chosen(top, h), tf.reshape(x, [n, h, w * c])), [n, edge, w, c]);
  const turned = tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [n, w, edge * c]);
  const columns = tf.reshape(tf.matMul(chosen(left, w), turned), [n, edge, edge, c]);
  return tf.transpose(columns, [0, 2, 1, 3]) as tf.Tensor4D; // rank 4
}
