// Each pass on small functions: which calls remain, and that the numbers do not change.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Program } from '../program/program.js';
import { trace } from '../trace/trace.js';
import { simplifyReductions } from './algebra.js';
import { attributeKey } from '../program/attribute-key.js';
import { eliminateCommonSubexpressions } from './common.js';
import { eliminateDeadCode } from './dead.js';
import { foldConstants } from './fold.js';
import type { Pass } from '../program/graph.js';
import { removeNoops } from './noop.js';
import { optimize } from './optimize.js';
import { flattenProducts } from './products.js';
import { replay } from '../program/replay.js';
import { shrinkUniforms } from './uniform.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Fn = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor | tf.Tensor[];
const SHAPE = [2, 3, 4];
const wave = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.3 + phase));
const FEEDS = { x: { data: wave(24, 0) }, y: { data: wave(24, 2) } };

function traced(fn: Fn): Program {
  return trace(
    ({ x, y }) => Object.fromEntries([fn(x as tf.Tensor, y as tf.Tensor)].flat().map((t, i) => [`out${i}`, t])),
    {
      inputs: ['x', 'y'].map((name) => ({ name, dtype: 'float32' as const, shape: SHAPE })),
      variables: 'constant',
    },
  ).program;
}

/** Kernels left by the pass (and dead-code elimination); the numbers must be those of the plain program. */
function left(fn: Fn, pass: Pass, tolerance = { rtol: 0, atol: 0 }): string[] {
  const before = traced(fn);
  const after = eliminateDeadCode(pass(before));
  const [expected, received] = [replay(before, FEEDS), replay(after, FEEDS)];
  expect(Object.keys(received)).toEqual(Object.keys(expected));
  for (const [name, { data, shape, dtype }] of Object.entries(expected)) {
    expect(received[name]).toMatchObject({ shape, dtype });
    expect(received[name]?.data).toBeAllclose(data, tolerance);
  }
  return after.calls.map((call) => call.kernel);
}

describe('dead code', () => {
  it('goes, with its constants; inputs stay', () => {
    const unused: Fn = (x, y) => {
      tf.sin(y.mul(tf.tensor1d([1, 2, 3, 4])));
      return x.neg();
    };
    const after = eliminateDeadCode(traced(unused));
    expect(after.calls.map((call) => call.kernel)).toEqual(['Neg']);
    expect(after.constants.size).toBe(0);
    expect(after.inputs).toHaveLength(2);
    expect(left(unused, (p) => p)).toEqual(['Neg']);
  });

  it('includes gradients nobody asked for', () => {
    const all: Fn = (x, y) =>
      tf.grads((a, b) => tf.sum(tf.matMul(a as tf.Tensor3D, b as tf.Tensor3D, false, true)))([x, y])[0] as tf.Tensor;
    expect(traced(all).calls.filter((call) => call.kernel === 'BatchMatMul').length).toBe(3);
    expect(left(all, optimize).filter((kernel) => kernel === 'BatchMatMul')).toHaveLength(1);
  });

  it('keeps a call of which one result is used', () => {
    expect(
      left(
        (x) => tf.split(x, 2, 2)[1] as tf.Tensor,
        (p) => p,
      ),
    ).toEqual(['SplitV']);
  });
});

describe('common subexpressions', () => {
  const pass = eliminateCommonSubexpressions;

  it('are computed once, operands of sums and products in either order', () => {
    expect(left((x, y) => [x.add(y).sin(), y.add(x).sin()], pass)).toEqual(['Add', 'Sin']);
    expect(left((x, y) => [x.sub(y), y.sub(x)], pass)).toEqual(['Sub', 'Sub']);
    expect(left((x, y) => [x.equal(y), y.equal(x)], pass)).toEqual(['Equal']);
    // Of 0 and -0 a runtime may return either.
    expect(left((x, y) => [x.maximum(y), y.maximum(x)], pass)).toEqual(['Maximum', 'Maximum']);
    expect(left((x) => [x.sum(0), x.sum(1), x.sum(0)], pass)).toEqual(['Sum', 'Sum']);
    expect(left((x) => tf.split(x, 2, 2).concat(tf.split(x, 2, 2)), pass)).toEqual(['SplitV']);
  });

  it('differ by attributes, to the last bit', () => {
    expect(
      left(
        (x) => [
          tf.pad(
            x,
            [
              [1, 0],
              [0, 0],
              [0, 0],
            ],
            0,
          ),
          tf.pad(
            x,
            [
              [1, 0],
              [0, 0],
              [0, 0],
            ],
            -0,
          ),
          tf.pad(
            x,
            [
              [1, 0],
              [0, 0],
              [0, 0],
            ],
            1,
          ),
        ],
        pass,
      ),
    ).toHaveLength(3);
    expect(attributeKey({ a: -Infinity, b: undefined })).not.toBe(attributeKey({ a: null }));
    expect(attributeKey({ a: 1, b: [NaN, 'x'] })).toBe(attributeKey({ b: [NaN, 'x'], a: 1, c: undefined }));
    expect(attributeKey({ a: '1' })).not.toBe(attributeKey({ a: 1 }));
  });

  it('include constants by their bytes, not across types or shapes', () => {
    const after = eliminateDeadCode(
      pass(
        traced((x) => [
          x.add(tf.tensor1d([1, 2, 3, 4])),
          x.mul(tf.tensor1d([1, 2, 3, 4])),
          x.sub(tf.tensor2d([[1, 2, 3, 4]])),
          x.cast('int32').add(tf.tensor1d([1, 2, 3, 4], 'int32')),
          x.add(0),
          x.sub(-0),
        ]),
      ),
    );
    expect(after.constants.size).toBe(5);
  });
});

describe('no-ops', () => {
  const gone = (fn: Fn): string[] => left(fn, removeNoops);

  it('vanish', () => {
    expect(
      gone((x) => [
        x.clone(),
        x.cast('float32'),
        x.reshape(SHAPE),
        tf.transpose(x, [0, 1, 2]),
        tf.tile(x, [1, 1, 1]),
        tf.slice(x, [0, 0, 0], SHAPE),
        tf.pad(x, [
          [0, 0],
          [0, 0],
          [0, 0],
        ]),
      ]),
    ).toEqual([]);
    expect(
      gone((x) => [
        x.add(0),
        tf.add(0, x),
        x.sub(0),
        x.mul(1),
        tf.mul(1, x),
        x.div(1),
        x.mul(tf.ones(SHAPE)),
        x.add(tf.zerosLike(x)),
      ]),
    ).toEqual([]);
    expect(gone((x) => x.reshape([6, 4]).reshape([4, 6]).reshape(SHAPE))).toEqual([]);
    expect(gone((x) => x.neg().neg())).toEqual([]);
    expect(gone((x) => tf.concat([x]))).toEqual([]);
  });

  it('in a row become one call', () => {
    expect(gone((x) => x.reshape([6, 4]).reshape([4, 6]).expandDims(0))).toEqual(['Reshape']);
    expect(gone((x) => tf.transpose(tf.transpose(x, [2, 0, 1]), [2, 1, 0]))).toEqual(['Transpose']);
    expect(
      left(
        (x) => tf.transpose(tf.transpose(x, [2, 0, 1]), [1, 2, 0]),
        (p) => removeNoops(removeNoops(p)),
      ),
    ).toEqual([]);
    expect(gone((x) => x.relu().relu())).toEqual(['Relu']);
  });

  it('do not include calls that change shape, type or numbers', () => {
    expect(gone((x) => tf.scalar(0).sub(x))).toEqual(['Sub']);
    expect(gone((x) => tf.scalar(1).div(x))).toEqual(['RealDiv']);
    expect(gone((x) => x.sum(0).mul(tf.ones(SHAPE)))).toEqual(['Sum', 'Multiply']);
    expect(gone((x) => x.cast('int32').cast('float32'))).toEqual(['Cast', 'Cast']);
    expect(gone((x) => tf.slice(x, [0, 0, 0], [2, 2, 4]))).toEqual(['Slice']);
    expect(gone((x) => tf.transpose(x, [1, 0, 2]))).toEqual(['Transpose']);
    for (const axis of [[1], 1, -1, undefined]) expect(gone((x) => tf.reverse(x, axis))).toEqual(['Reverse']);
  });

  it('include reductions over axes of size 1, and zeros and ones like another tensor', () => {
    expect(
      gone((x) => [x.reshape([1, 24]).sum(0, true), x.reshape([24, 1]).mean(1), x.reshape([1, 24]).max([0])]),
    ).toEqual(['Reshape', 'Reshape', 'Reshape']);
    expect(gone((x) => x.reshape([1, 24]).sum())).toEqual(['Reshape', 'Sum']);
    expect(gone((x) => x.greater(0).reshape([1, 24]).any(0))).toEqual(['Greater', 'Reshape']);
    expect(gone((x) => [x.max(0), x.min(), x.prod(1)])).toEqual(['Max', 'Min', 'Prod']);
    const filled = removeNoops(traced((x) => [tf.zerosLike(x), tf.onesLike(x.cast('int32'))])).calls.filter(
      (call) => call.kernel === 'Fill',
    );
    expect(filled.map((call) => call.attrs)).toEqual([
      { shape: SHAPE, value: 0, dtype: 'float32' },
      { shape: SHAPE, value: 1, dtype: 'int32' },
    ]);
    expect(gone((x) => [tf.zerosLike(x), tf.onesLike(x)])).toEqual(['Fill', 'Fill']);
  });
});

describe('constant folding', () => {
  const weights = (): tf.Tensor => tf.tensor1d([1, 4, 9, 16]);

  it('computes what depends on constants alone', () => {
    expect(left((x) => x.mul(weights().sqrt().add(1).neg()), foldConstants)).toEqual(['Multiply']);
    const after = eliminateDeadCode(foldConstants(traced((x) => x.mul(weights().sqrt().add(1)))));
    expect([...after.constants.values()]).toEqual([Float32Array.of(2, 3, 4, 5)]);
    expect(left((x) => [tf.split(weights(), 2)[1] as tf.Tensor, x.neg()], foldConstants)).toEqual(['Neg']);
    expect(
      left(
        (x) => tf.where(tf.greater(weights(), 3), x, x.neg()),
        (p) => removeNoops(foldConstants(p)),
      ),
    ).toEqual(['Neg', 'Select']);
  });

  it('gives numbers the type of their tensor, which tfjs does not', () => {
    const program = foldConstants(traced((x) => tf.pow(x, tf.tensor1d([1, 2, 3, 2], 'int32'))));
    const exponent = program.calls.find((call) => call.kernel === 'Pow')?.inputs['b'];
    expect(program.constants.get(exponent as number)).toEqual(Float32Array.of(1, 2, 3, 2));
  });

  it('does not blow the program up', () => {
    const big = (x: tf.Tensor): tf.Tensor =>
      tf
        .tile(weights().reshape([1, 4]), [5000, 1])
        .sum()
        .add(x);
    expect(left(big, foldConstants)).toEqual(['Tile', 'Sum', 'Add']);
    expect(left((x) => tf.fill([2, 4], 3).sum().add(x), foldConstants)).toEqual(['Add']);
    expect(left((x) => tf.fill([2, 4000], 3).sum().add(x), foldConstants)).toEqual(['Fill', 'Sum', 'Add']);
    // A transposed large weight is no larger than the weight.
    const weight = tf.zeros([100, 100]).add(tf.range(0, 100));
    expect(left((x) => x.sum().add(tf.transpose(weight)), foldConstants)).toEqual(['Sum', 'Add']);
    weight.dispose();
  });

  it('leaves no tensor and no backend behind', () => {
    const before = [tf.memory().numTensors, tf.getBackend()];
    foldConstants(traced((x) => x.mul(weights().sqrt())));
    expect([tf.memory().numTensors, tf.getBackend()]).toEqual(before);
  });
});

describe('uniform operands', () => {
  it('become scalars if the other operand has the result shape', () => {
    const after = eliminateDeadCode(
      shrinkUniforms(traced((x) => x.mul(tf.fill(SHAPE, 3)).add(tf.tensor(new Float32Array(24).fill(2), SHAPE)))),
    );
    expect(after.calls.map((call) => call.kernel)).toEqual(['Multiply', 'Add']);
    expect([...after.constants].map(([id, data]) => [after.values[id]?.shape, data[0]])).toEqual([
      [[], 3],
      [[], 2],
    ]);
    expect(left((x) => x.mul(tf.fill(SHAPE, 0.1)), shrinkUniforms)).toEqual(['Multiply']);
    expect(left((x) => x.greater(tf.reverse(tf.fill(SHAPE, 0.1))), shrinkUniforms)).toEqual(['Greater']);
  });

  it('stay where they give the result its shape, or are integers', () => {
    expect(left((x) => x.sum(0).mul(tf.fill(SHAPE, 3)), shrinkUniforms)).toEqual(['Sum', 'Fill', 'Multiply']);
    expect(left((x) => x.cast('int32').mul(tf.fill(SHAPE, 3, 'int32')), shrinkUniforms)).toEqual([
      'Cast',
      'Fill',
      'Multiply',
    ]);
  });
});

describe('products', () => {
  it('of one matrix each lose their batch, and the reshapes around them', () => {
    const dense: Fn = (x, y) =>
      tf.fused.matMul({
        a: x.reshape([6, 4]),
        b: y.reshape([6, 4]),
        transposeB: true,
        bias: tf.tensor1d([1, 2, 3, 4, 5, 6]),
        activation: 'relu',
      });
    expect(left(dense, removeNoops).filter((kernel) => kernel === 'Reshape').length).toBeGreaterThan(2);
    const after = eliminateDeadCode(removeNoops(flattenProducts(removeNoops(traced(dense)))));
    expect(after.calls.map((call) => call.kernel)).toEqual(['Reshape', 'Reshape', '_FusedMatMul']);
    expect(left(dense, (p) => removeNoops(flattenProducts(removeNoops(p))))).toHaveLength(3);
  });

  it('of batches stay', () => {
    expect(left((x, y) => tf.matMul(x as tf.Tensor3D, y as tf.Tensor3D, false, true), flattenProducts)).toEqual([
      'BatchMatMul',
    ]);
  });
});

describe('reductions', () => {
  const close = { rtol: 1e-6, atol: 1e-6 };

  it('of a Tile are taken before it', () => {
    const kernels = left(
      (x) => tf.tile(x.slice([0, 0, 0], [1, 3, 1]), [2, 1, 4]).sum([0, 2]),
      simplifyReductions,
      close,
    );
    expect(kernels).toEqual(['Slice', 'Sum', 'Multiply']);
    expect(
      left((x) => tf.tile(x.slice([0, 0, 0], [1, 3, 1]), [2, 1, 4]).mean([0, -1], true), simplifyReductions, close),
    ).toEqual(['Slice', 'Mean']);
  });

  it('stay where the Tile repeats more than single cells, or spreads an axis that is kept', () => {
    expect(left((x) => tf.tile(x, [2, 1, 1]).sum([0]), simplifyReductions)).toEqual(['Tile', 'Sum']);
    expect(left((x) => tf.tile(x.slice([0, 0, 0], [1, 3, 4]), [2, 1, 1]).sum([1]), simplifyReductions)).toEqual([
      'Slice',
      'Tile',
      'Sum',
    ]);
  });
});

describe('sums of deviations from the mean', () => {
  const centred = (x: tf.Tensor): tf.Tensor => x.sub(x.mean([0, 1]));
  const close = { rtol: 0, atol: 1e-6 };

  it('are zero, scaled or negated too', () => {
    expect(left((x) => centred(x).sum([0, 1]), simplifyReductions, close)).toEqual(['Fill']);
    expect(
      left(
        (x, y) =>
          centred(x)
            .mul(y.slice([0, 0, 0], [1, 1, 4]))
            .neg()
            .div(3)
            .sum([1, 0], true),
        simplifyReductions,
        close,
      ),
    ).toEqual(['Fill']);
    expect(left((x) => x.sub(x.mean([0, 1], true)).mean([0, 1]), simplifyReductions, close)).toEqual(['Fill']);
  });

  it('are not over other axes, of another mean, or with weights', () => {
    expect(left((x) => centred(x).sum([0]), simplifyReductions)).toEqual(['Mean', 'Sub', 'Sum']);
    expect(left((x) => centred(x).sum(), simplifyReductions)).toEqual(['Mean', 'Sub', 'Sum']);
    expect(left((x, y) => x.sub(y.mean([0, 1])).sum([0, 1]), simplifyReductions)).toEqual(['Mean', 'Sub', 'Sum']);
    expect(left((x, y) => centred(x).mul(y).sum([0, 1]), simplifyReductions)).toEqual([
      'Mean',
      'Sub',
      'Multiply',
      'Sum',
    ]);
    expect(left((x) => x.mean([0, 1]).sub(x).mul(2).sum([0, 1]), simplifyReductions)).toEqual([
      'Mean',
      'Sub',
      'Multiply',
      'Sum',
    ]);
    expect(left((x) => centred(x).square().sum([0, 1]), simplifyReductions)).toEqual(['Mean', 'Sub', 'Square', 'Sum']);
    expect(left((x, y) => y.slice([0, 0, 0], [1, 1, 4]).div(centred(x)).sum([0, 1]), simplifyReductions)).toEqual([
      'Slice',
      'Mean',
      'Sub',
      'RealDiv',
      'Sum',
    ]);
  });
});

describe('replay', () => {
  const p = traced((x) => x.neg());

  it('says what is missing or of the wrong size', () => {
    expect(() => replay(p, { x: { data: wave(24, 0) } })).toRefuse('usage', "'y'");
    expect(() => replay(p, { ...FEEDS, x: { data: [1] } })).toRefuse('usage', "'x'", '[2, 3, 4]', 'got 1');
    expect(() => replay(p, FEEDS, { backend: 'abacus' })).toRefuse('usage', "'abacus'");
  });

  it("shows each call's results, takes tensors, and leaves none behind", () => {
    const before = tf.memory().numTensors;
    const x = tf.tensor(FEEDS.x.data, SHAPE);
    const seen: number[][] = [];
    const result = replay(
      p,
      { ...FEEDS, x },
      { observe: (_call, outputs) => void seen.push(...outputs.map((t) => t.shape)) },
    );
    expect(result['out0']?.data).toEqual(FEEDS.x.data.map((v) => -v));
    expect(seen).toEqual([SHAPE]);
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
