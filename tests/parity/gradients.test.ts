// Derivatives in compiled steps: every draw of tests/vectors/drawn-gradients.json by onnxruntime, first and second
// order, against PyTorch float64. Refusals at the user's line, zero slopes and dropout are alike in both engines.
import { runtime } from '@forja/node';
import type { Runtime, Tensor, TensorSpec } from '@forja/core';
import { compile, eagerStep, type StepFunction } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRAWN, drawnNumbers, readDraws, type Draw } from '../../packages/trainer/src/gradients/testing/drawn.js';

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
  for (const { name, draws } of readDraws())
    test(name, async () => {
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
