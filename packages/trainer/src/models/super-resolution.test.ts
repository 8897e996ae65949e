// The layers of super-resolution against PyTorch (tests/vectors/super_resolution.py), and its network.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { bicubic, enlarged, pixelShuffle } from './layers/index.js';
import { heDeviation, initialise } from './initialise.js';
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
  test.each(['resize', 'shuffle'] as const)(
    'enlarges any size, and is bicubic where its last layer is zero: %s',
    (up) => {
      const model = superResolver({ scale, base: 2, blocks: 1, channels: 1, up });
      expect(model.outputs[0]?.shape).toEqual([null, null, null, 1]);
      tf.tidy(() => {
        const x = tf.randomNormal<tf.Rank.R4>([2, 5, 3, 1], 0, 1, 'float32', 1);
        const made = model.apply(x) as tf.Tensor;
        expect(made.shape).toEqual([2, 5 * scale, 3 * scale, 1]);
        expect(made.dataSync()).toBeAllclose(enlarged(x, scale).dataSync(), { atol: 1e-6 }); // kernels start at zero
      });
      model.dispose();
    },
  );
});

test('before training, the pixels of a shuffled block are equal: no grid (Aitken et al. 2017)', () => {
  const model = superResolver({ scale: 3, base: 4, blocks: 1, up: 'shuffle' });
  initialise(model, { seed: 1, deviation: heDeviation });
  const shuffled = tf.model({ inputs: model.inputs, outputs: model.getLayer('g/up0_shuffle').output });
  tf.tidy(() => {
    const made = shuffled.apply(tf.randomNormal([2, 4, 5, 3], 0, 1, 'float32', 1)) as tf.Tensor4D;
    const firsts = tf.stridedSlice(made, [0, 0, 0, 0], made.shape, [1, 3, 3, 1]) as tf.Tensor4D; // rank 4
    expect(made.dataSync()).toBeAllclose(tf.image.resizeNearestNeighbor(firsts, [12, 15]).dataSync(), { atol: 1e-6 });
    expect(new Set(firsts.dataSync()).size).toBe(firsts.size); // of different places, channels and pictures
  });
  model.dispose();
});

test('other scales are refused', () => {
  expect(() => superResolver({ scale: 8 })).toRefuse('config.invalid', 'superResolver.scale', '8');
});
