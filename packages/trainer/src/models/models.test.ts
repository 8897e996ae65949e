// Networks: shapes at every kind of size, names, and initial weights that depend on the seed alone.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { dcganDiscriminator, dcganGenerator } from './dcgan.js';
import { dcganDeviation, heDeviation, initialise } from './initialise.js';
import { mlp } from './mlp.js';
import { mapSizes } from './sizes.js';

test('maps halve while even and above 7', () => {
  expect([8, 12, 16, 20, 28, 32, 36, 64, 128].map((size) => mapSizes(size).map(([height]) => height))).toEqual([
    [4],
    [6],
    [8, 4],
    [10, 5],
    [14, 7],
    [16, 8, 4],
    [18, 9],
    [32, 16, 8, 4],
    [64, 32, 16, 8, 4],
  ]);
});

test('maps of rectangles halve together, until one edge is odd or below 8', () => {
  expect(mapSizes([32, 64]).map(String)).toEqual(['16,32', '8,16', '4,8']);
  expect(mapSizes([64, 8]).map(String)).toEqual(['32,4']);
  expect(mapSizes([20, 64]).map(String)).toEqual(['10,32', '5,16']);
  expect(() => mapSizes([8, 18])).toThrow(/multiple of 4 from 8 to 1024, got 18/);
});

test.each([0, 7, 30, 4, 2048, NaN, 28.5])('size %d is refused', (size) => {
  expect(() => mapSizes(size)).toThrow(
    expect.objectContaining({
      code: 'config.invalid',
      message: `size: expected a multiple of 4 from 8 to 1024, got ${size}`,
    }),
  );
});

test.each([
  [28, 1, undefined],
  [32, 3, undefined],
  [36, 2, undefined],
  [8, 1, 'avg'],
  [20, 3, 'max'],
] as const)('generator and discriminator fit each other at %d×%d, pool %s', (size, channels, pool) => {
  const config = { size, channels, base: 2 };
  const [g, d] = [
    dcganGenerator({ ...config, latent: 5 }),
    dcganDiscriminator({ ...config, ...(pool === undefined ? {} : { pool }) }),
  ];
  expect([g.inputs[0]?.shape, g.outputs[0]?.shape]).toEqual([
    [null, 5],
    [null, size, size, channels],
  ]);
  expect([d.inputs[0]?.shape, d.outputs[0]?.shape]).toEqual([
    [null, size, size, channels],
    [null, 1],
  ]);
  g.dispose();
  d.dispose();
});

test('a discriminator without norms has a bias in every layer', () => {
  const d = dcganDiscriminator({ size: 16, base: 2, norm: 'none' });
  expect(d.weights.map((w) => w.originalName)).toEqual(
    ['conv0', 'conv1', 'dense'].flatMap((layer) => [`d/${layer}/kernel`, `d/${layer}/bias`]),
  );
  d.dispose();
});

test('kernels are drawn from the seed; biases, offsets and scales keep their layer’s values', () => {
  const draw = (seed: number): Map<string, Float32Array> => {
    const model = dcganGenerator({ size: 28, base: 32, latent: 100 });
    initialise(model, { seed, deviation: dcganDeviation });
    // all are float32
    const values = new Map(model.weights.map((w) => [w.originalName, w.read().dataSync() as Float32Array]));
    model.dispose();
    return values;
  };
  const [a, again, b] = [draw(1), draw(1), draw(2)];
  expect(again).toEqual(a);
  expect(b.get('g/up0/kernel')).not.toEqual(a.get('g/up0/kernel'));
  const kernel = a.get('g/up0/kernel') ?? new Float32Array(0);
  const mean = kernel.reduce((s, x) => s + x, 0) / kernel.length;
  const deviation = Math.sqrt(kernel.reduce((s, x) => s + (x - mean) ** 2, 0) / kernel.length);
  // 32,768 draws: five standard errors
  expect(Math.abs(mean)).toBeLessThan((5 * 0.02) / Math.sqrt(kernel.length));
  expect(Math.abs(deviation / 0.02 - 1)).toBeLessThan(5 / Math.sqrt(2 * kernel.length));
  expect(new Set(a.get('g/up0_norm/gamma'))).toEqual(new Set([1]));
  expect(new Set([...(a.get('g/up0_norm/beta') ?? [NaN]), ...(a.get('g/last/bias') ?? [NaN])])).toEqual(new Set([0]));
});

test('an MLP is dense layers with an activation between', () => {
  const model = mlp({ input: 3, hidden: [8, 4], output: 2, activation: 'tanh', name: 'm' });
  initialise(model, { seed: 0, deviation: heDeviation });
  const x = tf.tensor2d([[1, -2, 0.5]]);
  const [y, wanted] = tf.tidy(() => {
    const [w0, b0, w1, b1, w2, b2] = model.getWeights() as [
      tf.Tensor2D,
      tf.Tensor,
      tf.Tensor2D,
      tf.Tensor,
      tf.Tensor2D,
      tf.Tensor,
    ]; // three dense layers
    const h = tf.tanh(
      tf.add(tf.matMul<tf.Tensor2D>(tf.tanh(tf.add<tf.Tensor2D>(tf.matMul(x, w0), b0)), w1), b1),
    ) as tf.Tensor2D;
    return [(model.apply(x) as tf.Tensor).dataSync(), tf.add(tf.matMul(h, w2), b2).dataSync()];
  });
  expect(y).toBeAllclose(wanted, { rtol: 1e-6 });
  expect(model.weights.map((w) => w.originalName)).toEqual(
    [0, 1, 2].flatMap((i) => [`m/dense${i}/kernel`, `m/dense${i}/bias`]),
  );
  tf.dispose(x);
  model.dispose();
});
