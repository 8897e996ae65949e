// The functions of tests/vectors/drawn-gradients.json in tfjs, by name: kernels with random attributes, and the blocks
// of blocks.ts. Also generates their inputs, exactly as tests/vectors/drawn_gradients.py does. Not part of the package.
import * as tf from '@tensorflow/tfjs';
import { BLOCKS } from './blocks.js';
import { kernel } from '../tape.js';
import { asPicture, asVolume, type Attrs, type DrawnFunction } from './drawn-function.js';

type T = tf.Tensor;

/** One draw, as tests/vectors/drawn_gradients.py writes it (its docstring explains the fields). */
export interface Draw {
  seed: number;
  inputs: { shape: number[]; range: [number, number] }[];
  attrs: Attrs;
  shape: number[];
  value: number[];
  first: number[][];
  second: number[][];
}

/** The draws of the file, by name of the function. */
export function drawsOf(file: string): { name: string; draws: Draw[] }[] {
  return (JSON.parse(file) as { ops: { name: string; draws: Draw[] }[] }).ops;
}

/** Evenly spaced numbers between low and high, in an order drawn by a linear congruential generator. */
function numbersOf(seed: number, shape: readonly number[], low: number, high: number): Float32Array {
  const n = shape.reduce((a, b) => a * b, 1);
  const order = Array.from({ length: n }, (_, i) => i);
  let state = seed;
  for (let i = n - 1; i >= 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state * (i + 1)) / 2 ** 32);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return Float32Array.from(order, (k) => low + ((high - low) * (k + 0.5)) / n);
}

/** The inputs of a draw, the weights of its results, and the directions of its second derivative. */
export function drawnNumbers({ seed, inputs, shape }: Draw): {
  inputs: Float32Array[];
  weights: Float32Array;
  directions: Float32Array[];
} {
  return {
    inputs: inputs.map((input, i) => numbersOf(seed * 64 + i, input.shape, ...input.range)),
    weights: numbersOf(seed * 64 + 40, shape, -1, 1),
    directions: inputs.map((input, i) => numbersOf(seed * 64 + 41 + i, input.shape, -1, 1)),
  };
}

const unary =
  (f: (x: T) => T): DrawnFunction =>
  (_a, x) =>
    f(x);
const binary =
  (f: (a: T, b: T) => T): DrawnFunction =>
  (_a, a, b) =>
    f(a, b);
/** x · f(x) for a piecewise constant f. */
const timesX = (f: (x: T) => T): DrawnFunction => unary((x) => tf.mul(x, tf.cast(f(x), 'float32')));
const squared =
  (f: (attrs: Attrs, x: T, ...rest: T[]) => T): DrawnFunction =>
  (attrs, x, ...rest) =>
    f(attrs, tf.mul(x, x), ...rest);
const along =
  (f: (x: T, axis: number[], keep: boolean) => T): DrawnFunction =>
  (attrs, x) =>
    f(x, attrs.axis, attrs.keep);
const chosen = (compare: (a: T, b: T) => T): DrawnFunction =>
  binary((a, b) => tf.where(compare(a, b), tf.mul(a, b), tf.add(a, b)));
const logical = (f: (a: T, b: T) => T): DrawnFunction =>
  binary((a, b) => tf.mul(tf.mul(a, b), tf.cast(f(tf.greater(a, 0), tf.greater(b, 0)), 'float32')));
const masked = (x: T, attrs: Attrs): T => tf.mul(x, tf.tensor(attrs.mask, x.shape));
const int = (values: unknown): T => tf.tensor(values as number[], undefined, 'int32');
const pairs = (pads: number[][]): [number, number][] => pads.map(([a = 0, b = 0]) => [a, b]);
/** tfjs wants explicit pads for all four axes. */
const padOf = (pad: Attrs['pad'], format = 'NHWC'): 'same' => {
  if (!Array.isArray(pad)) return pad as 'same';
  const none: [number, number][] = [[0, 0]];
  return (format === 'NHWC' ? [...none, ...pad, ...none] : [...none, ...none, ...pad]) as unknown as 'same';
};
const two = (values: number[]): [number, number] => [values[0] ?? 1, values[1] ?? 1];
const three = (values: number[]): [number, number, number] => [values[0] ?? 1, values[1] ?? 1, values[2] ?? 1];

/** Functions that tfjs's cpu backend cannot run: checked in compiled steps only. */
export const COMPILED_ONLY: readonly string[] = ['depthToSpaceFirst'];

/** The functions, by their names in the script that writes the vectors. */
export const DRAWN: Readonly<Record<string, DrawnFunction>> = {
  relu: unary(tf.relu),
  relu6: unary(tf.relu6),
  elu: unary(tf.elu),
  selu: unary(tf.selu),
  tanh: unary(tf.tanh),
  sigmoid: unary(tf.sigmoid),
  softplus: unary(tf.softplus),
  logSigmoid: unary(tf.logSigmoid),
  exp: unary(tf.exp),
  expm1: unary(tf.expm1),
  log: unary(tf.log),
  log1p: unary(tf.log1p),
  sqrt: unary(tf.sqrt),
  rsqrt: unary(tf.rsqrt),
  square: unary(tf.square),
  abs: unary(tf.abs),
  neg: unary((x) => tf.mul(tf.neg(x), x)),
  reciprocal: unary(tf.reciprocal),
  sin: unary(tf.sin),
  cos: unary(tf.cos),
  tan: unary(tf.tan),
  asin: unary(tf.asin),
  acos: unary(tf.acos),
  atan: unary(tf.atan),
  sinh: unary(tf.sinh),
  cosh: unary(tf.cosh),
  asinh: unary(tf.asinh),
  acosh: unary(tf.acosh),
  atanh: unary(tf.atanh),
  erf: unary(tf.erf),
  sign: timesX(tf.sign),
  floor: timesX(tf.floor),
  ceil: timesX(tf.ceil),
  round: timesX(tf.round),
  isFinite: unary((x) => tf.mul(tf.mul(x, x), tf.cast(tf.isFinite(x), 'float32'))),
  isNaN: unary((x) => tf.mul(tf.mul(x, x), tf.sub(1, tf.cast(tf.isNaN(x), 'float32')))),
  isInf: unary((x) => tf.mul(tf.mul(x, x), tf.sub(1, tf.cast(tf.isInf(x), 'float32')))),
  onesLike: unary((x) => tf.mul(tf.mul(x, x), tf.onesLike(x))),
  zerosLike: unary((x) => tf.add(tf.mul(x, x), tf.zerosLike(x))),
  castToInt: timesX((x) => tf.cast(x, 'int32')),
  castToBool: unary((x) => tf.mul(tf.mul(x, x), tf.cast(tf.cast(x, 'bool'), 'float32'))),
  clone: unary((x) => tf.mul(tf.clone(x), x)),
  identityKernel: unary((x) => tf.mul(kernel('Identity', { x }, {}), x)),
  bitwiseAnd: timesX((x) => tf.bitwiseAnd(tf.cast(x, 'int32'), tf.fill(x.shape, 3, 'int32'))),
  searchSorted: timesX((x) => tf.searchSorted(tf.tile(tf.tensor2d([[-1, 0.2, 0.9]]), [x.shape[0] ?? 1, 1]), x)),
  logicalNot: timesX((x) => tf.logicalNot(tf.greater(x, 0.2))),
  leakyRelu: (a, x) => tf.leakyRelu(x, a.alpha),
  step: (a, x) => tf.mul(x, tf.step(x, a.alpha)),
  clipByValue: (a, x) => tf.clipByValue(x, a.low, a.high),
  add: binary(tf.add),
  sub: binary(tf.sub),
  mul: binary(tf.mul),
  div: binary(tf.div),
  pow: binary(tf.pow),
  maximum: binary(tf.maximum),
  minimum: binary(tf.minimum),
  squaredDifference: binary(tf.squaredDifference),
  atan2: binary(tf.atan2),
  mod: binary(tf.mod),
  modNegative: binary(tf.mod),
  floorDiv: binary((a, b) => tf.add(tf.mul(a, tf.floorDiv(a, b)), b)),
  greater: chosen(tf.greater),
  greaterEqual: chosen(tf.greaterEqual),
  less: chosen(tf.less),
  lessEqual: chosen(tf.lessEqual),
  equal: chosen(tf.equal),
  notEqual: chosen(tf.notEqual),
  logicalAnd: logical(tf.logicalAnd),
  logicalOr: logical(tf.logicalOr),
  logicalXor: logical(tf.logicalXor),
  prelu: binary(tf.prelu),
  addN: (_a, ...xs) => tf.addN(xs.map((x) => tf.mul(x, x))),
  softmax: unary(tf.softmax),
  logSoftmax: unary(tf.logSoftmax),
  softmaxCrossEntropy: binary(tf.losses.softmaxCrossEntropy),
  sigmoidCrossEntropy: binary(tf.losses.sigmoidCrossEntropy),
  where: ({ condition }, a, b) => tf.where(tf.tensor(condition, a.shape, 'bool'), tf.mul(a, b), a),
  powOfZero: ({ exponent }, x) => tf.pow(x, exponent),
  sum: squared(along((x, axis, keep) => tf.sum(x, axis, keep))),
  mean: squared(along((x, axis, keep) => tf.mean(x, axis, keep))),
  max: along((x, axis, keep) => tf.max(x, axis, keep)),
  min: along((x, axis, keep) => tf.min(x, axis, keep)),
  logSumExp: along((x, axis, keep) => tf.logSumExp(x, axis, keep)),
  norm: along((x, axis, keep) => tf.sqrt(tf.sum(tf.square(x), axis, keep))),
  moments: along((x, axis, keep) => {
    const { mean, variance } = tf.moments(x, axis, keep);
    return tf.add(mean, variance);
  }),
  any: (a, x) => tf.mul(x, tf.cast(tf.any(tf.greater(x, 1), a.axis, true), 'float32')),
  all: (a, x) => tf.mul(x, tf.cast(tf.all(tf.greater(x, -1), a.axis, true), 'float32')),
  argMax: (a, x) => tf.mul(tf.sum(x, a.axis), tf.cast(tf.argMax(x, a.axis as unknown as number), 'float32')),
  argMin: (a, x) => tf.mul(tf.sum(x, a.axis), tf.cast(tf.argMin(x, a.axis as unknown as number), 'float32')),
  oneHot: (_a, x) => tf.mul(x, tf.oneHot(tf.argMax(x, -1) as tf.Tensor1D, x.shape.at(-1) ?? 1, 1, 0, 'float32')),
  prod: along((x, axis, keep) => tf.prod(x, axis, keep)),
  prodOfZeros: (a, x) => tf.prod(masked(x, a), a.axis, a.keep),
  cumsum: squared((a, x) => tf.cumsum(x, a.axis as unknown as number, a.exclusive, a.reverse)),
  cumprod: (a, x) => tf.cumprod(x, a.axis as unknown as number, a.exclusive, a.reverse),
  cumprodOfZeros: (a, x) => tf.cumprod(masked(x, a), a.axis as unknown as number, a.exclusive, a.reverse),
  topk: squared((a, x) => tf.topk(x, a.k).values),
  transpose: squared((a, x) => tf.transpose(x, a.perm)),
  reshape: squared((a, x) => tf.reshape(x, a.shape)),
  expandDims: squared((a, x) => tf.expandDims(x, a.axis as unknown as number)),
  concat: (a, ...xs) =>
    tf.concat(
      xs.map((x) => tf.mul(x, x)),
      a.axis as unknown as number,
    ),
  stack: (a, ...xs) =>
    tf.stack(
      xs.map((x) => tf.mul(x, x)),
      a.axis as unknown as number,
    ),
  unstack: squared((a, x) =>
    tf.addN(tf.unstack(x, a.axis as unknown as number).map((t, i) => tf.mul(tf.mul(t, t), i + 1))),
  ),
  split: squared((a, x) => tf.mul(tf.split(x, a.sizes, a.axis as unknown as number).at(-1) ?? x, 2)),
  slice: squared((a, x) => tf.slice(x, a.begin, a.size)),
  stridedSlice: squared((a, x) =>
    tf.stridedSlice(
      x,
      a.begin,
      a.end.map((end) => (end < 0 ? 0 : end)),
      a.strides,
      0,
      a.end.reduce((mask, end, i) => mask + (end < 0 ? 2 ** i : 0), 0),
    ),
  ),
  stridedSliceMasks: squared((a, x) => {
    const { begin, end, ellipsis, new: added, shrink } = a.masks;
    return tf.stridedSlice(x, a.begin, a.end, a.strides, begin, end, ellipsis, added, shrink);
  }),
  pad: squared((a, x) => tf.pad(x, pairs(a.pads), 0.5)),
  mirrorPad: squared((a, x) => tf.mirrorPad(x, pairs(a.pads), a.mode as 'reflect')),
  reverse: squared((a, x) => tf.reverse(x, a.axis)),
  tile: squared((a, x) => tf.tile(x, a.reps)),
  broadcastTo: squared((a, x) => tf.broadcastTo(x, a.shape)),
  gather: squared((a, x) => tf.gather(x, int(a.indices) as tf.Tensor1D, a.axis as unknown as number)),
  gatherSquare: squared((a, x) => tf.gather(x, int(a.indices) as tf.Tensor1D, a.axis as unknown as number)),
  gatherBatch: squared((a, x) => tf.gather(x, int(a.indices) as tf.Tensor1D, a.axis as unknown as number, 1)),
  gatherND: squared((a, x) => tf.gatherND(x, int(a.indices))),
  scatterND: squared((a, x) => tf.scatterND(int(a.indices), x, a.shape)),
  tensorScatterUpdate: squared((a, x, u = x) => tf.tensorScatterUpdate(x, int(a.indices), tf.mul(u, u))),
  unsortedSegmentSum: squared((a, x) => tf.unsortedSegmentSum(x, int(a.segments) as tf.Tensor1D, 3)),
  diag: squared((_a, x) => tf.diag(x)),
  depthToSpace: squared((a, x) => tf.depthToSpace(asPicture(x), a.block as unknown as number, a.format as 'NHWC')),
  depthToSpaceFirst: squared((a, x) => tf.depthToSpace(asPicture(x), a.block as unknown as number, a.format as 'NHWC')),
  flipLeftRight: squared((_a, x) => tf.image.flipLeftRight(asPicture(x))),
  spaceToBatch: squared((a, x) => tf.spaceToBatchND(x, a.block, a.pads)),
  batchToSpace: squared((a, x) => tf.batchToSpaceND(x, a.block, a.crops)),
  matMul: ({ transpose: [ta, tb] }, a, b) => tf.matMul(a, b, ta, tb),
  fusedMatMul: ({ transpose: [ta, tb], activation }, a, b, bias) =>
    tf.fused.matMul({ a, b, transposeA: ta === true, transposeB: tb === true, bias, activation }),
  einsum: ({ equation }, ...xs) => tf.einsum(equation, ...xs.map((x) => tf.mul(x, x))),
  conv2d: (a, x, f) =>
    tf.conv2d(asPicture(x), asPicture(f), two(a.strides), padOf(a.pad, a.format), a.format as 'NHWC', two(a.dilations)),
  conv2dRounded: (a, x, f) =>
    tf.conv2d(asPicture(x), asPicture(f), two(a.strides), padOf(a.pad), 'NHWC', 1, a.rounding ?? undefined),
  fusedConv2d: (a, x, f, bias) =>
    tf.fused.conv2d({
      x: asPicture(x),
      filter: asPicture(f),
      strides: two(a.strides),
      pad: padOf(a.pad),
      dilations: two(a.dilations),
      bias,
      activation: a.activation,
    }),
  conv1d: (a, x, f) => tf.conv1d(x as tf.Tensor3D, f as tf.Tensor3D, a.stride, a.pad as 'same', 'NWC', a.dilation),
  conv2dTranspose: (a, y, f) =>
    tf.conv2dTranspose(
      asPicture(y),
      asPicture(f),
      a.shape as [number, number, number, number],
      two(a.strides),
      padOf(a.pad),
    ),
  depthwiseConv2d: (a, x, f) =>
    tf.depthwiseConv2d(asPicture(x), asPicture(f), two(a.strides), padOf(a.pad), 'NHWC', two(a.dilations)),
  fusedDepthwiseConv2d: (a, x, f, bias) =>
    tf.fused.depthwiseConv2d({
      x: asPicture(x),
      filter: asPicture(f),
      strides: two(a.strides),
      pad: padOf(a.pad),
      dilations: two(a.dilations),
      bias,
      activation: a.activation,
    }),
  separableConv2d: (a, x, f, p) =>
    tf.separableConv2d(asPicture(x), asPicture(f), asPicture(p), two(a.strides), padOf(a.pad)),
  conv3d: (a, x, f) =>
    tf.conv3d(asVolume(x), asVolume(f), three(a.strides), a.pad as 'same', 'NDHWC', three(a.dilations)),
  conv3dTranspose: (a, y, f) =>
    tf.conv3dTranspose(
      asVolume(y),
      asVolume(f),
      a.shape as [number, number, number, number, number],
      three(a.strides),
      a.pad as 'same',
    ),
  avgPool: squared((a, x) =>
    tf.avgPool(asPicture(x), two(a.size as number[]), two(a.strides), padOf(a.pad), a.rounding ?? undefined),
  ),
  maxPool: (a, x) =>
    tf.square(tf.maxPool(asPicture(x), two(a.size as number[]), two(a.strides), padOf(a.pad), a.rounding ?? undefined)),
  maxPoolWithArgmax: (a, x) =>
    tf.square(tf.maxPoolWithArgmax(asPicture(x), two(a.size as number[]), two(a.strides), padOf(a.pad))['result'] ?? x),
  pool: (a, x) => tf.square(tf.pool(asPicture(x), two(a.size as number[]), a.kind as 'avg', 'valid', two(a.dilations))),
  avgPool3d: squared((a, x) =>
    tf.avgPool3d(
      asVolume(x),
      three(a.size as number[]),
      three(a.strides),
      padOf(a.pad),
      (a.rounding as 'floor' | undefined) ?? undefined,
    ),
  ),
  maxPool3d: (a, x) =>
    tf.square(
      tf.maxPool3d(
        asVolume(x),
        three(a.size as number[]),
        three(a.strides),
        padOf(a.pad),
        (a.rounding as 'floor' | undefined) ?? undefined,
      ),
    ),
  nearest: squared((a, x) => tf.image.resizeNearestNeighbor(asPicture(x), two(a.size as number[]), a.align, a.half)),
  bilinear: squared((a, x) => tf.image.resizeBilinear(asPicture(x), two(a.size as number[]), a.align, a.half)),
  batchNorm: (a, x, mean, variance, ...rest) => {
    const offset = a.offset ? rest.shift() : undefined;
    return tf.batchNorm(
      x,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      offset as tf.Tensor1D,
      a.scale ? (rest.shift() as tf.Tensor1D) : undefined,
      1e-3,
    );
  },
  localResponseNormalization: (a, x) => tf.localResponseNormalization(asPicture(x), a.radius, a.bias, a.alpha, a.beta),
  ...BLOCKS,
};
