// Schedules at their ends and in the middle, and what they refuse.
import { expect, test } from 'vitest';
import { cosineDecay, linearDecay, schedule, type ScheduleConfig } from './index.js';

const ROWS: [ScheduleConfig, [step: number, rate: number][]][] = [
  [
    { kind: 'constant', rate: 2e-4 },
    [
      [0, 2e-4],
      [1e6, 2e-4],
    ],
  ],
  [
    { kind: 'linear', from: 1, to: 0.1, steps: 10 },
    [
      [0, 1],
      [5, 0.55],
      [10, 0.1],
      [11, 0.1],
    ],
  ],
  [
    { kind: 'cosine', from: 1, to: 0.1, steps: 10 },
    [
      [0, 1],
      [5, 0.55],
      [10, 0.1],
      [99, 0.1],
    ],
  ],
  [
    { kind: 'step', rate: 1, factor: 0.5, every: 3 },
    [
      [0, 1],
      [2, 1],
      [3, 0.5],
      [6, 0.25],
    ],
  ],
];

test.each(ROWS)('%j', (config, points) => {
  const rate = schedule(config);
  expect(points.map(([step]) => rate(step))).toBeAllclose(
    points.map(([, value]) => value),
    { rtol: 1e-12 },
  );
});

test('a cosine is flat at its ends and a line is not', () => {
  const [cosine, line] = [cosineDecay(1, 0, 1000), linearDecay(1, 0, 1000)];
  expect(cosine(0) - cosine(1)).toBeLessThan(1e-5);
  expect(line(0) - line(1)).toBeCloseTo(1e-3, 12);
});

test.each([
  [{ kind: 'linear', from: 1, to: 0, steps: 0 }, 'schedule.linear.steps: expected a whole number ≥ 1, got 0'],
  [{ kind: 'cosine', from: NaN, to: 0, steps: 5 }, 'schedule.cosine.from: expected a finite number ≥ 0, got NaN'],
  [{ kind: 'constant', rate: -1 }, 'schedule.constant.rate: expected a finite number ≥ 0, got -1'],
  [{ kind: 'warmup' } as never, "schedule.kind: expected one of constant, linear, cosine, step, got 'warmup'"],
] satisfies [ScheduleConfig, string][])('%j is refused', (config, message) => {
  expect(() => schedule(config)).toThrow(expect.objectContaining({ code: 'config.invalid', message }));
});
