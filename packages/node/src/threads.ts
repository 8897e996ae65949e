// The range of `threads`.
import { availableParallelism } from 'node:os';

/**
 * The greatest number of threads that is allowed: 64, or four times the cores if that is more. The threads of a run
 * spin while they wait for one another, so a much larger number would leave no core for other work.
 */
export function mostThreads(): number {
  return Math.max(64, 4 * availableParallelism());
}
