// First and second derivatives against PyTorch float64 (tests/vectors/gradients.json), and gradient penalties of whole
// critics. Also: uninstalling restores tfjs's own. drawn.test.ts has each kernel with random attributes.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gradientTable, withGradients } from './index.js';

interface Packed {
  shape: number[];
  data: number[];
}
interface Case {
  name: string;
  inputs: Packed[];
  value: number[];
  w: Packed;
  v: Packed[];
  first: number[][];
  second: number[][];
}
interface Critic {
  activation: string;
  pool: string;
  x: Packed;
  weights: Packed[];
  penalty: number;
  grads: number[][];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/gradients.json', import.meta.url), 'utf8'),
) as { cases: Case[]; critics: Critic[] };

type T = tf.Tensor;
type T4 = tf.Tensor4D;
const four = (x: T): T4 => x.as4D(x.shape[0] ?? 1, x.shape[1] ?? 1, x.shape[2] ?? 1, x.shape[3] ?? 1);
const conv = (x: T, f: T, s: number, pad: 'same' | 'valid' = 'same', d = 1): T =>
  tf.conv2d(four(x), four(f), s, pad, 'NHWC', d);
const depthwise = (x: T, f: T, s: number, d = 1): T => tf.depthwiseConv2d(four(x), four(f), s, 'same', 'NHWC', d);
const moments = (x: T): { mean: tf.Tensor1D; variance: tf.Tensor1D } => {
  const { mean, variance } = tf.moments(
    x,
    x.shape.slice(0, -1).map((_, i) => i),
  );
  return { mean: mean.as1D(), variance: variance.as1D() };
};

/** The tfjs function of each case. */
const FUNCTIONS: Record<string, (...inputs: T[]) => T> = {
  relu: (x = one()) => tf.relu(x),
  relu6: (x = one()) => tf.relu6(x),
  leakyRelu: (x = one()) => tf.leakyRelu(x, 0.2),
  elu: (x = one()) => tf.elu(x),
  selu: (x = one()) => tf.selu(x),
  tanh: (x = one()) => tf.tanh(x),
  sigmoid: (x = one()) => tf.sigmoid(x),
  softplus: (x = one()) => tf.softplus(x),
  softmax: (x = one()) => tf.softmax(x),
  logSoftmax: (x = one()) => tf.logSoftmax(x),
  prelu: (x = one(), a = one()) => tf.prelu(x, a),
  gelu: (x = one()) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2)))),
  mish: (x = one()) => tf.mul(x, tf.tanh(tf.softplus(x))),
  swish: (x = one()) => tf.mul(x, tf.sigmoid(x)),
  logSigmoid: (x = one()) => tf.logSigmoid(x),
  exp: (x = one()) => tf.exp(x),
  abs: (x = one()) => tf.abs(x),
  log: (x = one()) => tf.log(x),
  sqrt: (x = one()) => tf.sqrt(x),
  rsqrt: (x = one()) => tf.rsqrt(x),
  square: (x = one()) => tf.square(x),
  clip: (x = one()) => tf.clipByValue(x, -0.7, 0.9),
  softmaxCrossEntropy: (labels = one(), logits = one()) => tf.losses.softmaxCrossEntropy(labels, logits),
  pow: (a = one(), b = one()) => tf.pow(a, b),
  maximum: (a = one(), b = one()) => tf.maximum(a, b),
  minimum: (a = one(), b = one()) => tf.minimum(a, b),
  squaredDifference: (a = one(), b = one()) => tf.squaredDifference(a, b),
  div: (a = one(), b = one()) => tf.div(a, b),
  where: (x = one()) => tf.where(tf.greater(x, 0.1), tf.mul(x, x), tf.tanh(x)),
  add: (a = one(), b = one()) => tf.add(a, b),
  sub: (a = one(), b = one()) => tf.sub(a, b),
  mul: (a = one(), b = one()) => tf.mul(a, b),
  addN: (a = one(), b = one(), c = one()) => tf.addN([tf.mul(a, a), b, tf.sin(c)]),
  neg: (x = one()) => tf.mul(tf.neg(x), x),
  reciprocal: (x = one()) => tf.reciprocal(x),
  log1p: (x = one()) => tf.log1p(x),
  expm1: (x = one()) => tf.expm1(x),
  sin: (x = one()) => tf.sin(x),
  cos: (x = one()) => tf.cos(x),
  tan: (x = one()) => tf.tan(x),
  asin: (x = one()) => tf.asin(x),
  acos: (x = one()) => tf.acos(x),
  atan: (x = one()) => tf.atan(x),
  sinh: (x = one()) => tf.sinh(x),
  cosh: (x = one()) => tf.cosh(x),
  asinh: (x = one()) => tf.asinh(x),
  acosh: (x = one()) => tf.acosh(x),
  atanh: (x = one()) => tf.atanh(x),
  atan2: (a = one(), b = one()) => tf.atan2(a, b),
  reshape: (x = one()) =>
    tf.cast(tf.squeeze(tf.expandDims(tf.transpose(tf.reshape(tf.mul(x, x), [4, 3, 2]), [2, 0, 1]), 1), [1]), 'float32'),
  concat: (a = one(), b = one()) => tf.concat([tf.mul(a, a), tf.mul(b, tf.slice(a, [0, 0], [3, 2]))], 1),
  slice: (x = one()) => tf.slice(tf.mul(x, x), [0, 1], [3, 2]),
  stridedSliceBack: (x = one()) => tf.stridedSlice(tf.mul(x, x), [4, 5], [0, 0], [-2, -2], 0, 0, 0, 0, 0),
  stridedSlice: (x = one()) => tf.stridedSlice(tf.mul(x, x), [0, 1], [5, 5], [2, 3]),
  pad: (x = one()) =>
    tf.pad(tf.mul(x, x), [
      [0, 1],
      [1, 2],
    ]),
  stack: (a = one(), b = one()) => tf.stack([tf.mul(a, b), b], 1),
  unstack: (x = one()) => {
    const [a = one(), , c = one()] = tf.unstack(x);
    return tf.mul(a, c);
  },
  split: (x = one()) => {
    const [a = one(), b = one()] = tf.split(x, 2, 1);
    return tf.mul(a, b);
  },
  gather: (x = one()) => tf.gather(tf.mul(x, x), tf.tensor1d([2, 0, 2, 1], 'int32')),
  reverse: (x = one()) => tf.reverse(tf.mul(x, x), 1),
  cumsum: (x = one()) => tf.cumsum(tf.mul(x, x), 1),
  spaceToBatch: (x = one()) =>
    tf.spaceToBatchND(
      tf.batchToSpaceND(
        tf.spaceToBatchND(
          tf.mul(x, x),
          [2, 2],
          [
            [0, 0],
            [0, 0],
          ],
        ),
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  einsum: (a = one(), b = one()) => tf.einsum('bij,bjk->bki', a, b),
  einsumSum: (a = one()) => tf.einsum('ijk->j', a),
  minibatchStd: (x = one()) => tf.reshape(tf.mean(tf.sqrt(tf.add(tf.moments(x, 0).variance, 1e-8))), [1, 1]),
  steps: (x = one()) => tf.add(tf.mul(x, tf.sign(x)), tf.mul(tf.floor(x), 0)),
  sum: (x = one()) => tf.sum(x, 1),
  mean: (x = one()) => tf.mean(tf.mul(x, x), [0, 2]),
  max: (x = one()) => tf.max(x, 1),
  min: (x = one()) => tf.min(x, -1),
  tile: (x = one()) => tf.tile(x, [1, 2, 3]),
  logSumExp: (x = one()) => tf.logSumExp(x, -1),
  layerNorm: (x = one(), g = one()) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), g);
  },
  matMul: (a = one(), b = one()) => tf.matMul(a, b),
  matMulTransposed: (a = one(), b = one()) => tf.matMul(a, b, true, true),
  matMulBroadcast: (a = one(), b = one()) => tf.matMul(a, b),
  conv: (x = one(), f = one()) => conv(x, f, 1),
  convStride2: (x = one(), f = one()) => conv(x, f, 2),
  convValid: (x = one(), f = one()) => conv(x, f, 2, 'valid'),
  convDilated: (x = one(), f = one()) => conv(x, f, 1, 'same', 2),
  convDilatedValid: (x = one(), f = one()) => conv(x, f, 1, 'valid', 2),
  convTranspose: (x = one(), f = one()) => tf.conv2dTranspose(four(x), four(f), [2, 6, 8, 2], 2, 'same'),
  convTranspose5: (x = one(), f = one()) => tf.conv2dTranspose(four(x), four(f), [1, 5, 6, 2], 2, 'same'),
  fusedConvDilated: (x = one(), f = one(), b = one()) =>
    tf.fused.conv2d({ x: four(x), filter: four(f), strides: 1, pad: 'same', dilations: 2, bias: b }),
  fusedMatMul: (a = one(), b = one(), c = one()) => tf.fused.matMul({ a, b, bias: c, activation: 'relu' }),
  depthwise: (x = one(), f = one()) => depthwise(x, f, 1),
  depthwiseStride2: (x = one(), f = one()) => depthwise(x, f, 2),
  depthwiseDilated: (x = one(), f = one()) => depthwise(x, f, 1, 2),
  maxPool: (x = one()) => tf.maxPool(four(x), 2, 2, 'valid'),
  maxPoolOverlap: (x = one()) => tf.maxPool(four(x), 3, 2, 'same'),
  maxPoolStride1: (x = one()) => tf.maxPool(four(x), 2, 1, 'valid'),
  avgPool: (x = one()) => tf.avgPool(four(x), 2, 2, 'valid'),
  avgPoolSame: (x = one()) => tf.avgPool(four(x), 3, 2, 'same'),
  avgPoolStride1: (x = one()) => tf.avgPool(four(x), 3, 1, 'same'),
  nearest: (x = one()) => tf.image.resizeNearestNeighbor(four(x), [4, 6]),
  nearestOdd: (x = one()) => tf.image.resizeNearestNeighbor(four(x), [5, 4]),
  nearestAlign: (x = one()) => tf.image.resizeNearestNeighbor(four(x), [5, 4], true),
  nearestHalf: (x = one()) => tf.image.resizeNearestNeighbor(four(x), [5, 4], false, true),
  bilinear: (x = one()) => tf.image.resizeBilinear(four(x), [5, 7]),
  bilinearAlign: (x = one()) => tf.image.resizeBilinear(four(x), [5, 7], true),
  bilinearHalf: (x = one()) => tf.image.resizeBilinear(four(x), [6, 3], false, true),
  mirrorPad: (x = one()) =>
    tf.mirrorPad(
      x,
      [
        [0, 0],
        [1, 2],
        [2, 1],
        [0, 0],
      ],
      'reflect',
    ),
  mirrorPadSymmetric: (x = one()) =>
    tf.mirrorPad(
      x,
      [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
      ],
      'symmetric',
    ),
  depthToSpace: (x = one()) => tf.depthToSpace(four(x), 2),
  batchNorm: (x = one(), mean = one(), variance = one(), offset = one(), scale = one()) =>
    tf.batchNorm(x, mean.as1D(), variance.as1D(), offset.as1D(), scale.as1D(), 1e-3),
  batchNormTraining: (x = one(), offset = one(), scale = one()) =>
    tf.batchNorm(x, moments(x).mean, moments(x).variance, offset.as1D(), scale.as1D(), 1e-3),
  batchNormDense: (x = one(), offset = one(), scale = one()) =>
    tf.batchNorm(x, moments(x).mean, moments(x).variance, offset.as1D(), scale.as1D(), 1e-3),
};

/** Default of the arguments, all of which every case has; throws if it is used. */
function one(): T {
  throw new Error('case without its inputs');
}

const tensor = ({ shape, data }: Packed): T => tf.tensor(data, shape, 'float32');

/** max|a-b| / max(1, max|b|). */
function difference(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  return expected.reduce((worst, b, i) => Math.max(worst, Math.abs((actual[i] ?? NaN) - b) / scale), 0);
}

/** Gradients with respect to variables; zero for one that is not connected. */
function gradients(f: () => tf.Scalar, variables: tf.Variable[]): number[][] {
  const { grads } = tf.variableGrads(f, variables);
  return variables.map((v) => Array.from(grads[v.name]?.dataSync() ?? new Float32Array(v.size)));
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('gradients', () => {
  it('has a function for every case of the vectors, and a case for every function', () => {
    expect(vectors.cases.map((c) => c.name).sort()).toEqual(Object.keys(FUNCTIONS).sort());
  });

  for (const c of vectors.cases) {
    it(`${c.name}: value, first and second order equal PyTorch's`, () => {
      const f = FUNCTIONS[c.name] ?? one;
      tf.tidy(() => {
        const inputs = c.inputs.map((p) => tf.variable(tensor(p)));
        const w = tf.variable(tensor(c.w));
        const weighted = (...xs: T[]): tf.Scalar => tf.sum(tf.mul(f(...xs), w)).asScalar();
        withGradients(() => {
          expect(difference(f(...inputs).dataSync(), c.value)).toBeLessThan(2e-6);
          gradients(() => weighted(...inputs), inputs).forEach((g, i) =>
            expect(difference(g, c.first[i] ?? []), `first order, input ${i}`).toBeLessThan(1e-5),
          );
          const inner = (): tf.Scalar => {
            const gs = tf.grads(weighted)(inputs);
            return tf.addN(gs.map((g, i) => tf.sum(tf.mul(g, tensor(c.v[i] ?? { shape: [], data: [] }))))).asScalar();
          };
          gradients(inner, [...inputs, w]).forEach((g, i) =>
            expect(difference(g, c.second[i] ?? []), `second order, input ${i}`).toBeLessThan(1e-5),
          );
        });
        tf.dispose([...inputs, w]);
      });
    });
  }
});

describe('a batch norm without scale or offset', () => {
  it('has the derivatives of one whose scale is 1 and whose offset is 0', () => {
    tf.tidy(() => {
      const draw = (shape: number[], seed: number): T => tf.randomUniform(shape, 0.3, 2, 'float32', seed);
      const [x, mean, variance, w, v] = [
        draw([2, 3, 2, 3], 1),
        draw([3], 2),
        draw([3], 3),
        draw([2, 3, 2, 3], 4),
        draw([3], 5),
      ];
      const [ones, zeros] = [tf.ones([3]) as tf.Tensor1D, tf.zeros([3]) as tf.Tensor1D];
      const derivatives = (offset?: tf.Tensor1D, scale?: tf.Tensor1D): Float32Array[] =>
        withGradients(() => {
          const f = (...[a = one(), b = one(), c = one()]: T[]): tf.Scalar =>
            tf.sum(tf.mul(tf.batchNorm(a, b.as1D(), c.as1D(), offset, scale, 1e-3), w)).asScalar();
          const second = tf.grads((...inputs: T[]) => tf.sum(tf.mul(tf.grads(f)(inputs)[2] ?? one(), v)).asScalar())([
            x,
            mean,
            variance,
          ]);
          return [...tf.grads(f)([x, mean, variance]), ...second].map((g) => g.dataSync() as Float32Array);
        });
      const [expected, ...others] = [
        derivatives(zeros, ones),
        derivatives(),
        derivatives(zeros),
        derivatives(undefined, ones),
      ];
      for (const other of others)
        other.forEach((g, i) =>
          expect(g, `derivative ${i}`).toBeAllclose(expected?.[i] ?? [], { rtol: 1e-6, atol: 1e-6 }),
        );
    });
  });
});

describe('arguments that tf.layers and TensorFlow allow', () => {
  it('a depthwise layer, which leaves out its dilations', () => {
    const layer = tf.layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, depthwiseInitializer: 'ones' });
    const x = tf.range(1, 10).reshape([1, 3, 3, 1]);
    layer.apply(x);
    const { grads } = withGradients(() => tf.variableGrads(() => tf.sum(layer.apply(x) as T).asScalar()));
    // each weight's slope is the sum of the pixels that it sees
    expect(Object.values(grads)[0]?.dataSync()).toEqual(Float32Array.of(12, 12, 16, 16, 24, 24, 28, 28));
    // each pixel is seen by as many windows, by two channels
    const dx = withGradients(() => tf.grad((p) => tf.sum(layer.apply(p) as T))(x));
    expect(dx.dataSync()).toEqual(Float32Array.of(2, 4, 2, 4, 8, 4, 2, 4, 2));
  });

  it('a gather whose batch axes are counted from the back of the indices', () => {
    const [x, places] = [tf.ones([2, 3]), tf.tensor2d([0, 2, 1, 1], [2, 2], 'int32')];
    const dx = withGradients(() => tf.grad((p) => tf.sum(tf.gather(p, places, 1, -1)))(x));
    expect(dx.dataSync()).toEqual(Float32Array.of(1, 0, 1, 0, 2, 0));
  });

  it('an update that a later one overwrites', () => {
    const [x, u] = [tf.ones([3, 2]), tf.ones([3, 2])];
    const places = tf.tensor2d([[2], [0], [2]], [3, 1], 'int32');
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const [dx, du] = withGradients(() =>
      tf.grads((a, b) => tf.sum(tf.mul(tf.tensorScatterUpdate(tf.mul(a, 1), places, b), weights)))([x, u]),
    );
    expect(dx?.dataSync()).toEqual(Float32Array.of(0, 0, 3, 4, 0, 0));
    expect(du?.dataSync()).toEqual(Float32Array.of(0, 0, 1, 2, 5, 6));
  });

  it('a segment sum that leaves out rows of no segment', () => {
    const ids = tf.tensor1d([1, -1, 3, 0], 'int32');
    const weights = tf.tensor1d([10, 20, 30]);
    const dx = withGradients(() =>
      tf.grad((p) => tf.sum(tf.mul(tf.unsortedSegmentSum(p, ids, 3), weights)))(tf.ones([4])),
    );
    expect(dx.dataSync()).toEqual(Float32Array.of(20, 0, 0, 10));
  });
});

const ACTIVATIONS: Record<string, (x: T) => T> = {
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  relu: tf.relu,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  elu: tf.elu,
  softplus: tf.softplus,
  swish: (x) => tf.mul(x, tf.sigmoid(x)),
  softmax: (x) => tf.softmax(x),
};
const POOLS: Record<string, (x: T) => T> = {
  avgPool: (x) => tf.avgPool(four(x), 2, 2, 'valid'),
  maxPool: (x) => tf.maxPool(four(x), 2, 2, 'valid'),
  avgPoolSame: (x) => tf.avgPool(four(x), 3, 2, 'same'),
  maxPoolSame: (x) => tf.maxPool(four(x), 3, 2, 'same'),
};

describe('gradient penalties', () => {
  for (const c of vectors.critics) {
    it(`WGAN-GP of a critic with ${c.activation} and ${c.pool}: weight gradients equal PyTorch's double backward`, () => {
      tf.tidy(() => {
        const weights = c.weights.map((p) => tf.variable(tensor(p)));
        const [f1 = one(), b1 = one(), f2 = one(), b2 = one(), d = one()] = weights;
        const act = ACTIVATIONS[c.activation] ?? one;
        const pool = POOLS[c.pool] ?? one;
        const score = (x: T): T =>
          tf.matMul(
            tf.reshape(act(tf.add(conv(pool(act(tf.add(conv(x, f1, 1), b1))), f2, 2), b2)), [3, 16]),
            d.as2D(16, 1),
          );
        const penalty = (): tf.Scalar => {
          const slope = tf.grad((x: T) => tf.sum(score(x)))(tensor(c.x));
          const norm = tf.sqrt(tf.add(tf.sum(tf.square(slope), [1, 2, 3]), 1e-12));
          return tf.mean(tf.square(tf.sub(norm, 1))).asScalar();
        };
        withGradients(() => {
          expect(difference(penalty().dataSync(), [c.penalty])).toBeLessThan(1e-6);
          gradients(penalty, weights).forEach((g, i) =>
            expect(difference(g, c.grads[i] ?? []), `weight ${i}`).toBeLessThan(1e-5),
          );
        });
        tf.dispose(weights);
      });
    });
  }
});

describe('the registry', () => {
  it('has the previous gradients again after withGradients, nested or failed', () => {
    const before = Object.keys(gradientTable).map((name) => tf.getGradient(name));
    withGradients(() =>
      withGradients(() => expect(tf.getGradient('Tanh')).not.toBe(before[Object.keys(gradientTable).indexOf('Tanh')])),
    );
    expect(Object.keys(gradientTable).map((name) => tf.getGradient(name))).toEqual(before);
    expect(() =>
      withGradients(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(Object.keys(gradientTable).map((name) => tf.getGradient(name))).toEqual(before);
  });

  it('keeps no tensors', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      withGradients(() =>
        tf.grad((x: T) => tf.sum(tf.maxPool(four(tf.leakyRelu(x)), 3, 2, 'same')))(tf.ones([1, 4, 4, 1])),
      );
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
