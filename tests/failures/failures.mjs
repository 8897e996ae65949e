// Small seeded training runs that fail on purpose, with the remedy of each, and healthy ones: for tests
// (tests/parity/diagnosis) and the table of docs/remedies.md (bench/remedies.mjs).
import { latents, philoxUniform } from '@forja/core';
import { arrayDataset, MemoryStore, train } from '@forja/trainer';

const vectors = (name, count, size, at) => {
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) data.set(at(i), i * size);
  return arrayDataset({ name, fields: { vector: { data, shape: [size] } } });
};

/** `count` spots on 8 × 8 pixels, [-1, 1], as vectors of 64; `distinct` of them differ. */
function spots(seed, count, distinct = count) {
  const places = philoxUniform({ seed, stream: 0, step: 0 }, 2 * distinct).map((u) => 1 + 5 * u);
  return vectors(`${distinct} spots`, count, 64, (i) => {
    const [x, y] = [places[2 * (i % distinct)], places[2 * (i % distinct) + 1]];
    return Array.from(
      { length: 64 },
      (_, p) => 2 * Math.exp(-(((p % 8) - x) ** 2 + (Math.floor(p / 8) - y) ** 2) / 3) - 1,
    );
  });
}

/** `count` points of a Gaussian in the plane; `distinct` of them differ. */
function points(seed, count, distinct = count) {
  const places = latents(seed, 0, distinct, 2).map((v) => 0.5 * v);
  return vectors(`${distinct} points`, count, 2, (i) => places.subarray(2 * (i % distinct), 2 * (i % distinct) + 2));
}

const withHoldout = (train, holdout) => ({ ...train, holdout });

/** Data of the failures, by name. */
export const DATA = {
  spots: () => withHoldout(spots(1, 2048), spots(2, 512)),
  'few-spots': () => withHoldout(spots(1, 512, 24), spots(2, 512)),
  'few-points': () => withHoldout(points(1, 512, 4), points(2, 512)),
};

/** Default configuration of the runs. */
export const COMMON = { system: 'mlp', batch: 64, base: 64, sampleEvery: 0, checkpointEvery: 0, seed: 1 };

const scored = { metrics: ['frechet'], metricsEvery: 400, metricsCount: 500 };
const judged = { metrics: ['frechet', 'memorisation'], metricsEvery: 100, metricsCount: 256 };

/**
 * By diagnosis: data and configuration that cause it, the advised flag and its configuration, the score (or scalar,
 * `of: 'last'`) that it improves (`less` or `more` is better), and scalars that show the failure.
 */
export const FAILURES = {
  'overwhelming-discriminator': {
    data: 'spots',
    config: { ...scored, steps: 1600, rates: { g: 1e-4, d: 2e-3 } },
    flag: '--penalty r1=1',
    cure: { penalties: { r1: 1 } },
    score: 'frechet',
    better: 'less',
    figures: ['d_real', 'd_fake', 'apart', 'loss_g', 'grad_g'],
  },
  'weak-discriminator': {
    data: 'ring',
    config: { ...scored, steps: 1200, rates: { g: 1e-3, d: 1e-6 } },
    flag: '--rate-d 0.001',
    cure: { rates: { g: 1e-3, d: 1e-3 } },
    score: 'frechet',
    better: 'less',
    figures: ['d_real', 'd_fake', 'apart', 'spread'],
  },
  'mode-collapse': {
    data: 'ring',
    config: { ...scored, steps: 1600, base: 128, rates: { g: 4e-3, d: 7e-4 }, beta1: 0.9 },
    flag: '--penalty r1=1',
    cure: { penalties: { r1: 1 } },
    score: 'frechet',
    better: 'less',
    figures: ['spread', 'apart', 'd_real', 'd_fake'],
  },
  'overfitting-discriminator': {
    data: 'few-spots',
    config: { ...scored, steps: 1200, base: 128, rates: { g: 1e-4, d: 1e-3 } },
    flag: '--instance-noise 0.2',
    cure: { instanceNoise: 0.2 },
    score: 'd_overfit',
    of: 'last',
    better: 'less',
    figures: ['d_overfit', 'd_train', 'd_holdout'],
  },
  'exploding-gradients': {
    data: 'spots',
    config: { ...scored, steps: 1200, loss: 'wasserstein', rates: { g: 3e-4, d: 1e-2 } },
    flag: '--penalty gradient-penalty=10',
    cure: { penalties: { 'gradient-penalty': 10 } },
    score: 'frechet',
    better: 'less',
    figures: ['grad_d', 'grad_g', 'loss_d'],
  },
  'vanishing-gradients': {
    data: 'spots',
    config: { ...scored, steps: 1200, loss: 'saturating', rates: { g: 1e-4, d: 3e-3 } },
    flag: '--loss non-saturating',
    cure: { loss: 'non-saturating' },
    score: 'frechet',
    better: 'less',
    figures: ['grad_g', 'd_fake', 'apart'],
  },
  'dead-generator': {
    data: 'ring',
    config: { ...scored, steps: 800, base: 32, rates: { g: 0.3, d: 1e-3 } },
    flag: '--rate-g 0.001',
    cure: { rates: { g: 1e-3, d: 1e-3 } },
    score: 'frechet',
    better: 'less',
    figures: ['spread', 'apart', 'grad_g'],
  },
  memorising: {
    data: 'few-points',
    config: { ...judged, steps: 1200 },
    flag: '--instance-noise 0.3',
    cure: { instanceNoise: 0.3 },
    score: 'memorised',
    better: 'less',
    figures: ['d_overfit', 'spread', 'apart'],
  },
};

/** Healthy runs. */
export const HEALTHY = {
  'non-saturating': { data: 'ring', config: { ...scored, steps: 2000 } },
  'hinge, R1': { data: 'spots', config: { ...scored, steps: 2000, loss: 'hinge', penalties: { r1: 0.1 } } },
  'WGAN-GP': {
    data: 'ring',
    config: { ...scored, steps: 1200, loss: 'wasserstein', dSteps: 3, penalties: { 'gradient-penalty': 10 } },
  },
  'RpGAN, R1, R2': {
    data: 'ring',
    config: { ...scored, steps: 2000, loss: 'rpgan', penalties: { r1: 0.1, r2: 0.1 }, seed: 2 },
  },
  'least squares, packs': { data: 'spots', config: { ...scored, steps: 2000, loss: 'least-squares', pack: 2 } },
};

/**
 * Trains, and returns the run's record. It is stopped after its last step, so that nothing is exported; with
 * `exported`, it goes on for one more step, and the record has the generator's ONNX file as `model`.
 */
export async function play({ data, config }, runtime, { exported = false } = {}) {
  const store = new MemoryStore();
  const dataset = DATA[data]?.();
  const stop = new AbortController();
  const { steps } = config;
  const { model } = await train(
    { ...COMMON, ...config, steps: steps + 1, data: dataset ? 'folder' : data },
    {
      runtime,
      store,
      ...(dataset ? { dataset } : {}),
      stepsPerRun: 'auto',
      signal: stop.signal,
      onEvent: (event) => void (!exported && event.type === 'step' && event.step >= steps && stop.abort()),
    },
  );
  const lines = (await store.lines()).slice(0, steps);
  const measures = (await store.measures()).filter(({ step }) => step <= steps);
  const diagnoses = (await store.diagnoses()).filter(({ step }) => step <= steps);
  return { lines, measures, scores: measures.at(-1)?.scores ?? {}, diagnoses, ...(model ? { model } : {}) };
}
