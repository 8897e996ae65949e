// exportOnnx against tfjs eager: networks and functions at batch sizes that were not traced, the structure of graphs,
// and no side effects on the user's model.
import { readManifest, type NamedTensors, type Runtime } from '@forja/core';
import { checkModel, decodeModel } from '@forja/core/onnx';
import { runtime } from '@forja/node';
import {
  exportOnnx,
  random,
  registerKernelExport,
  reportText,
  type ExportFunction,
  type ExportOptions,
  type ExportReport,
  type Exportable,
} from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());
afterEach(() => tf.disposeVariables());

const normal = (stddev: number, seed: number): ReturnType<typeof tf.initializers.randomNormal> =>
  tf.initializers.randomNormal({ mean: 0, stddev, seed });

/** Changes batch norms' statistics and gains from their initial values. */
function unsettle(model: tf.LayersModel): tf.LayersModel {
  model.weights.forEach((weight, i) => {
    const name = weight.originalName;
    const value = weight.read();
    if (/variance|gamma/.test(name)) weight.write(tf.randomUniform(value.shape, 0.5, 1.5, 'float32', 100 + i));
    else if (/mean|beta|bias/.test(name)) weight.write(tf.randomNormal(value.shape, 0, 0.3, 'float32', 100 + i));
  });
  return model;
}

function generator(size: 28 | 32, channels: number): tf.LayersModel {
  const start = size / 4;
  return unsettle(
    tf.sequential({
      layers: [
        tf.layers.dense({
          inputShape: [16],
          units: start * start * 16,
          useBias: false,
          kernelInitializer: normal(0.3, 1),
          name: `project_${size}`,
        }),
        tf.layers.reshape({ targetShape: [start, start, 16] }),
        tf.layers.batchNormalization({}),
        tf.layers.reLU(),
        tf.layers.conv2dTranspose({
          filters: 8,
          kernelSize: 4,
          strides: 2,
          padding: 'same',
          useBias: false,
          kernelInitializer: normal(0.15, 2),
        }),
        tf.layers.batchNormalization({}),
        tf.layers.reLU(),
        tf.layers.conv2dTranspose({
          filters: channels,
          kernelSize: 4,
          strides: 2,
          padding: 'same',
          activation: 'tanh',
          kernelInitializer: normal(0.15, 3),
          name: `paint_${size}`,
        }),
      ],
    }),
  );
}

async function exported(
  model: Exportable,
  options: ExportOptions = {},
): Promise<{ model: Uint8Array; report: ExportReport }> {
  const { verify } = options;
  const result = await exportOnnx(model, {
    ...options,
    ...(verify === false ? {} : { verify: { ...verify, runtime: onnx } }),
  });
  checkModel(result.model);
  return result;
}

/** Runs a file on feeds and compares with expected tensors, by position of the file's outputs. */
async function agrees(model: Uint8Array, feeds: NamedTensors, expected: tf.Tensor[], atol: number): Promise<void> {
  const session = await onnx.createSession(model);
  try {
    const results = await session.run(feeds);
    session.outputs.forEach(({ name = '' }, i) => {
      expect(results[name]?.shape).toEqual(expected[i]?.shape);
      expect(Array.from(results[name]?.data as Float32Array)).toBeAllclose(Array.from(expected[i]?.dataSync() ?? []), {
        rtol: 0,
        atol,
      });
    });
  } finally {
    await session.dispose();
  }
}

const f32 = (t: tf.Tensor): NamedTensors[string] => ({
  dtype: 'float32',
  shape: [...t.shape],
  data: t.dataSync().slice() as Float32Array,
});

describe('exportOnnx of networks', () => {
  for (const [size, channels] of [
    [28, 1],
    [32, 3],
  ] as const) {
    it(`DCGAN generator of ${size}×${size}×${channels}`, async () => {
      const model = generator(size, channels);
      const { model: bytes, report } = await exported(model, {
        inputs: [{ name: 'z', shape: ['batch', 16] }],
        outputs: [{ name: 'image' }],
        layout: { outputs: 'nchw' },
      });
      expect(report.verified).toBe('passed');
      expect(report.transposes).toBe(0);
      expect(report.ops).toEqual({ ConvTranspose: 2, Relu: 2, Gemm: 1, Reshape: 1, Tanh: 1 });
      expect(report.dynamicDims).toEqual(['batch']);
      expect(report.reference).toEqual({ tfjs: 'wasm', onnx: 'cpu' });
      expect(readManifest(bytes)).toMatchObject({
        kind: 'latent',
        inputs: [{ name: 'z', role: 'latent', distribution: 'normal', shape: ['batch', 16] }],
        outputs: [
          { name: 'image', role: 'image', range: [-1, 1], layout: 'nchw', shape: ['batch', channels, size, size] },
        ],
      });
      for (const batch of [1, 3, 4, 7]) {
        const z = tf.randomNormal([batch, 16], 0, 1, 'float32', batch);
        const expected = (model.apply(z, { training: false }) as tf.Tensor).transpose([0, 3, 1, 2]);
        await agrees(bytes, { z: f32(z) }, [expected], 1e-5);
      }
      const nodes = decodeModel(bytes).graph?.nodes.map(({ name }) => name ?? '') ?? [];
      expect(nodes.some((name) => name.includes(`project_${size}`))).toBe(true);
      expect(nodes.some((name) => name.includes(`paint_${size}`))).toBe(true);
      // tfjs's own layout costs one Transpose at the edge, or none with one channel.
      const own = await exported(model, { verify: false });
      expect(own.report.transposes).toBe(channels === 1 ? 0 : 1);
      expect(own.report.verified).toBe('skipped-by-caller');
    });
  }

  it('a pooling discriminator, an MLP, and a residual network with depthwise convolution and upsampling', async () => {
    const critic = unsettle(
      tf.sequential({
        layers: [
          tf.layers.conv2d({
            inputShape: [28, 28, 1],
            filters: 6,
            kernelSize: 5,
            padding: 'same',
            kernelInitializer: normal(0.2, 4),
          }),
          tf.layers.leakyReLU({ alpha: 0.2 }),
          tf.layers.maxPooling2d({ poolSize: 2 }),
          tf.layers.conv2d({ filters: 8, kernelSize: 5, padding: 'same', kernelInitializer: normal(0.1, 5) }),
          tf.layers.batchNormalization({}),
          tf.layers.leakyReLU({ alpha: 0.2 }),
          tf.layers.averagePooling2d({ poolSize: 2 }),
          tf.layers.dropout({ rate: 0.5 }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 1, kernelInitializer: normal(0.1, 6) }),
        ],
      }),
    );
    const mlp = unsettle(
      tf.sequential({
        layers: [
          tf.layers.dense({ inputShape: [8], units: 32, kernelInitializer: normal(0.4, 7) }),
          tf.layers.batchNormalization({}),
          tf.layers.reLU(),
          tf.layers.dense({ units: 24, activation: 'elu', kernelInitializer: normal(0.3, 8) }),
          tf.layers.dense({ units: 2, activation: 'tanh', kernelInitializer: normal(0.3, 9) }),
        ],
      }),
    );
    const input = tf.input({ shape: [8, 8, 4] });
    const depth = tf.layers
      .depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: normal(0.3, 10) })
      .apply(input);
    const sum = tf.layers.add().apply([depth as tf.SymbolicTensor, input]);
    const up = tf.layers
      .upSampling2d({ size: [2, 2] })
      .apply(tf.layers.prelu({ alphaInitializer: normal(0.2, 11) }).apply(sum));
    const residual = tf.model({
      inputs: input,
      outputs: tf.layers
        .separableConv2d({
          filters: 3,
          kernelSize: 3,
          padding: 'same',
          activation: 'tanh',
          depthwiseInitializer: normal(0.2, 12),
          pointwiseInitializer: normal(0.2, 13),
        })
        .apply(up) as tf.SymbolicTensor,
    });
    for (const [model, transposes] of [
      [critic, 0],
      [mlp, 0],
      [residual, 2],
    ] as const) {
      const { model: bytes, report } = await exported(model);
      expect(report).toMatchObject({ verified: 'passed', transposes });
      expect(report.ops['BatchNormalization'] ?? 0).toBe(0);
      expect(
        report.errors.every(({ traced }) => !traced) &&
          new Set(report.errors.map(({ sizes }) => sizes['batch'])).size === 3,
      ).toBe(true);
      for (const batch of [1, 2, 9]) {
        const x = tf.randomNormal([batch, ...(model.inputs[0]?.shape.slice(1) as number[])], 0, 1, 'float32', batch);
        await agrees(
          bytes,
          { [report.inputs[0]?.name ?? '']: f32(x) },
          [model.apply(x, { training: false }) as tf.Tensor],
          2e-5,
        );
      }
    }
  });

  it('a function with several named results, constants and a dynamic batch', async () => {
    const w = tf.variable(tf.randomNormal([5, 4], 0, 1, 'float32', 20));
    const mix = (z: tf.Tensor, y: tf.Tensor): Record<string, tf.Tensor> => {
      const hidden = tf.softplus(
        tf.matMul(
          tf.concat([z, tf.oneHot(y as tf.Tensor1D, 2).cast('float32')], 1) as tf.Tensor2D,
          w as tf.Tensor as tf.Tensor2D,
        ),
      );
      return { probability: tf.softmax(hidden), norm: tf.sqrt(tf.sum(tf.square(hidden), 1)) };
    };
    const { model, report } = await exported(mix, {
      inputs: [
        { name: 'z', shape: ['n', 3] },
        { name: 'y', dtype: 'int32', shape: ['n'], role: 'label' },
      ],
    });
    expect(report.outputs.map(({ name, shape, range }) => [name, shape, range])).toEqual([
      ['probability', ['n', 4], [0, 1]],
      ['norm', ['n'], undefined],
    ]);
    const [z, y] = [tf.randomNormal([6, 3], 0, 1, 'float32', 21), tf.tensor1d([0, 1, 1, 0, 1, 0], 'int32')];
    const { probability, norm } = mix(z, y);
    await agrees(
      model,
      { z: f32(z), y: { dtype: 'int32', shape: [6], data: y.dataSync().slice() as Int32Array } },
      [probability as tf.Tensor, norm as tf.Tensor],
      1e-5,
    );
  });

  it('dynamic height and width of a fully convolutional network', async () => {
    const filter = tf.randomNormal([3, 3, 3, 12], 0, 0.2, 'float32', 30) as tf.Tensor4D;
    const enlarge = (x: tf.Tensor): tf.Tensor =>
      tf.depthToSpace(tf.conv2d(x as tf.Tensor4D, filter, 1, 'same'), 2).clipByValue(0, 1);
    const { model, report } = await exported(enlarge, {
      inputs: [{ name: 'x', shape: ['batch', 'height', 'width', 3], role: 'image', range: [0, 1] }],
      layout: { inputs: 'nchw', outputs: 'nchw' },
    });
    expect(report.transposes).toBe(0);
    expect(readManifest(model)).toMatchObject({
      kind: 'super-resolution',
      outputs: [{ shape: ['batch', 3, '2*height', '2*width'], range: [0, 1] }],
    });
    const x = tf.randomUniform([2, 9, 6, 3], 0, 1, 'float32', 31);
    await agrees(model, { x: f32(x.transpose([0, 3, 1, 2])) }, [enlarge(x).transpose([0, 3, 1, 2])], 1e-5);
  });

  it('random numbers as noise inputs, and labels', async () => {
    const { report } = await exported(
      (x: tf.Tensor) => x.add(random.normal(x.shape)).mul(random.bernoulli([1, 4], 0.5)),
      { inputs: [{ name: 'x', shape: ['batch', 4] }] },
    );
    expect(report.inputs).toMatchObject([
      { name: 'x', role: 'tensor' },
      { role: 'noise', distribution: 'normal', shape: ['batch', 4] },
      { role: 'noise', shape: [1, 4] },
    ]);
    const [z, y] = [tf.input({ shape: [8] }), tf.input({ shape: [1], dtype: 'int32' })];
    const embedded = tf.layers
      .flatten()
      .apply(tf.layers.embedding({ inputDim: 10, outputDim: 4 }).apply(y)) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: [z, y],
      outputs: tf.layers
        .dense({ units: 12, activation: 'sigmoid' })
        .apply(tf.layers.concatenate().apply([z, embedded])) as tf.SymbolicTensor,
    });
    const conditional = await exported(model, {
      inputs: [
        { name: 'z', shape: ['batch', 8] },
        { name: 'label', role: 'label', dtype: 'int32', shape: ['batch', 1], range: [0, 9] },
      ],
    });
    expect(conditional.report).toMatchObject({ verified: 'passed', outputs: [{ range: [0, 1] }] });
    const [latent, label] = [
      tf.randomNormal([3, 8], 0, 1, 'float32', 50),
      tf.tensor2d([[0], [9], [4]], [3, 1], 'int32'),
    ];
    await agrees(
      conditional.model,
      { z: f32(latent), label: { dtype: 'int32', shape: [3, 1], data: label.dataSync().slice() as Int32Array } },
      [model.apply([latent, label]) as tf.Tensor],
      1e-5,
    );
  });

  it('every opset from 17 to 22, and results that are inputs, constants or one another', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [6, 6, 2],
          filters: 4,
          kernelSize: 3,
          padding: 'same',
          kernelInitializer: normal(0.3, 60),
        }),
        tf.layers.averagePooling2d({ poolSize: 2 }),
        tf.layers.upSampling2d({ size: [2, 2] }),
        tf.layers.zeroPadding2d({ padding: 1 }),
        tf.layers.globalMaxPooling2d({}),
        tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: normal(0.5, 61) }),
      ],
    });
    for (const opset of [17, 18, 19, 20, 21, 22]) {
      const { model: bytes, report } = await exported(model, { opset, verify: { seeds: 1 } });
      expect(report).toMatchObject({ verified: 'passed', opset });
      expect(decodeModel(bytes).opsetImport.map(({ version }) => Number(version))).toEqual([opset]);
    }
    const trivial = (x: tf.Tensor): Record<string, tf.Tensor> => {
      const y = tf.neg(x);
      return { same: x, y, again: y, fixed: tf.tensor1d([1, 2]) };
    };
    const { model: bytes } = await exported(trivial, { inputs: [{ name: 'x', shape: ['batch', 2] }] });
    const x = tf.tensor2d([[1, -2]]);
    await agrees(bytes, { x: f32(x) }, [x, tf.neg(x), tf.neg(x), tf.tensor1d([1, 2])], 0);
  });

  it('a model that returns an input: the result has its own name', async () => {
    const input = tf.input({ shape: [5], name: 'z' });
    const { model, report } = await exported(
      tf.model({
        inputs: input,
        outputs: [tf.layers.activation({ activation: 'tanh', name: 'bound' }).apply(input) as tf.SymbolicTensor, input],
      }),
    );
    expect([report.inputs, report.outputs].map((list) => list.map(({ name }) => name))).toEqual([
      ['z'],
      ['bound', 'z_1'],
    ]);
    const z = tf.randomNormal([2, 5], 0, 1, 'float32', 52);
    await agrees(model, { z: f32(z) }, [tf.tanh(z), z], 1e-6);
  });

  it("a function's results named like its inputs are renamed, unless the caller names them", async () => {
    const names = async (fn: ExportFunction, options: ExportOptions): Promise<string[]> =>
      (await exported(fn, options)).report.outputs.map(({ name }) => name);
    const [x, output] = ['x', 'output'].map((name) => ({ inputs: [{ name, shape: ['batch', 2] }] }));
    const three = (t: tf.Tensor): Record<string, tf.Tensor> => ({ x: tf.neg(t), x_1: tf.exp(t), y: t });
    expect(await names(three, x ?? {})).toEqual(['x_2', 'x_1', 'y']);
    expect(await names(tf.neg, output ?? {})).toEqual(['output_1']);
    expect(await names(three, { ...x, outputs: [{ name: 'x_2' }, {}, {}] })).toEqual(['x_2', 'x_1', 'y']);
    expect(await names(three, { ...x, outputs: [{ name: 'a' }, { name: 'y' }] })).toEqual(['a', 'y', 'y_1']);
    await expect(names(three, { ...x, outputs: [{ name: 'x' }] })).rejects.toMatchObject({ code: 'usage' });
    const z = tf.randomNormal([2, 2], 0, 1, 'float32', 53);
    const { model } = await exported(three, x);
    await agrees(model, { x: f32(z) }, [tf.neg(z), tf.exp(z), z], 1e-6);
  });

  it('small probabilities are exact to float32, unlike Sigmoid of onnxruntime, which pictures keep', async () => {
    const at = [-87, -60, -30, -20, -17, -12, -5, 0, 5, 12, 30, 60, 90];
    // 1/(1 + e^-x) in double precision.
    const right = at.map((x) => 1 / (1 + Math.exp(-x)));
    const eye = tf.layers.dense({
      units: at.length,
      inputShape: [at.length],
      kernelInitializer: 'identity',
      activation: 'sigmoid',
    });
    const filter = tf.ones([1, 1, 1, 1]) as tf.Tensor4D;
    const scores: [Exportable, number[], (p: number) => number][] = [
      [(x: tf.Tensor) => tf.sigmoid(x), [1, at.length], (p) => p],
      [(x: tf.Tensor) => tf.sigmoid(x).reshape([1, at.length, 1]).square(), [1, at.length], (p) => p * p],
      [(x: tf.Tensor) => tf.log(tf.sigmoid(x)), [1, at.length], Math.log],
      [(x: tf.Tensor) => tf.sigmoid(tf.reverse(x, 1)).reverse(1).neg(), [1, at.length], (p) => -p],
      [tf.sequential({ layers: [eye] }), [1, at.length], (p) => p],
      [
        (x: tf.Tensor) =>
          tf.fused
            .conv2d({ x: x as tf.Tensor4D, filter, strides: 1, pad: 'same', activation: 'sigmoid' })
            .reshape([1, -1]),
        [1, 1, at.length, 1],
        (p) => p,
      ],
    ];
    for (const [model, shape, of] of scores) {
      const { model: bytes, report } = await exported(model, { inputs: [{ name: 'x', shape }] });
      expect(report.ops['Sigmoid']).toBeUndefined();
      const session = await onnx.createSession(bytes);
      const results = await session.run({ x: { dtype: 'float32', shape, data: Float32Array.from(at) } });
      await session.dispose();
      const [result] = Object.values(results);
      expect(Array.from(result?.data as Float32Array)).toBeAllclose(right.map(of), {
        rtol: 1e-6,
        atol: of === Math.log ? 1e-7 : 1e-37, // the limit of float32 near 1
      });
    }
    const { report } = await exported((x: tf.Tensor) => tf.sigmoid(tf.relu(x)), {
      inputs: [{ shape: ['n', 8, 8, 3] }],
    });
    expect(report.ops['Sigmoid']).toBe(1);
    expect(report.outputs[0]).toMatchObject({ role: 'image', range: [0, 1] });
    const turned = await exported((x: tf.Tensor) => tf.tile(tf.clipByValue(x, -2, 3).reverse(1), [1, 2]), {
      inputs: [{ shape: ['n', 8] }],
    });
    expect(turned.report.outputs[0]).toMatchObject({ range: [-2, 3] });
    const gated = await exported((x: tf.Tensor) => tf.matMul(x.mul(tf.sigmoid(x)), tf.ones([8, 2])), {
      inputs: [{ shape: ['n', 8] }],
    });
    expect(gated.report.ops['Sigmoid']).toBe(1);
    // A gate on the last numbers is no score either; the scores beside the boxes are.
    const last = await exported((x: tf.Tensor) => x.mul(tf.sigmoid(x)), { inputs: [{ shape: ['n', 8] }] });
    expect(last.report.ops['Sigmoid']).toBe(1);
    const [p, q] = [tf.sigmoid, (x: tf.Tensor) => tf.sigmoid(x.neg())];
    const boxes = (x: tf.Tensor): tf.Tensor => tf.concat([x, p(x).mul(q(x))], 1);
    expect((await exported(boxes, { inputs: [{ shape: ['n', 8] }] })).report.ops['Sigmoid']).toBeUndefined();
  });

  it('pictures as bytes', async () => {
    const model = generator(28, 1);
    const { model: bytes, report } = await exported(model, {
      inputs: [{ name: 'z', shape: ['batch', 16] }],
      outputs: [{ name: 'image' }],
      imageOutput: 'uint8-nchw',
    });
    expect(report.outputs[0]).toMatchObject({ dtype: 'uint8', range: [0, 255], layout: 'nchw' });
    expect(report.ops['Round']).toBeUndefined();
    const z = tf.randomNormal([3, 16], 0, 1, 'float32', 40);
    const session = await onnx.createSession(bytes);
    const { image } = await session.run({ z: f32(z) });
    await session.dispose();
    const expected = Array.from((model.apply(z, { training: false }) as tf.Tensor).dataSync(), (v) =>
      Math.round((v + 1) * 127.5),
    );
    expect(image?.dtype).toBe('uint8');
    expect(Array.from(image?.data as Uint8Array)).toBeAllclose(expected, { rtol: 0, atol: 1 });
  });
});

describe('side effects of exportOnnx', () => {
  it('writes the same bytes again, without paths or times, and does not change model, tensors or backend', async () => {
    const model = generator(28, 1);
    const before = {
      weights: model.getWeights().map((w) => w.dataSync().slice()),
      memory: tf.memory().numTensors,
      backend: tf.getBackend(),
    };
    const first = await exported(model);
    const second = await exported(model);
    expect(Buffer.from(first.model).equals(Buffer.from(second.model))).toBe(true);
    const text = Buffer.from(first.model).toString('latin1');
    for (const word of ['export.test', process.cwd(), process.platform, 'node_modules'])
      expect(text).not.toContain(word);
    expect({
      weights: model.getWeights().map((w) => w.dataSync().slice()),
      memory: tf.memory().numTensors,
      backend: tf.getBackend(),
    }).toEqual(before);
    expect(reportText(first.report)).toContain('verified against tfjs');
  });

  it('runs concurrently with other exports and training, without affecting them', async () => {
    const weights = async (beside: boolean): Promise<number[]> => {
      const w = tf.variable(tf.tensor1d([1, 2, 3]));
      const optimizer = tf.train.adam(0.1);
      const exports = beside ? [exported(generator(28, 1)), exported(generator(32, 3))] : [];
      for (let i = 0; i < 20; i++) {
        optimizer.minimize(() => tf.sum(tf.square(w.sub(i))) as tf.Scalar);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      for (const { report } of await Promise.all(exports)) expect(report.verified).toBe('passed');
      return Array.from(w.dataSync());
    };
    expect(await weights(true)).toEqual(await weights(false));
  });

  it('catches a wrong lowering and names the call', async () => {
    const undo = registerKernelExport('Tanh', (call, ctx) => {
      const [x, y] = [call.inputs['x'], call.outputs[0]];
      if (x === undefined || Array.isArray(x) || y === undefined) throw new Error('no input');
      ctx.set(y, ctx.op('Softsign', [ctx.get(x)]));
    });
    try {
      const failure = exported(generator(28, 1));
      await expect(failure).rejects.toRefuse(
        'export.mismatch',
        /Tanh, layer 'paint_28'/,
        "correct that call's lowering",
      );
    } finally {
      undo();
    }
    expect((await exported(generator(28, 1), { verify: { perNode: true } })).report.calls?.[0]?.relative).toBeLessThan(
      1e-4,
    );
  });

  it('reports if float32 is not precise enough for a network', async () => {
    const w = tf.randomNormal([64, 64], 0, 1, 'float32', 5);
    await expect(
      exported((x: tf.Tensor) => tf.sin(tf.mul(tf.matMul(x, w), 1e5)), {
        inputs: [{ name: 'x', shape: ['batch', 64] }],
      }),
    ).rejects.toRefuse('export.mismatch', 'float32 rounding');
  });

  it('compares every call, also if the reference switches from WASM to cpu', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.simpleRNN({ units: 2, goBackwards: true, inputShape: [3, 3], kernelInitializer: normal(1, 50) }),
      ],
    });
    const { report } = await exported(model, { verify: { perNode: true } });
    expect(report.calls?.[0]?.relative).toBeLessThan(1e-4);
  });

  it('is not misled by a wrong kernel of tfjs-wasm: `same` convolution with different strides per axis', async () => {
    const filter = tf.randomNormal([1, 3, 2, 5], 0, 1, 'float32', 51) as tf.Tensor4D;
    const { report } = await exported((x: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, filter, [2, 1], 'same'), {
      inputs: [{ shape: ['batch', 2, 10, 2] }],
    });
    expect(report).toMatchObject({ verified: 'passed', reference: { tfjs: 'cpu' } });
  });

  it('keeps padding and pooling separate, as onnxruntime fuses them wrongly', async () => {
    const padded = (x: tf.Tensor): tf.Tensor4D =>
      tf.pad(x.relu().neg(), [
        [0, 0],
        [1, 2],
        [2, 1],
        [0, 0],
      ]) as tf.Tensor4D; // zeros are the largest
    const pools: ((x: tf.Tensor) => tf.Tensor)[] = [
      (x) => tf.maxPool(padded(x), 3, 1, 'valid'),
      (x) => tf.maxPool(padded(x), 3, 1, 'same'),
      (x) => tf.maxPool(padded(x), 2, 2, 'valid'),
      (x) => tf.avgPool(padded(x), 2, 1, 'valid'),
      (x) => tf.avgPool(padded(x), [2, 4], 2, 'same'),
    ];
    for (const pool of pools) {
      for (const opset of [17, 21])
        expect(
          (
            await exported(pool, {
              inputs: [{ shape: ['batch', 6, 5, 3] }],
              layout: { inputs: 'nchw', outputs: 'nchw' },
              opset,
            })
          ).report.verified,
        ).toBe('passed');
    }
  });

  it('refuses unsupported kernels, naming all of them', async () => {
    tf.registerKernel({
      kernelName: 'OfMine',
      backendName: 'cpu',
      kernelFunc: ({ inputs, backend }) =>
        (
          backend as tf.KernelBackend & { makeTensorInfo(shape: number[], dtype: 'float32'): tf.TensorInfo }
        ).makeTensorInfo(inputs['x']?.shape ?? [], 'float32'),
    }); // cpu's own backend
    const fn = (x: tf.Tensor): tf.Tensor[] => [
      tf.multinomial(x as tf.Tensor2D, 2, 1, true),
      tf.engine().runKernel('OfMine', { x }) as tf.Tensor,
    ];
    const failure = exported(fn, { inputs: [{ name: 'x', shape: ['batch', 3] }] });
    await expect(failure).rejects.toRefuse('export.unsupported', /export\.test\.ts/, /Multinomial[\s\S]*OfMine/);
    tf.unregisterKernel('OfMine', 'cpu');
    const x = { inputs: [{ name: 'x', shape: ['batch', 2] }] };
    await expect(exported((t: tf.Tensor) => t.add(tf.randomNormal([2])), x)).rejects.toRefuse(
      'export.unsupported',
      'random.normal',
    );
    await expect(exported((t: tf.Tensor) => ((t.dataSync()[0] ?? 0) > 0 ? t : t.neg()), x)).rejects.toMatchObject({
      code: 'export.unsupported',
    });
    const refused: [object, RegExp, string?][] = [
      [{ ...x, precision: 'int4' }, /precision/],
      [{ ...x, externalData: -1 }, /externalData/],
      [{}, /options\.inputs/],
      [{ ...x, opset: 3 }, /opset/],
      [{ ...x, imageOutput: 'uint8-nchw' }, /role 'image'/],
      [{ inputs: [{ name: 'x', shape: ['batch', -2] }] }, /'x', got -2$/, 'input.shape'],
      [{ inputs: [{ name: 'x', dtype: 'float16', shape: [2] }] }, /float16/],
      [{ ...x, opsett: 17 }, /exportOnnx\.opsett: /],
      [{ ...x, verify: { tolerence: 1 } }, /exportOnnx\.verify\.tolerence: /],
      [{ inputs: { x: { shape: [2] } } }, /exportOnnx\.inputs: /],
      [{ inputs: [{ name: 'x', shape: 'batch' }] }, /inputs\.0\.shape: .*got 'batch'/],
      [{ inputs: [{ name: 'x', shape: [null, 2] }] }, /inputs\.0\.shape\.0: .*, got null/],
    ];
    for (const [options, message, code = 'usage'] of refused)
      await expect(exported((t: tf.Tensor) => t.neg(), options as ExportOptions)).rejects.toRefuse(code, message);
    await expect(exportOnnx((t: tf.Tensor) => t.neg(), x)).rejects.toRefuse('usage', 'verify.runtime', 'verify: false');
    await expect(exported(generator(28, 1), { inputs: [{ name: 'z', shape: ['batch', 17] }] })).rejects.toMatchObject({
      code: 'input.shape',
    });
    for (const [model, message] of [
      [Promise.resolve(1), /got a promise/],
      [tf.layers.dense({ units: 1 }), /got a Dense/],
      [undefined, /got nothing/],
    ] as const)
      await expect(exported(model as unknown as Exportable, x)).rejects.toRefuse('usage', message);
    for (const [result, message] of [
      [{}, /got \{\}/],
      [3, /got 3/],
      [Promise.resolve(1), /function, got a promise/],
    ] as const)
      await expect(exported((() => result) as unknown as Exportable, x)).rejects.toRefuse('usage', message);
    const gone = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    gone.dispose();
    await expect(exported(gone, {})).rejects.toRefuse('usage', /weight 'dense[^']*'/);
  });
});
