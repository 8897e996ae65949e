// Measures during a run, in memory: their lines, the best checkpoint kept, exported and found again after a resume, and
// refusals before the first step. Folders: tests/parity/measures.test.ts.
import { describe, expect, it } from 'vitest';
import { readManifest } from '@forja/core';
import { syntheticDataset } from '../data/synthetic.js';
import { decodeCheckpoint } from '../records/checkpoint.js';
import { MemoryStore, type MeasureLine } from '../records/store.js';
import type { TrainConfig } from './config.js';
import { train } from './train.js';

const tiny: TrainConfig = {
  system: 'mlp',
  data: 'ring',
  steps: 6,
  batch: 8,
  base: 4,
  engine: 'tfjs',
  sampleEvery: 0,
  checkpointEvery: 0,
  metrics: ['frechet', 'kid', 'pr', 'modes'],
  metricsEvery: 2,
  metricsCount: 50,
};

const timeless = (lines: readonly MeasureLine[]): unknown => lines.map((line) => ({ ...line, seconds: 0 }));

describe('measures during a run', () => {
  it('writes lines, keeps the best checkpoint and exports it', async () => {
    const store = new MemoryStore();
    const events: [number, boolean][] = [];
    const { best, models } = await train(tiny, {
      store,
      onEvent: (event) => {
        if (event.type === 'measure') events.push([event.step, event.best]);
      },
    });
    const lines = await store.measures();
    expect(lines.map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(lines[0]).toMatchObject({
      output: 'generator',
      extractor: 'values',
      resize: 'none',
      made: 50,
      real: 50,
      against: 'train',
      ema: 0.999,
      seed: 0,
    });
    expect(Object.keys(lines[0]?.scores ?? {})).toEqual([
      'frechet',
      'kid',
      'precision',
      'recall',
      'modes',
      'high_quality',
      'reverse_kl',
    ]);
    const least = [...lines].sort((a, b) => (a.scores['frechet'] ?? NaN) - (b.scores['frechet'] ?? NaN))[0];
    expect(best).toEqual({ step: least?.step, score: 'frechet', value: least?.scores['frechet'] });
    expect(events.filter(([, isBest]) => isBest).at(-1)?.[0]).toBe(best?.step);
    const kept = await store.readBest();
    expect(kept?.step).toBe(best?.step);
    expect((await decodeCheckpoint(kept?.bytes ?? new Uint8Array())).step).toBe(best?.step);
    expect(Object.keys(models ?? {})).toEqual(['best-generator.onnx', 'generator.onnx']);
    expect(readManifest(models?.['best-generator.onnx'] ?? new Uint8Array())?.metrics).toMatchObject({
      steps: best?.step,
      frechet: best?.value,
    });
    const html = store.files.get('report.html') as string;
    expect(html).toContain(`step ${best?.step}, by frechet`);
    expect(html).toContain('"precision":[');
  });

  it('does not change the training, and continues exactly after a resume', async () => {
    const [plain, whole, half, rest] = Array.from({ length: 4 }, () => new MemoryStore()) as [
      MemoryStore,
      MemoryStore,
      MemoryStore,
      MemoryStore,
    ];
    await train({ ...tiny, metrics: [] }, { store: plain });
    await train(tiny, { store: whole });
    await train({ ...tiny, steps: 4 }, { store: half });
    const stateOf = async (store: MemoryStore): Promise<unknown> =>
      (await decodeCheckpoint(store.checkpoints.get(6) ?? new Uint8Array())).state;
    expect(await stateOf(whole)).toEqual(await stateOf(plain));
    for (const line of await half.measures()) await rest.measure(line);
    const kept = await half.readBest();
    if (kept) await rest.best(kept.step, kept.bytes);
    const checkpoint = half.checkpoints.get(4);
    const result = await train(tiny, { store: rest, ...(checkpoint ? { checkpoint } : {}) });
    expect(await stateOf(rest)).toEqual(await stateOf(whole));
    expect(timeless(await rest.measures())).toEqual(timeless(await whole.measures()));
    expect(result.best?.step).toBe((await whole.readBest())?.step);
    expect(rest.files.get('best-generator.onnx')).toEqual(whole.files.get('best-generator.onnx'));
  });

  it('compares no scores by different features, as a run has that was resumed with others', async () => {
    const [half, rest] = [new MemoryStore(), new MemoryStore()];
    await train({ ...tiny, steps: 4 }, { store: half });
    for (const line of await half.measures())
      await rest.measure({ ...line, sha256: 'of another file', scores: { ...line.scores, frechet: 1e-9 } });
    const checkpoint = half.checkpoints.get(4);
    const { best } = await train(tiny, { store: rest, ...(checkpoint ? { checkpoint } : {}) });
    expect((await rest.measures()).map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(best?.step).toBe(6);
    expect((await rest.readBest())?.step).toBe(6);
  });

  it('measures the last step, and others as time allows', async () => {
    const store = new MemoryStore();
    const { metricsEvery: _, ...auto } = tiny;
    await train({ ...auto, steps: 5, best: 'recall' }, { store });
    const steps = (await store.measures()).map(({ step }) => step);
    expect(steps[0]).toBe(1);
    expect(steps.at(-1)).toBe(5);
  });

  it.each([
    ['an unknown measure', { metrics: ['frechte'] }, /config\.metrics\.0: .*'frechet'/],
    ['an unknown score', { best: 'recal' }, /config\.best: .*'recall'/],
    ['no holdout', { metrics: ['memorisation'] }, /measure 'memorisation': .*got none/],
    ['no classifier', { metrics: ['score'] }, /measure 'score': /],
    ['no classes', { metrics: ['agreement'] }, /measure 'agreement'/],
    ['fewer than neighbours are asked for', { metrics: ['pr'], metricsCount: 3 }, /'pr': .*4/],
    ['more than there is', { metricsCount: 20_001 }, /expected at most the 20000 examples of 8 Gaussians/],
    ['an extractor of pictures', { features: 'random' }, /expected a runtime/],
  ])('refuses %s before the first step', async (_, wrong, message) => {
    const steps: number[] = [];
    const started = train({ ...tiny, ...wrong } as TrainConfig, {
      onEvent: ({ type }) => void (type === 'step' && steps.push(1)),
    });
    await expect(started).rejects.toThrow(message);
    expect(steps).toEqual([]);
  });

  it('compares with the holdout if there is one', async () => {
    const { modes: _, ...data } = syntheticDataset({ count: 200 });
    const { modes: __, ...holdout } = syntheticDataset({ count: 60, seed: 1 });
    const store = new MemoryStore();
    await train(
      { ...tiny, steps: 2, metrics: ['memorisation'], metricsCount: 40 },
      { store, dataset: { ...data, holdout } },
    );
    const [line] = await store.measures();
    expect(line?.scores['nearest_ratio']).toBeGreaterThan(1); // hardly trained: far from the data
    expect(line?.scores['memorised']).toBeLessThanOrEqual(1);
  });
});
