// Networks with several paths: shapes at each kind of size, names of weights, refusals, and serialization.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { withRandom } from '../trace/random.js';
import { heDeviation, initialise } from './initialise.js';
import { patchDiscriminator } from './patch.js';
import { residualDiscriminator, residualGenerator } from './residual.js';
import { withTaps } from './taps.js';
import { translator } from './translator.js';
import { unet } from './unet.js';

interface Network {
  make: () => tf.LayersModel;
  inputs: (number | null)[][];
  output: (number | null)[];
}
const small = { base: 4, size: 16 };
const NETWORKS: Record<string, Network> = {
  'U-Net': {
    make: () => unet({ size: [16, 32], input: 1, output: 2, base: 2, depth: 3, dropout: 0.5 }),
    inputs: [[null, 16, 32, 1]],
    output: [null, 16, 32, 2],
  },
  'U-Net with transposed convolutions, batch norm': {
    make: () => unet({ ...small, depth: 4, up: 'transposed', norm: 'batch' }),
    inputs: [[null, 16, 16, 3]],
    output: [null, 16, 16, 3],
  },
  'patch discriminator': {
    make: () => patchDiscriminator({ size: [16, 24], channels: 6, base: 2, depth: 2, norm: 'batch' }),
    inputs: [[null, 16, 24, 6]],
    output: [null, 4, 6, 1],
  },
  'patch discriminator, spectral': {
    make: () => patchDiscriminator({ ...small, depth: 1, norm: 'none', spectral: true, name: 'd' }),
    inputs: [[null, 16, 16, 3]],
    output: [null, 8, 8, 1],
  },
  'patch discriminator without padding': {
    make: () =>
      patchDiscriminator({ size: [16, 20], base: 2, depth: 1, padding: 'none', spectral: true, norm: 'none' }),
    inputs: [[null, 16, 20, 3]],
    output: [null, 1, 3, 1],
  },
  translator: {
    make: () => translator({ size: [16, 20], input: 3, output: 1, base: 2, blocks: 2 }),
    inputs: [[null, 16, 20, 3]],
    output: [null, 16, 20, 1],
  },
  'translator without norm, with transposed convolutions': {
    make: () => translator({ ...small, blocks: 0, norm: 'none', up: 'transposed' }),
    inputs: [[null, 16, 16, 3]],
    output: [null, 16, 16, 3],
  },
  'translator that reflects and adds its input': {
    make: () => translator({ ...small, blocks: 1, norm: 'none', padding: 'reflect', skip: true }),
    inputs: [[null, 16, 16, 3]],
    output: [null, 16, 16, 3],
  },
  'residual generator': {
    make: () => residualGenerator({ ...small, latent: 5, attention: 8, spectral: true }),
    inputs: [[null, 5]],
    output: [null, 16, 16, 3],
  },
  'residual generator with classes': {
    make: () => residualGenerator({ size: 28, channels: 1, base: 2, latent: 5, classes: 10, attention: 7 }),
    inputs: [[null, 5], [null]],
    output: [null, 28, 28, 1],
  },
  'residual generator without norms, wider where smaller': {
    make: () => residualGenerator({ ...small, widest: 12, latent: 5, norm: 'none', output: 'sigmoid' }),
    inputs: [[null, 5]],
    output: [null, 16, 16, 3],
  },
  'residual discriminator': {
    make: () => residualDiscriminator({ ...small, spectral: false, deviation: 2, attention: 8 }),
    inputs: [[null, 16, 16, 3]],
    output: [null, 1],
  },
  'residual discriminator with classes': {
    make: () => residualDiscriminator({ ...small, classes: 10 }),
    inputs: [[null, 16, 16, 3], [null]],
    output: [null, 1],
  },
};

/** Feeds without our random generator; labels are whole numbers. */
function feeds(model: tf.LayersModel): tf.Tensor[] {
  return model.inputs.map(({ shape, dtype }) => {
    const size = [2, ...shape.slice(1).map(Number)];
    const count = size.reduce((a, b) => a * b, 1);
    return dtype === 'int32'
      ? tf.tensor(
          Int32Array.from({ length: count }, (_, i) => i % 3),
          size,
          'int32',
        )
      : tf.tensor(
          Float32Array.from({ length: count }, (_, i) => ((i * 0.754877666) % 1) * 2 - 1),
          size,
        );
  });
}
const call = (model: tf.LayersModel, training: boolean): Float32Array =>
  tf.tidy(() =>
    withRandom({ seed: 0, step: 0 }, () =>
      (model.apply(feeds(model), { training }) as tf.Tensor).dataSync<'float32'>(),
    ),
  );

describe.each(Object.entries(NETWORKS))('%s', (_, { make, inputs, output }) => {
  test('has its shapes, and finite results in training and inference', () => {
    const model = make();
    initialise(model, { seed: 1, deviation: heDeviation });
    expect(model.inputs.map((x) => x.shape)).toEqual(inputs);
    expect(model.outputs.map((x) => x.shape)).toEqual([output]);
    for (const training of [true, false]) {
      const values = call(model, training);
      expect(values).toHaveLength(output.slice(1).reduce<number>((a, b) => a * Number(b), 2));
      expect(values.every(Number.isFinite)).toBe(true);
      expect(new Set(values).size).toBeGreaterThan(1);
    }
    model.dispose();
  });

  test('names its weights uniquely, with its own prefix, and always the same', () => {
    const [a, b] = [make(), make()];
    const names = a.weights.map((w) => w.originalName);
    expect(b.weights.map((w) => w.originalName)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !name.startsWith(`${a.name}/`) || /_\d+$/.test(name))).toEqual([]);
    a.dispose();
    b.dispose();
  });

  test('comes back from JSON', async () => {
    const model = make();
    initialise(model, { seed: 1, deviation: heDeviation });
    // tfjs's types call what it writes a string and what it reads an object
    const saved = { modelTopology: model.toJSON(undefined, false) } as unknown as tf.io.ModelJSON;
    const again = await tf.models.modelFromJSON(saved);
    again.setWeights(model.getWeights());
    expect(call(again, false)).toEqual(call(model, false));
    again.dispose();
    model.dispose();
  });
});

test('a weight’s initial value depends on the seed and its name alone, not on other layers', () => {
  const first = (config: Parameters<typeof translator>[0], seed = 3): Map<string, Float32Array> => {
    const model = translator({ ...small, ...config });
    initialise(model, { seed, deviation: () => 1 });
    const values = model.weights.map((w): [string, Float32Array] => [w.originalName, w.read().dataSync<'float32'>()]);
    model.dispose();
    return new Map(values);
  };
  const [short, long, other] = [first({ blocks: 1 }), first({ blocks: 2, norm: 'batch' }), first({ blocks: 1 }, 4)];
  const kernels = [...short.keys()].filter((name) => name.endsWith('/kernel'));
  expect(kernels.length).toBeGreaterThan(5);
  for (const name of kernels) {
    expect(long.get(name), name).toEqual(short.get(name));
    expect(other.get(name), name).not.toEqual(short.get(name));
  }
  const starts = kernels.map((name) => short.get(name)?.[0]);
  expect(new Set(starts).size).toBe(kernels.length);
});

test('a translator with skip begins as the tanh of a picture of any size, and does not see where a border is', () => {
  const model = translator({ open: true, base: 2, blocks: 1, norm: 'none', padding: 'reflect', skip: true });
  tf.tidy(() => {
    const x = tf.tensor4d(
      Float32Array.from({ length: 13 * 18 * 3 }, (_, i) => Math.sin(i)),
      [1, 13, 18, 3],
    );
    // its weights are zeros until they are drawn
    const made = model.apply(x) as tf.Tensor;
    expect(made.shape).toEqual(x.shape);
    expect(made.dataSync<'float32'>()).toBeAllclose(x.dataSync<'float32'>().map(Math.tanh), { atol: 1e-6 });
    initialise(model, { seed: 1, deviation: heDeviation });
    // of a picture of one colour, every pixel is the same: with zeros around it, those near a border would differ
    const flat = model.apply(tf.fill([1, 12, 12, 3], 0.3)) as tf.Tensor;
    const [first] = tf.split(flat.reshape([-1, 3]), [1, 143]);
    expect(tf.sub(flat, first!).abs().max().dataSync()[0]).toBeLessThan(1e-4);
  });
  model.dispose();
});

test('taps are hidden layers over the same weights', () => {
  const model = patchDiscriminator({ ...small, depth: 2 });
  initialise(model, { seed: 1, deviation: heDeviation });
  const tapped = withTaps(model, ['d/conv0_leaky', 'd/conv1']);
  expect(tapped.outputs.map((x) => x.shape)).toEqual([
    [null, 4, 4, 1],
    [null, 8, 8, 4],
    [null, 4, 4, 8],
  ]);
  tf.tidy(() => {
    const [logits] = tapped.apply(feeds(model)) as tf.Tensor[];
    expect(logits?.dataSync()).toEqual(call(model, false));
  });
  expect(tapped.weights.map((w) => w.read())).toEqual(model.weights.map((w) => w.read()));
  expect(() => withTaps(model, ['d/conv9'])).toThrow(expect.objectContaining({ code: 'config.invalid' }) as Error);
  model.dispose();
});

test.each([
  () => unet({ size: 24, depth: 4 }),
  () => unet({ size: [32, 33], depth: 1 }),
  () => unet({ base: 0 }),
  () => patchDiscriminator({ size: 20, depth: 3 }),
  () => patchDiscriminator({ depth: 0 }),
  () => patchDiscriminator({ size: 32, depth: 2, padding: 'none' }),
  () => translator({ input: 3, output: 1, skip: true }),
  () => translator({ size: 30 }),
  () => translator({ blocks: 1.5 }),
  () => residualGenerator({ size: 30 }),
  () => residualDiscriminator({ classes: 0 }),
  () => residualGenerator({ classes: 2, norm: 'none' }),
  () => residualDiscriminator({ size: 16, attention: 16 }),
])('configuration %# makes no network', (make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'config.invalid' }) as Error);
});
