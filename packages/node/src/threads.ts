// The range of `threads`.
import { availableParallelism } from 'node:os';

/**
 * The greatest number of threads that is allowed: 64, or four times the cores if that is more. The threads of a run
 * wait busily for one another, so that very many stop the machine.
 */
export function mostThreads(): number {
  return Math.max(64, 4 * availableParallelism());
}
