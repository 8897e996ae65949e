// Precision and recall of features (Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing
// Generative Models", equations 1 and 2): the share of generated examples inside the data's manifold, and of the data
// inside the generator's. A manifold is the union of balls around the examples, each as large as the distance to the
// k-th neighbour.
import { checkAlike, neighbourRadii, squaredDistances, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** Neighbours, as in the paper. */
const NEIGHBOURS = 3;

/** Share of the rows of `points` that are inside at least one ball; `centres` and `radii` define the balls. */
function inside(points: Rows, centres: Rows, radii: Float64Array): number {
  const distances = new Float64Array(centres.rows);
  let count = 0;
  for (let i = 0; i < points.rows; i++) {
    squaredDistances(points, i, centres, distances);
    if (distances.some((d, j) => d <= radii[j]!)) count++;
  }
  return count / points.rows;
}

/** Precision (generated examples look real) and recall (all of the data is covered), each from 0 to 1. */
export function precisionRecall(real: Rows, made: Rows, k = NEIGHBOURS): { precision: number; recall: number } {
  checkAlike('pr', real, made, k + 1);
  return {
    precision: inside(made, real, neighbourRadii(real, k)),
    recall: inside(real, made, neighbourRadii(made, k)),
  };
}

/** The measure. */
export const precisionRecallMetric: Metric = {
  name: 'pr',
  summary: 'precision and recall of features',
  scores: { precision: 'more', recall: 'more' },
  least: NEIGHBOURS + 1,
  measure: async ({ made, real }) => precisionRecall(await real.features(), await made.features()),
};
