// The error for data of a wrong shape or type.
import { UsageError } from './errors.js';

/** UsageError `input.shape`. */
export function shapeError(message: string): UsageError {
  return new UsageError(message, { code: 'input.shape' });
}
