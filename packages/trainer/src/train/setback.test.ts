// Rollbacks when a number is not finite: the run goes back with other random numbers, reproducibly, and after the last
// one stops and names what was not finite.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { arrayDataset } from '../data/arrays.js';
import { decodeCheckpoint } from '../records/checkpoint.js';
import { MemoryStore } from '../records/store.js';
import { systemKind } from '../systems/kind.js';
import { namedVariable } from '../tfjs/variables.js';
import { train } from './train.js';

const dataset = arrayDataset({ data: new Float32Array(8), shape: [2] });

/** A random walk whose weight `w` becomes NaN once a random number is below `lost`. */
const walk = (lost: number) =>
  systemKind({
    name: 'walk',
    summary: '',
    options: {},
    data: { vector: 'vector' },
    roles: [],
    make: () => {
      const [w, steps] = tf.tidy(() => [namedVariable('w', tf.zeros([2])), namedVariable('steps', tf.scalar(0))]);
      return {
        name: 'walk',
        networks: {},
        variables: [steps, w],
        phases: [
          {
            name: 'walk',
            inputs: {
              u: { shape: [1], from: { random: 'uniform' } },
              rate: { shape: [], from: { schedule: 'rate' } },
            },
            step: ({ u, rate }) => {
              const drawn = tf.mean(u as tf.Tensor);
              const bad = tf.sub(1, tf.div(tf.relu(tf.sub(drawn, lost)), tf.relu(tf.sub(drawn, lost)))); // 0, or 0/0
              w.assign(tf.add(w, tf.add(tf.mul(drawn, rate as tf.Tensor), bad)));
              steps.assign(tf.add(steps, 1));
              return { at: tf.mean(w) };
            },
          },
        ],
        outputs: {
          shifted: {
            model: (x) => tf.add(x, w),
            inputs: [{ name: 'x', shape: ['batch', 2] }],
            outputs: [{ name: 'y' }],
            file: 'shifted.onnx',
            kind: 'function',
          },
        },
        schedules: { rate: () => 0.5 },
        dispose: () => tf.dispose([w, steps]),
      };
    },
  });

const run = async (lost: number, rollback: number, more: object = {}, checkpoint?: Uint8Array) => {
  const warnings: string[] = [];
  const store = new MemoryStore();
  const config = { data: 'here', steps: 24, batch: 2, engine: 'tfjs' as const, checkpointEvery: 4, seed: 3 };
  const result = train(
    { ...config, onNan: { rollback, rates: 0.5 }, ...more },
    {
      system: walk(lost),
      dataset,
      store,
      onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
      ...(checkpoint ? { checkpoint } : {}),
    },
  );
  return { warnings, store, result: await result.catch((error: unknown) => error) };
};

test('goes back with other numbers and lower rates, and ends like a run that never failed', async () => {
  const { warnings, store, result } = await run(0.06, 20);
  expect(result).toMatchObject({ step: 24, reason: 'finished' });
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings[0]).toMatch(
    /^step \d+: expected finite numbers, got at = NaN, first bad tensor 'w' = NaN; back to step \d+ with other random numbers, rates × 0\.5 \(1 of at most 20 times\)$/,
  );
  const lines = await store.lines();
  expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1)); // each once
  expect(lines.every(({ scalars }) => Number.isFinite(scalars['at']))).toBe(true);
  expect(lines.at(-1)?.rates['rate']).toBe(0.5 * 0.5 ** warnings.length);
  const { state, rollbacks } = await decodeCheckpoint(store.checkpoints.get(24) ?? new Uint8Array());
  expect(rollbacks).toBe(warnings.length);
  expect(state['steps']?.data).toEqual(Float32Array.of(24));
});

test('continues from a checkpoint with the same numbers, before and after a rollback', async () => {
  const whole = await run(0.06, 20);
  for (const steps of [8, 12, 20]) {
    const half = await run(0.06, 20, { steps });
    const rest = await run(0.06, 20, {}, half.store.checkpoints.get(steps));
    const last = async ({ store }: typeof whole) => (await store.lines()).at(-1)?.scalars;
    expect(await last(rest)).toEqual(await last(whole));
    expect([...half.warnings, ...rest.warnings]).toEqual(whole.warnings);
  }
});

test('stops after the last rollback, and at once if none is allowed', async () => {
  const twice = await run(0.9, 2);
  expect(twice.warnings).toHaveLength(2);
  expect(twice.result).toMatchObject({
    code: 'train.nan',
    message: expect.stringMatching(
      /^train, step \d+: expected finite numbers, got at = NaN, first bad tensor 'w' = NaN after going back 2 times; no checkpoint had been written yet/,
    ) as string,
  });
  const never = await run(0.9, 0);
  expect(never.warnings).toEqual([]);
  expect(never.result).toMatchObject({ code: 'train.nan' });
});
