// Generators with `lowering: 'auto'` on the CPU against onnxruntime's own convolutions: pictures differ only by
// rounding, and do not depend on their batch.
import { readFileSync } from 'node:fs';
import { load, runtime } from '@forja/node';
import { ModelFormatError, UsageError, type NamedTensors, type Runtime } from '@forja/core';
import { decodeModel, encodeModel, fastConvolutions, GraphBuilder, type Model } from '@forja/core/onnx';
import { dcgan } from '@forja/trainer';
import type * as tf from '@tensorflow/tfjs';
import { exportOnnx } from '@forja/trainer/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unsettle } from './support/random-models.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 2 });
});
afterAll(() => host.dispose());

/** Numbers in [-1.5, 1.5) without a repeating pattern. */
const spread = (count: number, phase: number): Float32Array =>
  Float32Array.from(
    { length: count },
    (_, i) => 3 * ((((i + 1) * 0.754877666 + phase * 0.569840291 + ((i * i) % 7919) * 0.0123) % 1) - 0.5),
  );

/** Latents; those of a small batch are the first of a large one. */
const latents = (input: string, batch: number, length: number): NamedTensors => ({
  [input]: { dtype: 'float32', shape: [batch, length], data: spread(64 * length, 1).slice(0, batch * length) },
});

// every model here has one output of floats
const floats = (results: NamedTensors): Float32Array => Object.values(results)[0]?.data as Float32Array;

/** Largest difference, as a fraction of the largest magnitude. */
function maxDifference(got: Float32Array, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  const most = wanted.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-30);
  return got.reduce((max, v, i) => Math.max(max, Math.abs(v - (wanted[i] ?? NaN))), 0) / most;
}

/**
 * Runs both models at batches 1, 3 and 16: within 1e-5 of each other, and each picture with the same bits whatever its
 * batch.
 */
async function sameAs(plain: Model, fast: Model, input: string, length: number): Promise<void> {
  const [wanted, got] = [await host.createSession(encodeModel(plain)), await host.createSession(encodeModel(fast))];
  let first: Float32Array | undefined;
  for (const batch of [1, 3, 16]) {
    const pictures = floats(await got.run(latents(input, batch, length)));
    expect(maxDifference(pictures, floats(await wanted.run(latents(input, batch, length))))).toBeLessThanOrEqual(1e-5);
    first ??= pictures;
    expect(pictures.slice(0, first.length)).toEqual(first);
  }
  await Promise.all([wanted.dispose(), got.dispose()]);
}

/** A latent of four numbers, made a picture of `channels` × size², and what `net` does with it. */
function generator(
  channels: number,
  size: number,
  net: (g: GraphBuilder, x: ReturnType<GraphBuilder['op']>) => ReturnType<GraphBuilder['op']>,
  opset = 21,
  batch: string | number = 'batch',
): Model {
  const g = new GraphBuilder({ opset });
  const z = g.input('z', 'float32', [batch, 4]);
  const dense = g.op('Gemm', [
    z,
    g.constant('float32', [4, channels * size * size], spread(4 * channels * size * size, 2)),
  ]);
  g.output('picture', net(g, g.op('Reshape', [dense, g.constant('int64', [4], [-1, channels, size, size])])));
  return g.build();
}

const weights = (g: GraphBuilder, shape: readonly number[], phase: number) =>
  g.constant(
    'float32',
    shape,
    spread(
      shape.reduce((a, b) => a * b, 1),
      phase,
    ).map((v) => v / 16),
  );

/** The names of every algorithm of every convolution of a model, from the error that lists them. */
function algorithmsOf(model: Model): Record<string, string[]> {
  const nodes = (model.graph?.nodes ?? []).filter(({ opType }) => opType === 'Conv' || opType === 'ConvTranspose');
  return Object.fromEntries(
    nodes.flatMap(({ name = '' }) => {
      try {
        fastConvolutions(model, { algorithms: { [name]: 'none' } });
        return [];
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        const [, list = ''] = /expected (.*), got/.exec(String(error)) ?? [];
        return [[name, list.split(' | ').filter((each) => each !== 'portable')] as const];
      }
    }),
  );
}

describe('one convolution, by every algorithm that it has', () => {
  const shapes = [
    {
      name: 'transposed 4×4, stride 2',
      opType: 'ConvTranspose',
      size: 5,
      kernel: 4,
      stride: 2,
      pads: [1, 1, 1, 1],
      count: 6,
    },
    {
      name: 'transposed 2×2, stride 2, no padding',
      opType: 'ConvTranspose',
      size: 4,
      kernel: 2,
      stride: 2,
      pads: [0, 0, 0, 0],
      count: 0,
    },
    {
      name: 'transposed 3×3, stride 1',
      opType: 'ConvTranspose',
      size: 6,
      kernel: 3,
      stride: 1,
      pads: [1, 1, 1, 1],
      count: 4,
    },
    {
      name: 'transposed 4×4, uneven padding',
      opType: 'ConvTranspose',
      size: 4,
      kernel: 4,
      stride: 2,
      pads: [0, 1, 2, 1],
      count: 4,
    },
    { name: '3×3, stride 1', opType: 'Conv', size: 7, kernel: 3, stride: 1, pads: [1, 1, 1, 1], count: 4 },
    { name: '3×3, no padding', opType: 'Conv', size: 7, kernel: 3, stride: 1, pads: [0, 0, 0, 0], count: 4 },
    { name: '4×4, stride 2', opType: 'Conv', size: 10, kernel: 4, stride: 2, pads: [1, 1, 1, 1], count: 6 },
  ] as const;

  test.each(shapes)('$name', async ({ opType, size, kernel, stride, pads, count }) => {
    const [from, to] = [9, 10];
    const model = generator(from, size, (g, x) => {
      const shape = opType === 'Conv' ? [to, from, kernel, kernel] : [from, to, kernel, kernel];
      return g.op(opType, [x, weights(g, shape, 3), weights(g, [to], 4)], {
        strides: [stride, stride],
        pads: [...pads],
      });
    });
    const algorithms = algorithmsOf(model)[opType] ?? [];
    expect(algorithms).toHaveLength(count);
    for (const algorithm of algorithms) {
      const { model: fast, convolutions } = fastConvolutions(model, { algorithms: { [opType]: algorithm } });
      expect(convolutions).toEqual({ [opType]: algorithm });
      await sameAs(model, fast, 'z', 4);
    }
  });
});

describe('nodes between convolutions', () => {
  /** Two transposed convolutions with `between` them, both replaced. */
  async function between(
    net: (g: GraphBuilder, x: ReturnType<GraphBuilder['op']>) => ReturnType<GraphBuilder['op']>,
    options: { opset?: number; batch?: number } = {},
  ): Promise<string[]> {
    const up = { strides: [2, 2], pads: [1, 1, 1, 1] };
    const model = generator(
      8,
      4,
      (g, x) =>
        g.op(
          'ConvTranspose',
          [net(g, g.op('ConvTranspose', [x, weights(g, [8, 9, 4, 4], 5)], up)), weights(g, [9, 8, 4, 4], 6)],
          up,
        ),
      options.opset,
      options.batch,
    );
    const { model: fast, convolutions } = fastConvolutions(model, {
      algorithms: { ConvTranspose: 'winograd F(2, 2)', ConvTranspose_1: 'winograd F(4, 2), packed' },
    });
    expect(Object.keys(convolutions)).toEqual(['ConvTranspose', 'ConvTranspose_1']);
    if (options.batch === undefined) await sameAs(model, fast, 'z', 4);
    else {
      const [wanted, got] = [await host.createSession(encodeModel(model)), await host.createSession(encodeModel(fast))];
      expect(
        maxDifference(
          floats(await got.run(latents('z', options.batch, 4))),
          floats(await wanted.run(latents('z', options.batch, 4))),
        ),
      ).toBeLessThanOrEqual(1e-5);
      await Promise.all([wanted.dispose(), got.dispose()]);
    }
    return (fast.graph?.nodes ?? []).flatMap(({ opType = '', inputs }) =>
      opType === 'Transpose' && inputs.length === 1 ? [opType] : [],
    );
  }

  const rows: Record<string, (g: GraphBuilder, x: ReturnType<GraphBuilder['op']>) => ReturnType<GraphBuilder['op']>> = {
    nothing: (_, x) => x,
    'an activation': (g, x) => g.op('LeakyRelu', [x], { alpha: 0.3 }),
    'batch norm': (g, x) =>
      g.op(
        'BatchNormalization',
        [
          x,
          weights(g, [9], 7),
          weights(g, [9], 8),
          weights(g, [9], 9),
          g.constant(
            'float32',
            [9],
            spread(9, 10).map((v) => 1.6 + v),
          ),
        ],
        { epsilon: 1e-3 },
      ),
    'PRelu by channel': (g, x) => g.op('PRelu', [x, weights(g, [9, 1, 1], 7)]),
    'a number': (g, x) => g.op('Mul', [x, g.constant('float32', [], [0.7])]),
    'a sum with itself': (g, x) => g.op('Add', [g.op('Tanh', [x]), x]),
  };
  test.each(Object.keys(rows))('%s stays in the layout of the products', async (name) => {
    const none = await between((_, x) => x);
    expect(await between(rows[name] ?? ((_, x) => x))).toEqual(none);
  });

  test('a constant picture, a mean and a resize keep their own layout', async () => {
    const none = await between((_, x) => x);
    for (const net of [
      (g: GraphBuilder, x: ReturnType<GraphBuilder['op']>) => g.op('Add', [x, weights(g, [9, 8, 8], 7)]),
      (g: GraphBuilder, x: ReturnType<GraphBuilder['op']>) =>
        g.op('Mul', [x, g.op('ReduceMean', [x, g.constant('int64', [2], [2, 3])], { keepdims: 1 })]),
    ])
      expect((await between(net)).length).toBeGreaterThan(none.length);
  });

  test('a fixed batch, and older operators', async () => {
    await between((g, x) => g.op('Relu', [x]), { batch: 5 });
    await between((g, x) => g.op('Relu', [x]), { opset: 17 });
  });
});

test('a generator that PyTorch wrote', async () => {
  const model = decodeModel(new Uint8Array(readFileSync(new URL('../vectors/torch-generator.onnx', import.meta.url))));
  const algorithms = Object.fromEntries(
    Object.entries(algorithmsOf(model)).flatMap(([name, [first]]) => (first === undefined ? [] : [[name, first]])),
  );
  expect(Object.keys(algorithms).length).toBeGreaterThanOrEqual(2);
  const { model: fast, convolutions } = fastConvolutions(model, { algorithms });
  expect(convolutions).toEqual(algorithms);
  await sameAs(model, fast, 'z', 8);
});

describe('DCGANs of width 64', () => {
  let bytes: Uint8Array;
  beforeAll(async () => {
    const { g: net } = dcgan({ size: 32, channels: 3, base: 64, latent: 100, batch: 16 }).networks as Record<
      'g',
      tf.LayersModel
    >;
    ({ model: bytes } = await exportOnnx(unsettle(net, 5), { layout: { outputs: 'nchw' }, verify: false }));
  });

  test('load with deterministic uses the cheapest algorithms, reports them, and makes the same pictures', async () => {
    const [auto, portable] = [
      await load(bytes, { device: 'cpu', deterministic: true }),
      await load(bytes, { device: 'cpu', lowering: 'portable' }),
    ];
    expect(Object.keys(auto.device.convolutions ?? {})).toHaveLength(2);
    expect(portable.device.convolutions).toBeUndefined();
    const [a, b] = [await auto.sample({ seed: 3, count: 16 }), await portable.sample({ seed: 3, count: 16 })];
    // a step of 1/255, where rounding goes the other way
    expect(a.data.reduce((max, v, i) => Math.max(max, Math.abs(v - (b.data[i] ?? NaN))), 0)).toBeLessThanOrEqual(1);
    const noise = latents(decodeModel(bytes).graph?.inputs[0]?.name ?? '', 16, 100);
    const [fast, plain] = [await host.createSession(bytes, { lowering: 'auto' }), await host.createSession(bytes)];
    expect(maxDifference(floats(await fast.run(noise)), floats(await plain.run(noise)))).toBeLessThanOrEqual(1e-5);
    await Promise.all([fast.dispose(), plain.dispose()]);
    expect((await auto.sample({ seed: 3, count: 1 })).data).toEqual(a.data.slice(0, a.data.length / 16));
    await Promise.all([auto.dispose(), portable.dispose()]);
  });

  test("a session keeps the file's own convolutions by default, and with state", async () => {
    const [plain, asked] = [await host.createSession(bytes), await host.createSession(bytes, { lowering: 'auto' })];
    expect([plain.device.convolutions, Object.keys(asked.device.convolutions ?? {}).length]).toEqual([undefined, 2]);
    await Promise.all([plain.dispose(), asked.dispose()]);
    await expect(host.createSession(bytes, { lowering: 'fast' as 'auto' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('auto, portable') as string,
    });
  });
});

test('a damaged file is rewritten, left as it is or refused as a bad model, and nothing else', () => {
  const bytes = new Uint8Array(readFileSync(new URL('../vectors/torch-generator.onnx', import.meta.url)));
  let state = 1;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  let [taken, refused] = [0, 0];
  for (let i = 0; i < 500; i++) {
    const damaged = bytes.slice();
    // Near the front, where the nodes are: changed weights do not matter here.
    for (let j = 0; j < 3; j++) damaged[Math.floor(random() * random() * damaged.length)] = Math.floor(random() * 256);
    try {
      const model = decodeModel(damaged);
      const algorithms = Object.fromEntries(
        Object.entries(algorithmsOf(model)).flatMap(([name, known]) =>
          known.slice(i % 2, (i % 2) + 1).map((algorithm) => [name, algorithm]),
        ),
      );
      taken += Object.keys(fastConvolutions(model, { algorithms }).convolutions).length;
    } catch (error) {
      expect(error).toBeInstanceOf(ModelFormatError);
      refused++;
    }
  }
  expect([taken > 1000, refused > 30]).toEqual([true, true]);
});

test('weights of fewer numbers than their sizes say leave a convolution as it is', () => {
  const model = generator(9, 4, (g, x) =>
    g.op('ConvTranspose', [x, weights(g, [9, 8, 4, 4], 5)], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  );
  expect(algorithmsOf(model)['ConvTranspose']).not.toEqual([]);
  const tensor = model.graph?.initializers.find(({ dims }) => dims.length === 4);
  if (tensor?.rawData) tensor.rawData = tensor.rawData.slice(3);
  expect(algorithmsOf(model)).toEqual({});
});

test('an algorithm that cannot compute the convolution is refused by name', () => {
  const model = generator(9, 4, (g, x) =>
    g.op('ConvTranspose', [x, weights(g, [9, 8, 3, 3], 5)], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  );
  expect(() => fastConvolutions(model, { algorithms: { ConvTranspose: 'winograd F(2, 2)' } })).toThrow(
    /ConvTranspose'\]: expected portable, got 'winograd F\(2, 2\)'/,
  );
  expect(fastConvolutions(model)).toEqual({ model, convolutions: {}, from: 1 });
});
