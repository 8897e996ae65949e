// Schedules against PyTorch's (tests/vectors/schedules.py) and at their ends, schedules as strings, and refusals.
import { UsageError } from '@forja/core';
import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import {
  cosineDecay,
  linearDecay,
  plateau,
  schedule,
  scheduleWords,
  type ScheduleConfig,
  type ScheduleKind,
} from './index.js';

interface Vectors {
  curves: { config: ScheduleConfig; rates: number[] }[];
  plateaus: { options: Parameters<typeof plateau>[0]; seen: number[]; rates: number[] }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/schedules.json', import.meta.url), 'utf8'),
) as Vectors;

test.each(vectors.curves)('is PyTorch’s: $config', ({ config, rates }) => {
  const made = schedule<ScheduleKind>(config);
  expect(rates.map((_, step) => made(step))).toBeAllclose(rates, { rtol: 1e-12 });
});

test.each(vectors.plateaus)('is PyTorch’s plateau: $options', ({ options, seen, rates }) => {
  const made = plateau(options);
  const got = seen.map((value, i) => {
    made.memory?.observe(i + 1, { [options.watch]: value });
    return made(i + 1);
  });
  expect(got).toBeAllclose(rates, { rtol: 1e-12 });
  expect(new Set(rates).size).toBeGreaterThan(2); // it fell
});

test('a plateau falls and never rises', () => {
  expect(() => plateau({ from: 1, watch: 'loss_d', factor: 2 })).toRefuse('config.invalid', 'plateau.factor', 'got 2');
});

test('a plateau resumes from its saved state in the middle of a period', () => {
  const options = { from: 1, watch: 'loss', factor: 0.5, patience: 1, every: 3 };
  const values = Array.from({ length: 60 }, (_, i) => 1 / (1 + i) + ((i * 7) % 5) / 4);
  const whole = plateau(options);
  const halves = [plateau(options), plateau(options)];
  const fed = (one: typeof whole, from: number, to: number): void =>
    values.slice(from, to).forEach((loss, i) => one.memory?.observe(from + i + 1, { loss, other: 3 }));
  fed(whole, 0, 60);
  fed(halves[0] as typeof whole, 0, 31);
  halves[1]?.memory?.load(JSON.parse(JSON.stringify(halves[0]?.memory?.save())) as number[]);
  fed(halves[1] as typeof whole, 31, 60);
  expect(halves[1]?.memory?.save()).toEqual(whole.memory?.save());
  expect(whole(60)).toBeLessThan(1);
});

test('curves are constant after their end, and take defaults from the scalar', () => {
  const of = { value: 2e-3, steps: 100 };
  for (const kind of ['linear', 'cosine', 'exponential'] as const) {
    const made = schedule({ kind }, of);
    expect([0, 100, 5000].map(made)).toBeAllclose([2e-3, 2e-4, 2e-4], { rtol: 1e-12 });
  }
  // after a warm-up: the rest of the run
  expect([9, 10, 100].map(schedule({ kind: 'linear', warmup: 10 }, of))).toBeAllclose([(2e-3 * 10) / 11, 2e-3, 2e-4], {
    rtol: 1e-12,
  });
});

test('a cosine is flat at its ends and a line is not', () => {
  const [cosine, line] = [cosineDecay(1, 0, 1000), linearDecay(1, 0, 1000)];
  expect(cosine(0) - cosine(1)).toBeLessThan(1e-5);
  expect(line(0) - line(1)).toBeCloseTo(1e-3, 12);
});

test.each([
  ['cosine', { kind: 'cosine' }],
  ['linear:2e-4:0:5000', { kind: 'linear', from: 2e-4, to: 0, steps: 5000 }],
  ['linear::0', { kind: 'linear', to: 0 }],
  ['step:1:0.5:100,warmup=7', { kind: 'step', from: 1, factor: 0.5, every: 100, warmup: 7 }],
  ['plateau:loss_g:0.5,mode=max', { kind: 'plateau', watch: 'loss_g', factor: 0.5, mode: 'max' }],
])('words %s', (text, config) => expect(scheduleWords(text)).toEqual(config));

test.each([
  [{ kind: 'linear', from: 1, to: 0, steps: 0 }, /^schedule\.linear\.steps: .*got 0$/],
  [{ kind: 'cosine', from: NaN, to: 0, steps: 5 }, /^schedule\.cosine\.from: .*got NaN$/],
  [{ kind: 'constant', from: -1 }, /^schedule\.constant\.from: .*got -1$/],
  [{ kind: 'constant' }, /^schedule\.constant\.from: .*got NaN$/],
  [{ kind: 'exponential', from: 1, to: 0, steps: 5 }, /^schedule\.exponential\.to: .*got 0$/],
  [{ kind: 'constant', from: 1, warmup: 0.5 }, /^schedule\.warmup: .*got 0\.5$/],
  [{ kind: 'plateau', from: 1, watch: '' }, /^schedule\.plateau\.watch: /],
  [{ kind: 'cosin' } as never, /^schedule\.kind: .*got 'cosin'.*'cosine'/],
] satisfies [ScheduleConfig, RegExp][])('%j is refused', (config, message) => {
  expect(() => schedule<ScheduleKind>(config)).toRefuse('config.invalid', message);
});

test.each([null, undefined, 5, {}])('scheduleWords refuses %j', (text) => {
  expect(() => scheduleWords(text as never)).toThrow(UsageError);
});
