// CycleGAN: two iterations against PyTorch in float64 with pools that fill up and swap
// (tests/vectors/game_cyclegan.py), compiled against eager, 50 iterations, and files that take whole pictures.
import { load, runtime } from '@forja/node';
import type { Runtime } from '@forja/core';
import { exportOnnx, makeSystem, type GanSystem } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readGame } from '../vectors/read.mjs';
import { expectGame, expectPlayable, fill } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

type Options = Parameters<typeof makeSystem<'cyclegan'>>[1];

const make = (options: Options, batch: number, a: number[], b = a): GanSystem =>
  makeSystem('cyclegan', options, {
    batch,
    seed: 2,
    data: {
      name: 'two sets',
      count: 8,
      parts: { a: 8, b: 5 },
      fields: {
        a: { shape: a, dtype: 'float32', range: [-1, 1], part: 'a' },
        b: { shape: b, dtype: 'float32', range: [-1, 1], part: 'b' },
      },
    },
  });

describe.each(['cyclegan', 'cyclegan-reflect'])('%s', (name) => {
  test.each(['portable', 'fast', 'eager'] as const)('two iterations are PyTorch’s, pools too, %s', async (way) => {
    const vectors = readGame(name);
    const system = make(vectors.options as Options, vectors.batch, vectors.shape);
    fill(system, vectors);
    await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
    system.dispose();
  });
});

test('three compiled iterations equal tfjs’s, and 50 stay finite', async () => {
  const system = make({ base: 2, blocks: 1, depthD: 1, pool: 4, identity: 0 }, 2, [16, 24, 3], [16, 24, 1]);
  const longer = await expectPlayable(system, host);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  expect(longer.state['pool/count']).toEqual(Float32Array.of(2));
  system.dispose();
});

test('both generators are outputs, with separate files', () => {
  const system = make({ base: 2, blocks: 0, depthD: 1 }, 1, [8, 8, 3]);
  expect(Object.values(system.outputs).map(({ file }) => file)).toEqual(['a-to-b.onnx', 'b-to-a.onnx']);
  system.dispose();
});

test('refuses sets of different sizes, and an identity loss between different channels', () => {
  const refused = (what: string): Error =>
    expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(what) as string }) as Error;
  expect(() => make({}, 1, [8, 8, 3], [8, 12, 3])).toThrow(refused('^config.data: .*cyclegan'));
  expect(() => make({ identity: 5 }, 1, [8, 8, 3], [8, 8, 1])).toThrow(refused('^cyclegan.identity: '));
});

test('discriminators pad if their patches do not fit; different channels are not added', () => {
  const logits = (options: Options, a: number[], b = a): unknown => {
    const system = make({ base: 2, blocks: 0, identity: 0, ...options }, 1, a, b);
    const { d_a, g_ab } = system.networks;
    const found = [d_a!.outputs[0]!.shape[1], g_ab!.layers.some(({ name }) => name === 'g_ab/skip')];
    system.dispose();
    return found;
  };
  expect(logits({}, [40, 40, 3])).toEqual([2, true]); // 34 pixels: 40 → 19 → 8 → 5 → 2
  expect(logits({}, [32, 36, 3])).toEqual([9, true]); // 16 pixels: 32 → 15 → 12 → 9
  expect(logits({}, [8, 8, 3], [8, 8, 1])).toEqual([4, false]); // padded
  expect(logits({ paddingD: 'zeros', skip: 'off' }, [32, 32, 3])).toEqual([16, false]);
  expect(() => make({ paddingD: 'none' }, 1, [8, 8, 3])).toRefuse('config.invalid', 'patch.size', '8 × 8');
  expect(() => make({ skip: 'on', identity: 0 }, 1, [8, 8, 3], [8, 8, 1])).toRefuse(
    'config.invalid',
    'translator.skip',
  );
});

test.each([
  ['of exactly these sizes', {}, 1],
  ['without skip in multiples of 4', { norm: 'instance', padding: 'zeros', skip: 'off' }, 4],
] as const)('a file translates pictures of other sizes as tfjs does, %s', async (_, own, multiple) => {
  const system = make({ base: 2, blocks: 1, depthD: 1, ...own }, 1, [16, 16, 3]);
  const { model, inputs, outputs, kind } = system.outputs['ab']!;
  const { model: bytes } = await exportOnnx(model, {
    inputs: [...inputs],
    outputs: [...outputs],
    layout: { inputs: 'nchw', outputs: 'nchw' },
    metadata: { kind },
    verify: { runtime: host },
  });
  const generator = await load(bytes, { device: 'cpu', threads: 1 });
  for (const [height, width] of [
    [16, 16],
    [20, 28],
    [18, 21],
  ] as const) {
    const data = Float32Array.from({ length: height * width * 3 }, (_, i) => Math.sin(i / 7) * Math.cos(i / 61));
    const expected = tf.tidy(() => {
      const made = (model as (x: tf.Tensor) => tf.Tensor4D)(
        tf.tensor(data, [1, 3, height, width]).transpose([0, 2, 3, 1]),
      );
      return { shape: made.shape, data: made.transpose([0, 3, 1, 2]).dataSync() };
    });
    const up = (edge: number): number => multiple * Math.ceil(edge / multiple);
    expect(expected.shape).toEqual([1, up(height), up(width), 3]);
    const { image } = await generator.run({ a: { shape: [1, 3, height, width], data } });
    expect(image!.shape).toEqual([1, 3, expected.shape[1], expected.shape[2]]);
    expect(image!.data as Float32Array).toBeAllclose(expected.data as Float32Array, { rtol: 1e-4, atol: 1e-5 });
  }
  const data = Uint8ClampedArray.from({ length: 40 * 24 * 3 }, (_, i) => (i * 37) % 256);
  const whole = await generator.translate({ width: 40, height: 24, data });
  expect([whole.width, whole.height]).toEqual([40, 24]);
  await generator.dispose();
  system.dispose();
});
