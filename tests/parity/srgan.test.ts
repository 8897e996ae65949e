// SRGAN: a pixel step and a game step against PyTorch in float64 (tests/vectors/game_srgan.py); compiled against eager;
// a run through both stages, whose file takes pictures of any size; and refusals.
import { load, runtime } from '@forja/node';
import { type Runtime } from '@forja/core';
import { MemoryStore, arrayDataset, makeSystem, train, type GanSystem, type TrainConfig } from '@forja/trainer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGame } from '../vectors/read.mjs';
import { expectGame, expectPlayable, fill } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

type Options = Parameters<typeof makeSystem<'srgan'>>[1];

const make = (options: Options, { batch, shape }: { batch: number; shape: number[] }): GanSystem =>
  makeSystem('srgan', options, {
    batch,
    seed: 2,
    data: { name: 'pictures', count: 8, fields: { image: { shape, dtype: 'float32', range: [-1, 1] } } },
  });

test.each([
  ['srgan', 'portable'],
  ['srgan', 'fast'],
  ['srgan', 'eager'],
  ['srgan-shuffle', 'fast'],
] as const)('a step of each phase is PyTorch’s: %s, %s', async (name, way) => {
  const vectors = readGame(name);
  const system = make(vectors.options as Options, vectors);
  fill(system, vectors);
  await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
  system.dispose();
});

test('three compiled iterations equal tfjs’s, spectral, cropped and × 4, and 50 stay finite', async () => {
  // With a relativistic loss the gradient of D's last bias is 0 up to rounding, which Adam would amplify.
  const rest = { distance: 'charbonnier', loss: 'hinge', adversarialFrom: 0 } as const;
  const options: Options = { base: 4, blocks: 1, crop: 16, depthD: 1, ...rest };
  const system = make(options, { batch: 2, shape: [16, 20, 3] });
  const longer = await expectPlayable(system, host);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  system.dispose();
});

const pictures = arrayDataset({
  name: 'waves',
  data: Uint8Array.from({ length: 6 * 16 * 16 * 3 }, (_, i) => 128 + 100 * Math.sin(i / 7) * Math.cos(i / 61)),
  shape: [16, 16, 3],
});
const small = { system: 'srgan', data: 'folder', base: 4, blocks: 1, crop: 16, depthD: 1, batch: 1, seed: 3 } as const;

test('a run goes through both stages with batch 1, and its file enlarges pictures of any size, in tiles too', async () => {
  const config: TrainConfig = { ...small, scale: 2, steps: 4, adversarialFrom: 2, sampleEvery: 4, sampleCount: 2 };
  const { model, store, exportError = NaN } = await train(config, { dataset: pictures, runtime: host });
  const lines = await store.lines();
  expect(lines.map(({ scalars }) => Object.hasOwn(scalars, 'loss_d'))).toEqual([false, false, true, true]);
  expect(lines.every(({ scalars }) => Number(scalars['pixel']) > 0)).toBe(true);
  expect(exportError).toBeLessThan(1e-4);
  const generator = await load(model!, { device: 'cpu', threads: 1 });
  expect(generator.manifest.kind).toBe('super-resolution');
  const [width, height] = [37, 22];
  const data = Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => (i * 37 + (i % 11) * 5) % 256);
  const whole = await generator.translate({ width, height, data });
  expect([whole.width, whole.height]).toEqual([2 * width, 2 * height]);
  const tiled = await generator.translate({ width, height, data }, { tile: 24, overlap: 12 });
  expect([...tiled.data]).toBeAllclose([...whole.data], { atol: 1 }); // bytes, rounded
  await generator.dispose();
});

test('a run starts from the state of another, and reports which; networks of other sizes are refused', async () => {
  const dataset = arrayDataset({
    name: 'one',
    data: new Uint8Array(768).map((_, i) => (i * 7) % 256),
    shape: [16, 16, 3],
  });
  const run = async (config: object, more: object = {}) => {
    const [store, warnings] = [new MemoryStore(), [] as string[]];
    const onEvent = (event: { type: string; message?: string }): void =>
      void (event.message && warnings.push(event.message));
    await train({ ...small, ...config } as TrainConfig, { dataset, store, runtime: host, onEvent, ...more });
    return { store, warnings, pixel: (await store.lines()).at(-1)?.scalars['pixel'] };
  };
  const first = await run({ turn: false, adversarial: 0, steps: 2 });
  const start = first.store.checkpoints.get(2);
  const [resumed, started] = [
    await run({ turn: false, adversarial: 0, steps: 3 }, { checkpoint: start }),
    await run({ turn: false, adversarialFrom: 1, steps: 1 }, { start }),
  ];
  expect(started.pixel).toBe(resumed.pixel); // the third step of the one is the first of the other
  expect(started.pixel).not.toBe((await first.store.lines())[0]?.scalars['pixel']);
  expect(started.warnings[0]).toMatch(/^started with \d+ tensors of step 2 of 'srgan' \(networks g\); \d+ are new$/);
  await expect(run({ adversarial: 0, steps: 1, base: 6 }, { start })).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringContaining("got 'g/first/kernel' of shape [3, 3, 3, 4]") as string,
  });
});

test.each<[Options, number[], string]>([
  [{ scale: 3, crop: 16 }, [16, 16, 3], 'config.scale: expected a number that divides the crop of 16 pixels, got 3'],
  [{ scale: 4, crop: 32 }, [16, 24, 3], 'config.crop: expected pictures of at least 32 pixels, got 16 × 24'],
  [
    { scale: 2, crop: 12 },
    [16, 16, 3],
    'config.crop: expected a multiple of 8, because the discriminator halves it 3 times',
  ],
  [{ scale: 2 }, [16, 16, 4], "config.channels: expected 1 (grey) or 3 (RGB) for the system 'srgan', got 4"],
])('%j is refused for pictures of %j', (options, shape, message) => {
  expect(() => make(options, { batch: 1, shape })).toThrow(message);
});
