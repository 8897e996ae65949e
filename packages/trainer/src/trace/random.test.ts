// Random numbers, eager and traced: the same streams. Numbers drawn by tfjs itself are detected by a second trace.
import { ExportError, UsageError, philoxNormal, philoxUniform } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawRandom, random, withRandom } from './random.js';
import { replay } from '../program/replay.js';
import { findBakedRandomness, refuseBakedRandomness } from './baked.js';
import { trace, type Trace, type TraceInput } from './trace.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const x: TraceInput = { name: 'x', dtype: 'float32', shape: [2, 3] };
const of = (fn: (x: tf.Tensor) => tf.Tensor, inputs: TraceInput[] = [x]): Trace =>
  trace((given) => ({ y: fn(given['x'] as tf.Tensor) }), { inputs, variables: 'state' });

describe('random', () => {
  const noisy = (t: tf.Tensor): tf.Tensor =>
    t
      .add(random.normal([2, 3]))
      .mul(random.uniform([3]))
      .mul(random.bernoulli([2, 1], 0.5));

  it('is a function of seed, step and order', () => {
    const [a, b] = [
      withRandom({ seed: 5, step: 2 }, () => [random.normal([2, 3]), random.uniform([4])]),
      philoxNormal({ seed: 5, step: 2, stream: 0 }, 6),
    ];
    expect(a[0]?.dataSync()).toEqual(b);
    expect(a[1]?.dataSync()).toEqual(philoxUniform({ seed: 5, step: 2, stream: 1 }, 4));
    expect(a[0]?.shape).toEqual([2, 3]);
    tf.dispose(a);
  });

  it('becomes inputs of the program that, filled by stream, give the eager numbers', () => {
    const { program } = of(noisy);
    expect(program.inputs.map(({ name, kind, random: r }) => [name, kind, r])).toEqual([
      ['x', 'feed', undefined],
      ['random_0', 'random', { distribution: 'normal', stream: 0 }],
      ['random_1', 'random', { distribution: 'uniform', stream: 1 }],
      ['random_2', 'random', { distribution: 'bernoulli', p: 0.5, stream: 2 }],
    ]);
    expect(program.constants.size).toBe(0);
    const at = { seed: 9n, step: 4 };
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const feeds = Object.fromEntries(
      program.inputs.map(({ name, value, random: r }) => [
        name,
        {
          data:
            r === undefined
              ? data
              : drawRandom(
                  r,
                  { ...at, stream: r.stream ?? -1 },
                  tf.util.sizeFromShape(program.values[value]?.shape.map(Number) ?? []),
                ),
        },
      ]),
    );
    const eager = withRandom(at, () => tf.tidy(() => noisy(tf.tensor(data, [2, 3]))));
    expect(replay(program, feeds)['y']?.data).toEqual(eager.dataSync());
    eager.dispose();
  });

  it('numbers its streams after those of declared random inputs, and avoids their names', () => {
    const { program } = of(
      (t) => t.add(random.normal([3])),
      [x, { name: 'random_0', dtype: 'float32', shape: [4], random: { distribution: 'normal' } }],
    );
    expect(program.inputs.slice(1).map(({ name, random: r }) => [name, r?.stream])).toEqual([
      ['random_0', 0],
      ['random_1', 1],
    ]);
  });

  it('is refused without a seed, and for invalid shapes and probabilities', () => {
    expect(() => random.normal([2])).toThrow(UsageError);
    expect(() => random.normal([2])).toRefuse('usage', 'withRandom');
    expect(() => withRandom({ seed: 1, step: 0 }, () => random.uniform([1.5]))).toThrow(
      'random.uniform: expected a shape of whole numbers',
    );
    expect(() => withRandom({ seed: 1, step: 0 }, () => random.bernoulli([2], 1.5))).toRefuse(
      'input.range',
      'random.bernoulli',
      'got 1.5',
    );
    expect(() =>
      withRandom({ seed: 1, step: 0 }, () => {
        throw new Error('own');
      }),
    ).toThrow('own');
    expect(() => random.normal([2])).toThrow(UsageError);
  });
});

describe('dropout', () => {
  const ones = tf.ones([2, 3]);
  /** tfjs's dropout mask from uniform numbers: floor(u + keep) / keep. */
  const kept = (uniform: Float32Array, keep: number): Float32Array =>
    uniform.map((u) => Math.fround(Math.floor(Math.fround(u + Math.fround(keep))) / Math.fround(keep)));
  const layers: Record<string, () => tf.Tensor> = {
    'tf.dropout': () => tf.dropout(ones, 0.25),
    'tf.dropout with a seed': () => tf.dropout(ones, 0.25, undefined, 7),
    'a Dropout layer': () => tf.layers.dropout({ rate: 0.25 }).apply(ones, { training: true }) as tf.Tensor,
  };
  for (const [name, drop] of Object.entries(layers))
    it(`draws from the surrounding seed and step, one stream for each call: ${name}`, () => {
      const drawn = (step: number): tf.Tensor[] =>
        withRandom({ seed: 5, step, stream: 2 }, () => [drop(), random.uniform([3]), drop()]);
      const uniform = (stream: number): Float32Array => philoxUniform({ seed: 5, step: 4, stream }, 6);
      const [a, b, c] = drawn(4);
      expect(a?.dataSync()).toEqual(kept(uniform(2), 0.75));
      expect(b?.dataSync()).toEqual(philoxUniform({ seed: 5, step: 4, stream: 3 }, 3));
      expect(c?.dataSync()).toEqual(kept(uniform(4), 0.75));
      expect(drawn(4)[0]?.dataSync()).toEqual(a?.dataSync());
    });

  it("leaves tfjs's other draws, and dropout elsewhere, as they are", () => {
    const makeTensor = Object.getOwnPropertyDescriptor(tf.engine(), 'makeTensor');
    const [inside, outside] = [
      withRandom({ seed: 5, step: 0 }, () => tf.randomUniform([3], 0, 1, 'float32', 9)),
      tf.randomUniform([3], 0, 1, 'float32', 9),
    ];
    expect(inside.dataSync()).toEqual(outside.dataSync());
    expect(withRandom({ seed: 5, step: 0 }, () => random.uniform([2])).dataSync()).toEqual(
      philoxUniform({ seed: 5, step: 0, stream: 0 }, 2),
    );
    expect(Object.getOwnPropertyDescriptor(tf.engine(), 'makeTensor')).toEqual(makeTensor);
  });
});

describe('numbers drawn by tfjs', () => {
  it('are found by a second trace, with their line', () => {
    const noise = (t: tf.Tensor): tf.Tensor =>
      t
        .add(tf.randomNormal([2, 3]))
        .add(tf.ones([2, 3]))
        .add(tf.randomNormal([3], 0, 1, 'float32', 7));
    const [a, b] = [of(noise), of(noise)];
    const found = findBakedRandomness(a, b);
    expect(found).toHaveLength(1);
    expect(found[0]?.shape).toEqual([2, 3]);
    expect(found[0]?.site).toMatch(/random\.test\.ts:\d+:\d+$/);
    expect(() => refuseBakedRandomness(a, b)).toThrow(ExportError);
    expect(() => refuseBakedRandomness(a, b)).toRefuse('export.unsupported', '[2, 3]', 'random.test.ts');
    const still = (t: tf.Tensor): tf.Tensor => t.add(tf.ones([2, 3]));
    expect(() => refuseBakedRandomness(of(still), of(still))).not.toThrow();
  });

  it('become inputs if dropout draws them', () => {
    const layer = tf.layers.dropout({ rate: 0.25 });
    const dropped = (): Trace => of((t) => layer.apply(t, { training: true }) as tf.Tensor);
    const t = dropped();
    expect(t.program.inputs.at(-1)).toMatchObject({
      name: 'random_0',
      kind: 'random',
      random: { distribution: 'uniform' },
    });
    expect(findBakedRandomness(t, dropped())).toEqual([]);
    const result = replay(t.program, {
      x: { data: [1, 2, 3, 4, 5, 6] },
      random_0: { data: [0, 0.2, 0.26, 0.5, 0.9, 0.1] },
    });
    expect(result['y']?.data).toBeAllclose([0, 0, 4, 16 / 3, 20 / 3, 0], { rtol: 1e-6 });
    expect(of((u) => layer.apply(u, { training: false }) as tf.Tensor).program.inputs).toHaveLength(1);
  });
});
