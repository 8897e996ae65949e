// Prepares measures for one generator on one data set: checks what each measure needs before anything is computed, and
// draws and extracts each set of examples once.
import { describeValue, optionsOf, permutation, sizeOf, streamOf, UsageError } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { countOf, fieldOf } from '../data/fields.js';
import type { MeasureFacts } from '../records/store.js';
import type { Extracted, Extractor, RawExamples } from './features/extractor.js';
import { metricOf } from './index.js';
import type { Rows } from './matrix.js';
import type { Better, Examples, Metric, MetricInput, MetricNeed } from './metric.js';

/** Options of {@link measurer}. */
export interface MeasureOptions {
  /** Names of measures. */
  metrics: readonly string[];
  dataset: Dataset;
  /** Field of the data that generated examples are compared with. */
  field: string;
  extractor: Extractor;
  /** Examples on each side. */
  count: number;
  seed: number;
  /** Compare with the training data (default), or with the holdout. */
  against?: 'train' | 'holdout';
  /** True if the generator takes a class. */
  conditional?: boolean;
  /** How errors begin. Default `measures`. */
  where?: string;
}

/** Measures that are ready to compute. */
export interface Measurer {
  readonly facts: MeasureFacts;
  /** Whether less or more of each score is better. */
  readonly better: Readonly<Record<string, Better>>;
  measure(made: RawExamples, labels?: Int32Array): Promise<Record<string, number>>;
}

/**
 * Checks the measures' needs, and reads the examples of the data.
 * @throws UsageError `config.invalid` for a measure whose needs are not met, or fewer examples than the count.
 */
export async function measurer(options: MeasureOptions): Promise<Measurer> {
  const names = 'against conditional count dataset extractor field metrics seed where';
  const {
    dataset,
    field,
    extractor,
    count,
    seed,
    against = 'train',
    where = 'measures',
  } = optionsOf('measurer', options, names);
  const metrics = options.metrics.map(metricOf);
  for (const metric of metrics) checkNeeds(metric, options, where);
  const { holdout } = dataset;
  const from = against === 'holdout' ? holdout : dataset;
  if (from === undefined) throw noHoldout(`${where}: against 'holdout'`, dataset);
  const available = countOf(from, field);
  if (count > available)
    throw new UsageError(
      `${where}: expected at most the ${available} examples of ${from.name}, got a count of ${count}; ask for fewer`,
      { code: 'config.invalid' },
    );
  for (const { name, least = 1 } of metrics)
    if (count < least)
      throw new UsageError(
        `${where}: measure '${name}': expected a count of at least ${least} examples, got ${count}; ask for more`,
        { code: 'config.invalid' },
      );
  const real = await drawn(from, field, count, seed, extractor);
  const wanted = metrics.some(({ needs = [] }) => needs.flat().includes('holdout'));
  const kept =
    wanted && holdout && (await drawn(holdout, field, Math.min(count, countOf(holdout, field)), seed, extractor));
  const train = new Map<number, Promise<Examples>>();
  const shape = fieldOf(dataset, field).shape;
  return {
    facts: {
      extractor: extractor.name,
      sha256: extractor.sha256.slice(0, 12),
      resize: extractor.resize(shape),
      made: count,
      real: count,
      against,
      seed,
    },
    better: Object.assign({}, ...metrics.map(({ scores }) => scores)) as Record<string, Better>,
    async measure(made, labels) {
      const input: MetricInput = {
        made: examplesOf(made, extractor, labels),
        real,
        train: (most) => {
          const wanted = Math.min(most, countOf(dataset, field));
          const found = train.get(wanted) ?? drawn(dataset, field, wanted, seed, extractor);
          train.set(wanted, found);
          return found;
        },
        ...(kept ? { holdout: kept } : {}),
        ...(dataset.modes === undefined ? {} : { modes: dataset.modes }),
        seed,
      };
      const scores: Record<string, number> = {};
      for (const metric of metrics) Object.assign(scores, checkedScores(metric, await metric.measure(input)));
      return scores;
    },
  };
}

/**
 * The scores of a measure.
 * @throws UsageError for a user's measure that returns no number for a score that it declares, or something else.
 */
function checkedScores({ name, scores: declared }: Metric, found: unknown): Record<string, number> {
  const scores = Object(found) as Record<string, unknown>;
  for (const score of new Set([...Object.keys(declared), ...Object.keys(scores)]))
    if (typeof scores[score] !== 'number')
      throw new UsageError(
        `measure '${name}': expected numbers for its scores (${Object.keys(declared).join(', ')}), got ` +
          `${describeValue(scores[score])} for '${score}'`,
      );
  return scores as Record<string, number>;
}

/** Messages for unmet needs, which say how to meet them. */
const NEEDS: Readonly<Record<MetricNeed, string>> = {
  classes: "an extractor that names classes, such as 'digits' for MNIST; give one with --features",
  labels: 'a generator that takes a class, and labels in the data',
  holdout: 'examples kept out of training',
  modes: "data that is a known mixture, such as 'ring'",
};

function checkNeeds({ name, needs = [] }: Metric, options: MeasureOptions, where: string): void {
  const { dataset, extractor, conditional = false } = options;
  const met: Readonly<Record<MetricNeed, boolean>> = {
    classes: extractor.classifies,
    labels: conditional && dataset.fields['label'] !== undefined,
    holdout: dataset.holdout !== undefined,
    modes: dataset.modes !== undefined,
  };
  for (const need of needs) {
    const either = [need].flat();
    if (either.some((one) => met[one])) continue;
    if (either.includes('holdout')) throw noHoldout(`${where}: measure '${name}'`, dataset);
    throw new UsageError(
      `${where}: measure '${name}': expected ${either.map((one) => NEEDS[one]).join(', or ')}; got ` +
        `${dataset.name} with the extractor '${extractor.name}'`,
      { code: 'config.invalid' },
    );
  }
}

const noHoldout = (where: string, { name }: Dataset): UsageError =>
  new UsageError(
    `${where}: expected examples kept out of training, got none in ${name}; give its data a holdout ` +
      "({ kind: 'folder', path, holdout: 0.1 }), or leave the measure out",
    { code: 'config.invalid' },
  );

/** `count` examples of a field: the first ones after a shuffle that depends on the seed. */
async function drawn(
  dataset: Dataset,
  field: string,
  count: number,
  seed: number,
  extractor: Extractor,
): Promise<Examples> {
  const { shape, range = [-1, 1] } = fieldOf(dataset, field);
  const indices = chosen(seed, countOf(dataset, field), count);
  const values = new Float32Array(count * sizeOf(shape));
  await dataset.read(indices, { [field]: values });
  return examplesOf({ count, shape, values, range }, extractor);
}

/** The first `count` indices of a shuffle of 0 to `all` - 1. */
export function chosen(seed: number, all: number, count: number): Uint32Array {
  return permutation(seed, 0, all, streamOf('metrics/examples')).subarray(0, count);
}

/** Examples whose features are extracted on first use. */
function examplesOf(raw: RawExamples, extractor: Extractor, labels?: Int32Array): Examples {
  let extracted: Promise<Extracted> | undefined;
  const once = (): Promise<Extracted> => (extracted ??= extractor.extract(raw));
  return {
    count: raw.count,
    values: { rows: raw.count, columns: sizeOf(raw.shape), data: raw.values },
    ...(labels === undefined ? {} : { labels }),
    features: async () => (await once()).features,
    probabilities: async () => (await once()).probabilities as Rows, // checked: the extractor classifies
  };
}
