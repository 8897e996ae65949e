// Lowered programs of small networks, run in onnxruntime, against tfjs; and what their graphs consist of.
import { encodeModel } from '@forja/core/onnx';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { afterEach, describe, expect, it } from 'vitest';
import { align } from '../rewrite/align.js';
import { optimize } from '../rewrite/optimize.js';
import type { Program } from '../program/program.js';
import { testGan } from '../trace/testing/gan.js';
import { trace } from '../trace/trace.js';
import { lowerProgram, type Lowered, type LowerOptions } from './lower.js';

type Inputs = Record<string, { shape: (number | 'batch')[]; dtype?: 'float32' | 'int32' }>;
type Fn = (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;

function program(fn: Fn, inputs: Inputs): Program {
  const at = (batch: number): Program =>
    trace(fn, {
      variables: 'constant',
      inputs: Object.entries(inputs).map(([name, { shape, dtype = 'float32' }]) => ({
        name,
        dtype,
        shape: shape.map((d) => (d === 'batch' ? batch : d)),
      })),
    }).program;
  return optimize(align([3, 5, 7].map((batch) => ({ program: at(batch), sizes: { batch } }))));
}

function ops(lowered: Lowered): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType = '' } of lowered.model.graph?.nodes ?? []) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

async function run(lowered: Lowered, feeds: Record<string, tf.Tensor>): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(encodeModel(lowered.model), {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  try {
    const out = await session.run(
      Object.fromEntries(
        Object.entries(feeds).map(([name, t]) => [
          name,
          new ort.Tensor(t.dtype as 'float32', t.dataSync().slice(), t.shape),
        ]),
      ),
    );
    return { ...out };
  } finally {
    await session.release();
  }
}

async function compare(fn: Fn, inputs: Inputs, options: Partial<LowerOptions> = {}): Promise<Record<string, number>> {
  const lowered = lowerProgram(program(fn, inputs), { target: 'portable', ...options });
  for (const batch of [1, 4]) {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, dtype = 'float32' }], i) => {
        const concrete = shape.map((d) => (d === 'batch' ? batch : d));
        return [
          name,
          dtype === 'float32'
            ? tf.randomNormal(concrete, 0, 1, 'float32', 7 + i)
            : tf.randomUniform(concrete, 0, 5, 'int32', 7 + i),
        ];
      }),
    );
    const expected = tf.tidy(() => fn(feeds));
    const results = await run(lowered, feeds);
    for (const [name, tensor] of Object.entries(expected)) {
      const result = results[name];
      expect(result?.dims).toEqual(tensor.shape);
      expect(Array.from(result?.data as Float32Array)).toBeAllclose(Array.from(tensor.dataSync()), {
        rtol: 1e-4,
        atol: 1e-5,
      });
    }
    tf.dispose([feeds, expected]);
  }
  return ops(lowered);
}

const apply =
  (model: tf.LayersModel): Fn =>
  ({ x }) => ({ y: model.apply(x as tf.Tensor, { training: false }) as tf.Tensor });

afterEach(() => tf.disposeVariables());

describe('lowerProgram', () => {
  it('keeps a DCGAN generator channels-first from end to end', async () => {
    const { generator } = testGan();
    // With one channel, NHWC and NCHW have the same numbers in the same order: a Reshape is enough at the end.
    expect(await compare(apply(generator), { x: { shape: ['batch', 6] } })).toEqual({
      MatMul: 1,
      Reshape: 2,
      Relu: 2,
      ConvTranspose: 2,
      Tanh: 1,
    });
  });

  it('keeps a discriminator channels-first into its dense layer', async () => {
    const { discriminator } = testGan();
    expect(await compare(apply(discriminator), { x: { shape: ['batch', 8, 8, 1] } })).toEqual({
      Gemm: 1,
      Reshape: 2,
      LeakyRelu: 2,
      Conv: 2,
    });
  });

  it('emits one Transpose at each edge of a colour network, none when channels-first is asked for', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [6, 5, 3],
          filters: 4,
          kernelSize: 3,
          padding: 'same',
          activation: 'relu',
          biasInitializer: 'randomNormal',
        }),
        tf.layers.conv2dTranspose({
          filters: 3,
          kernelSize: 4,
          strides: 2,
          padding: 'same',
          biasInitializer: 'randomNormal',
        }),
      ],
    });
    expect(await compare(apply(model), { x: { shape: ['batch', 6, 5, 3] } })).toEqual({
      Transpose: 2,
      Conv: 1,
      Relu: 1,
      ConvTranspose: 1,
    });
    const nchw = [0, 3, 1, 2];
    const lowered = lowerProgram(program(apply(model), { x: { shape: ['batch', 6, 5, 3] } }), {
      target: 'portable',
      orders: { x: nchw, y: nchw },
    });
    expect(ops(lowered)).toEqual({ Conv: 1, Relu: 1, ConvTranspose: 1 });
    const dims = (
      info: { type?: { tensor?: { shape?: { dims: { value?: bigint; param?: string }[] } } } } | undefined,
    ): unknown => info?.type?.tensor?.shape?.dims.map((d) => d.param ?? Number(d.value));
    expect(dims(lowered.model.graph?.inputs[0])).toEqual(['batch', 3, 6, 5]);
    expect(dims(lowered.model.graph?.outputs[0])).toEqual(['batch', 3, 12, 10]);
    const x = tf.randomNormal([2, 6, 5, 3], 0, 1, 'float32', 3);
    const { y } = await run(lowered, { x: x.transpose(nchw) });
    expect(Array.from(y?.data as Float32Array)).toBeAllclose(
      Array.from((model.apply(x) as tf.Tensor).transpose(nchw).dataSync()),
      { rtol: 1e-4, atol: 1e-5 },
    );
  });

  it('lowers pooling, depthwise, residual and upsampling networks', async () => {
    const input = tf.input({ shape: [8, 8, 3] });
    const seeded = { kernelInitializer: 'glorotNormal', biasInitializer: 'randomNormal' } as const;
    let x = tf.layers
      .conv2d({ filters: 6, kernelSize: 3, padding: 'same', ...seeded })
      .apply(input) as tf.SymbolicTensor;
    const skip = x;
    x = tf.layers
      .depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 2, depthwiseInitializer: 'glorotNormal' })
      .apply(x) as tf.SymbolicTensor;
    x = tf.layers.conv2d({ filters: 6, kernelSize: 1, ...seeded }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.add().apply([x, skip]) as tf.SymbolicTensor;
    x = tf.layers.averagePooling2d({ poolSize: 2 }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.upSampling2d({ size: [2, 2] }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.concatenate({ axis: 3 }).apply([x, skip]) as tf.SymbolicTensor;
    x = tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.globalAveragePooling2d({}).apply(x) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: input,
      outputs: tf.layers.dense({ units: 2, activation: 'softmax' }).apply(x) as tf.SymbolicTensor,
    });
    const counts = await compare(apply(model), { x: { shape: ['batch', 8, 8, 3] } });
    expect(counts['Transpose']).toBe(1);
  });

  it('permutes the weights of dense layers beside convolutions, with element-wise layers in between', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [4, 4, 1], filters: 3, kernelSize: 3, padding: 'same' }),
        tf.layers.flatten(),
        tf.layers.leakyReLU({ alpha: 0.1 }),
        tf.layers.dense({ units: 4 * 4 * 5, activation: 'sigmoid', biasInitializer: 'randomNormal' }),
        tf.layers.elu(),
        tf.layers.reshape({ targetShape: [4, 4, 5] }),
        tf.layers.conv2d({ filters: 1, kernelSize: 3 }),
      ],
    });
    const scale = tf.randomNormal([80], 0, 1, 'float32', 5);
    const counts = await compare(apply(model), { x: { shape: ['batch', 4, 4, 1] } });
    expect(counts['Transpose'] ?? 0).toBe(0);
    const kernel = tf.randomNormal([6, 80], 0, 1, 'float32', 6);
    const filter = tf.randomNormal([3, 3, 5, 2], 0, 1, 'float32', 8) as tf.Tensor4D;
    const direct = await compare(
      ({ z }) => ({
        y: tf.conv2d(
          tf.reshape(
            tf.mul(tf.matMul(z as tf.Tensor2D, kernel as tf.Tensor2D).relu(), scale),
            [-1, 4, 4, 5],
          ) as tf.Tensor4D,
          filter,
          1,
          'same',
        ),
      }),
      { z: { shape: ['batch', 6] } },
    );
    expect(direct).toEqual({ MatMul: 1, Reshape: 1, Mul: 1, Relu: 1, Conv: 1, Transpose: 1 });
    // Any element-wise kernel will do.
    const bent = await compare(
      ({ z }) => ({
        y: tf.conv2d(
          tf.reshape(
            tf.pow(tf.atan(tf.matMul(z as tf.Tensor2D, kernel as tf.Tensor2D)).square(), tf.abs(scale)),
            [-1, 4, 4, 5],
          ) as tf.Tensor4D,
          filter,
          1,
          'same',
        ),
      }),
      { z: { shape: ['batch', 6] } },
    );
    expect(bent['Transpose']).toBe(1); // at the output
  });

  it('lowers movement with a dynamic batch: computed shapes, tiles, stacks, gathers', async () => {
    const counts = await compare(
      ({ x, k }) => {
        const n = (x as tf.Tensor).shape[0] ?? 0;
        return {
          flat: tf.reshape(x as tf.Tensor, [n * 6]),
          spread: tf.tile(tf.expandDims(x as tf.Tensor, 1), [1, 3, 1, 1]).mul(2),
          pairs: tf.reshape(tf.stack([x as tf.Tensor, tf.neg(x as tf.Tensor)], 1), [2 * n, 3, 2]),
          hot: tf.oneHot(k as tf.Tensor1D, 6),
          masked: tf.where(tf.greater(x as tf.Tensor, 0), x as tf.Tensor, tf.zerosLike(x as tf.Tensor)),
          moments: tf.moments(x as tf.Tensor, [1, 2], true).variance,
          taken: tf.gather(x as tf.Tensor, tf.tensor1d([1, 0], 'int32'), 1),
        };
      },
      { x: { shape: ['batch', 3, 2] }, k: { shape: ['batch'], dtype: 'int32' } },
    );
    expect(counts['Transpose'] ?? 0).toBe(0);
  });

  it('stores filters and their moments in the same order, and returns the updated state in it', async () => {
    const conv = tf.layers.conv2d({ inputShape: [5, 5, 2], filters: 4, kernelSize: 3 });
    const model = tf.sequential({ layers: [conv, tf.layers.flatten(), tf.layers.dense({ units: 1 })] });
    const weights = model.trainableWeights.map((w) => w.read() as tf.Variable);
    const moments = weights.map((w) => tf.variable(tf.zeros(w.shape), false));
    const idle = tf.variable(tf.tensor1d([1, 2]), false, 'idle');
    const fn: Fn = ({ x }) => {
      const { value, grads } = tf.variableGrads(
        () => tf.square(model.apply(x as tf.Tensor, { training: true }) as tf.Tensor).mean() as tf.Scalar,
        weights,
      );
      weights.forEach((w, i) => {
        const m = moments[i] as tf.Variable;
        m.assign(m.mul(0.9).add(grads[w.name] as tf.Tensor));
        w.assign(w.sub(m.mul(0.1)));
      });
      return { loss: value, shifted: idle.add(1) };
    };
    const traced = trace(fn, { variables: 'state', inputs: [{ name: 'x', dtype: 'float32', shape: [3, 5, 5, 2] }] });
    const lowered = lowerProgram(optimize(traced.program), { target: 'portable' });
    expect(lowered.fixed.map(({ input }) => input)).toEqual(['idle']);
    expect(lowered.state.filter(({ shape }) => shape.length === 4).map(({ perm }) => perm)).toEqual([
      [3, 2, 0, 1],
      [3, 2, 0, 1],
    ]);
    expect(lowered.model.graph?.inputs.map(({ name }) => name)).toEqual(traced.program.inputs.map(({ name }) => name));

    const x = tf.randomNormal([3, 5, 5, 2], 0, 1, 'float32', 9);
    const layouts = [...lowered.state, ...lowered.fixed];
    const feeds = Object.fromEntries(
      layouts.map(({ input, perm, shape }) => [
        input,
        (traced.variables.get(input) as tf.Variable).reshape([...shape]).transpose([...perm]),
      ]),
    );
    const results = await run(lowered, { x, ...feeds });
    const { loss } = fn({ x });
    expect(results['loss']?.data[0]).toBeCloseTo((loss as tf.Tensor).dataSync()[0] ?? NaN, 5);
    for (const { input, output, perm } of layouts) {
      expect(Array.from(results[output ?? '']?.data as Float32Array)).toBeAllclose(
        Array.from((traced.variables.get(input) as tf.Variable).transpose([...perm]).dataSync()),
        { rtol: 1e-4, atol: 1e-6 },
      );
    }
  });

  it('names a call that it cannot lower, with its call site', () => {
    const fn: Fn = ({ x }) => ({
      a: tf.conv3d(
        tf.reshape(x as tf.Tensor, [1, 1, 2, 3, 1]) as tf.Tensor5D,
        tf.ones([1, 1, 1, 1, 1]) as tf.Tensor5D,
        1,
        'same',
      ),
      b: tf.unique(tf.reshape(x as tf.Tensor, [6]) as tf.Tensor1D).values,
    });
    const traced = (): unknown =>
      lowerProgram(
        optimize(
          trace(fn, { variables: 'constant', inputs: [{ name: 'x', dtype: 'float32', shape: [2, 3] }] }).program,
        ),
        { target: 'portable' },
      );
    expect(traced).toRefuse('export.unsupported', 'Unique', /lower\.test\.ts:\d+:\d+/);
  });

  it('refuses an order for an unknown name, an invalid order, and an output named like an input', () => {
    const one = program(({ x }) => ({ y: tf.neg(x as tf.Tensor) }), { x: { shape: ['batch', 2] } });
    expect(() => lowerProgram(one, { target: 'portable', orders: { z: [0, 1] } })).toRefuse('usage', 'orders.z');
    expect(() => lowerProgram(one, { target: 'portable', orders: { x: [0, 0] } })).toRefuse('usage', "'x'", '[0, 0]');
    const clash = { ...one, outputs: one.outputs.map((o) => ({ ...o, name: 'x' })) };
    expect(() => lowerProgram(clash, { target: 'portable' })).toRefuse('usage', "'x'");
  });
});
