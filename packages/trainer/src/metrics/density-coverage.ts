// Density and coverage of features (Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models",
// equations 3 and 4): the average number of neighbourhoods of real examples that a generated one lies in (divided by
// k), and the share of neighbourhoods that contain a generated one.
import { checkAlike, neighbourRadii, squaredDistances, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** Neighbours, as in the paper. */
const NEIGHBOURS = 5;

/** Density (from 0; about 1 for equal distributions, more if examples cluster) and coverage (from 0 to 1). */
export function densityCoverage(real: Rows, made: Rows, k = NEIGHBOURS): { density: number; coverage: number } {
  checkAlike('dc', real, made, k + 1);
  const radii = neighbourRadii(real, k);
  const distances = new Float64Array(made.rows);
  let [inBalls, covered] = [0, 0];
  for (let j = 0; j < real.rows; j++) {
    squaredDistances(real, j, made, distances);
    let inThis = 0;
    for (const d of distances) if (d < radii[j]!) inThis++;
    inBalls += inThis;
    if (inThis > 0) covered++;
  }
  return { density: inBalls / (k * made.rows), coverage: covered / real.rows };
}

/** The measure. */
export const densityCoverageMetric: Metric = {
  name: 'dc',
  summary: 'density and coverage of features',
  scores: { density: 'more', coverage: 'more' },
  least: NEIGHBOURS + 1,
  measure: async ({ made, real }) => densityCoverage(await real.features(), await made.features()),
};
