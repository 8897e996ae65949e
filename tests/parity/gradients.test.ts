// Derivatives in compiled steps: every function of tests/vectors/drawn-gradients.json by onnxruntime, first and second
// order, against PyTorch float64, at two draws each (the unit tests take all draws in tfjs). Refusals
// at the user's line, zero slopes and dropout are alike in both engines.
import { readFileSync } from 'node:fs';
import { runtime } from '@forja/node';
import type { Runtime, Tensor, TensorSpec } from '@forja/core';
import { compile, eagerStep, random, type StepFunction } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweep } from '../sweeps.js';
import {
  COMPILED_ONLY,
  DRAWN,
  drawnNumbers,
  drawsOf,
  type Draw,
} from '../../packages/trainer/src/gradients/testing/drawn.js';

const vectors = new URL('../vectors/drawn-gradients.json', import.meta.url);
let host: Runtime;
beforeAll(async () => {
  await tf.setBackend('cpu');
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

/** max|a-b| / max(1, max|b|). No numbers stand for zeros. */
function difference(actual: Tensor | undefined, expected: readonly number[]): number {
  if (!(actual?.data instanceof Float32Array)) throw new Error('expected float32');
  const scale = Math.max(1, ...expected.map(Math.abs));
  return actual.data.reduce((worst, a, i) => Math.max(worst, Math.abs(a - (expected[i] ?? 0)) / scale), 0);
}

/** Results of one draw by name: its value and derivatives. */
function derivatives(
  f: (...xs: tf.Tensor[]) => tf.Tensor,
  xs: tf.Tensor[],
  w: tf.Tensor,
  vs: tf.Tensor[],
): tf.Tensor[] {
  const weighted = (...args: tf.Tensor[]): tf.Tensor => tf.sum(tf.mul(f(...args.slice(0, -1)), args.at(-1) ?? w));
  const inner = (...args: tf.Tensor[]): tf.Tensor =>
    tf.addN(
      tf
        .grads((...of: tf.Tensor[]) => weighted(...of, args.at(-1) ?? w))(args.slice(0, -1))
        .map((grad, i) => tf.sum(tf.mul(grad, vs[i] ?? 0))),
    );
  return [
    f(...xs),
    ...tf
      .grads(weighted)([...xs, w])
      .slice(0, -1),
    ...tf.grads(inner)([...xs, w]),
  ];
}

/** All draws of a function in one step. */
function stepOf(
  name: string,
  draws: readonly Draw[],
): { step: StepFunction; inputs: Record<string, TensorSpec>; feeds: Record<string, Float32Array> } {
  const f = DRAWN[name];
  if (f === undefined) throw new Error(`no function for ${name}`);
  const [inputs, feeds]: [Record<string, TensorSpec>, Record<string, Float32Array>] = [{}, {}];
  draws.forEach((draw, d) => {
    const numbers = drawnNumbers(draw);
    const put = (key: string, shape: number[], data: Float32Array | undefined): void => {
      inputs[`${d}_${key}`] = { shape };
      if (data !== undefined) feeds[`${d}_${key}`] = data;
    };
    draw.inputs.forEach(({ shape }, i) => {
      put(`x${i}`, shape, numbers.inputs[i]);
      put(`v${i}`, shape, numbers.directions[i]);
    });
    put('w', draw.shape, numbers.weights);
  });
  const step: StepFunction = (given) =>
    Object.fromEntries(
      draws.flatMap((draw, d) => {
        const at = (key: string): tf.Tensor => given[`${d}_${key}`] ?? tf.scalar(0);
        const list = (key: string): tf.Tensor[] => draw.inputs.map((_, i) => at(`${key}${i}`));
        const y = (...xs: tf.Tensor[]): tf.Tensor => (f as (...all: unknown[]) => tf.Tensor)(draw.attrs, ...xs);
        return derivatives(y, list('x'), at('w'), list('v')).map((result, i) => [`${d}/${i}`, tf.clone(result)]);
      }),
    );
  return { step, inputs, feeds };
}

describe('derivatives by onnxruntime', () => {
  for (const { name, draws: all } of drawsOf(readFileSync(vectors, 'utf8')))
    test(name, async () => {
      const draws = COMPILED_ONLY.includes(name) ? all : sweep(all, all.slice(0, 2));
      const { step, inputs, feeds } = stepOf(name, draws);
      const compiled = await compile(step, { runtime: host, inputs });
      try {
        const results = await compiled.run(feeds);
        draws.forEach((draw, d) => {
          [draw.value, ...draw.first, ...draw.second].forEach((expected, i) =>
            expect(difference(results[`${d}/${i}`], expected), `${i} of ${JSON.stringify(draw.attrs)}`).toBeLessThan(
              1e-5,
            ),
          );
        });
      } finally {
        await compiled.dispose();
      }
    });
});

describe('both engines', () => {
  /** Results of two steps, compiled and eager. */
  async function both(step: StepFunction, inputs: Record<string, TensorSpec>, feeds: Record<string, Float32Array>) {
    const engines = [await compile(step, { runtime: host, inputs, seed: 3 }), eagerStep(step, { inputs, seed: 3 })];
    const results = [];
    for (const engine of engines) results.push([await engine.run(feeds), await engine.run(feeds)]);
    for (const engine of engines) await engine.dispose();
    return results;
  }

  test('drop the same numbers, others at each step', async () => {
    const layers = [tf.layers.dropout({ rate: 0.4 }), tf.layers.spatialDropout1d({ rate: 0.3 })] as const;
    const step: StepFunction = ({ x = tf.scalar(0) }) => {
      const dropped = layers[0].apply(x, { training: true }) as tf.Tensor;
      const spatial = layers[1].apply(x, { training: true }) as tf.Tensor;
      return {
        dropped,
        spatial,
        plain: random.uniform([2]),
        slope: tf.grad((v: tf.Tensor) => tf.sum(tf.dropout(v, 0.5)))(x),
      };
    };
    const x = Float32Array.from({ length: 24 }, (_, i) => i + 1);
    const [compiled, eager] = await both(step, { x: { shape: [2, 4, 3] } }, { x });
    for (const i of [0, 1])
      for (const name of ['dropped', 'spatial', 'plain', 'slope'])
        expect(compiled?.[i]?.[name]?.data, name).toBeAllclose((eager?.[i]?.[name]?.data ?? []) as Float32Array, {
          rtol: 1e-6,
          atol: 0,
        });
    expect(eager?.[0]?.['dropped']?.data).not.toEqual(eager?.[1]?.['dropped']?.data);
    for (const layer of layers) layer.dispose();
  });

  test('have zeros for a slope that is zero everywhere: R2 alone at G(z)', async () => {
    const critic = (v: tf.Tensor): tf.Tensor => tf.sum(tf.leakyRelu(tf.matMul(v, tf.ones([3, 2]))));
    const step: StepFunction = ({ z = tf.scalar(0) }) => ({
      slope: tf.grad((v: tf.Tensor) => tf.sum(tf.square(tf.grad(critic)(tf.tanh(v)))))(z),
    });
    const results = await both(step, { z: { shape: [2, 3] } }, { z: Float32Array.of(1, -2, 3, -1, 2, -3) });
    for (const [first] of results) expect(first?.['slope']?.data).toEqual(new Float32Array(6));
  });

  test('have slopes of 0 where tf.divNoNan is 0 by definition, as TensorFlow has, at both orders', async () => {
    // y = Σ (a / b)²: ∂a = 2a / b² and ∂b = -2a² / b³; of Σ ∂a: 2 / b² and -4a / b³. All of it 0 where b is 0.
    const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.sum(tf.square(tf.divNoNan(a, b)));
    const step: StepFunction = ({ a = tf.scalar(0), b = tf.scalar(0) }) => {
      const [ofA = a, ofB = b] = tf.grads(f)([a, b]);
      const [ofAA = a, ofAB = b] = tf.grads((...at: tf.Tensor[]) => tf.sum(tf.grads(f)(at)[0] ?? a))([a, b]);
      return { y: f(a, b), ofA, ofB, ofAA, ofAB };
    };
    const feeds = { a: Float32Array.of(3, -2, 5), b: Float32Array.of(2, 0, -4) };
    const wanted = {
      y: [3.8125],
      ofA: [1.5, 0, 0.625],
      ofB: [-2.25, 0, 0.78125],
      ofAA: [0.5, 0, 0.125],
      ofAB: [-1.5, 0, 0.3125],
    };
    for (const [first] of await both(step, { a: { shape: [3] }, b: { shape: [3] } }, feeds))
      for (const [name, numbers] of Object.entries(wanted))
        expect(first?.[name]?.data, name).toBeAllclose(numbers, { rtol: 1e-6 });
  });

  test("refuse a gradient that is not proven at the user's line", async () => {
    const cropped = (v: tf.Tensor): tf.Tensor =>
      tf.sum(tf.image.cropAndResize(v as tf.Tensor4D, [[0, 0, 1, 1]], [0], [2, 2]));
    const line = Number(/gradients\.test\.ts:(\d+)/.exec(new Error().stack ?? '')?.[1]) - 1;
    const step: StepFunction = ({ x = tf.scalar(0) }) => ({ slope: tf.grad(cropped)(x) });
    const inputs = { x: { shape: [1, 4, 4, 1] } };
    const refusal = {
      code: 'gradient.unproven',
      message: expect.stringMatching(new RegExp(`gradients\\.test\\.ts:${line}:.*CropAndResize`)) as string,
    };
    await expect(compile(step, { runtime: host, inputs })).rejects.toMatchObject(refusal);
    await expect(eagerStep(step, { inputs }).run({ x: new Float32Array(16) })).rejects.toMatchObject(refusal);
  });
});
