// The files of StyleGAN2: truncation and mixing as inputs of one file, styles from it into the other, and `sample`. Its
// game: games.test.ts; a whole run: train-systems.test.ts.
import { load, runtime } from '@forja/node';
import { latents, philoxNormal, readManifest, type Generator, type NamedTensors, type Runtime } from '@forja/core';
import { exportOnnx, makeSystem, type GanSystem } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const LATENT = 4;
const LAYERS = 4;
const NOISE = 16 + 2 * 64;
let host: Runtime;
let system: GanSystem;
let generator: Generator;
let synthesis: Generator;
let meanW: Float32Array;

beforeAll(async () => {
  host = runtime({ device: 'cpu', threads: 1 });
  system = makeSystem(
    'stylegan',
    { base: 2, widest: 4, latent: LATENT, style: 5, depth: 2 },
    {
      batch: 2,
      data: { name: 'none', count: 2, fields: { image: { shape: [8, 8, 3], dtype: 'float32', range: [-1, 1] } } },
    },
  );
  // as after some training: noise has an effect, styles differ from their mean
  for (const [i, variable] of system.variables.entries())
    if (/^average\/.*(strength|bias)$|^mean_w$/.test(variable.name))
      tf.tidy(() =>
        variable.assign(
          tf.add(
            variable,
            tf.tensor(philoxNormal({ seed: 1, stream: i, step: 0 }, variable.size), variable.shape).mul(0.3),
          ),
        ),
      );
  meanW = system.variables.find(({ name }) => name === 'mean_w')?.dataSync() as Float32Array;
  const files: Uint8Array[] = [];
  for (const { model, inputs, outputs, kind } of Object.values(system.outputs)) {
    const { model: bytes, report } = await exportOnnx(model, {
      inputs: [...inputs],
      outputs: [...outputs],
      layout: { inputs: 'nchw', outputs: 'nchw' },
      metadata: { kind },
      verify: { runtime: host },
    });
    expect(report.verified).toBe('passed');
    files.push(bytes);
  }
  expect(files.map((bytes) => readManifest(bytes)?.inputs.map(({ name, role }) => `${name}: ${role}`))).toEqual([
    ['z: latent', 'psi: psi', 'mix: mix', 'layer: layer', 'noise: noise'],
    ['styles: tensor', 'noise: noise'],
  ]);
  [generator, synthesis] = (await Promise.all(files.map((bytes) => load(bytes, { device: 'cpu', threads: 1 })))) as [
    Generator,
    Generator,
  ];
}, 120_000);
afterAll(async () => {
  await generator.dispose();
  await synthesis.dispose();
  await host.dispose();
  system.dispose();
});

const [A, B] = [latents(1, 0, 2, LATENT), latents(2, 0, 2, LATENT)];
const quiet = new Float32Array(2 * NOISE);
const loud = philoxNormal({ seed: 4, stream: 0, step: 0 }, 2 * NOISE);

/** Two rows of the generator's file. */
async function rows(given: {
  z?: Float32Array;
  mix?: Float32Array;
  psi?: number;
  layer?: number;
  noise?: Float32Array;
}) {
  const { z = A, mix = B, psi = 1, layer = LAYERS, noise = quiet } = given;
  const feeds = {
    z,
    mix,
    noise,
    psi: Float32Array.of(psi, psi),
    layer: Int32Array.of(layer, layer),
  };
  const { image, styles } = (await generator.run(feeds)) as NamedTensors &
    Record<'image' | 'styles', { data: Float32Array }>;
  return { image: image.data, styles: styles.data };
}

describe('the generator’s file', () => {
  test('ψ = 0 gives the picture of the mean style, ψ = 1 no truncation', async () => {
    const { image, styles } = await rows({ psi: 0 });
    const all = Float32Array.from({ length: 2 * LAYERS * 5 }, (_, i) => meanW[i % 5] ?? NaN);
    expect(styles).toBeAllclose(all, { atol: 1e-7 });
    const { image: mean } = await synthesis.run({ styles: all, noise: quiet });
    expect(image).toBeAllclose(mean?.data as Float32Array, { atol: 1e-6 });
    expect(image.slice(0, 192)).toEqual(image.slice(192)); // of both latents
    const free = (await rows({ psi: 1 })).image;
    expect(free.slice(0, 192)).not.toEqual(free.slice(192));
    const half = await rows({ psi: 0.5 });
    const whole = await rows({ psi: 1 });
    expect(half.styles).toBeAllclose(
      whole.styles.map((x, i) => (x + (meanW[i % 5] ?? NaN)) / 2),
      { atol: 1e-6 },
    );
  });

  test('mixing from layer 0 uses the second latent only, from the last the first only, else both', async () => {
    const [a, b] = [await rows({}), await rows({ z: B, mix: A })];
    expect(await rows({ layer: 0 })).toEqual(b);
    expect((await rows({ mix: A })).image).toEqual(a.image); // unmixed, with any second latent
    const { styles } = await rows({ layer: 1 });
    expect(styles.slice(0, 5)).toEqual(a.styles.slice(0, 5));
    expect(styles.slice(5, 20)).toEqual(b.styles.slice(5, 20));
  });

  test('noise changes the picture but no style; the other file takes the styles', async () => {
    const [still, noisy] = [await rows({}), await rows({ noise: loud })];
    expect(noisy.styles).toEqual(still.styles);
    expect(noisy.image).not.toEqual(still.image);
    const { image } = await synthesis.run({ styles: noisy.styles, noise: loud });
    expect(image?.data).toBeAllclose(noisy.image, { atol: 1e-6 });
  });
});

test('sample truncates, mixes, and chooses noise', async () => {
  const pixels = async (options: Parameters<Generator['sample']>[0]): Promise<number[]> =>
    Array.from((await generator.sample({ count: 2, seed: 1, ...options })).data);
  const plain = await pixels({});
  expect(await pixels({ truncation: { psi: 1 } })).toEqual(plain);
  expect(await pixels({ truncation: { psi: 0.3 } })).not.toEqual(plain);
  expect(await pixels({ mix: { seed: 2, from: LAYERS } })).toEqual(plain);
  expect(await pixels({ noise: { seed: 1 } })).toEqual(plain);
  expect(await pixels({ seed: 2, noise: { seed: 1 } })).not.toEqual(plain);
  const noise = (seed: number): Float32Array =>
    Float32Array.from([0, 1].flatMap((i) => [...philoxNormal({ seed, stream: 0, step: i }, NOISE)]));
  const byHand = await rows({ layer: 2, psi: 0.5, noise: noise(1) });
  const mixed = await generator.sample({ count: 2, seed: 1, mix: { seed: 2, from: 2 }, truncation: { psi: 0.5 } });
  expect(mixed.channels).toBe(3);
  const off = (image: ArrayLike<number>, got: ArrayLike<number>): number =>
    Math.max(
      ...Array.from({ length: 2 * 64 * 3 }, (_, k) => {
        const [n, at, c] = [Math.floor(k / 192), Math.floor((k % 192) / 3), k % 3];
        const wanted = (image[n * 192 + c * 64 + at] ?? NaN) * 127.5 + 127.5; // the file is NCHW
        return Math.abs(wanted - (got[k] ?? NaN));
      }),
    );
  expect(off(byHand.image, mixed.data)).toBeLessThanOrEqual(0.51);
  for (const [of, own] of [
    [noise(2), { noise: { seed: 2 } }],
    [new Float32Array(2 * NOISE), { noise: 'none' }],
  ] as const)
    expect(off((await rows({ noise: of })).image, await pixels(own))).toBeLessThanOrEqual(0.51);
});
