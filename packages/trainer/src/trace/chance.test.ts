// Chance and clocks in traced functions: what a file would freeze is refused with its line, whether the branch is taken
// in the trace or not; a clock that results do not depend on is left alone, and all globals are put back.
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { traceStep } from '../compile/traced.js';
import { exportOnnx } from '../export/export.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Fn = (x: tf.Tensor) => tf.Tensor;
const LINE = /chance\.test\.ts:\d+:\d+/;
const exported = (fn: Fn, state: 'refuse' | 'explicit' = 'refuse') =>
  exportOnnx(fn, { inputs: [{ name: 'x', shape: ['batch', 3] }], verify: false, state });
const stepped = (fn: Fn) => () =>
  traceStep(({ x }) => ({ y: fn(x as tf.Tensor) }), { inputs: { x: { shape: [2, 3] } } });

const CHANCE: [string, Fn][] = [
  ['a rare branch', (x) => (Math.random() > 0.9999 ? tf.relu(x) : tf.tanh(x))],
  ['through a built-in function', (x) => ([0].map(Math.random)[0] === 2 ? tf.relu(x) : tf.tanh(x))],
  ['in a tidy', (x) => tf.tidy(() => (Math.random() > 2 ? tf.relu(x) : tf.tanh(x)))],
  ['Web Crypto', (x) => (crypto.getRandomValues(new Uint8Array(4)).every((v) => v === 255) ? tf.relu(x) : tf.tanh(x))],
  ['a name from Web Crypto', (x) => (crypto.randomUUID().startsWith('00000000') ? tf.relu(x) : tf.tanh(x))],
  ["a value of tfjs's draw", (x) => ((tf.randomUniform([1]).dataSync()[0] ?? 0) > 2 ? tf.relu(x) : tf.tanh(x))],
];
const CLOCKS: [string, Fn][] = [
  ['a number', (x) => x.mul(Date.now() % 1e5)],
  [
    'a branch on the year',
    (x) => (new Date().getFullYear() > new Date(Date.parse('2027-06-01')).getFullYear() ? x.relu() : x),
  ],
  ['a branch on half days', (x) => (new Date().getHours() < 12 ? tf.relu(x) : tf.tanh(x))],
  [
    'a branch on its text',
    (x) => (Date().includes(String(new Date().getFullYear())) ? x.mul(Date().length + new Date().getDay()) : x),
  ],
  ['the time of the process', (x) => (performance.now() > 864e5 ? tf.relu(x) : tf.tanh(x))],
];

describe('a function that draws random numbers itself', () => {
  it.each(CHANCE)('is refused with its line: %s', async (_, fn) => {
    await expect(exported(fn)).rejects.toRefuse('export.unsupported', LINE);
    expect(stepped(fn)).toRefuse('export.unsupported', LINE);
  });

  it('may draw with a seed', async () => {
    const seeded: Fn = (x) =>
      (tf.randomUniform([1], 0, 1, 'float32', 5).dataSync()[0] ?? 0) > 2 ? x.relu() : x.tanh();
    expect((await exported(seeded)).report.ops).toEqual({ Tanh: 1 });
  });
});

describe('a function that reads a clock', () => {
  it.each(CLOCKS)('is refused with its line if results depend on it: %s', async (_, fn) => {
    await expect(exported(fn)).rejects.toRefuse('export.unsupported', LINE, 'time');
    expect(stepped(fn)).toRefuse('export.unsupported', LINE, 'time');
  });

  // hours before and after each end of a half day, and the ends of a month and of a year
  const TIMES = ['2026-12-01T11:34:20', '2026-12-01T23:59:59', '2026-12-01T12:00:01', '2026-10-31T23:29:30'];
  const FIELDS: [string, (at: Date, now: Date) => boolean][] = [
    ['the half of the day', (at) => at.getHours() < 12],
    ['night', (at) => at.getHours() < 6 || at.getHours() >= 18],
    ['the day of the week', (at, now) => at.getDay() === now.getDay()],
    ['the month', (at, now) => at.getMonth() === now.getMonth()],
    ['odd hours', (at) => at.getHours() % 2 === 1],
    ['odd minutes', (at) => at.getMinutes() % 2 === 1],
    ['odd seconds', (at) => at.getSeconds() % 2 === 1],
    ['odd milliseconds', (at) => at.getTime() % 2 === 1],
  ];

  afterEach(() => vi.useRealTimers());

  it.each(TIMES.flatMap((time) => FIELDS.map(([field, is]) => ({ time, field, is }))))(
    'is refused at $time if a branch depends on $field',
    async ({ time, is }) => {
      const now = new Date(time);
      vi.useFakeTimers({ now, toFake: ['Date'] });
      const fn: Fn = (x) => (is(new Date(), now) ? tf.relu(x) : tf.tanh(x));
      await expect(exported(fn)).rejects.toRefuse('export.unsupported', LINE, 'time');
    },
  );

  it('may measure and log', async () => {
    const lines: string[] = [];
    const logging: Fn = (x) => {
      const [begun, at] = [performance.now(), new Date()];
      const y = tf.tanh(x);
      lines.push(`${at.toISOString()} ${performance.now() - begun} ${Date.now() - at.getTime()} ${at instanceof Date}`);
      return y;
    };
    expect((await exported(logging)).report.ops).toEqual({ Tanh: 1 });
    expect(lines.length).toBeGreaterThan(1);
    expect(lines[0]).toMatch(/^20\S+Z \S+ \d+ true$/);
  });
});

it('puts every global back, also after an error', async () => {
  const globals = () =>
    [
      [globalThis, 'Date'],
      [Date, 'now'],
      [Math, 'random'],
      [performance, 'now'],
      [crypto, 'getRandomValues'],
    ].map(([of, name]) => Object.getOwnPropertyDescriptor(of as object, name as string));
  const before = globals();
  await exported((x) => x.mul(new Date(0).getTime()));
  const failing: Fn = () => {
    throw new Error('of the function');
  };
  await expect(exported(failing)).rejects.toRefuse('export.unsupported', 'of the function');
  expect(globals()).toEqual(before);
  expect(Math.abs(Date.now() - new Date().getTime())).toBeLessThan(60_000);
});

describe('state that changes at a later call', () => {
  /** A function that assigns its variable at its `n`th call only. */
  const late = (n: number): { fn: Fn; kept: tf.Variable } => {
    let calls = 0;
    const kept = tf.variable(tf.scalar(1), false);
    return {
      kept,
      fn: (x) => {
        const y = x.mul(kept);
        if (++calls === n) kept.assign(tf.scalar(5));
        return y;
      },
    };
  };

  it.each([1, 2, 3, 4])('is refused with its line if the export calls the function that often: %s', async (n) => {
    const { fn, kept } = late(n);
    await expect(exported(fn)).rejects.toRefuse('export.unsupported', kept.name, LINE);
    kept.dispose();
  });
});
