// Derivatives at ranks, axes, strides, paddings and attributes drawn at random, against PyTorch float64
// (tests/vectors/drawn_gradients.py): kernels, and typical GAN blocks.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { watchTape } from '../tfjs/engine.js';
import { gradientTable, provenGradients, withGradients } from './index.js';
import { refusedGradients } from './refusals.js';
import { COMPILED_ONLY, DRAWN, drawnNumbers, drawsOf, type Draw } from './testing/drawn.js';

const vectors = new URL('../../../../tests/vectors/drawn-gradients.json', import.meta.url);
const ops = drawsOf(readFileSync(vectors, 'utf8'));

/** max|a-b| / max(1, max|b|). An empty list means zeros. */
function difference(actual: tf.Tensor, expected: readonly number[]): number {
  const scale = Math.max(1, ...expected.map(Math.abs));
  const values = Array.from(actual.dataSync());
  if (expected.length > 0) expect(values.length).toBe(expected.length);
  return values.reduce((worst, a, i) => Math.max(worst, Math.abs(a - (expected[i] ?? 0)) / scale), 0);
}

/** Checks value, first and second derivatives of one draw. */
function check(name: string, draw: Draw): void {
  const f = DRAWN[name];
  if (f === undefined) throw new Error(`no function for ${name}`);
  const { inputs, weights, directions } = drawnNumbers(draw);
  const shapeOf = (i: number): number[] => draw.inputs[i]?.shape ?? [];
  const xs = inputs.map((data, i) => tf.tensor(data, shapeOf(i)));
  const w = tf.tensor(weights, draw.shape);
  const vs = directions.map((data, i) => tf.tensor(data, shapeOf(i)));
  const y = (...args: tf.Tensor[]): tf.Tensor => (f as (...all: unknown[]) => tf.Tensor)(draw.attrs, ...args);
  const label = JSON.stringify(draw.attrs);
  const value = y(...xs);
  expect(value.shape, label).toEqual(draw.shape);
  expect(difference(value, draw.value), `value, ${label}`).toBeLessThan(1e-5);
  const weighted = (...args: tf.Tensor[]): tf.Tensor => tf.sum(tf.mul(y(...args.slice(0, -1)), args.at(-1) ?? w));
  tf.grads(weighted)([...xs, w])
    .slice(0, -1)
    .forEach((grad, i) =>
      expect(difference(grad, draw.first[i] ?? []), `first order, input ${i}, ${label}`).toBeLessThan(1e-5),
    );
  const inner = (...args: tf.Tensor[]): tf.Tensor =>
    tf.addN(
      tf
        .grads((...of: tf.Tensor[]) => weighted(...of, args.at(-1) ?? w))(args.slice(0, -1))
        .map((grad, i) => tf.sum(tf.mul(grad, vs[i] ?? 0))),
    );
  tf.grads(inner)([...xs, w]).forEach((grad, i) =>
    expect(difference(grad, draw.second[i] ?? []), `second order, input ${i}, ${label}`).toBeLessThan(1e-5),
  );
}

/** Kernels whose gradient functions ran. */
const ran = new Set<string>();

/** Records the kernels whose gradients run during `fn`. */
function noting(fn: () => void): void {
  const undo = watchTape((node, { kernel, gradient: own }) => {
    const { gradient } = node;
    if (gradient === undefined || typeof own === 'function') return;
    node.gradient = (dys) => {
      ran.add(kernel);
      return gradient(dys);
    };
  });
  try {
    fn();
  } finally {
    undo();
  }
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('derivatives at attributes drawn at random', () => {
  it('have a function each, and vectors for each function', () => {
    expect(ops.map(({ name }) => name).sort()).toEqual(Object.keys(DRAWN).sort());
  });

  for (const { name, draws } of ops) {
    if (COMPILED_ONLY.includes(name)) continue;
    it(`${name}: value, first and second order of ${draws.length} draws equal PyTorch's`, () => {
      for (const draw of draws) tf.tidy(() => withGradients(() => noting(() => check(name, draw))));
    });
  }

  it('are listed as proven if and only if they ran here; all of gradientTable did', () => {
    expect([...ran].sort()).toEqual(Object.keys(provenGradients).sort());
    expect(Object.keys(gradientTable).filter((name) => !ran.has(name))).toEqual([]);
  });

  it('are proven or refused wherever tfjs has one', () => {
    const names = Object.entries(tf).flatMap(([name, value]) => (name === value ? [name] : []));
    const has = (name: string): boolean => (tf.getGradient(name) as tf.GradConfig | undefined) !== undefined;
    expect(names.filter((name) => has(name) && !ran.has(name)).sort()).toEqual(Object.keys(refusedGradients).sort());
  });
});
