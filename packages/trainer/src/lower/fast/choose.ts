// Chooses the algorithm for all three products of a convolution by its sizes. `undefined`: use the portable rows.
import type { ConvAlgorithm, Convolution } from './contract.js';
import { gemm, thin } from './columns.js';
import { narrow } from './narrow.js';
import { winograd } from './winograd.js';

/** In order of preference at equal cost. */
const ALGORITHMS: readonly ConvAlgorithm[] = [winograd, thin, narrow, gemm];

/** The cheapest algorithm that fits. */
export function choose(conv: Convolution | undefined): ConvAlgorithm | undefined {
  if (conv === undefined) return undefined;
  const fitting = ALGORITHMS.filter((algorithm) => algorithm.fits(conv));
  return fitting.reduce<ConvAlgorithm | undefined>(
    (best, algorithm) => (best === undefined || algorithm.cost(conv) < best.cost(conv) ? algorithm : best),
    undefined,
  );
}
