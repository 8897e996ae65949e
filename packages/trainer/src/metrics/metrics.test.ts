// Every measure against numpy and scipy (tests/vectors/metrics.py), and in cases with a known answer.
import { readFileSync } from 'node:fs';
import { latents } from '@forja/core';
import { describe, expect, it } from 'vitest';
import {
  classAgreement,
  classCounts,
  classifierScore,
  densityCoverage,
  frechetDistance,
  kernelDistance,
  kernelDistances,
  memorised,
  metricOf,
  modeCounts,
  precisionRecall,
  registerMetric,
  reverseKl,
  type Rows,
} from './index.js';
import { arrayDataset } from '../data/arrays.js';
import { syntheticDataset } from '../data/synthetic.js';
import type { Extractor, RawExamples } from './features/extractor.js';
import { generatorFeeds } from './feeds.js';
import { slice } from './matrix.js';
import { measurer } from './measurer.js';

interface Case {
  columns: number;
  real: number[];
  made: number[];
  train: number[];
  frechet: number;
  kid: number;
  kid_blocks: number;
  pr: [number, number];
  dc: [number, number];
  memorised: [number, number];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/metrics.json', import.meta.url), 'utf8'),
) as {
  cases: Case[];
  classifier: {
    columns: number;
    probabilities: number[];
    score: number;
    labels: number[];
    agreement: number;
    agreement_worst: number;
    counts: number[];
  };
  points: {
    centres: number[];
    deviation: number;
    points: number[];
    counts: number[];
    modes: number;
    high_quality: number;
    reverse_kl: number;
  };
};

const rows = (values: readonly number[], columns: number): Rows => ({
  rows: values.length / columns,
  columns,
  data: Float32Array.from(values), // exact: see metrics.py
});

describe.each(vectors.cases)('of $columns features', ({ columns, ...given }) => {
  const [real, made, train] = [given.real, given.made, given.train].map((values) => rows(values, columns)) as [
    Rows,
    Rows,
    Rows,
  ];

  it('Fréchet distance', () => {
    expect([frechetDistance(real, made)]).toBeAllclose([given.frechet], { rtol: 1e-6, atol: 1e-6 });
    expect([frechetDistance(made, real)]).toBeAllclose([given.frechet], { rtol: 1e-6, atol: 1e-6 });
    expect([frechetDistance(real, real)]).toBeAllclose([0], { rtol: 0, atol: 1e-6 });
  });

  it('kernel distance, whole and of subsets', () => {
    expect([kernelDistance(real, made)]).toBeAllclose([given.kid], { rtol: 1e-6, atol: 1e-9 });
    const parts = [0, 6].map((at) => kernelDistance(slice(real, at, at + 6), slice(made, at, at + 6)));
    expect([((parts[0] ?? 0) + (parts[1] ?? 0)) / 2]).toBeAllclose([given.kid_blocks], { rtol: 1e-6, atol: 1e-9 });
    expect(kernelDistances(real, made, 100)).toEqual({ kid: kernelDistance(real, made) });
    const { kid, kid_sd: deviation } = kernelDistances(real, made, 4, 1);
    expect(deviation).toBeGreaterThan(0);
    expect(kernelDistances(real, made, 4, 1)).toEqual({ kid, kid_sd: deviation });
    expect(kernelDistances(real, made, 4, 2).kid).not.toBe(kid);
  });

  it('precision and recall, density and coverage', () => {
    const { precision, recall } = precisionRecall(real, made);
    expect([precision, recall]).toBeAllclose(given.pr, { rtol: 1e-6 });
    const { density, coverage } = densityCoverage(real, made);
    expect([density, coverage]).toBeAllclose(given.dc, { rtol: 1e-6 });
    expect(precisionRecall(real, real)).toEqual({ precision: 1, recall: 1 });
  });

  it('memorisation', () => {
    const found = memorised(made, train, real);
    expect([found.memorised, found.nearest_ratio]).toBeAllclose(given.memorised, { rtol: 1e-6 });
    expect(memorised(train, train, real)).toEqual({ memorised: 1, nearest_ratio: 0 });
  });
});

it('measures by a classifier: score, classes, agreement', () => {
  const { columns, probabilities, score, labels, counts, ...shares } = vectors.classifier;
  const p = rows(probabilities, columns);
  expect([classifierScore(p)]).toBeAllclose([score], { rtol: 1e-6 });
  expect([...classCounts(p)]).toEqual(counts);
  const found = classAgreement(p, Int32Array.from(labels));
  expect([found.agreement]).toBeAllclose([shares.agreement], { rtol: 1e-6 });
  expect([found.agreement_worst]).toBeAllclose([shares.agreement_worst], { rtol: 1e-6 });
  expect([classifierScore(rows([1, 0, 0, 1], 2))]).toBeAllclose([2], { rtol: 1e-12 });
});

it('measures of points: modes, quality and reverse KL', async () => {
  const { centres, deviation, points, counts, modes, ...shares } = vectors.points;
  const known = { centres: Float32Array.from(centres), deviation };
  const made = rows(points, 2);
  expect([...modeCounts(made, known)]).toEqual(counts);
  const examples = {
    count: made.rows,
    values: made,
    features: () => Promise.resolve(made),
    probabilities: () => Promise.reject(new Error('no classes')),
  };
  const found = await metricOf('modes').measure({
    made: examples,
    real: examples,
    train: () => Promise.resolve(examples),
    modes: known,
    seed: 0,
  });
  expect(found['modes']).toBe(modes);
  expect([found['high_quality']]).toBeAllclose([shares.high_quality], { rtol: 1e-6 });
  expect([found['reverse_kl']]).toBeAllclose([shares.reverse_kl], { rtol: 1e-6 });
  expect(reverseKl(new Float64Array(2), Float64Array.of(1, 1))).toBeNaN();
});

it('refuses incomparable features, and unknown names', () => {
  const two = rows([1, 2, 3, 4], 2);
  expect(() => frechetDistance(two, rows([1, 2, 3], 3))).toRefuse('input.shape', '2 and 3');
  expect(() => kernelDistance(two, rows([1, 2], 2))).toRefuse('input.shape', /2 .*1$/);
  expect(() => precisionRecall(two, two)).toRefuse('input.shape', /4 .*2$/);
  expect(() => memorised(two, rows([1, 2, 3], 3), two)).toRefuse('input.shape', '2 and 3');
  for (const wrong of [null, undefined, 7, [1, 2], { ...two, rows: 3 }, { ...two, data: [1, 2, 3, 4] }] as Rows[])
    for (const measure of [
      () => frechetDistance(wrong, two),
      () => kernelDistance(two, wrong),
      () => densityCoverage(wrong, wrong),
      () => memorised(two, two, wrong),
      () => classifierScore(wrong),
      () => classCounts(wrong),
      () => classAgreement(wrong, new Int32Array(2)),
      () => modeCounts(wrong, { centres: new Float32Array(2), deviation: 1 }),
    ])
      expect(measure).toRefuse('input.shape');
  expect(() => classAgreement(two, new Int32Array(1))).toRefuse('input.shape', '2 labels', 'got 1');
  expect(() => classAgreement(two, Int32Array.of(0, 2))).toRefuse('input.range', '0..1', 'got 2');
  expect(() => modeCounts(two, { centres: new Float32Array(3), deviation: 1 })).toRefuse('input.shape', '2', '3');
  expect(() => modeCounts(two, { centres: new Float32Array(2), deviation: 0 })).toRefuse('input.shape');
  expect(() => reverseKl(new Float64Array(2), new Float64Array(3))).toRefuse('input.shape', '2 and 3');
  expect(() => reverseKl(null as never, new Float64Array(3))).toRefuse('input.shape');
  expect(() => metricOf('frechte')).toRefuse('config.invalid', "'frechte'", "'frechet'");
  const own = { name: 'kid', summary: '', scores: {}, measure: () => Promise.resolve({}) };
  expect(() => registerMetric(own)).toRefuse('usage', "'kid'");
  expect(() => registerMetric({ ...own, name: 'a', scores: undefined } as never)).toRefuse('usage', 'measure.scores');
  expect(() => registerMetric({ ...own, name: 'a', measure: null } as never)).toRefuse('usage', 'measure.measure');
});

it('refuses scores of a user that are no numbers, but not NaN', async () => {
  const dataset = arrayDataset({ name: 'points', data: new Float32Array(4), shape: [2] });
  const extractor = { name: 'none', sha256: '', resize: () => 'none', classifies: false } as unknown as Extractor;
  const made: RawExamples = { count: 2, shape: [2], values: new Float32Array(4), range: [-1, 1] };
  const measured = async (name: string, result: unknown): Promise<Record<string, number>> => {
    registerMetric({ name, summary: '', scores: { mine: 'less' }, measure: () => Promise.resolve(result as never) });
    const given = { metrics: [name], dataset, field: 'vector', extractor, count: 2, seed: 1, where: 'test' };
    return (await measurer(given)).measure(made);
  };
  for (const [i, wrong] of [undefined, {}, { mine: 'high' }, { mine: 1, mine_sd: null }].entries())
    await expect(measured(`wrong ${i}`, wrong)).rejects.toRefuse('usage', `'wrong ${i}'`, 'mine');
  expect(await measured('right', { mine: NaN, mine_sd: 2 })).toEqual({ mine: NaN, mine_sd: 2 });
});

it('refuses a generator that takes texts if the data has no captions', async () => {
  const inputs = [{ name: 'text', role: 'text', dtype: 'int32' as const, shape: ['batch', 3] }];
  const fed = generatorFeeds(inputs, syntheticDataset({ count: 4 }), Uint32Array.of(0), { seed: 1, start: 0 });
  await expect(fed).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringMatching(/captions in the field 'text'/) as string,
  });
});

it('feeds models with styles like the defaults of `sample`: no truncation, no mixing', async () => {
  const shape = ['batch', 2];
  const { feeds } = await generatorFeeds(
    [
      { name: 'z', role: 'latent', shape },
      { name: 'psi', role: 'psi', shape: ['batch'] },
      { name: 'mix', role: 'mix', shape },
      { name: 'layer', role: 'layer', dtype: 'int32', shape: ['batch'], range: [0, 8] },
    ],
    syntheticDataset({ count: 4 }),
    Uint32Array.of(0, 1, 2),
    { seed: 1, start: 0 },
  );
  expect(feeds['z']?.data).toEqual(latents(1, 0, 3, 2));
  expect(feeds['psi']?.data).toEqual(Float32Array.of(1, 1, 1));
  expect(feeds['mix']?.data).toEqual(new Float32Array(6));
  expect(feeds['layer']?.data).toEqual(Int32Array.of(8, 8, 8));
});
