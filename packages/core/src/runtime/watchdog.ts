// A limit on the time that an executor may take to answer.
import { platform } from '../platform.js';

/** Number of timers, one after another, that the limit is divided into. */
const PARTS = 8;

/**
 * Calls `late` after `ms` milliseconds in which this process runs. The function that it returns prevents that. If the
 * process is stopped (Ctrl-Z), its page frozen or the computer asleep, the executor is stopped too; this costs
 * one part of the limit at most, however long it lasts.
 */
export function watchdog(ms: number, late: () => void): () => void {
  if (ms === Infinity) return () => undefined;
  let left = PARTS;
  const next = (): void => {
    left--;
    if (left > 0) timer = platform().setTimeout(next, ms / PARTS);
    else late();
  };
  let timer = platform().setTimeout(next, ms / PARTS);
  return () => {
    platform().clearTimeout(timer);
  };
}
