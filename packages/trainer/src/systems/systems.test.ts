// Systems: names of state, what a second one in the process changes (nothing), and what they leave behind. Numbers are
// checked in tests/parity/step*.test.ts.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { systems, type SystemName } from './index.js';
import type { GanSystem } from './system.js';

const SMALL: { readonly [N in SystemName]: () => GanSystem } = {
  dcgan: () => systems.dcgan({ size: 12, base: 2, latent: 3, batch: 2, seed: 7 }),
  mlp: () => systems.mlp({ hidden: 4, hiddenD: 4, batch: 2, seed: 7 }),
};

describe.each(Object.keys(SMALL) as SystemName[])('%s', (name) => {
  test('names its state uniquely and alike, however many live in the process, and disposes all of it', () => {
    const before = tf.memory().numTensors;
    const [first, second] = [SMALL[name](), SMALL[name]()];
    const names = first.variables.map((v) => v.name);
    expect(second.variables.map((v) => v.name)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((n) => /_\d+$/.test(n))).toEqual([]); // no suffix of tfjs's
    expect(second.variables.map((v) => v.dataSync())).toEqual(first.variables.map((v) => v.dataSync()));
    first.dispose();
    expect(second.variables.filter((v) => v.isDisposed)).toEqual([]);
    second.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('starts its average at the generator', () => {
    const system = SMALL[name]();
    const [z, count] = [tf.randomNormal([2, system.sample.latent], 0, 1, 'float32', 1), tf.memory().numTensors];
    tf.tidy(() => {
      const [a, b] = [system.average, system.generator].map((model) =>
        (model.apply(z, { training: false }) as tf.Tensor).dataSync(),
      );
      expect(a).toEqual(b);
    });
    expect(tf.memory().numTensors).toBe(count);
    z.dispose();
    system.dispose();
  });

  test('refuses feeds that are not there', () => {
    const system = SMALL[name]();
    expect(() => tf.tidy(() => system.step({}))).toThrow(`${name}: expected inputs 'real', 'z', 'rate_g' and 'rate_d'`);
    system.dispose();
  });
});

test.each([
  [() => systems.dcgan({ base: 0 }), 'dcgan.base: expected a whole number ≥ 1, got 0'],
  [() => systems.dcgan({ size: 30 }), 'size: expected a multiple of 4 from 8 to 1024, got 30'],
  [() => systems.mlp({ batch: 1.5 }), 'mlp.batch: expected a whole number ≥ 1, got 1.5'],
  [
    () => systems.dcgan({ loss: 'other' as never }),
    expect.stringMatching(/^loss: expected one of non-saturating, saturating, .*, got 'other'$/) as unknown as string,
  ],
  [
    () => systems.dcgan({ emaStatistics: 'first' as never }),
    "dcgan.emaStatistics: expected 'last' or 'averaged', got first",
  ],
  [() => systems.mlp({ labelSmoothing: 1 }), 'mlp.labelSmoothing: expected a number from 0 to below 1, got 1'],
  [() => systems.mlp({ ema: 1 }), 'mlp.ema: expected a number from 0 to below 1, got 1'],
])('configuration %# is refused before anything is made', (make, message) => {
  const before = tf.memory().numTensors;
  expect(make).toThrow(expect.objectContaining({ code: 'config.invalid', message }));
  expect(tf.memory().numTensors).toBe(before);
});
