// Asynchronous functions where synchronous ones are needed: refused, without a rejection that nobody handles.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { eagerStep } from '../compile/eager.js';
import { withGradients } from '../gradients/index.js';
import { random, withRandom } from './random.js';

await tf.setBackend('cpu');

const fails = async (): Promise<never> => Promise.reject(new Error('not handled'));

it.each([
  ['withGradients', () => withGradients(fails)],
  ['withRandom', () => withRandom({ seed: 1, step: 0 }, fails)],
])('%s refuses one', async (name, call) => {
  expect(call).toThrow(UsageError);
  expect(call).toThrow(new RegExp(`^${name}: expected a synchronous function`));
  await new Promise(setImmediate); // a rejection that nobody handles fails the run
});

it('eagerStep refuses one, and results other than an object of tensors', async () => {
  for (const step of [fails, () => null, () => ({ loss: 5 }), () => ({ loss: fails() })])
    await expect(eagerStep(step as never, { inputs: {} }).run({})).rejects.toMatchObject({ code: 'usage' });
  await new Promise(setImmediate);
});

it('leaves the position of random numbers as it was', () => {
  const draw = (): number => random.normal([1]).dataSync()[0] ?? NaN;
  const [alone] = [withRandom({ seed: 3, step: 0 }, draw)];
  const after = withRandom({ seed: 3, step: 0 }, () => {
    expect(() => withRandom({ seed: 9, step: 0 }, fails)).toThrow(UsageError);
    return draw();
  });
  expect(after).toBe(alone);
});
