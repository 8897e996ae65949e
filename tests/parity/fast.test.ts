// The `fast` lowering against the portable one (onnxruntime's own Conv and ConvTranspose): every convolution and its
// gradients alone, whole steps of smooth networks, filters that are state, and what the price of a program decides.
import { runtime } from '@forja/node';
import type { Runtime, TensorSpec } from '@forja/core';
import { decodeModel } from '@forja/core/onnx';
import { compile, dcgan, eagerStep, mlpGan, phaseStep, type CompiledStep, type StepFunction } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 2 });
});
afterAll(() => host.dispose());

type Lowering = 'portable' | 'fast';

/** Numbers in [-1, 1) without a repeating pattern. */
const spread = (count: number, phase: number): Float32Array =>
  Float32Array.from(
    { length: count },
    (_, i) => 2 * ((((i + 1) * 0.754877666 + phase * 0.569840291 + ((i * i) % 7919) * 0.0123) % 1) - 0.5),
  );

/** Largest difference, as a fraction of the largest magnitude. */
function maxDifference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(got.length).toBe(wanted.length);
  let [most, off] = [1e-30, 0];
  for (let i = 0; i < wanted.length; i++) {
    most = Math.max(most, Math.abs(wanted[i] ?? 0));
    off = Math.max(off, Math.abs((got[i] ?? NaN) - (wanted[i] ?? 0)));
  }
  return off / most;
}

type Outcome = Record<string, ArrayLike<number>>;

/** Results and state after `steps` steps of `step`, whose floats are `spread`. */
async function outcome(
  step: StepFunction,
  inputs: Record<string, TensorSpec>,
  lowering: Lowering,
  variables: tf.Variable[] = [],
  steps = 1,
): Promise<{ values: Outcome; ops: Record<string, number> }> {
  const compiled = await compile(step, { inputs, variables, runtime: host, lowering });
  const feeds = Object.fromEntries(
    Object.entries(inputs)
      .filter(([, spec]) => spec.random === undefined)
      .map(([name, { shape }], i) => [
        name,
        spread(
          shape.map(Number).reduce((a, b) => a * b, 1),
          i,
        ),
      ]),
  );
  const values: Outcome = {};
  for (let i = 0; i < steps; i++)
    // all are float32
    for (const [name, { data }] of Object.entries(await compiled.run(feeds))) values[name] = data as Float32Array;
  // all are float32
  for (const [name, { data }] of Object.entries(await compiled.state())) values[name] = data as Float32Array;
  const { ops } = compiled.summary;
  await compiled.dispose();
  return { values, ops };
}

interface Layer {
  /** [batch, height, width, channels] */
  x: [number, number, number, number];
  out: number;
  kernel: number | [number, number];
  stride: number | [number, number];
  pad: 'same' | 'valid' | number;
}

/**
 * Sizes for every algorithm and border: padding on one side, both or none, uncovered remainders, and tiles that extend
 * beyond the border.
 */
const LAYERS: Record<string, Layer> = {
  'k4 s2, 14 → 7': { x: [4, 14, 14, 16], out: 24, kernel: 4, stride: 2, pad: 'same' },
  'k4 s2, 16 → 8': { x: [3, 16, 16, 8], out: 16, kernel: 4, stride: 2, pad: 'same' },
  'k4 s2, 8 → 4, many channels': { x: [8, 8, 8, 128], out: 64, kernel: 4, stride: 2, pad: 'same' },
  'k4 s2, odd and oblong, valid': { x: [2, 13, 10, 5], out: 7, kernel: 4, stride: 2, pad: 'valid' },
  'k4 s2, padding by number': { x: [2, 12, 12, 4], out: 4, kernel: 4, stride: 2, pad: 1 },
  'k6 s2': { x: [2, 16, 16, 4], out: 8, kernel: 6, stride: 2, pad: 'same' },
  'k2 s2, a patch a product': { x: [2, 8, 8, 6], out: 8, kernel: 2, stride: 2, pad: 'same' },
  'k3 s1': { x: [2, 14, 14, 16], out: 16, kernel: 3, stride: 1, pad: 'same' },
  'k3 s1, valid': { x: [2, 9, 9, 4], out: 8, kernel: 3, stride: 1, pad: 'valid' },
  'k1 s1': { x: [2, 7, 7, 8], out: 12, kernel: 1, stride: 1, pad: 'same' },
  'k2 s1': { x: [2, 7, 7, 8], out: 4, kernel: 2, stride: 1, pad: 'same' },
  'k4 × 3, stride 2 × 1': { x: [2, 12, 11, 6], out: 5, kernel: [4, 3], stride: [2, 1], pad: 'same' },
  'k5 s2, patches': { x: [2, 14, 14, 8], out: 12, kernel: 5, stride: 2, pad: 'same' },
  'k3 s2, patches, a row uncovered': { x: [2, 12, 12, 8], out: 6, kernel: 3, stride: 2, pad: 'valid' },
  'k4 s2, one channel': { x: [4, 28, 28, 1], out: 16, kernel: 4, stride: 2, pad: 'same' },
  'k4 s2, RGB': { x: [4, 16, 16, 3], out: 8, kernel: 4, stride: 2, pad: 'same' },
  'k4 s1': { x: [2, 10, 10, 8], out: 12, kernel: 4, stride: 1, pad: 'same' },
  'k4 s1, valid, a smaller last tile': { x: [2, 11, 8, 32], out: 6, kernel: 4, stride: 1, pad: 'valid' },
  'k8 s2': { x: [2, 16, 16, 4], out: 8, kernel: 8, stride: 2, pad: 'same' },
  'k3 s1, to RGB': { x: [2, 12, 11, 16], out: 3, kernel: 3, stride: 1, pad: 'same' },
  'k4 s1, to one channel': { x: [3, 8, 8, 32], out: 1, kernel: 4, stride: 1, pad: 'same' },
  'k1 s1, to RGB': { x: [2, 7, 7, 8], out: 3, kernel: 1, stride: 1, pad: 'same' },
  'k5 × 2, stride 2 × 1, to two channels, valid': {
    x: [2, 12, 9, 32],
    out: 2,
    kernel: [5, 2],
    stride: [2, 1],
    pad: 'valid',
  },
  'k3 s1, RGB': { x: [2, 12, 12, 3], out: 4, kernel: 3, stride: 1, pad: 'same' },
};

const pairOf = (v: number | [number, number]): [number, number] => (typeof v === 'number' ? [v, v] : v);

describe('one convolution', () => {
  test.each(Object.keys(LAYERS))('%s: forward and both gradients are within 1e-5 of onnxruntime’s', async (name) => {
    const layer = LAYERS[name];
    if (layer === undefined) throw new Error(name);
    const [kh, kw] = pairOf(layer.kernel);
    const filterShape: [number, number, number, number] = [kh, kw, layer.x[3], layer.out];
    const conv = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, layer.stride, layer.pad); // of these ranks
    const y = tf.tidy(() => conv(tf.zeros(layer.x), tf.zeros(filterShape)).shape);
    const spec = (shape: number[]): TensorSpec => ({ dtype: 'float32', shape });
    const step: StepFunction = ({ x, w, dy }) => {
      if (x === undefined || w === undefined || dy === undefined) throw new Error('inputs');
      const [dx, dw] = tf.grads(conv)([x, w], dy);
      return { y: conv(x, w), ...(dx === undefined || dw === undefined ? {} : { dx, dw }) };
    };
    const inputs = { x: spec(layer.x), w: spec(filterShape), dy: spec(y) };
    const [fast, portable] = [await outcome(step, inputs, 'fast'), await outcome(step, inputs, 'portable')];
    expect(Object.keys(portable.values).sort()).toEqual(['dw', 'dx', 'y']);
    expect(fast.ops['Conv'] ?? 0).toBe(0);
    expect(fast.ops['ConvTranspose'] ?? 0).toBe(0);
    for (const [key, wanted] of Object.entries(portable.values))
      expect(maxDifference(fast.values[key] ?? [], wanted), key).toBeLessThan(1e-5);
  });

  test('dilated and depthwise ones stay as they are', async () => {
    const step: StepFunction = ({ x, w, d }) => ({
      y: tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same', 'NHWC', 2),
      z: tf.depthwiseConv2d(x as tf.Tensor4D, d as tf.Tensor4D, 2, 'same'),
    }); // of these ranks
    const inputs: Record<string, TensorSpec> = {
      x: { dtype: 'float32', shape: [2, 12, 12, 4] },
      w: { dtype: 'float32', shape: [3, 3, 4, 8] },
      d: { dtype: 'float32', shape: [4, 4, 4, 2] },
    };
    const [fast, portable] = [await outcome(step, inputs, 'fast'), await outcome(step, inputs, 'portable')];
    expect(fast.ops['Conv']).toBe(2);
    expect(fast.values).toEqual(portable.values);
  });

  test('a bias, an activation and per-channel sums follow in the same order', async () => {
    const step: StepFunction = ({ x, w, b }) => {
      const y = tf.fused.conv2d({
        x: x as tf.Tensor4D,
        filter: w as tf.Tensor4D,
        strides: 2,
        pad: 'same',
        ...(b === undefined ? {} : { bias: b }),
        activation: 'leakyrelu',
        leakyreluAlpha: 0.1,
      }); // of these ranks
      return { y, mean: tf.mean(y, [0, 1, 2]), sum: tf.sum(y, [0, 1, 2]), rows: tf.sum(y, [1, 2]) };
    };
    const inputs: Record<string, TensorSpec> = {
      x: { dtype: 'float32', shape: [4, 16, 16, 8] },
      w: { dtype: 'float32', shape: [4, 4, 8, 12] },
      b: { dtype: 'float32', shape: [12] },
    };
    const [fast, portable] = [await outcome(step, inputs, 'fast'), await outcome(step, inputs, 'portable')];
    for (const [key, wanted] of Object.entries(portable.values))
      expect(maxDifference(fast.values[key] ?? [], wanted), key).toBeLessThan(1e-5);
  });
});

/** A generator and critic without kinks, trained by gradient descent with momentum: three steps. */
function smooth(
  size: number,
  channels: number,
): { step: StepFunction; inputs: Record<string, TensorSpec>; variables: tf.Variable[] } {
  const make = (name: string, shape: number[], phase: number): tf.Variable =>
    tf.tidy(() =>
      tf.variable(
        tf.mul(
          tf.tensor(
            spread(
              shape.reduce((a, b) => a * b, 1),
              phase,
            ),
            shape,
          ),
          0.2,
        ),
        true,
        `fast-test/${name}`,
      ),
    );
  const quarter = size / 4;
  const kinds = {
    first: [4, 4, channels, 8],
    second: [4, 4, 8, 16],
    dense: [quarter * quarter * 16, 1],
    up: [4, 4, 8, 16],
    last: [4, 4, channels, 8],
  };
  const weights = Object.entries(kinds).map(([name, shape], i) => make(name, shape, i));
  const moments = weights.map((w) => tf.tidy(() => tf.variable(tf.zerosLike(w), false, `${w.name}/m`)));
  const [first, second, dense, up, last] = weights as unknown as [
    tf.Tensor4D,
    tf.Tensor4D,
    tf.Tensor2D,
    tf.Tensor4D,
    tf.Tensor4D,
  ]; // in the order of `kinds`
  const batch = 4;
  const norm = (x: tf.Tensor4D): tf.Tensor4D => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const one = (value: number): tf.Tensor1D => tf.fill([x.shape[3]], value) as tf.Tensor1D;
    return tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, one(0.1), one(1.5), 1e-3); // per channel
  };
  const step: StepFunction = ({ z, real }) => {
    const critic = (x: tf.Tensor): tf.Tensor => {
      const a = tf.softplus(tf.conv2d(x as tf.Tensor4D, first, 2, 'same'));
      const b = tf.tanh(norm(tf.conv2d(a as tf.Tensor4D, second, 2, 'same')));
      return tf.matMul(tf.reshape(b, [batch, quarter * quarter * 16]), dense);
    };
    const { value, grads } = tf.variableGrads(() => {
      const a = tf.conv2dTranspose(z as tf.Tensor4D, up, [batch, size / 2, size / 2, 8], 2, 'same');
      const fake = tf.tanh(
        tf.conv2dTranspose(tf.tanh(norm(a)) as tf.Tensor4D, last, [batch, size, size, channels], 2, 'same'),
      );
      return tf.mean(tf.sub(tf.softplus(critic(fake)), critic(real ?? fake))) as tf.Scalar;
    }, weights);
    weights.forEach((w, i) => {
      const m = moments[i];
      const g = grads[w.name];
      if (m === undefined || g === undefined) throw new Error(w.name);
      m.assign(tf.add(tf.mul(m, 0.9), g));
      w.assign(tf.sub(w, tf.mul(m, 0.1)));
    });
    return { value };
  };
  return {
    step,
    inputs: {
      z: { dtype: 'float32', shape: [batch, quarter, quarter, 16] },
      real: { dtype: 'float32', shape: [batch, size, size, channels] },
    },
    variables: [...weights, ...moments],
  };
}

interface PictureOp {
  x: [number, number, number, number];
  op: (x: tf.Tensor4D) => tf.Tensor;
  /** Nodes that only the portable rows emit; none must remain. */
  portable?: string[];
}

/** Windows and factors for every border, and some that fall back to the portable rows. */
const PICTURES: Record<string, PictureOp> = {
  'max 2': { x: [3, 8, 8, 5], op: (x) => tf.maxPool(x, 2, 2, 'valid') },
  'max 2, batch of one, one channel': { x: [1, 4, 4, 1], op: (x) => tf.maxPool(x, 2, 2, 'same') },
  'max 3 × 2': { x: [2, 9, 8, 3], op: (x) => tf.maxPool(x, [3, 2], [3, 2], 'valid') },
  'max 1 × 4': { x: [2, 3, 8, 4], op: (x) => tf.maxPool(x, [1, 4], [1, 4], 'valid') },
  'max of all': { x: [2, 5, 6, 3], op: (x) => tf.maxPool(x, [5, 6], [5, 6], 'valid') },
  'max 2, a row left over': { x: [2, 7, 8, 3], op: (x) => tf.maxPool(x, 2, 2, 'valid'), portable: ['MaxPool'] },
  'max 3 by 2, overlapping': { x: [2, 9, 9, 3], op: (x) => tf.maxPool(x, 3, 2, 'same'), portable: ['MaxPool'] },
  'average 2': { x: [3, 8, 8, 5], op: (x) => tf.avgPool(x, 2, 2, 'valid') },
  // its gradient is a depthwise convolution's
  'average 3 by 2, padded': { x: [2, 9, 7, 3], op: (x) => tf.avgPool(x, 3, 2, 'same'), portable: ['ConvTranspose'] },
  'average 3 × 2 by 1, padded by number': {
    x: [2, 6, 7, 3],
    op: (x) => tf.avgPool(x, [3, 2], 1, 1),
    portable: ['ConvTranspose'],
  },
  'average, a row left over': { x: [2, 7, 8, 3], op: (x) => tf.avgPool(x, 2, 2, 'valid') },
  'average of large pictures': {
    x: [1, 80, 80, 2],
    op: (x) => tf.avgPool(x, 2, 2, 'valid'),
    portable: ['AveragePool'],
  },
  'nearest × 2': { x: [2, 5, 6, 3], op: (x) => tf.image.resizeNearestNeighbor(x, [10, 12]) },
  'nearest, smaller, centred': { x: [2, 9, 8, 3], op: (x) => tf.image.resizeNearestNeighbor(x, [4, 5], false, true) },
  'bilinear × 2, centred': { x: [2, 5, 6, 3], op: (x) => tf.image.resizeBilinear(x, [10, 12], false, true) },
  'bilinear, corners aligned': { x: [2, 5, 6, 3], op: (x) => tf.image.resizeBilinear(x, [7, 11], true) },
  'bilinear, wider and lower': { x: [2, 8, 4, 3], op: (x) => tf.image.resizeBilinear(x, [3, 9]) },
};

/** Kernels that remain only where the target's rows do not apply. */
const PICTURE_NODES = ['MaxPool', 'AveragePool', 'Resize', 'ScatterElements', 'ConvTranspose'];

describe('one pool or resize', () => {
  test.each(Object.keys(PICTURES))(
    '%s: forward and gradient are tfjs’s with Forja’s proven gradients, among equal numbers too',
    async (name) => {
      const { x: shape, op, portable = [] } = PICTURES[name] ?? {};
      if (shape === undefined || op === undefined) throw new Error(name);
      const inner = (x: tf.Tensor): tf.Tensor => op(x as tf.Tensor4D); // of this rank
      const out = tf.tidy(() => inner(tf.zeros(shape)).shape);
      // a convolution before it, whose picture is stored with height and width outermost; few different numbers, so
      // that windows hold equal ones
      const step: StepFunction = ({ x, w, dy }) => {
        if (x === undefined || w === undefined || dy === undefined) throw new Error('inputs');
        const picture = tf.round(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'));
        const [dx] = tf.grads(inner)([picture], dy);
        return { y: inner(picture), ...(dx === undefined ? {} : { dx }) };
      };
      const spec = (sizes: number[]): TensorSpec => ({ dtype: 'float32', shape: sizes });
      const inputs = { x: spec(shape), w: spec([1, 1, shape[3], shape[3]]), dy: spec(out) };
      const fast = await outcome(step, inputs, 'fast');
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, { shape: sizes }], i) => [
          key,
          spread(
            sizes.map(Number).reduce((a, b) => a * b, 1),
            i,
          ),
        ]),
      );
      const eager = await eagerStep(step, { inputs }).run(feeds);
      expect(Object.keys(eager).sort()).toEqual(['dx', 'y']);
      for (const [key, { data }] of Object.entries(eager))
        expect(maxDifference(fast.values[key] ?? [], data as Float32Array), key).toBeLessThan(1e-6); // all are float32
      expect(Object.keys(fast.ops).filter((node) => PICTURE_NODES.includes(node))).toEqual(
        portable.length === 0 ? [] : expect.arrayContaining(portable),
      );
    },
  );
});

describe('a step of a smooth network', () => {
  test.each([
    [28, 1],
    [32, 3],
    [16, 4],
  ])(
    'pictures of %i pixels, %i channels: three steps are within 1e-4 of the portable lowering',
    async (size, channels) => {
      const { step, inputs, variables } = smooth(size, channels);
      const [fast, portable] = [
        await outcome(step, inputs, 'fast', variables, 3),
        await outcome(step, inputs, 'portable', variables, 3),
      ];
      expect(Object.keys(fast.values).sort()).toEqual(Object.keys(portable.values).sort());
      for (const [key, wanted] of Object.entries(portable.values))
        expect(maxDifference(fast.values[key] ?? [], wanted), key).toBeLessThan(1e-4);
      tf.dispose(variables);
    },
  );
});

describe('filters that are state', () => {
  test('go in and out in tfjs’s layout, and between lowerings', async () => {
    const system = dcgan({ size: 28, base: 4, latent: 8, batch: 4, seed: 2 });
    const { step: play, inputs, variables = [] } = phaseStep(system);
    const apart = runtime({ device: 'cpu', threads: 1 });
    const made = (lowering: Lowering, on: Runtime): Promise<CompiledStep> =>
      compile(play, { inputs, variables, runtime: on, lowering });
    const [fast, portable] = [await made('fast', host), await made('portable', apart)];
    expect(await fast.state()).toEqual(await portable.state());
    await portable.run({ real: spread(4 * 784, 0), rate_g: 1e-3, rate_d: 1e-3 });
    const moved = await portable.state();
    await fast.load(moved);
    expect(await fast.state()).toEqual(moved);
    await fast.writeVariables();
    for (const variable of variables) expect(variable.dataSync(), variable.name).toEqual(moved[variable.name]?.data);
    await Promise.all([fast.dispose(), portable.dispose()]);
    await apart.dispose();
    system.dispose();
  });

  test('are permuted by their reader if another reader needs tfjs’s layout', async () => {
    const w = tf.variable(tf.tensor(spread(4 * 4 * 8 * 8, 3), [4, 4, 8, 8]), true, 'fast-test/kept');
    const step: StepFunction = ({ x }) => {
      const y = tf.conv2d(x as tf.Tensor4D, w as unknown as tf.Tensor4D, 2, 'same'); // of these ranks
      const rows = tf.sum(w, [1, 2, 3], true); // a norm along kernel rows, as no filter stored by taps has them
      w.assign(tf.div(w, tf.add(tf.abs(rows), 1)));
      return { y };
    };
    const inputs: Record<string, TensorSpec> = { x: { dtype: 'float32', shape: [2, 12, 12, 8] } };
    const [fast, portable] = [
      await outcome(step, inputs, 'fast', [w], 2),
      await outcome(step, inputs, 'portable', [w], 2),
    ];
    for (const [key, wanted] of Object.entries(portable.values))
      expect(maxDifference(fast.values[key] ?? [], wanted), key).toBeLessThan(1e-5);
    w.dispose();
  });
});

describe('lowering auto', () => {
  const lowered = async (
    system: ReturnType<typeof dcgan>,
    lowering?: 'auto',
  ): Promise<CompiledStep['summary'] & { conv: boolean }> => {
    const step = await compile(phaseStep(system).step, {
      inputs: phaseStep(system).inputs,
      variables: system.variables,
      runtime: host,
      ...(lowering === undefined ? {} : { lowering }),
    });
    const conv = decodeModel(step.onnx()).graph?.nodes.some(({ opType }) => opType === 'Conv') === true;
    await step.dispose();
    system.dispose();
    return { ...step.summary, conv };
  };

  test('is the default on the CPU, and chooses fast if estimated faster', async () => {
    const summary = await lowered(dcgan({ base: 32, batch: 32 }));
    expect(summary).toMatchObject({ lowering: 'fast', conv: false });
    expect(summary.plan).toMatch(
      /^FusedConv2D d\/conv1, 32×14×14×32 ↔ 7×7×64, kernel 4×4, stride 2: winograd [\d.]+, portable [\d.]+$/m,
    );
    expect(summary.plan).toMatch(/^chosen: fast$/m);
  });

  test('chooses fast for pooling between convolutions, if windows tile', async () => {
    const summary = await lowered(dcgan({ base: 32, batch: 32, pool: 'max' }));
    expect(summary).toMatchObject({ lowering: 'fast', conv: false });
    expect(summary.ops).not.toHaveProperty('MaxPool');
    expect(summary.plan).toMatch(/^pools and resizes: fast [\d.]+, portable [\d.]+\nchanges of layout: 0\.0$/m);
  });

  test('decides on WebAssembly as on the CPU, whose kernels it runs', async () => {
    const wasm = runtime({ device: 'wasm', threads: 1 });
    const chosen = await Promise.all(
      [dcgan({ base: 24, batch: 32 }), dcgan({ base: 4, batch: 4 })].map(async (system) => {
        const step = await compile(phaseStep(system).step, {
          inputs: phaseStep(system).inputs,
          variables: system.variables,
          runtime: wasm,
        });
        const { lowering } = step.summary;
        await step.dispose();
        system.dispose();
        return lowering;
      }),
    );
    expect(wasm.device.actual).toBe('wasm');
    expect(chosen).toEqual(['fast', 'portable']);
    await wasm.dispose();
  });

  test('chooses portable for tiny maps, and without convolutions', async () => {
    expect(await lowered(dcgan({ base: 4, batch: 4 }), 'auto')).toMatchObject({ lowering: 'portable', conv: true });
    expect(await lowered(dcgan({ base: 8, batch: 8, pool: 'avg' }))).toMatchObject({
      lowering: 'portable',
      conv: true,
    });
    expect(await lowered(mlpGan({ base: 16, baseD: 16, batch: 128 }))).toMatchObject({ lowering: 'portable' });
  });
});
