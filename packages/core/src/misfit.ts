// The error for data of a wrong shape or type.
import { UsageError } from './errors.js';

/** UsageError `input.shape`. */
export function misfit(message: string): UsageError {
  return new UsageError(message, { code: 'input.shape' });
}
