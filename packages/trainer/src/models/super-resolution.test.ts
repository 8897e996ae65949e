// The layers of super-resolution against PyTorch (tests/vectors/super_resolution.py), and its network.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { bicubic, enlarged, pixelShuffle } from './layers/index.js';
import { superResolver } from './super-resolution.js';

interface Case {
  scale: number;
  shape: [number, number, number, number];
  x: number[];
  y: number[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/super-resolution.json', import.meta.url), 'utf8'),
) as Record<'bicubic' | 'shuffle', Case[]>;

test.each(vectors.bicubic)('bicubic × $scale is PyTorch’s', ({ scale, shape, x, y }) => {
  const got = tf.tidy(() => (bicubic({ scale }).apply(tf.tensor4d(x, shape)) as tf.Tensor).dataSync());
  expect(got).toBeAllclose(y, { atol: 1e-5 });
});

test.each(vectors.shuffle)('pixel shuffle × $scale is PyTorch’s', ({ scale, shape, x, y }) => {
  const got = tf.tidy(() => (pixelShuffle({ scale }).apply(tf.tensor4d(x, shape)) as tf.Tensor).dataSync());
  expect(got).toEqual(Float32Array.from(y));
});

describe.each([2, 3, 4])('the network × %i', (scale) => {
  test('enlarges any size, and is bicubic where its last layer is zero', () => {
    const model = superResolver({ scale, base: 2, blocks: 1, channels: 1 });
    expect(model.outputs[0]?.shape).toEqual([null, null, null, 1]);
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R4>([2, 5, 3, 1], 0, 1, 'float32', 1);
      const made = model.apply(x) as tf.Tensor;
      expect(made.shape).toEqual([2, 5 * scale, 3 * scale, 1]);
      expect(made.dataSync()).toBeAllclose(enlarged(x, scale).dataSync(), { atol: 1e-6 }); // kernels start at zero
    });
    model.dispose();
  });
});

test('other scales are refused', () => {
  expect(() => superResolver({ scale: 8 })).toRefuse('config.invalid', 'superResolver.scale', '8');
});
