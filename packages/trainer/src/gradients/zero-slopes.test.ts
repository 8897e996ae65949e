// Gradients that are zero everywhere are zeros, in both engines; inputs that are not connected are still an error.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { replay } from '../program/replay.js';
import { trace } from '../trace/trace.js';
import { withGradients } from './index.js';

type T = tf.Tensor;
const w1 = tf.tensor2d([0.3, -0.7, 0.2, 0.5, 0.4, -0.6], [3, 2]);
const w2 = tf.tensor2d([0.8, -0.9], [2, 1]);
const alpha = tf.tensor1d([0.2, 0.3]);
const dense = (x: T): T => tf.matMul(x, w1);
const scored = (h: T): T => tf.matMul(h, w2);
const square = (h: T): T =>
  tf.reshape(
    tf.pad(h, [
      [0, 0],
      [0, 2],
    ]),
    [-1, 2, 2, 1],
  );

/** Piecewise linear critics. */
const CRITICS: Record<string, (x: T) => T> = {
  linear: (x) => scored(dense(x)),
  relu: (x) => scored(tf.relu(dense(x))),
  leakyRelu: (x) => scored(tf.leakyRelu(dense(x))),
  prelu: (x) => scored(tf.prelu(dense(x), alpha)),
  relu6: (x) => scored(tf.relu6(dense(x))),
  abs: (x) => scored(tf.abs(dense(x))),
  clip: (x) => scored(tf.clipByValue(dense(x), -0.5, 0.5)),
  maximum: (x) => scored(tf.maximum(dense(x), tf.mul(dense(x), 0.2))),
  max: (x) => tf.max(dense(x), 1, true),
  maxPool: (x) => tf.maxPool(square(dense(x)) as tf.Tensor4D, 2, 2, 'same'),
  maxPool3d: (x) => tf.maxPool3d(tf.reshape(dense(x), [-1, 2, 1, 1, 1]) as tf.Tensor5D, [2, 1, 1], 1, 'valid'),
  topk: (x) => tf.topk(dense(x), 1).values,
  where: (x) => scored(tf.where(tf.greater(dense(x), 0), dense(x), tf.mul(dense(x), 0.1))),
  residual: (x) => scored(tf.add(dense(x), tf.relu(tf.add(dense(x), 0.1)))),
  gather: (x) => tf.gather(tf.relu(x), tf.tensor1d([0, 2, 2], 'int32'), 1),
};

const x = tf.tensor2d([0.5, -0.4, 0.9, -0.3, 0.8, 0.1], [2, 3]);
const slopeOf = (critic: (v: T) => T) => (v: T) => tf.grad((u: T) => tf.sum(critic(u)))(v);
const penalty = (critic: (v: T) => T) => (v: T) => tf.sum(tf.square(slopeOf(critic)(v)));

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** `f(x)` eagerly, and traced and replayed. */
function both(f: (v: T) => T): Float32Array[] {
  const eager = tf.tidy(
    () =>
      withGradients(() => f(x))
        .dataSync()
        .slice() as Float32Array,
  );
  const { program } = trace((given) => ({ y: f(given['v'] as T) }), {
    inputs: [{ name: 'v', dtype: 'float32', shape: [2, 3] }],
    variables: 'constant',
  });
  return [eager, replay(program, { v: { data: x.dataSync() } })['y']?.data as Float32Array];
}

describe('a slope that is zero everywhere', () => {
  for (const [name, critic] of Object.entries(CRITICS)) {
    it(`is zeros: the second derivative by x, for a critic with ${name}`, () => {
      for (const slope of both(tf.grad(penalty(critic)))) expect(slope).toEqual(new Float32Array(6));
    });

    it(`is zeros: R2 at G(z) by the weights of G, for a critic with ${name}`, () => {
      const weights = tf.variable(tf.tensor2d([0.4, -0.3, 0.7, 0.2, 0.6, -0.5, 0.1, 0.9, 0.3], [3, 3]));
      const objective = (v: T): T =>
        tf.variableGrads(() => penalty(critic)(tf.tanh(tf.matMul(v, weights))).asScalar(), [weights]).grads[
          weights.name
        ] as T;
      for (const slope of both(objective)) expect(slope).toEqual(new Float32Array(9));
      weights.dispose();
    });
  }

  it('is zeros for a bias in a gradient penalty, while the slope of the kernel is not', () => {
    const [kernel, bias] = [tf.variable(w1), tf.variable(tf.zeros([2]))];
    const critic = (v: T): T => tf.leakyRelu(tf.add(tf.matMul(v, kernel), bias));
    const { grads } = withGradients(() => tf.variableGrads(() => penalty(critic)(x).asScalar(), [kernel, bias]));
    expect(grads[bias.name]?.dataSync()).toEqual(new Float32Array(2));
    expect(grads[kernel.name]?.dataSync().some((slope) => slope !== 0)).toBe(true);
    tf.dispose([kernel, bias, ...Object.values(grads)]);
  });

  it('is right in valueAndGrad, in grads of several inputs, at third and fourth order, and for the identity', () => {
    tf.tidy(() =>
      withGradients(() => {
        const critic = CRITICS['relu'] ?? tf.relu;
        expect(
          tf
            .valueAndGrad((v: T) => penalty(critic)(v))(x)
            .grad.dataSync(),
        ).toEqual(new Float32Array(6));
        const [a, b] = tf.grads((u: T, v: T) => tf.add(penalty(critic)(u), tf.sum(v)))([x, tf.clone(x)]);
        expect([a?.dataSync(), b?.dataSync()]).toEqual([new Float32Array(6), new Float32Array(6).fill(1)]);
        const third = tf.grad((v: T) => tf.sum(tf.grad(penalty((u) => tf.square(u)))(v)))(x);
        expect(third.dataSync()).toEqual(new Float32Array(6).fill(8));
        const fourth = tf.grad((v: T) =>
          tf.sum(tf.grad((u: T) => tf.sum(tf.grad(penalty((t) => tf.square(t)))(u)))(v)),
        )(x);
        expect(fourth.dataSync()).toEqual(new Float32Array(6));
        expect(
          tf
            .grad((v: T) => v)(x)
            .dataSync(),
        ).toEqual(new Float32Array(6).fill(1));
      }),
    );
  });
});

describe('what is not connected', () => {
  it('is refused, at first and second order', () => {
    tf.tidy(() =>
      withGradients(() => {
        expect(() => tf.grad(() => tf.sum(w1))(x)).toThrow();
        expect(() => tf.grads((u: T) => tf.sum(u))([x, w1])).toThrow();
        expect(() => tf.grad(() => penalty(CRITICS['relu'] ?? tf.relu)(tf.ones([2, 3])))(x)).toThrow();
      }),
    );
  });
});
