// Whether a conditional generator makes the requested class: the share of examples that a classifier assigns to it,
// overall and in the worst class.
import { shown, UsageError } from '@forja/core';
import { checkRows, type Rows } from './matrix.js';
import type { Metric } from './metric.js';
import { mostProbable } from './modes.js';

/**
 * Shares from 0 to 1; the worst is over the requested classes.
 * @throws UsageError `input.shape` unless there is a label for each row, `input.range` for a label that is not a class.
 */
export function classAgreement(
  probabilities: Rows,
  labels: Int32Array,
): { agreement: number; agreement_worst: number } {
  checkRows('classAgreement', probabilities);
  const { rows, columns, data } = probabilities;
  const given = Array.from(Object(labels) as ArrayLike<number>);
  if (given.length !== rows)
    throw new UsageError(`classAgreement: expected ${rows} labels, one for each row, got ${given.length}`, {
      code: 'input.shape',
    });
  const stray = given.find((label) => !(Number.isInteger(label) && label >= 0 && label < columns));
  if (stray !== undefined)
    throw new UsageError(
      `classAgreement: expected labels in 0..${columns - 1}, the classes of the classifier, got ${shown(stray)}`,
      {
        code: 'input.range',
      },
    );
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
  summary: 'whether a conditional generator makes the requested class',
  scores: { agreement: 'more', agreement_worst: 'more' },
  needs: ['classes', 'labels'],
  measure: async ({ made }) => classAgreement(await made.probabilities(), made.labels ?? new Int32Array(made.count)),
};
