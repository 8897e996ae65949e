// Parts of a two-player game against values by hand: packs, and the discriminator's pace.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { applyUpdates } from '../../optimizers/index.js';
import { paceOf, accuracyOf } from './pace.js';
import { packed } from './seen.js';

test('a pack of two joins examples i and i + n/2', () => {
  tf.tidy(() => {
    expect(packed(tf.tensor2d([[1, 2], [3, 4], [5, 6], [7, 8]]), 2).arraySync()).toEqual([
      [1, 2, 5, 6],
      [3, 4, 7, 8],
    ]); // prettier-ignore
    expect(packed(tf.zeros([6, 4, 4, 3]), 3).shape).toEqual([2, 4, 4, 9]);
  });
});

describe('pace', () => {
  /** Factors after each share has updated the average. */
  const factors = (options: Parameters<typeof paceOf>[0], shares: readonly number[]): number[] => {
    const pace = paceOf(options);
    const found = shares.map((right) =>
      tf.tidy(() => {
        applyUpdates(pace.follow(tf.scalar(right)));
        return pace.factor()?.dataSync()[0] ?? NaN;
      }),
    );
    tf.dispose([...pace.state]);
    return found;
  };

  test('falls above a share and rises below one', () => {
    expect(factors({ slowD: { above: 0.8, least: 0.1, decay: 0 } }, [0.5, 0.8, 0.9, 1])).toBeAllclose(
      [1, 1, 0.5, 0.1],
      {
        rtol: 1e-5,
      },
    );
    expect(factors({ boostD: { below: 0.6, most: 4, decay: 0 } }, [0.7, 0.6, 0.55, 0.5, 0.2])).toBeAllclose(
      [1, 1, 2.5, 4, 4],
      { rtol: 1e-5 },
    );
  });

  test('begins with the rate as it is, and follows slowly', () => {
    const options = { slowD: { above: 0.6, least: 0, decay: 0.5 }, boostD: { below: 0.6, most: 3, decay: 0.5 } };
    const pace = paceOf(options);
    expect(tf.tidy(() => pace.factor()?.dataSync()[0])).toBe(1);
    tf.dispose([...pace.state]);
    // averages 0.75 and 0.8, then 0.875 and 0.9
    expect(factors(options, [1, 1])).toBeAllclose([0.25 / 0.4, 0.125 / 0.4], { rtol: 1e-5 });
  });

  test('counts examples on the right side of 0, or pairs of a relativistic loss', () => {
    tf.tidy(() => {
      const [real, fake] = [{ logits: tf.tensor2d([[2], [-1]]) }, { logits: tf.tensor2d([[1], [-3]]) }];
      expect(accuracyOf('hinge', real, fake).dataSync()).toEqual(Float32Array.of(0.5));
      expect(accuracyOf('rpgan', real, fake).dataSync()).toEqual(Float32Array.of(1));
    });
  });
});
