// The measures by name, built-in and registered by users.
import { registry } from '../registry.js';
import { agreementMetric } from './agreement.js';
import { classifierScoreMetric } from './classifier-score.js';
import { densityCoverageMetric } from './density-coverage.js';
import { frechetMetric } from './frechet.js';
import { kidMetric } from './kid.js';
import { memorisationMetric } from './memorisation.js';
import type { Better, Metric } from './metric.js';
import { modesMetric } from './modes.js';
import { precisionRecallMetric } from './precision-recall.js';

export { classAgreement } from './agreement.js';
export { classifierScore } from './classifier-score.js';
export { densityCoverage } from './density-coverage.js';
export { frechetDistance } from './frechet.js';
export { kernelDistance, kernelDistances } from './kid.js';
export type { Rows } from './matrix.js';
export { memorised } from './memorisation.js';
export type { Better, Examples, Metric, MetricInput, MetricNeed } from './metric.js';
export { classCounts, modeCounts, reverseKl } from './modes.js';
export { precisionRecall } from './precision-recall.js';

const all = registry<Metric>(
  'measure',
  [
    frechetMetric,
    kidMetric,
    precisionRecallMetric,
    densityCoverageMetric,
    classifierScoreMetric,
    modesMetric,
    agreementMetric,
    memorisationMetric,
  ],
  { scores: 'object', measure: 'function' },
);

/**
 * Adds a measure of your own under its name.
 * @throws UsageError for a name that is empty or taken.
 */
export const registerMetric = (metric: Metric): void => all.add(metric);

/**
 * The measure called `name`.
 * @throws UsageError `config.invalid` for an unknown name.
 */
export const metricOf = (name: string): Metric => all.of(name);

/** Names of all measures, including registered ones. */
export const metricNames = (): string[] => all.names();

/** Names of the scores of all measures. */
export const scoreNames = (): string[] => all.names().flatMap((name) => Object.keys(all.of(name).scores));

/** Whether less or more of a score is better; undefined for names that no measure has, such as a deviation. */
export const betterOf = (score: string): Better | undefined =>
  all
    .names()
    .map((name) => all.of(name).scores[score])
    .find((better) => better !== undefined);
