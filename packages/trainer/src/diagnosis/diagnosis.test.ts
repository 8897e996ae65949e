// Diagnoses on logs written by hand: each failure gives exactly its diagnosis, and a healthy log gives none.
import { describe, expect, test } from 'vitest';
import type { LogLine, MeasureLine } from '../records/store.js';
import type { FieldKind } from '../systems/kind.js';
import { detectors, diagnose, History } from './index.js';

const OPTIONS = ['loss', 'rates', 'penalties', 'pack', 'instanceNoise', 'slowD', 'boostD', 'dSteps', 'clipNorm'];
const READS: ReadonlySet<FieldKind> = new Set(['vector'] as const);
const CONFIG = {
  system: 'mlp',
  loss: 'non-saturating',
  batch: 64,
  dSteps: 1,
  pack: 1,
  instanceNoise: 0,
  penalties: {},
  rates: { g: 1e-3, d: 1e-3 },
};
const HEALTHY = {
  d_real: 0.7,
  d_fake: 0.65,
  grad_d: 1,
  grad_g: 0.5,
  spread: 0.9,
  apart: 0.05,
  d_overfit: 0.52,
};

/** Diagnoses over `steps` steps whose scalars are a function of the step; the probe's come once in 100. */
function diagnosed(
  scalars: (step: number) => Record<string, number>,
  { steps = 2000, config = {}, scores }: { steps?: number; config?: object; scores?: Record<string, number> } = {},
) {
  const history = new History(1);
  const found: { step: number; name: string; flag: string; message: string }[] = [];
  for (let step = 1; step <= steps; step++) {
    const { spread, apart, d_overfit, ...each } = { ...HEALTHY, ...scalars(step) };
    const probed = step % 100 === 0 ? { spread, apart, d_overfit } : {};
    const line: LogLine = { step, scalars: { ...each, ...probed }, rates: {}, images_per_s: 1, seconds: step };
    if (scores !== undefined && step % 200 === 0) history.measures.push({ step, scores } as unknown as MeasureLine);
    if (!history.observe(line)) continue;
    const { blocks, measures, start } = history;
    const names = new Set(found.map(({ name }) => name));
    const at = {
      blocks,
      measures,
      start,
      config: { ...CONFIG, ...config },
      options: new Set(OPTIONS),
      reads: READS,
      modes: 8,
    };
    const one = diagnose(at, step, names);
    if (one !== undefined) found.push(one);
  }
  return found;
}

describe('a diagnosis', () => {
  test.each<
    [string, (step: number) => Record<string, number>, { config?: object; scores?: Record<string, number> }, string]
  >([
    ['dead-generator', () => ({ spread: 1e-6, apart: 0.5, grad_g: 0 }), {}, ''],
    ['mode-collapse', () => ({ spread: 0.1 }), {}, '--penalty r1=1'],
    ['mode-collapse', () => ({}), { scores: { modes: 2, high_quality: 0.9 } }, '--penalty r1=1'],
    [
      'vanishing-gradients',
      (step) => ({ grad_g: step < 300 ? 1 : 1e-5, d_real: 1, d_fake: 1, apart: 0.5 }),
      { config: { loss: 'saturating' } },
      '--loss non-saturating',
    ],
    [
      'exploding-gradients',
      (step) => ({ grad_d: step ** 3 }),
      { config: { loss: 'wasserstein' } },
      '--penalty gradient-penalty=10',
    ],
    ['exploding-gradients', (step) => ({ grad_g: step ** 3 }), {}, '--clip-norm 1'],
    ['overwhelming-discriminator', () => ({ d_real: 1, d_fake: 0.99, apart: 0.4 }), {}, '--penalty r1=1'],
    ['weak-discriminator', () => ({ d_real: 0.9, d_fake: 0.1, apart: 0.6 }), {}, '--d-steps 5'],
    [
      'weak-discriminator',
      () => ({ d_real: 0.9, d_fake: 0.1, apart: 0.6 }),
      { config: { rates: { g: 1e-3, d: 1e-5 } } },
      '--rate-d 0.001',
    ],
    ['overfitting-discriminator', () => ({ d_overfit: 0.9 }), {}, '--instance-noise 0.2'],
    ['memorising', () => ({ d_overfit: 0.9 }), { scores: { memorised: 0.5 } }, '--instance-noise 0.3'],
  ])('%s', (name, scalars, options, flag) => {
    const found = diagnosed(scalars, options);
    expect(found.map((one) => one.name)).toContain(name);
    expect(found).toHaveLength(1);
    expect(found.find((one) => one.name === name)?.flag).toBe(flag);
  });
});

describe('there is no diagnosis', () => {
  test('for a healthy log, or at the equilibrium', () => {
    expect(diagnosed((step) => ({ grad_g: 0.5 + 20 * Math.sin(step) ** 2 }))).toEqual([]);
    expect(diagnosed(() => ({ d_real: 0.5, d_fake: 0.5, spread: 1, apart: 0 }))).toEqual([]);
    expect(diagnosed(() => ({}), { scores: { memorised: 0.01, modes: 8, high_quality: 0.9 } })).toEqual([]);
  });

  test('for a failure that does not last', () => {
    const now = (step: number): boolean => step % 500 < 250;
    expect(diagnosed((step) => (now(step) ? { spread: 0.1, d_overfit: 0.9, d_real: 1, d_fake: 1 } : {}))).toEqual([]);
  });

  test('for a discriminator that is always right while the generator gets nearer to the data', () => {
    expect(diagnosed((step) => ({ d_real: 1, d_fake: 1, apart: Math.exp(-step / 1000) }), { steps: 3000 })).toEqual([]);
  });

  test('from signs of logits if they mean nothing', () => {
    const config = { loss: 'wasserstein', penalties: { 'gradient-penalty': 10 } };
    expect(diagnosed(() => ({ d_real: 1, d_fake: 1, apart: 0.4 }), { config })).toEqual([]);
  });

  test('for a consequence of an earlier diagnosis', () => {
    const dead = diagnosed((step) => (step > 500 ? { spread: 0, d_real: 1, d_fake: 1, grad_g: 0, apart: 0.5 } : {}));
    expect(dead.map(({ name }) => name)).toEqual(['dead-generator']);
  });
});

test('a block is the mean of its lines, for any `logEvery`', () => {
  const history = new History(30); // blocks of 120 steps
  for (let step = 30; step <= 240; step += 30) {
    const scalars = { a: step, ...(step === 120 ? { b: 5 } : {}) };
    history.observe({ step, scalars, rates: {}, images_per_s: 1, seconds: 1 });
  }
  expect(history.blocks).toEqual([
    { step: 120, scalars: { a: 75, b: 5 } },
    { step: 240, scalars: { a: 195 } },
  ]);
});

test.each<[string, FieldKind[], Record<string, number>, string]>([
  ['pictures are augmented', ['image'], { d_overfit: 0.9 }, '--augment diffaug'],
  ['vectors are not', ['vector'], { d_overfit: 0.9 }, ''],
  ['pictures without classes are packed', ['image'], { spread: 0.1 }, '--pack 2'],
  ['those with classes are not', ['image', 'label'], { spread: 0.1 }, ''],
])('the advice suits what the system reads: %s', (_, reads, scalars, flag) => {
  const blocks = Array.from({ length: 12 }, (_, i) => ({ step: 100 * (i + 1), scalars: { ...HEALTHY, ...scalars } }));
  const at = { blocks, measures: [], start: {}, config: { batch: 64 }, options: new Set(['augment', 'pack']) };
  expect(diagnose({ ...at, reads: new Set(reads) }, 1200, new Set())?.flag).toBe(flag);
});

test('without a fitting flag, the advice is in words', () => {
  const at = { measures: [], start: {}, config: {}, options: new Set<string>(), reads: new Set<FieldKind>() };
  const blocks = Array.from({ length: 5 }, (_, i) => ({ step: 100 * i, scalars: { spread: 0.1 } }));
  const found = diagnose({ ...at, blocks }, 500, new Set());
  expect(found).toMatchObject({ name: 'mode-collapse', flag: '' });
  expect(found?.advice).not.toContain('--');
  expect(new Set(detectors.map(({ name }) => name)).size).toBe(detectors.length);
});
