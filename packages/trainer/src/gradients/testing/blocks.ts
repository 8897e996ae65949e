// Typical GAN blocks, written in tfjs as a user would write them, for the randomly drawn test vectors. Not part of the
// package.
import * as tf from '@tensorflow/tfjs';
import { asPicture, type DrawnFunction } from './drawn-function.js';

type T = tf.Tensor;

/** x, without a gradient. */
const stopGradient = (x: T): T =>
  tf.customGrad((...args) => ({ value: (args[0] as T).clone(), gradFunc: (dy: T) => tf.zerosLike(dy) }))(x);

const conv = (x: T, f: T): T => tf.conv2d(asPicture(x), asPicture(f), 1, 'same');
const normed = (x: T, axes: number[]): T => {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-2)));
};
const at = (x: T, i: number): number => x.shape[i] ?? 1;
const rows = (table: T, labels: number[]): T =>
  tf.reshape(tf.gather(table, tf.tensor1d(labels, 'int32')), [labels.length, 1, 1, at(table, 1)]);
const unit = (t: T): T => tf.div(t, tf.sqrt(tf.add(tf.sum(tf.square(t)), 1e-12)));
const half = (x: T): T => tf.avgPool(asPicture(x), 2, 2, 'valid');
const size = (x: T, factor: number): [number, number] => [at(x, 1) * factor, at(x, 2) * factor];

/** Each sample has its own filter: one convolution per sample. */
function modulatedConv(x: T, filter: T, style: T): T {
  const samples = tf.split(x, at(x, 0)).map((sample, i) => {
    const scale = tf.reshape(tf.slice(style, [i, 0], [1, -1]), [1, 1, at(x, 3), 1]);
    const each = tf.mul(filter, scale);
    return conv(sample, tf.mul(each, tf.rsqrt(tf.add(tf.sum(tf.square(each), [0, 1, 2], true), 1e-8))));
  });
  return tf.concat(samples, 0);
}

function spectral(weight: T, u: T): T {
  const flat = tf.reshape(weight, [-1, at(weight, 3)]);
  const v = stopGradient(unit(tf.matMul(flat, tf.reshape(stopGradient(u), [-1, 1]))));
  const next = stopGradient(unit(tf.matMul(flat, v, true)));
  return tf.div(weight, tf.sum(tf.matMul(tf.matMul(v, flat, true), next)));
}

function heads(x: T, q: T, k: T, v: T): T {
  const [n, h, w, c] = [at(x, 0), at(x, 1), at(x, 2), at(x, 3)];
  const flat = tf.reshape(x, [n * h * w, c]);
  const split = (m: T): T => tf.transpose(tf.reshape(tf.matMul(flat, m), [n, h * w, 2, 2]), [0, 2, 1, 3]);
  const scores = tf.div(tf.matMul(split(q), split(k), false, true), Math.SQRT2);
  return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), split(v)), [0, 2, 1, 3]), [n, h * w, 4]);
}

function minibatchStd(x: T, group: number): T {
  const [n, h, w, c] = [at(x, 0), at(x, 1), at(x, 2), at(x, 3)];
  const { variance } = tf.moments(tf.reshape(x, [group, n / group, h, w, c]), 0);
  const deviation = tf.mean(tf.sqrt(tf.add(variance, 1e-8)), [1, 2, 3], true);
  return tf.concat([x, tf.tile(deviation, [group, h, w, 1])], 3);
}

/** `tf.split` along the last axis into pieces of 2. */
const pieces = (x: T): [T, T, T, T] => tf.split(x, at(x, 1) / 2, 1) as [T, T, T, T];

function gru(x: T, kernel: T, recurrent: T, bias: T): T {
  let state: T = tf.zeros([at(x, 0), 2]);
  for (const step of tf.unstack(x, 1)) {
    const [az, ar, ah] = pieces(tf.add(tf.matMul(step, kernel), bias));
    const [bz, br] = pieces(tf.matMul(state, recurrent));
    const [z, reset] = [tf.sigmoid(tf.add(az, bz)), tf.sigmoid(tf.add(ar, br))];
    const next = tf.tanh(tf.add(ah, tf.matMul(tf.mul(reset, state), tf.slice(recurrent, [0, 4], [2, 2]))));
    state = tf.add(tf.mul(z, state), tf.mul(tf.sub(1, z), next));
  }
  return state;
}

function lstm(x: T, kernel: T, recurrent: T, bias: T): T {
  let [hidden, cell]: [T, T] = [tf.zeros([at(x, 0), 2]), tf.zeros([at(x, 0), 2])];
  for (const step of tf.unstack(x, 1)) {
    const [i, f, g, q] = pieces(tf.add(tf.add(tf.matMul(step, kernel), tf.matMul(hidden, recurrent)), bias));
    cell = tf.add(tf.mul(tf.sigmoid(f), cell), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    hidden = tf.mul(tf.sigmoid(q), tf.tanh(cell));
  }
  return hidden;
}

/** The blocks, by their names in the script that writes the vectors. */
export const BLOCKS: Readonly<Record<string, DrawnFunction>> = {
  instanceNorm: (_a, x, g, b) => tf.add(tf.mul(normed(x, [1, 2]), g), b),
  adaIN: (_a, x, style) => {
    const [scale, shift] = tf.split(tf.reshape(style, [at(x, 0), 1, 1, -1]), 2, 3) as [T, T];
    return tf.add(tf.mul(normed(x, [1, 2]), scale), shift);
  },
  conditionalBatchNorm: ({ labels }, x, g, b) => tf.add(tf.mul(normed(x, [0, 1, 2]), rows(g, labels)), rows(b, labels)),
  projection: ({ labels }, x, table, dense) => {
    const pooled = tf.sum(x, [1, 2]);
    const embedded = tf.gather(table, tf.tensor1d(labels, 'int32'));
    return tf.add(tf.sum(tf.mul(pooled, embedded), 1, true), tf.matMul(pooled, dense));
  },
  modulatedConv: (_a, x, f, style) => modulatedConv(x, f, style),
  upfirdn: (_a, x) => {
    const filter = tf.fill([3, 3, 1, 1], 1 / 9) as tf.Tensor4D;
    return tf.conv2dTranspose(asPicture(tf.square(x)), filter, [at(x, 0), ...size(x, 2), 1], 2, 'same');
  },
  spectralNorm: (_a, x, f, u) => tf.tanh(conv(x, spectral(f, u))),
  attention: (_a, x, q, k, ...[v = x, gamma = x]) => {
    const [n, h, w, c] = [at(x, 0), at(x, 1), at(x, 2), at(x, 3)];
    const flat = tf.reshape(x, [n * h * w, c]);
    const by = (m: T): T => tf.reshape(tf.matMul(flat, m), [n, h * w, at(m, 1)]);
    const mixed = tf.matMul(tf.softmax(tf.matMul(by(q), by(k), false, true)), by(v));
    return tf.add(x, tf.mul(gamma, tf.reshape(mixed, [n, h, w, c])));
  },
  multiHead: (_a, x, q, k, ...[v = x]) => heads(x, q, k, v),
  minibatchStd: ({ group }, x) => minibatchStd(x, group),
  pixelShuffleUp: (_a, x, f) => tf.leakyRelu(tf.depthToSpace(asPicture(conv(x, f)), 2), 0.2),
  pixelNorm: (_a, x) => tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-8))),
  selfModulatedResidual: (_a, x, f, z) => {
    const scaled = tf.mul(normed(x, [1, 2]), tf.reshape(tf.add(z, 1), [at(x, 0), 1, 1, at(x, 3)]));
    const up = tf.image.resizeNearestNeighbor(asPicture(scaled), size(x, 2));
    const skip = tf.image.resizeBilinear(asPicture(x), size(x, 2), false, true);
    return tf.add(tf.relu(conv(up, f)), tf.slice(skip, [0, 0, 0, 0], [-1, -1, -1, 1]));
  },
  downResidual: (_a, x, f) =>
    tf.add(half(tf.leakyRelu(conv(x, f), 0.2)), tf.slice(half(x), [0, 0, 0, 0], [-1, -1, -1, 1])),
  gru: (_a, x, kernel, recurrent, ...[bias = x]) => gru(x, kernel, recurrent, bias),
  lstm: (_a, x, kernel, recurrent, ...[bias = x]) => lstm(x, kernel, recurrent, bias),
};
