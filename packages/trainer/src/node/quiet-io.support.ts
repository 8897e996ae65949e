// What a command gets from the bin (CliIo), without a terminal or output. For tests.
import type { CliIo } from '@forja/core';

/** Prints nothing and is never aborted, except as given. */
export const quietIo = (given: Pick<CliIo, 'cwd'> & Partial<CliIo>): CliIo => ({
  json: false,
  verbose: false,
  tty: false,
  signal: new AbortController().signal,
  print: () => {},
  warn: () => {},
  progress: () => ({ update: () => {}, stop: () => {} }),
  ...given,
});
