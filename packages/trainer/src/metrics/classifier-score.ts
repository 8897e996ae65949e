// The score of Salimans et al. 2016 ("Improved Techniques for Training GANs", section 4) with any classifier:
// exp E KL(p(y|x) ‖ p(y)). High if the classifier is sure of each picture and all classes occur. With Inception it is
// the Inception Score; scores of different classifiers are not comparable.
import { checkRows, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** From 1 (the classifier sees no difference) to the number of classes. */
export function classifierScore(probabilities: Rows): number {
  checkRows('classifierScore', probabilities);
  const { rows, columns, data } = probabilities;
  const marginal = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let c = 0; c < columns; c++) marginal[c]! += data[i * columns + c]! / rows;
  let sum = 0;
  for (let i = 0; i < rows; i++)
    for (let c = 0; c < columns; c++) {
      const p = data[i * columns + c]!;
      if (p > 0) sum += p * Math.log(p / marginal[c]!);
    }
  return Math.exp(sum / rows);
}

/** The measure. */
export const classifierScoreMetric: Metric = {
  name: 'score',
  summary: 'score of a classifier, computed like the Inception Score',
  scores: { classifier_score: 'more' },
  needs: ['classes'],
  measure: async ({ made }) => ({ classifier_score: classifierScore(await made.probabilities()) }),
};
