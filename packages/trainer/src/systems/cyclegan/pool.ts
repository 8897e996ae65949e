// A pool of earlier generated pictures, so that the discriminator does not forget (Shrivastava et al. 2017, section
// 2.3). Each index of the batch has its own pool, so two pictures of a step never compete for a row. The choices are
// random inputs of the step. The pictures are state.
import * as tf from '@tensorflow/tfjs';
import { namedVariable } from '../../tfjs/variables.js';
import type { Update } from '../../optimizers/index.js';

/** Pictures [rows, batch, h, w, c]. */
export interface Pool {
  readonly pictures: tf.Variable;
  /**
   * What the discriminator sees for `made` [batch, h, w, c], and the updated pool. `filled` is the number of rows in
   * use. Until all rows are in use, a generated picture is stored in the next row and shown. Later, where `swap`
   * [batch] is 1, it replaces row `row` [batch], and the replaced picture is shown.
   */
  query(at: { made: tf.Tensor; filled: tf.Tensor; row: tf.Tensor; swap: tf.Tensor }): {
    shown: tf.Tensor;
    update: Update;
  };
}

/** A pool called `name`. */
export function poolOf(name: string, rows: number, [batch = 1, ...picture]: readonly number[]): Pool {
  const pictures = tf.tidy(() => namedVariable(`${name}/pictures`, tf.zeros([rows, batch, ...picture])));
  return {
    pictures,
    query: ({ made, filled, row, swap }) => {
      const filling = tf.less(filled, rows);
      const at = tf.where(filling, tf.fill([batch], 1).mul(filled), tf.cast(row, 'float32'));
      // [rows, batch]: 1 in the chosen row of each batch index
      const chosen = tf.cast(tf.equal(tf.range(0, rows).reshape([rows, 1]), at.reshape([1, batch])), 'float32');
      const here = chosen.reshape([rows, batch, ...picture.map(() => 1)]);
      const old = tf.sum(tf.mul(here, pictures), 0);
      const swapped = tf.cast(swap, 'float32').reshape([batch, ...picture.map(() => 1)]);
      const stays = tf.cast(filling, 'float32');
      const shown = tf.add(made, tf.mul(tf.mul(swapped, tf.sub(1, stays)), tf.sub(old, made)));
      const put = tf.mul(here, tf.maximum(swapped, stays));
      return { shown, update: { variable: pictures, value: tf.add(pictures, tf.mul(put, tf.sub(made, pictures))) } };
    },
  };
}
