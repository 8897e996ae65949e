// Whether a generator copies its training data: compares the distances of generated examples to their nearest training
// example with those of the holdout. New examples are as far away as the holdout; copies are nearer.
import { checkAlike, median, nearestDistances, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** Maximum number of training examples searched. */
const MAX_SEARCHED = 10_000;
/**
 * Quantile of the holdout's distances below which an example counts as copied; also the share of copies that a perfect
 * sampler gets.
 */
const NEAREST = 0.01;

/**
 * `memorised`: the share of generated examples nearer to the training data than the nearest 1 % of the holdout; about
 * 0.01 if nothing is copied. `nearest_ratio`: their median distance over that of the holdout; 0 for copies.
 */
export function memorised(made: Rows, train: Rows, holdout: Rows): { memorised: number; nearest_ratio: number } {
  checkAlike('memorised', made, train);
  checkAlike('memorised', holdout, train);
  const [own, fresh] = [nearestDistances(made, train), nearestDistances(holdout, train)];
  const sorted = Float64Array.from(fresh).sort();
  const limit = sorted[Math.floor(NEAREST * sorted.length)]!;
  return {
    memorised: own.filter((d) => d < limit).length / own.length,
    nearest_ratio: median(own) / median(fresh),
  };
}

/** The measure. */
export const memorisationMetric: Metric = {
  name: 'memorisation',
  summary: 'whether generated examples are nearer to the training data than the holdout is',
  scores: { memorised: 'less', nearest_ratio: 'more' },
  needs: ['holdout'],
  async measure({ made, train, holdout }) {
    if (holdout === undefined) return {};
    const searched = await train(MAX_SEARCHED);
    return memorised(await made.features(), await searched.features(), await holdout.features());
  },
};
