// The augmentations of ADA, each applied with one probability p: Karras et al. 2020, "Training Generative Adversarial
// Networks with Limited Data", appendix B. Implemented from the paper's pipeline: pixel blitting (mirror, quarter
// turns, whole pixels) and colour (brightness, contrast, saturation). Not implemented: general geometry, luma flip,
// hue, filtering, noise and cutout. ada.ts updates p.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { AugmentDraw } from './augmentation.js';
import { column, mirroredWhere, positions, readAt, transposed, wholeOf } from './places.js';

const SHARE = 0.125;

/** Augments pictures [n, h, w, c]: applies each augmentation to each example with probability `p`, a scalar. */
export function adaptively(pictures: tf.Tensor4D, p: tf.Tensor, draw: AugmentDraw): tf.Tensor4D {
  /** `value` with probability p, else `neutral`. */
  const drawn = (name: string, value: tf.Tensor, neutral: number): tf.Tensor => {
    const applies = tf.cast(tf.less(draw.uniform(`${name}/applies`), p), 'float32');
    return tf.add(neutral, tf.mul(applies, tf.sub(value, neutral)));
  };
  const chosen = (name: string, from: number, count: number): tf.Tensor =>
    drawn(name, wholeOf(draw.uniform(name), from, count), 0);
  const powerOfTwo = (name: string, deviation: number): tf.Tensor =>
    drawn(name, tf.exp(tf.mul(draw.normal(name), deviation * Math.LN2)), 1);

  const [, h, w] = pictures.shape;
  const mirrored = readAt(pictures, { columns: mirroredWhere(chosen('mirror', 0, 2), w) });
  const turned = turnedBy(mirrored, chosen('turns', 0, 4));
  const moved = readAt(turned, { rows: shifted('rows', h), columns: shifted('columns', w) });

  const brighter = tf.add<tf.Tensor4D>(moved, drawn('brightness', tf.mul(draw.normal('brightness'), 0.2), 0));
  const contrasted = tf.mul<tf.Tensor4D>(brighter, powerOfTwo('contrast', 0.5));
  if (pictures.shape[3] === 1) return contrasted;
  const grey = tf.mean(contrasted, 3, true);
  return tf.add(grey, tf.mul(tf.sub(contrasted, grey), powerOfTwo('saturation', 1)));

  /** Source positions after a shift by whole pixels, up to an eighth of the size, reflected at the borders. */
  function shifted(name: string, size: number): tf.Tensor {
    const offset = tf.mul(tf.sub(tf.mul(draw.uniform(name), 2), 1), SHARE * size);
    const places = tf.add(positions(size), column(drawn(name, tf.round(offset), 0)));
    return tf.sub(size - 1, tf.abs(tf.sub(size - 1, tf.abs(places))));
  }
}

/** Pictures after 0 to 3 quarter turns, counter-clockwise, composed of transpositions and mirroring. */
function turnedBy(pictures: tf.Tensor4D, turns: tf.Tensor): tf.Tensor4D {
  const [, h, w] = pictures.shape;
  if (h !== w)
    throw new UsageError(
      `augment 'ada': expected square pictures, because quarter turns must keep the shape, got ${h} × ${w}`,
      {
        code: 'config.invalid',
      },
    );
  const is = (count: number): tf.Tensor => tf.cast(tf.equal(turns, count), 'float32');
  const odd = tf.add(is(1), is(3));
  const maybeTransposed = tf.add<tf.Tensor4D>(tf.mul(pictures, tf.sub(1, odd)), tf.mul(transposed(pictures), odd));
  return readAt(maybeTransposed, {
    rows: mirroredWhere(tf.add(is(1), is(2)), h),
    columns: mirroredWhere(tf.add(is(2), is(3)), w),
  });
}
