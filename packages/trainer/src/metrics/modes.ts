// How many modes of the data a generator covers, and how evenly. For points of a known mixture, the protocol of PacGAN
// (Lin et al. 2018, section 4.1): a point within 3 standard deviations of its nearest centre is of high quality and
// counts for that mode. Pictures count for their most probable class, as on stacked MNIST.
import { shown, UsageError } from '@forja/core';
import type { Modes } from '../data/dataset.js';
import { checkRows, type Rows } from './matrix.js';
import type { Metric } from './metric.js';

/** Standard deviations within which a point is of high quality. A perfect sampler has 1 − exp(−4.5) = 98.89 % there. */
const WITHIN = 3;

/** How often each mode was hit by a point of high quality. Points and centres may have any number of columns. */
export function modeCounts(points: Rows, modes: Modes): Float64Array {
  checkRows('modeCounts', points);
  const { rows, columns, data } = points;
  const { centres, deviation = NaN } = Object(modes) as Partial<Modes>;
  const count = (centres?.length ?? NaN) / columns;
  if (centres === undefined || !Number.isInteger(count) || !(deviation > 0))
    throw new UsageError(
      `modeCounts: expected centres of ${columns} numbers each, and a deviation above 0, ` +
        `got ${shown(centres?.length)} numbers and ${shown(deviation)}`,
      { code: 'input.shape' },
    );
  const counts = new Float64Array(count);
  for (let i = 0; i < rows; i++) {
    let [nearest, least] = [0, Infinity];
    for (let m = 0; m < count; m++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += (data[i * columns + k]! - centres[m * columns + k]!) ** 2;
      if (sum < least) [nearest, least] = [m, sum];
    }
    if (Math.sqrt(least) < WITHIN * deviation) counts[nearest]! += 1;
  }
  return counts;
}

/** How often each class is the most probable. */
export function classCounts(probabilities: Rows): Float64Array {
  checkRows('classCounts', probabilities);
  const { rows, columns, data } = probabilities;
  const counts = new Float64Array(columns);
  for (let i = 0; i < rows; i++) counts[mostProbable(data.subarray(i * columns, (i + 1) * columns))]! += 1;
  return counts;
}

/** Index of the greatest value. */
export function mostProbable(row: Float64Array | Float32Array): number {
  let best = 0;
  for (let c = 1; c < row.length; c++) if (row[c]! > row[best]!) best = c;
  return best;
}

/**
 * Reverse Kullback-Leibler divergence KL(made ‖ real) of two histograms, in nats; NaN for an empty histogram. For n
 * perfect samples of m equal modes it is about (m − 1)/(2n), not 0.
 */
export function reverseKl(made: Float64Array, real: Float64Array): number {
  const [bins, others] = [made, real].map((counts) => (Object(counts) as ArrayLike<number>).length);
  if (bins === undefined || bins !== others)
    throw new UsageError(`reverseKl: expected two histograms of one length, got ${shown(bins)} and ${shown(others)}`, {
      code: 'input.shape',
    });
  const sum = (counts: Float64Array): number => counts.reduce((a, b) => a + b, 0);
  const [n, m] = [sum(made), sum(real)];
  return n === 0
    ? NaN
    : made.reduce((kl, count, i) => kl + (count === 0 ? 0 : (count / n) * Math.log(count / n / (real[i]! / m))), 0);
}

const reached = (counts: Float64Array): number => counts.filter((count) => count > 0).length;

/** The measure. */
export const modesMetric: Metric = {
  name: 'modes',
  summary: 'modes reached and reverse KL: of a known mixture, or over classes',
  scores: { modes: 'more', reverse_kl: 'less' },
  needs: [['modes', 'classes']],
  async measure({ made, real, modes }) {
    if (modes !== undefined) {
      const counts = modeCounts(made.values, modes);
      return {
        modes: reached(counts),
        high_quality: counts.reduce((a, b) => a + b, 0) / made.count,
        reverse_kl: reverseKl(
          counts,
          counts.map(() => 1),
        ),
      };
    }
    const counts = classCounts(await made.probabilities());
    // A class that is missing in the data counts as seen once, so that the divergence stays finite.
    const expected = classCounts(await real.probabilities()).map((count) => Math.max(1, count));
    return { modes: reached(counts), reverse_kl: reverseKl(counts, expected) };
  },
};
