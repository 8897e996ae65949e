// The table of traits against tfjs's own cpu kernels. A kernel with a new trait needs an example here, or the test
// fails.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KernelName } from './names.js';
import { kernelsThat, traitsOf, type Traits } from './traits.js';

beforeAll(() => tf.setBackend('cpu'));

/** The kernels that have a trait; tfjs's cpu backend lacks two of them. */
const those = (has: (traits: Traits) => unknown): KernelName[] =>
  kernelsThat(has).filter((kernel) => !['BroadcastTo', 'LogicalXor'].includes(kernel));

type Attrs = Record<string, unknown>;
type Inputs = Record<string, tf.Tensor> | tf.Tensor[];

/** First result of a kernel of the cpu backend; all results if its traits describe all. */
function run(kernel: string, inputs: Inputs, attrs: Attrs = {}): tf.Tensor[] {
  const all = [
    tf.engine().runKernel(kernel, inputs as unknown as tf.NamedTensorMap, attrs as unknown as tf.NamedAttrMap),
  ].flat() as tf.Tensor[];
  return traitsOf(kernel).outputs === 'values and places' ? all.slice(0, 1) : all;
}
const numbers = (tensors: readonly tf.Tensor[]): number[] => tensors.flatMap((t) => Array.from(t.dataSync()));

const BOOLS = ['LogicalAnd', 'LogicalNot', 'LogicalOr', 'LogicalXor', 'All', 'Any'];
const typeOf = (kernel: string): tf.DataType =>
  BOOLS.includes(kernel) ? 'bool' : kernel === 'BitwiseAnd' ? 'int32' : 'float32';
/** Different numbers from 0.05 to 0.95; integers or booleans for kernels of those. */
function drawn(kernel: string, shape: number[], phase = 0): tf.Tensor {
  const dtype = typeOf(kernel);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => {
      const number = 0.05 + ((((i + 1) * 0.618034 + phase) % 1) * 9) / 10;
      return dtype === 'bool' ? Number(number > 0.5) : dtype === 'int32' ? Math.floor(number * 16) : number;
    }),
    shape,
    dtype,
  );
}

const ATTRS: Readonly<Record<string, Attrs>> = {
  Cast: { dtype: 'int32' },
  ClipByValue: { clipValueMin: 0.3, clipValueMax: 0.6 },
  LeakyRelu: { alpha: 0.2 },
  Step: { alpha: 0 },
};

describe('element-wise kernels', () => {
  const kernels = those(({ elementwise }) => elementwise);
  it.each(kernels)('%s: permuting the inputs permutes the result', (kernel) => {
    const names = traitsOf(kernel).elementwise ?? [];
    const given = names.map((name, i) =>
      name === 'condition'
        ? tf.cast(tf.greater(drawn(kernel, [3, 4], 0.3), 0.5), 'bool')
        : drawn(kernel, [3, 4], i / 7),
    );
    const call = (tensors: tf.Tensor[]): tf.Tensor | undefined =>
      run(
        kernel,
        names[0] === 'inputs'
          ? [...tensors, ...tensors]
          : Object.fromEntries(names.map((name, i) => [name, tensors[i] as tf.Tensor])),
        ATTRS[kernel],
      )[0];
    const reversed = (t: tf.Tensor | undefined): tf.Tensor =>
      tf.cast(tf.reverse(tf.cast(t as tf.Tensor, 'float32')), t?.dtype ?? 'float32');
    const result = call(given);
    expect(result?.shape).toEqual([3, 4]);
    expect(numbers([call(given.map(reversed)) as tf.Tensor])).toEqual(numbers([reversed(result)]));
  });

  it.each(those(({ broadcasts }) => broadcasts))('%s: broadcasts', (kernel) => {
    const [a, b] = [drawn(kernel, [3, 1]), drawn(kernel, [4], 0.4)];
    const whole = (t: tf.Tensor): tf.Tensor => tf.cast(tf.add(tf.cast(t, 'float32'), tf.zeros([3, 4])), t.dtype);
    const [small, large] = [run(kernel, { a, b }), run(kernel, { a: whole(a), b: whole(b) })];
    expect(small[0]?.shape).toEqual([3, 4]);
    expect(numbers(small)).toEqual(numbers(large));
  });

  it.each(those(({ commutative }) => commutative))('%s: operands may be swapped', (kernel) => {
    const [a, b] = [drawn(kernel, [3, 4]), drawn(kernel, [3, 4], 0.4)];
    expect(traitsOf(kernel).broadcasts).toBe(true);
    expect(numbers(run(kernel, { a, b }))).toEqual(numbers(run(kernel, { a: b, b: a })));
  });
});

describe('piecewise constant kernels', () => {
  /** Results with the inputs as drawn, and with a small number added to the named ones. */
  const both = (kernel: string, given: Record<string, tf.Tensor>, moved: readonly string[], attrs: Attrs = {}) => {
    const shifted = (name: string, t: tf.Tensor): tf.Tensor =>
      moved.includes(name) && t.dtype === 'float32' ? tf.add(t, 1e-4) : t;
    const near = Object.fromEntries(Object.entries(given).map(([name, t]) => [name, shifted(name, t)]));
    return [numbers(run(kernel, given, attrs)), numbers(run(kernel, near, attrs))];
  };
  const operands = (kernel: string): Record<string, tf.Tensor> =>
    Object.fromEntries((traitsOf(kernel).elementwise ?? ['x']).map((name, i) => [name, drawn(kernel, [3, 4], i / 7)]));
  const SEARCHED = { sortedSequence: tf.tensor2d([[0.2, 0.4, 0.6]]), values: tf.tensor2d([[0.3, 0.5]]) };
  const calls = (kernel: string): [Record<string, tf.Tensor>, Attrs] => {
    if (kernel === 'SearchSorted') return [SEARCHED, { side: 'left' }];
    if (kernel === 'OneHot')
      return [{ indices: tf.tensor1d([0, 1], 'int32') }, { depth: 2, onValue: 1, offValue: 0, dtype: 'float32' }];
    const { along } = traitsOf(kernel);
    return [operands(kernel), along === undefined ? (ATTRS[kernel] ?? {}) : { [along]: kernel[0] === 'A' ? 0 : [0] }];
  };

  it.each(those(({ flat }) => flat))('%s: stays the same nearby', (kernel) => {
    const [given, attrs] = calls(kernel);
    const { flat = [] } = traitsOf(kernel);
    expect(Object.keys(given)).toEqual(flat);
    const [before, after] = both(kernel, given, flat, attrs);
    expect(after).toEqual(before);
  });

  // A cast to int32 is; other element-wise kernels of floats are not.
  const smooth = those(({ elementwise, flat }) => elementwise !== undefined && flat === undefined);
  it.each(smooth.filter((kernel) => !['Cast', 'AddN', 'Select'].includes(kernel)))('%s: changes', (kernel) => {
    const given = kernel === 'Acosh' ? { x: tf.add(drawn(kernel, [3, 4]), 1) } : operands(kernel);
    const [before, after] = both(kernel, given, Object.keys(given).slice(0, 1), ATTRS[kernel]);
    expect(after).not.toEqual(before);
  });
});

/** A call of each kernel with the trait `moves` or `within`. */
const PLACED: Readonly<Record<string, () => [Inputs, Attrs]>> = (() => {
  const x = (...shape: number[]): tf.Tensor => drawn('', shape);
  const one =
    (shape: number[], attrs: Attrs = {}, name = 'x') =>
    (): [Inputs, Attrs] => [{ [name]: x(...shape) }, attrs];
  const index = tf.tensor2d([[1], [0]], undefined, 'int32');
  const window = { filterSize: 2, strides: 1, pad: 'valid' };
  const volume = { ...window, dataFormat: 'NDHWC' };
  const resize = { size: [4, 6], alignCorners: false, halfPixelCenters: false };
  return {
    AvgPool: one([1, 3, 3, 2], window),
    AvgPool3D: one([1, 3, 3, 3, 2], volume),
    BatchToSpaceND: one([4, 2, 2, 1], {
      blockShape: [2, 2],
      crops: [
        [0, 0],
        [0, 0],
      ],
    }),
    Concat: () => [[x(2, 3), tf.add(x(1, 3), 1)], { axis: 0 }],
    DepthToSpace: one([1, 2, 2, 4], { blockSize: 2, dataFormat: 'NHWC' }),
    Diag: one([3]),
    ExpandDims: one([3], { dim: 0 }, 'input'),
    FlipLeftRight: one([1, 2, 3, 2], {}, 'image'),
    GatherNd: () => [{ params: x(3, 2), indices: index }, {}],
    GatherV2: () => [
      { x: x(3, 2), indices: tf.tensor1d([2, 0], 'int32') },
      { axis: 0, batchDims: 0 },
    ],
    Identity: one([3]),
    Max: one([3, 2], { reductionIndices: [0], keepDims: false }),
    MaxPool: one([1, 3, 3, 2], window),
    MaxPool3D: one([1, 3, 3, 3, 2], volume),
    MaxPoolWithArgmax: one([1, 3, 3, 2], { ...window, includeBatchInIndex: false }),
    Mean: one([3, 2], { axis: [0], keepDims: false }),
    Min: one([3, 2], { axis: [0], keepDims: false }),
    MirrorPad: one([3], { paddings: [[1, 2]], mode: 'reflect' }),
    Pack: () => [[x(3), tf.add(x(3), 1)], { axis: 0 }],
    PadV2: one([3], { paddings: [[1, 2]], constantValue: 7 }),
    Reshape: one([3, 2], { shape: [6] }),
    ResizeBilinear: one([1, 2, 3, 2], resize, 'images'),
    ResizeNearestNeighbor: one([1, 2, 3, 2], resize, 'images'),
    Reverse: one([3, 2], { dims: [0] }),
    Slice: one([3, 2], { begin: [1, 0], size: [2, 1] }),
    SpaceToBatchND: one([1, 3, 4, 1], {
      blockShape: [2, 2],
      paddings: [
        [1, 0],
        [0, 0],
      ],
    }),
    SparseToDense: () => [
      { sparseIndices: index, sparseValues: x(2), defaultValue: tf.scalar(7) },
      { outputShape: [3] },
    ],
    SplitV: one([4, 2], { numOrSizeSplits: [1, 3], axis: 0 }),
    StridedSlice: one([5], {
      begin: [0],
      end: [5],
      strides: [2],
      ...{ beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 },
    }),
    TensorScatterUpdate: () => [{ tensor: x(3), indices: index, updates: tf.add(x(2), 1) }, { sliceRank: 1 }],
    Tile: one([3], { reps: [2] }),
    TopK: one([5], { k: 2, sorted: true }),
    Transpose: one([3, 2], { perm: [1, 0] }),
    Unpack: one([3, 2], { axis: 0 }, 'value'),
  };
})();

/** The kernel's example; fails if there is none. */
function example(kernel: string): [Inputs, Attrs] {
  const make = PLACED[kernel];
  if (make === undefined) throw new Error(`PLACED: expected an example of ${kernel}, got none; add one above`);
  return make();
}

describe('kernels that move numbers', () => {
  it.each(those(({ moves }) => moves))('%s: the result has only numbers of its inputs', (kernel) => {
    const [inputs, attrs] = example(kernel);
    const { moves, fills } = traitsOf(kernel);
    const from = moves === 'list' ? Object.keys(inputs) : [...(moves ?? [])];
    const given = new Set(numbers(from.map((name) => (inputs as Record<string, tf.Tensor>)[name] as tf.Tensor)));
    const foreign = numbers(run(kernel, inputs, attrs)).filter((number) => !given.has(number));
    if (fills === true) expect(new Set(foreign).size).toBe(1);
    else expect(foreign).toEqual([]);
  });
  it.each(those(({ within }) => within))('%s: the result lies within the numbers of its input', (kernel) => {
    const [inputs, attrs] = example(kernel);
    const given = numbers([(inputs as Record<string, tf.Tensor>)[traitsOf(kernel).within ?? ''] as tf.Tensor]);
    for (const number of numbers(run(kernel, inputs, attrs))) {
      expect(number).toBeGreaterThanOrEqual(Math.min(...given));
      expect(number).toBeLessThanOrEqual(Math.max(...given));
    }
  });
});

it.each(those(({ reshapes }) => reshapes))('%s: keeps the numbers and their order', (kernel) => {
  const [inputs, attrs] = PLACED[kernel]?.() ?? [{}, {}];
  const [x, ...others] = Object.values(inputs as Record<string, tf.Tensor>);
  const [result] = run(kernel, inputs, attrs);
  expect(others).toEqual([]);
  expect(result?.shape).not.toEqual(x?.shape);
  expect(numbers([result as tf.Tensor])).toEqual(numbers([x as tf.Tensor]));
});

it.each(those(({ permutes }) => permutes))('%s: axis i of the result is axis perm[i] of the input', (kernel) => {
  const x = drawn(kernel, [2, 3, 4]);
  const perm = [2, 0, 1];
  const [result] = run(kernel, { x }, { [traitsOf(kernel).permutes ?? '']: perm });
  expect(result?.shape).toEqual(perm.map((axis) => x.shape[axis]));
  const at = (i: number, j: number, k: number): number => numbers([x])[(i * 3 + j) * 4 + k] ?? NaN;
  const expected = [0, 1, 2, 3].flatMap((k) => [0, 1].flatMap((i) => [0, 1, 2].map((j) => at(i, j, k))));
  expect(numbers([result as tf.Tensor])).toEqual(expected);
});

it.each(those(({ reduces }) => reduces))('%s: leaves single numbers as they are', (kernel) => {
  const x = drawn(kernel, [1, 5]);
  const attrs = { [traitsOf(kernel).along ?? '']: [0], keepDims: false };
  expect(numbers(run(kernel, { x }, attrs))).toEqual(numbers([x]));
});

/** Calls of one kernel of each kind, with a batch of two. */
const BATCHES: Readonly<Record<string, () => [Record<string, tf.Tensor>, Attrs]>> = (() => {
  const picture = { strides: 1, pad: 'same', dilations: 1, dataFormat: 'NHWC', activation: 'linear' };
  const filtered = (shape: number[], filter: number[], attrs: Attrs) => (): [Record<string, tf.Tensor>, Attrs] => [
    { x: drawn('', shape), filter: drawn('', filter, 0.3) },
    attrs,
  ];
  const own = (kernel: string, name: string, shape: number[]) => (): [Record<string, tf.Tensor>, Attrs] => [
    { [name]: drawn('', shape) },
    PLACED[kernel]?.()[1] ?? { depthRadius: 1, bias: 1, alpha: 1, beta: 0.5 },
  ];
  return {
    AvgPool: own('AvgPool', 'x', [2, 3, 3, 2]),
    AvgPool3D: own('AvgPool3D', 'x', [2, 3, 3, 3, 2]),
    Conv2D: filtered([2, 4, 4, 2], [3, 3, 2, 3], picture),
    Conv3D: filtered([2, 3, 4, 4, 2], [2, 2, 2, 2, 3], {
      ...picture,
      strides: [1, 1, 1],
      dilations: [1, 1, 1],
      dataFormat: 'NDHWC',
    }),
    DepthToSpace: own('DepthToSpace', 'x', [2, 2, 2, 4]),
    DepthwiseConv2dNative: filtered([2, 4, 4, 2], [3, 3, 2, 2], { ...picture, strides: [1, 1], dilations: [1, 1] }),
    FlipLeftRight: own('FlipLeftRight', 'image', [2, 2, 3, 2]),
    FusedConv2D: filtered([2, 4, 4, 2], [3, 3, 2, 3], picture),
    FusedDepthwiseConv2D: filtered([2, 4, 4, 2], [3, 3, 2, 2], { ...picture, strides: [1, 1], dilations: [1, 1] }),
    LRN: own('LRN', 'x', [2, 2, 2, 3]),
    MaxPool: own('MaxPool', 'x', [2, 3, 3, 2]),
    MaxPool3D: own('MaxPool3D', 'x', [2, 3, 3, 3, 2]),
    ResizeBilinear: own('ResizeBilinear', 'images', [2, 2, 3, 2]),
    ResizeNearestNeighbor: own('ResizeNearestNeighbor', 'images', [2, 2, 3, 2]),
  };
})();

it.each(those(({ batch }) => batch))('%s: examples of a batch are computed independently', (kernel) => {
  const [inputs, attrs] = BATCHES[kernel]?.() ?? [{}, {}];
  const name = traitsOf(kernel).batch ?? '';
  const both = inputs[name] as tf.Tensor;
  const alone = tf.split(both, 2).map((one) => run(kernel, { ...inputs, [name]: one }, attrs)[0] as tf.Tensor);
  expect(numbers(run(kernel, inputs, attrs))).toEqual(numbers(alone));
});

describe('linear kernels', () => {
  const product = (): [Record<string, tf.Tensor>, Attrs] => [
    { a: drawn('', [1, 2, 3]), b: drawn('', [1, 3, 2], 0.3) },
    { transposeA: false, transposeB: false },
  ];
  const operands = (kernel: string): [Record<string, tf.Tensor>, Attrs] => {
    const names = traitsOf(kernel).elementwise ?? ['x'];
    const { along, reduces } = traitsOf(kernel);
    const given = Object.fromEntries(names.map((name, i) => [name, drawn('', [3, 4], i / 7)]));
    return [given, along === undefined ? {} : { [along]: reduces === true ? [1] : 1 }];
  };
  const calls = (kernel: string): [Record<string, tf.Tensor>, Attrs] =>
    kernel === 'BatchMatMul' ? product() : (BATCHES[kernel]?.() ?? operands(kernel));
  const sum = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.sub(tf.mul(x, 2), tf.mul(y, 3));

  it.each(those(({ linear }) => linear))('%s: of 2x − 3y it is 2f(x) − 3f(y)', (kernel) => {
    const [given, attrs] = calls(kernel);
    for (const name of traitsOf(kernel).linear ?? []) {
      const x = given[name] as tf.Tensor;
      const y = drawn('', x.shape, 0.77);
      const at = (value: tf.Tensor): tf.Tensor => run(kernel, { ...given, [name]: value }, attrs)[0] as tf.Tensor;
      expect(numbers([at(sum(x, y))])).toBeAllclose(numbers([sum(at(x), at(y))]), { rtol: 1e-4, atol: 1e-5 });
    }
  });

  it.each(those(({ adds }) => adds))('%s: is the sum of its inputs with their signs', (kernel) => {
    const [given, attrs] = calls(kernel);
    const { adds = {} } = traitsOf(kernel);
    expect(Object.keys(given)).toEqual(Object.keys(adds));
    const signed = Object.entries(given).map(([name, t]) => numbers([t]).map((v) => v * (adds[name] ?? 0)));
    const expected = signed.reduce((all, one) => all.map((v, i) => v + (one[i] ?? 0)));
    expect(numbers(run(kernel, given, attrs))).toBeAllclose(expected, { rtol: 1e-6, atol: 1e-7 });
  });
});

it.each(those(({ keepsInfinity }) => keepsInfinity))('%s: infinity stays infinite', (kernel) => {
  const x = tf.tensor1d([Infinity, -Infinity]);
  const results = numbers(run(kernel, { x }, kernel === 'Cast' ? { dtype: 'float32' } : {}));
  expect(results.map(Math.abs)).toEqual([Infinity, Infinity]);
});

it.each(those(({ keepsBools }) => keepsBools))('%s: of 0 and 1, gives 0 and 1', (kernel) => {
  const names = traitsOf(kernel).elementwise ?? [];
  const size = 2 ** names.length; // every combination
  const bits = names.map((_, input) => tf.tensor1d(Array.from({ length: size }, (_, i) => (i >> input) & 1)));
  const given = Object.fromEntries(names.map((name, i) => [name, bits[i] as tf.Tensor]));
  // the remainder of a division by 0 is NaN, which a bool stores as 0
  const results = numbers(run(kernel, given, ATTRS[kernel])).filter((v) => !Number.isNaN(v));
  expect(results.length).toBeGreaterThan(0);
  expect(results.filter((v) => v !== 0 && v !== 1)).toEqual([]);
});
