// Dynamic dims: aligned programs replayed at sizes that were not traced; programs that cannot be aligned are refused
// with the user's line.
import { ExportError, UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { printProgram, sizeText, type Program } from '../program/program.js';
import { testGan } from '../trace/testing/gan.js';
import { trace } from '../trace/trace.js';
import { align } from './align.js';
import { optimize } from './optimize.js';
import { replay } from '../program/replay.js';
import { specialize } from '../program/sizes.js';
import { solver } from './solve.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Fn = (x: tf.Tensor) => tf.Tensor;
const program = (fn: Fn, shape: number[]): Program =>
  trace(({ x }) => ({ y: fn(x as tf.Tensor) }), {
    inputs: [{ name: 'x', dtype: 'float32', shape }],
    variables: 'constant',
  }).program;
const batched = (fn: Fn, ...rest: number[]): Program =>
  align([3, 5].map((batch) => ({ program: program(fn, [batch, ...rest]), sizes: { batch } })));
const wave = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.3 + 0.4));

/** Replays at a batch that was not traced, before and after the passes, and compares with eager tfjs. */
function check(fn: Fn, ...rest: number[]): Program {
  const aligned = batched(fn, ...rest);
  const data = wave(7 * rest.reduce((a, b) => a * b, 1));
  const eager = tf.tidy(() => fn(tf.tensor(data, [7, ...rest])));
  const exact = replay(aligned, { x: { data } }, { sizes: { batch: 7 } })['y'];
  expect(exact?.shape).toEqual(eager.shape);
  expect(exact?.data).toEqual(eager.dataSync());
  expect(replay(optimize(aligned), { x: { data } }, { sizes: { batch: 7 } })['y']?.data).toBeAllclose(
    eager.dataSync(),
    { rtol: 1e-5, atol: 1e-6 },
  );
  eager.dispose();
  return aligned;
}

const message = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(ExportError);
    return (error as Error).message;
  }
  throw new Error('expected an error');
};

describe('align', () => {
  it('gives a generator at any batch', () => {
    const gan = testGan();
    const aligned = check((z) => gan.generator.apply(z) as tf.Tensor, 6);
    expect(aligned.values[aligned.outputs[0]?.value ?? 0]?.shape.map(sizeText)).toEqual(['batch', '8', '8', '1']);
    expect(printProgram(aligned)).toContain('"terms":{"batch":1}');
    gan.dispose();
  });

  it('solves sizes inside attributes and their lists', () => {
    const size = (x: tf.Tensor): number => x.shape[0] ?? 0;
    check((x) => tf.reshape(x, [size(x) * 2, 2]).sum(1), 4);
    check((x) => tf.slice(x, [1, 0], [size(x) - 1, 2]), 4);
    check(
      (x) =>
        tf.pad(x, [
          [0, size(x)],
          [1, 0],
        ]),
      4,
    );
    check((x) => tf.concat([x, tf.zeros([2 * size(x) + 1, 4])]), 4);
    check((x) => tf.concat(tf.split(tf.concat([x, x]), 2), 1), 4);
    check(
      (x) =>
        tf
          .tile(tf.reshape(tf.range(0, size(x)), [1, size(x)]), [2, 3])
          .sum()
          .add(x),
      4,
    );
    check((x) => tf.stack(tf.unstack(x.transpose([1, 0])).reverse()), 4);
  });

  it('rewrites constants whose shape grows as calls', () => {
    const fill = check(
      (x) =>
        x.mul(tf.ones([x.shape[0] ?? 0, 4])).add(tf.tensor(new Float32Array((x.shape[0] ?? 0) * 4).fill(0.5), x.shape)),
      4,
    );
    expect(fill.calls.filter((call) => call.kernel === 'Fill')).toHaveLength(2);
    expect(fill.constants.size).toBe(0);
    const rows = check(
      (x) =>
        x.add(
          tf.tensor(
            Float32Array.from({ length: (x.shape[0] ?? 0) * 4 }, (_, i) => i % 4),
            x.shape,
          ),
        ),
      4,
    );
    expect(rows.calls[0]).toMatchObject({ kernel: 'Tile', attrs: { reps: [{ constant: 0, terms: { batch: 1 } }, 1] } });
    expect(optimize(rows).calls.map((call) => call.kernel)).toEqual(['Add']);
    const middle = batched(
      (x) =>
        x.add(
          tf.tensor(
            Float32Array.from(
              { length: 2 * (x.shape[0] ?? 0) * 3 },
              (_, i) => (i % 3) + 10 * Math.floor(i / (3 * (x.shape[0] ?? 0))),
            ),
            [2, x.shape[0] ?? 0, 3],
          ),
        ),
      3,
    );
    expect(replay(middle, { x: { data: new Float32Array(7 * 3) } }, { sizes: { batch: 7 } })['y']?.data).toEqual(
      Float32Array.from({ length: 42 }, (_, i) => (i % 3) + 10 * Math.floor(i / 21)),
    );
  });

  it('solves several dims at once, from one trace more than there are', () => {
    const at = (batch: number, height: number): { program: Program; sizes: Record<string, number> } => ({
      program: program((x) => tf.avgPool(x as tf.Tensor4D, 2, 1, 'valid'), [batch, height, 5, 2]),
      sizes: { batch, height },
    });
    const aligned = align([at(3, 7), at(5, 7), at(3, 11)]);
    expect(aligned.values[aligned.outputs[0]?.value ?? 0]?.shape.map(sizeText)).toEqual([
      'batch',
      'height - 1',
      '4',
      '2',
    ]);
    // A product of two dims needs one more trace.
    const product = (batch: number, height: number): { program: Program; sizes: Record<string, number> } => ({
      program: program((x) => tf.reshape(x, [batch * height, 10]), [batch, height, 5, 2]),
      sizes: { batch, height },
    });
    const rows = align([product(3, 7), product(5, 7), product(3, 11), product(5, 11)]);
    expect(rows.values[rows.outputs[0]?.value ?? 0]?.shape.map(sizeText)).toEqual(['batch*height', '10']);
  });

  it('makes specialize its inverse', () => {
    const fn: Fn = (x) =>
      tf.pad(tf.reshape(x, [-1, 2]), [
        [1, x.shape[0] ?? 0],
        [0, 0],
      ]);
    const aligned = batched(fn, 4);
    const again = specialize(aligned, { batch: 5 });
    const direct = program(fn, [5, 4]);
    expect(again.values).toEqual(direct.values);
    expect(again.calls.map(({ attrs }) => attrs)).toEqual(direct.calls.map(({ attrs }) => attrs));
    expect(() => specialize(aligned, {})).toRefuse('usage', "'batch'");
  });
});

describe('what cannot be aligned', () => {
  const site = /align\.test\.ts:\d+:\d+/;

  it('is refused with kernel and line', () => {
    expect(message(() => batched((x) => ((x.shape[0] ?? 0) > 4 ? tf.sin(x) : tf.cos(x)), 4))).toMatch(
      /Cos.*branches on a size/,
    );
    expect(message(() => batched((x) => ((x.shape[0] ?? 0) > 4 ? tf.sin(tf.cos(x)) : tf.cos(x)), 4))).toMatch(
      /branches on a size/,
    );
    expect(
      message(() =>
        batched(
          (x) =>
            tf.reshape(x, [x.shape[0] ?? 0, 2, 2]).slice([0, 0, 0], [((x.shape[0] ?? 0) - 1) / 2 === 1 ? 1 : 4, 1, 1]),
          4,
        ),
      ),
    ).toMatch(/Slice.*of the dynamic dims, got 1, 4/);
    expect(message(() => batched((x) => tf.unstack(x)[0] as tf.Tensor, 4))).toMatch(
      /Unpack.*as many results at every size, got 3 and 5/,
    );
    expect(message(() => batched((x) => x.mul(Math.sin(x.shape[0] ?? 0)), 4))).toMatch(
      /constant of Multiply.*depend on the size/,
    );
    expect(message(() => batched((x) => x.add(tf.tensor(wave((x.shape[0] ?? 0) * 4), x.shape)), 4))).toMatch(
      /constant of Add.*repeat along the dynamic dims of \[batch, 4\]/,
    );
    expect(message(() => batched((x) => x.mul(tf.randomNormal([4])), 4))).toMatch(/random/);
    expect(message(() => batched((x) => x.mul(Math.sin(x.shape[0] ?? 0)), 4))).toMatch(site);
  });

  it('is refused if the traces do not determine the dims', () => {
    const same = { program: program(tf.sin, [3]), sizes: { batch: 3 } };
    expect(() => align([same, same])).toThrow(UsageError);
    expect(() => align([same])).toRefuse('usage', 'align', '2');
    expect(() => align([])).toThrow(UsageError);
    expect(() => align([same, { ...same, sizes: { b: 5 } }])).toRefuse('usage', 'batch', 'got b');
  });
});

describe('solver', () => {
  it('finds sums of whole multiples', () => {
    const solve = solver([
      { a: 3, b: 7 },
      { a: 5, b: 7 },
      { a: 3, b: 11 },
      { a: 13, b: 17 },
    ]);
    expect(solve([4, 4, 4, 4])).toBe(4);
    expect(solve([3, 5, 3, 13])).toEqual({ constant: 0, terms: { a: 1 } });
    expect(solve([16, 20, 20, 46])).toEqual({ constant: 3, terms: { a: 2, b: 1 } });
    expect(solve([-1, -3, -1, -11])).toEqual({ constant: 2, terms: { a: -1 } });
    expect(solve([21, 35, 33, 221])).toEqual({ constant: 0, terms: { 'a*b': 1 } });
    expect(solve([1.5, 2.5, 1.5, 6.5])).toBeUndefined();
  });

  it('finds rounded quotients of nearby sizes, and nothing if several would fit', () => {
    const solve = solver([{ h: 29 }, { h: 48 }, { h: 79 }, { h: 97 }]);
    expect(
      [
        [14, 24, 39, 48],
        [15, 24, 40, 49],
        [30, 48, 80, 98],
        [3, 0, 1, 3],
        [26, 45, 76, 94],
      ].map((numbers) => sizeText(solve(numbers) ?? -1)),
    ).toEqual(['floor(h/2)', 'floor((h + 1)/2)', '2*floor((h + 1)/2)', '4*floor((h + 3)/4) - h', 'h - 3']);
    expect(solve([9, 20, 12, 7])).toBeUndefined();
    expect(solver([{}])([5])).toBe(5);
  });
});
