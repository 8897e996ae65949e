// Inputs that verification draws, and outputs that prove nothing: NaN only, or constant. A wrong file must not pass
// because of them.
import type { Runtime } from '@forja/core';
import { runtime } from '@forja/node';
import {
  exportOnnx,
  registerKernelExport,
  verifyOnnx,
  type ExportFunction,
  type ExportReport,
  type ExportOptions,
} from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());

type Inputs = NonNullable<ExportOptions['inputs']>;

async function exported(fn: ExportFunction, inputs: Inputs): Promise<{ model: Uint8Array; report: ExportReport }> {
  return exportOnnx(fn, { inputs, verify: { runtime: onnx } });
}

/** Asserts that the files of two functions fail verification against each other. */
async function tellsApart(a: ExportFunction, b: ExportFunction, inputs: Inputs): Promise<void> {
  for (const [right, wrong] of [
    [a, b],
    [b, a],
  ] as const) {
    const { model } = await exported(right, inputs);
    await verifyOnnx(model, right, { inputs, runtime: onnx });
    await expect(verifyOnnx(model, wrong, { inputs, runtime: onnx })).rejects.toMatchObject({
      code: 'export.mismatch',
    });
  }
}

const weights = (seed: number, rows = 24): tf.Tensor2D =>
  tf.randomNormal([rows, 3], 0, 1, 'float32', seed) as tf.Tensor2D;

describe('outputs that are NaN', () => {
  const x: Inputs = [{ name: 'x', shape: ['batch', 24] }];
  const [w, v] = [weights(1), weights(2)];

  for (const [name, f] of Object.entries<(t: tf.Tensor) => tf.Tensor>({
    'log x': (t) => tf.log(t),
    'log of a sum of a product': (t) => tf.log(tf.sum(tf.mul(t, 3), 1, true).tile([1, 24])),
    'log(5 - x), log x': (t) => tf.log(tf.sub(5, tf.abs(t))).add(tf.log(t)),
    'log log x': (t) => tf.log(tf.log(t)),
    'log tanh x, where nothing says what x may be': (t) => tf.log(tf.tanh(t)),
    'log(-tanh x)': (t) => tf.log(tf.neg(tf.tanh(t))),
    'log(1 - Σ|x|)': (t) => tf.log(tf.sub(1, tf.sum(tf.abs(t), 1, true))).tile([1, 24]),
    'sqrt(-x)': (t) => tf.sqrt(tf.neg(t)),
    'sqrt(1 - x²)': (t) => tf.sqrt(tf.sub(1, tf.square(t))),
    'acosh x': (t) => tf.acosh(t),
    'atanh x': (t) => tf.atanh(t),
    'x^0.3': (t) => tf.pow(t, 0.3),
    'rsqrt(x - 7)': (t) => tf.rsqrt(tf.sub(t, 7)),
  }))
    it(`${name}: other weights are found`, () =>
      tellsApart(
        (t: tf.Tensor) => tf.matMul(f(t) as tf.Tensor2D, w),
        (t: tf.Tensor) => tf.matMul(f(t) as tf.Tensor2D, v),
        x,
      ));

  it('a column of NaN next to numbers', () =>
    tellsApart(
      (t: tf.Tensor) => tf.concat([t, tf.matMul(tf.log(tf.tanh(t)) as tf.Tensor2D, w)], 1),
      (t: tf.Tensor) => tf.concat([t, tf.matMul(tf.log(tf.tanh(t)) as tf.Tensor2D, v)], 1),
      x,
    ));

  it('one of two inputs larger than the other', () =>
    tellsApart(
      (a: tf.Tensor, b: tf.Tensor) => tf.matMul(tf.log(tf.sub(a, b)) as tf.Tensor2D, w),
      (a: tf.Tensor, b: tf.Tensor) => tf.matMul(tf.log(tf.sub(a, b)) as tf.Tensor2D, v),
      [
        { name: 'a', shape: ['batch', 24] },
        { name: 'b', shape: ['batch', 24] },
      ],
    ));

  it('is refused if no draw gives numbers, naming output, input and both ways to state a range', async () => {
    const nowhere = (t: tf.Tensor): Record<string, tf.Tensor> => ({
      good: tf.neg(t),
      bad: tf.log(tf.sub(tf.tanh(t), 2)),
    });
    const failure = exported(nowhere, x);
    await expect(failure).rejects.toRefuse('export.unverified', "'bad'", "'x'", '--range x:');
    await expect(exported(nowhere, [{ name: 'x', shape: ['batch', 24], range: [0, 1] }])).rejects.toMatchObject({
      code: 'export.unverified',
    });
  });

  it('infinity next to numbers is accepted, as from a mask', async () => {
    const masked = (t: tf.Tensor): tf.Tensor => tf.where(tf.greater(t, 0), t, tf.fill([24], -Infinity));
    expect((await exported(masked, x)).report.verified).toBe('passed');
    const banned = (t: tf.Tensor): tf.Tensor => tf.add(tf.matMul(t as tf.Tensor2D, w), tf.tensor1d([0, -Infinity, 0]));
    expect((await exported(banned, x)).report.verified).toBe('passed');
  });
});

describe('outputs that are always the same', () => {
  const x: Inputs = [{ name: 'x', shape: ['batch', 24] }];
  const [w, v] = [weights(3), weights(4)];
  it('a threshold that natural numbers do not reach', async () => {
    for (const at of [1000, -40, 0.5e5])
      await tellsApart(
        (t: tf.Tensor) => tf.matMul(tf.relu(tf.sub(tf.mul(t, Math.sign(at)), Math.abs(at))) as tf.Tensor2D, w),
        (t: tf.Tensor) => tf.matMul(tf.relu(tf.sub(tf.mul(t, Math.sign(at)), Math.abs(at))) as tf.Tensor2D, v),
        x,
      );
  });
  it('a part of an output behind such a threshold', () =>
    tellsApart(
      (t: tf.Tensor) => tf.concat([t, tf.matMul(tf.relu(tf.sub(t, 1000)) as tf.Tensor2D, w)], 1),
      (t: tf.Tensor) => tf.concat([t, tf.matMul(tf.relu(tf.sub(t, 1000)) as tf.Tensor2D, v)], 1),
      x,
    ));
  it('is accepted for a collapsed generator if the caller states normal latents', async () => {
    const { report } = await exported(
      (z: tf.Tensor) => tf.mul(z, 0),
      [{ name: 'z', shape: ['batch', 4], role: 'latent', random: 'normal' }],
    );
    expect(report).toMatchObject({ verified: 'passed', unchanged: ['output'] });
  });
  it('is refused if never anything else is seen, and accepted with a stated range', async () => {
    const nothing = (t: tf.Tensor): tf.Tensor => tf.mul(t, 0);
    await expect(exported(nothing, x)).rejects.toMatchObject({ code: 'export.unverified' });
    const { report } = await exported(nothing, [{ name: 'x', shape: ['batch', 24], range: [0, 1] }]);
    expect(report).toMatchObject({ verified: 'passed', unchanged: ['output'] });
  });
  it('is accepted if the output does not depend on inputs', async () => {
    const { report } = await exported(
      (t: tf.Tensor) => ({ y: tf.neg(t), one: tf.onesLike(t), two: tf.tensor1d([1, 2]) }),
      x,
    );
    expect(report.verified).toBe('passed');
    expect(report.unchanged).toBeUndefined();
  });
});

describe('where only the file changes its behaviour', () => {
  const x: Inputs = [{ name: 'x', shape: ['batch', 24] }];
  const [w, v] = [weights(1), weights(2).transpose()];

  it.each<[string, ExportFunction, ExportFunction]>([
    ['a ReLU6', (t: tf.Tensor) => tf.relu6(t), (t: tf.Tensor) => tf.relu(t)],
    [
      'a ReLU6 between products',
      (t: tf.Tensor) => tf.matMul(tf.relu6(tf.matMul(t, w.mul(0.1))), v),
      (t: tf.Tensor) => tf.matMul(tf.relu(tf.matMul(t, w.mul(0.1))), v),
    ],
    [
      'a step at 100',
      (t: tf.Tensor) => tf.add(t, tf.cast(tf.greater(t, 100), 'float32')),
      (t: tf.Tensor) => tf.mul(t, 1),
    ],
    ['another bound', (t: tf.Tensor) => tf.clipByValue(t, -5, 5), (t: tf.Tensor) => tf.clipByValue(t, -5, 50)],
  ])('%s is told apart', (_, a, b) => tellsApart(a, b, x));
});

describe('draws depend on what an input feeds', () => {
  const table = tf.randomNormal([50, 4], 0, 1, 'float32', 5);
  const changed = tf.concat([table.slice([0], [49]), tf.ones([1, 4])]);
  for (const dtype of ['int32', 'float32'] as const) {
    it(`${dtype} indices into a table reach its last row`, () =>
      tellsApart(
        (y: tf.Tensor) => tf.gather(table, tf.cast(y, 'int32')),
        (y: tf.Tensor) => tf.gather(changed, tf.cast(y, 'int32')),
        [{ name: 'y', shape: ['batch', 64], dtype }],
      ));
    it(`${dtype} classes become one-hot up to the last`, () =>
      tellsApart(
        (y: tf.Tensor) =>
          tf.matMul(tf.oneHot(tf.cast(y, 'int32') as tf.Tensor1D, 50) as tf.Tensor2D, table as tf.Tensor2D),
        (y: tf.Tensor) =>
          tf.matMul(tf.oneHot(tf.cast(y, 'int32') as tf.Tensor1D, 50) as tf.Tensor2D, changed as tf.Tensor2D),
        [{ name: 'y', shape: [64], dtype }],
      ));
  }
  it('an AC-GAN: a float class input, as tfjs makes it, into a layer of embeddings', async () => {
    const [z, y] = [tf.input({ shape: [6] }), tf.input({ shape: [1], name: 'class' })];
    const embedded = tf.layers.embedding({ inputDim: 10, outputDim: 6 }).apply(y);
    const product = tf.layers
      .multiply()
      .apply([z, tf.layers.flatten().apply(embedded) as tf.SymbolicTensor]) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: [z, y],
      outputs: tf.layers.dense({ units: 4 }).apply(product) as tf.SymbolicTensor,
    });
    const { report } = await exportOnnx(model, { verify: { runtime: onnx } });
    expect(report.verified).toBe('passed');
    expect(report.reference?.tfjs).toBe('wasm');
  });
  it('indices that are counted from one, reversed, scaled, or cut off', async () => {
    const rows =
      (index: (y: tf.Tensor) => tf.Tensor): ExportFunction =>
      (y: tf.Tensor) =>
        tf.gather(table, index(y) as tf.Tensor1D);
    for (const index of [
      (y) => tf.sub(y, tf.scalar(1, 'int32')),
      (y) => tf.sub(tf.scalar(49, 'int32'), y),
      (y) => tf.mul(y, tf.scalar(7, 'int32')),
      (y) => tf.cast(tf.mul(tf.cast(y, 'float32'), 10), 'int32'),
      (y) => tf.clipByValue(y, 0, 49),
      (y) => tf.minimum(tf.relu(y), tf.scalar(49, 'int32')),
      (y) => tf.mod(y, tf.scalar(50, 'int32')),
    ] as ((y: tf.Tensor) => tf.Tensor)[])
      expect((await exported(rows(index), [{ name: 'y', shape: ['n'], dtype: 'int32' }])).report.verified).toBe(
        'passed',
      );
  });
  it('divisors are not zero, integers of either sign', async () => {
    const ints: Inputs = ['a', 'b'].map((name) => ({ name, shape: ['n', 5], dtype: 'int32' }));
    for (const fn of [
      tf.mod,
      tf.floorDiv,
      tf.div,
      tf.squaredDifference,
      tf.maximum,
      (a, b) => tf.mod(a, tf.abs(b)),
      (a, b) => tf.mod(a, tf.add(tf.minimum(b, tf.scalar(5, 'int32')), b)),
    ] as ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[])
      expect((await exported(fn, ints)).report.verified).toBe('passed');
    const shifted = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.mod(a, tf.sub(b, tf.scalar(3, 'int32')));
    expect((await exported(shifted, ints)).report.verified).toBe('passed');
  });
  it('integers go beyond 0 and 1', async () => {
    const n: Inputs = [{ name: 'y', shape: ['n'], dtype: 'int32' }];
    const two = tf.scalar(2, 'int32');
    await tellsApart(
      (y: tf.Tensor) => tf.mul(y, two),
      (y: tf.Tensor) => tf.mul(y, y).add(y),
      n,
    );
    await tellsApart(
      (y: tf.Tensor) => tf.abs(y),
      (y: tf.Tensor) => tf.relu(y),
      n,
    );
    // At 4711 alone they differ.
    const at = tf.scalar(4711, 'int32');
    const { model } = await exported((y: tf.Tensor) => tf.mul(y, tf.scalar(1, 'int32')), n);
    const turns = (y: tf.Tensor): tf.Tensor => tf.where(tf.equal(y, at), two, y);
    await expect(verifyOnnx(model, turns, { inputs: n, runtime: onnx })).rejects.toMatchObject({
      code: 'export.mismatch',
    });
  });
  it('indices computed from two inputs, or with components, reach the last row', async () => {
    const two: Inputs = ['a', 'b'].map((name) => ({ name, shape: [256], dtype: 'int32' }));
    const rows =
      (from: tf.Tensor, index: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): ExportFunction =>
      (a: tf.Tensor, b: tf.Tensor) =>
        tf.gather(from, index(a, b) as tf.Tensor1D);
    for (const index of [(a, b) => tf.add(a, b), (a, b) => tf.sub(a, b)] as ((
      a: tf.Tensor,
      b: tf.Tensor,
    ) => tf.Tensor)[])
      await tellsApart(rows(table, index), rows(changed, index), two);
    const pairs: Inputs = [{ name: 'y', shape: [256, 2], dtype: 'int32' }];
    await tellsApart(
      (y: tf.Tensor) => tf.gatherND(table, y),
      (y: tf.Tensor) => tf.gatherND(changed, y),
      pairs,
    );
  });
  it('places to write to, segments and counts', async () => {
    const one: Inputs = [{ name: 'y', shape: [12], dtype: 'int32' }];
    const values = tf.range(1, 13, 1, 'float32');
    for (const fn of [
      (y) => tf.scatterND(y.reshape([12, 1]), values, [30]),
      (y) => tf.unsortedSegmentSum(values, y as tf.Tensor1D, 9),
      (y) => tf.bincount(y as tf.Tensor1D, values, 9),
      (y) => tf.gatherND(table, y.reshape([6, 2])),
    ] as ((y: tf.Tensor) => tf.Tensor)[])
      expect((await exported(fn, one)).report.verified).toBe('passed');
  });
  it('sequences that are searched are sorted', async () => {
    const search = (s: tf.Tensor, v: tf.Tensor): tf.Tensor => tf.searchSorted(s, v);
    const inputs: Inputs = [
      { name: 's', shape: ['n', 8] },
      { name: 'v', shape: ['n', 4] },
    ];
    expect((await exported(search, inputs)).report.verified).toBe('passed');
  });
  it('a range that does not fit is reported as one, naming the input', async () => {
    const rows: ExportFunction = (y: tf.Tensor) => tf.gather(table, y as tf.Tensor1D);
    const failure = exported(rows, [{ name: 'y', shape: ['n'], dtype: 'int32', range: [0, 99] }]);
    await expect(failure).rejects.toRefuse('export.unverified', "'y' in [0, 99]", '--range y:');
  });

  it('a divisor whose range includes 0 is verified, as tfjs gives 0', async () => {
    const { report } = await exported(tf.mod as ExportFunction, [
      { name: 'a', shape: ['n'], dtype: 'int32' },
      { name: 'b', shape: ['n'], dtype: 'int32', range: [0, 3] },
    ]);
    expect(report.verified).toBe('passed');
  });
});

describe('constants that are NaN', () => {
  const x: Inputs = [{ name: 'x', shape: ['batch', 3] }];
  const spoilt: Record<string, (t: tf.Tensor) => tf.Tensor> = {
    'NaN in a tensor made inside': (t) => t.mul(tf.tensor1d([1, NaN, 2])),
    'NaN as a scalar': (t) => t.add(NaN),
    'NaN as a fill': (t) => t.add(tf.fill([3], NaN)),
    'NaN as a padding': (t) => tf.pad2d(t as tf.Tensor2D, [[0, 0], [1, 1]], NaN), // prettier-ignore
    'infinity in a product': (t) => t.mul(tf.tensor1d([1, Infinity, 2])),
    'infinity in a part, unstacked and reversed': (t) =>
      t.mul(tf.reverse(tf.unstack(tf.tensor2d([[1, 2, Infinity]]))[0] as tf.Tensor)),
    'infinity filled and moved into a product': (t) =>
      tf.matMul(t as tf.Tensor2D, tf.fill([9], -Infinity).reshape([3, 3])),
  };
  for (const [name, fn] of Object.entries(spoilt))
    it(`${name} is refused, with its line`, async () => {
      const failure = exported(fn as ExportFunction, x);
      await expect(failure).rejects.toRefuse('model.format', /verify\.test\.ts:\d+/);
    });
  it('in tensors and variables made outside, by the function or a custom layer, also in verifyOnnx', async () => {
    const outside = tf.tensor1d([1, NaN, 2]);
    const variable = tf.variable(tf.tensor1d([1, Infinity, 2]), true, 'scale');
    for (const fn of [(t: tf.Tensor) => t.mul(outside), (t: tf.Tensor) => t.add(variable)])
      await expect(exported(fn, x)).rejects.toMatchObject({ code: 'model.format' });
    await expect(exported((t: tf.Tensor) => t.add(variable), x)).rejects.toRefuse('model.format', "'scale'");
    variable.dispose();
    const { model } = await exported((t: tf.Tensor) => t.neg(), x);
    await expect(
      verifyOnnx(model, (t: tf.Tensor) => t.mul(outside), { inputs: x, runtime: onnx }),
    ).rejects.toMatchObject({ code: 'model.format' });
    class Spoil extends tf.layers.Layer {
      static className = 'Spoil';
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return ([inputs].flat()[0] as tf.Tensor).mul(tf.tensor1d([1, NaN, 2]));
      }
    }
    const layers = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3] }), new Spoil({})] });
    await expect(exportOnnx(layers, { verify: { runtime: onnx } })).rejects.toMatchObject({ code: 'model.format' });
  });
  it('infinity as a mask is accepted: added, selected, compared, or as a bound', async () => {
    const masks: ((t: tf.Tensor) => tf.Tensor)[] = [
      (t) => tf.softmax(t.add(tf.tensor1d([0, -Infinity, 0]))),
      (t) => tf.where(tf.less(t, 0), tf.scalar(-Infinity), t),
      (t) => tf.where(tf.less(t, 0), tf.fill([3], -Infinity), t),
      (t) => tf.maximum(t, -Infinity),
      (t) => tf.max(tf.pad2d(t as tf.Tensor2D, [[0, 0], [1, 1]], -Infinity), 1), // prettier-ignore
    ];
    for (const fn of masks) expect((await exported(fn, x)).report.verified).toBe('passed');
  });
});

describe('choices between numbers that are nearly equal', () => {
  /** Norms of eight unit vectors, equal up to rounding. */
  const ones = (x: tf.Tensor): tf.Tensor => {
    const rows = x.reshape([-1, 8, 40]);
    return tf.sum(tf.square(tf.div(rows, tf.sqrt(tf.sum(tf.square(rows), 2, true)))), 2);
  };
  const x: Inputs = [{ name: 'x', shape: ['batch', 320] }];

  it('other draws decide if possible', async () => {
    const beyond = (t: tf.Tensor): tf.Tensor => tf.sum(tf.relu(tf.sub(t.reshape([-1, 8, 40]), 9)), 2);
    const { report } = await exported((t: tf.Tensor) => tf.argMax(tf.mul(ones(t), tf.add(1, beyond(t))), 1), x);
    expect(report.verified).toBe('passed');
    expect(new Set(report.errors.map(({ drawn }) => drawn))).toEqual(
      new Set(['values near those where the function changes']),
    );
  });

  it('else the mismatch says that the call is not wrong, and asks for a range', async () => {
    // Integers have no last bit to change by.
    const failure = exported(
      (t: tf.Tensor) => tf.argMax(ones(tf.cast(t, 'float32')), 1),
      x.map((input) => ({ ...input, dtype: 'int32' })),
    );
    await expect(failure).rejects.toRefuse('export.mismatch', 'ArgMax', 'rounding', '--range x:');
  });

  it('a wrong choice is detected', async () => {
    const undo = registerKernelExport('ArgMax', (call, ctx) => {
      const [t, y] = [call.inputs['x'], call.outputs[0]];
      if (t === undefined || Array.isArray(t) || y === undefined) throw new Error('no input');
      const least = ctx.op('ArgMin', [ctx.get(t)], { axis: 1, keepdims: 0 });
      ctx.set(y, ctx.op('Cast', [least], { to: 6 }));
    });
    try {
      const failure = exported((t: tf.Tensor) => tf.argMax(t, 1), x);
      await expect(failure).rejects.toRefuse('export.mismatch', /ArgMax.*lowering/);
    } finally {
      undo();
    }
  });
});

describe('pictures without a range', () => {
  it('are drawn in the range that the first calls expect', async () => {
    const filter = tf.randomNormal([3, 3, 3, 2], 0, 0.3, 'float32', 9) as tf.Tensor4D;
    // Between -1 and 1, all would be cut off.
    const bytes = (x: tf.Tensor): tf.Tensor =>
      tf.conv2d(tf.relu(tf.sub(tf.div(x, 127.5), 1)) as tf.Tensor4D, filter, 1, 'same');
    const { report } = await exported(bytes, [{ name: 'x', shape: ['batch', 16, 16, 3] }]);
    expect(report.errors.every(({ drawn, scale }) => drawn === undefined && scale > 0.1)).toBe(true);
    const whole = await exported(
      (x: tf.Tensor) => bytes(tf.cast(x, 'float32')),
      [{ name: 'x', dtype: 'int32', shape: ['batch', 16, 16, 3] }],
    );
    expect(whole.report.errors.every(({ drawn, scale }) => drawn === undefined && scale > 0.1)).toBe(true);
  });
});
