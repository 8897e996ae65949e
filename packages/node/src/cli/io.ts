// A command's access to the terminal, and Ctrl-C.
import type { CliIo } from '@forja/core';
import { barProgress, lineProgress, noProgress } from './progress.js';

/** The streams of a process. */
export interface Streams {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}

/** The environment of one command. */
export function createIo(
  { stdout, stderr }: Streams,
  mode: { json: boolean; verbose: boolean },
  cwd: string,
  signal: AbortSignal,
): CliIo {
  const tty = Boolean(stderr.isTTY) && !mode.json && process.env['TERM'] !== 'dumb';
  const now = (): number => performance.now();
  return {
    ...mode,
    tty,
    cwd,
    signal,
    print: (line = '') => void (mode.json || stdout.write(`${line}\n`)),
    warn: (line) => void stderr.write(`warning: ${line}\n`),
    progress: (total, title) =>
      mode.json ? noProgress : (tty ? barProgress : lineProgress)(stderr, total, title, now),
  };
}

/**
 * Signals this soon after the first belong to it: a terminal sends Ctrl-C to npx or npm as well, and systemd SIGTERM,
 * and these pass it on to the command, which then gets it twice.
 */
const SAME_MS = 500;

/**
 * Aborts `control` on the first Ctrl-C (or SIGTERM) and exits on the second. Returns a function that undoes it.
 * `now`: a clock in milliseconds.
 */
export function interrupts(
  control: AbortController,
  stderr: NodeJS.WritableStream,
  now: () => number = () => performance.now(),
): () => void {
  let first = -Infinity;
  const onSignal = (name: NodeJS.Signals): void => {
    if (control.signal.aborted) {
      if (now() - first >= SAME_MS) process.exit(name === 'SIGTERM' ? 143 : 130);
      return;
    }
    first = now();
    stderr.write('\nStopping; press Ctrl-C again to end at once.\n');
    control.abort(new Error(name));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
}
