// Whether a conditional generator makes the requested class: the share of examples that a classifier assigns to it,
// overall and in the worst class.
import type { Rows } from './matrix.js';
import type { Metric } from './metric.js';
import { mostProbable } from './modes.js';

/** Shares from 0 to 1; the worst is over the requested classes. */
export function classAgreement(
  { rows, columns, data }: Rows,
  labels: Int32Array,
): { agreement: number; agreement_worst: number } {
  const [asked, right] = [new Float64Array(columns), new Float64Array(columns)];
  for (let i = 0; i < rows; i++) {
    const label = labels[i]!;
    asked[label]! += 1;
    if (mostProbable(data.subarray(i * columns, (i + 1) * columns)) === label) right[label]! += 1;
  }
  const shares = [...right].flatMap((count, c) => (asked[c]! > 0 ? count / asked[c]! : []));
  return { agreement: right.reduce((a, b) => a + b, 0) / rows, agreement_worst: Math.min(...shares) };
}

/** The measure. */
export const agreementMetric: Metric = {
  name: 'agreement',
  summary: 'whether a conditional generator makes the class that is asked for',
  scores: { agreement: 'more', agreement_worst: 'more' },
  needs: ['classes', 'labels'],
  measure: async ({ made }) => classAgreement(await made.probabilities(), made.labels ?? new Int32Array(made.count)),
};
