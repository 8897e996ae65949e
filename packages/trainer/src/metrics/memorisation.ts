// Whether a generator copies its training data: how near made examples are to the nearest training example, against how
// near examples are that it has never seen (the holdout). Fresh examples are as near as those; copies are nearer.
import { median, nearestDistances, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** Training examples searched at most. */
const MAX_SEARCHED = 10_000;
/** The share of the holdout that is at least as near as this counts as copied, so a fresh sampler has about as much. */
const NEAREST = 0.01;

/**
 * `memorised`: the share of made examples nearer to the training data than the nearest 1 % of the holdout; about 0.01
 * where nothing is copied. `nearest_ratio`: median distance of the made over that of the holdout; 0 for copies.
 */
export function memorised(made: Rows, train: Rows, holdout: Rows): { memorised: number; nearest_ratio: number } {
  const [own, fresh] = [nearestDistances(made, train), nearestDistances(holdout, train)];
  const sorted = Float64Array.from(fresh).sort();
  const limit = sorted[Math.floor(NEAREST * sorted.length)]!;
  return {
    memorised: own.filter((d) => d < limit).length / own.length,
    nearest_ratio: median(own) / median(fresh),
  };
}

/** The measure. */
export const memorisation: Metric = {
  name: 'memorisation',
  summary: 'whether made examples are nearer to the training data than the holdout is',
  scores: { memorised: 'less', nearest_ratio: 'more' },
  needs: ['holdout'],
  async measure({ made, train, holdout }) {
    if (holdout === undefined) return {};
    const searched = await train(MAX_SEARCHED);
    return memorised(await made.features(), await searched.features(), await holdout.features());
  },
};
