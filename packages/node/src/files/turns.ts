// Lets the event loop turn in loops whose steps are synchronous, so that signals, timers and answers come through.
import { setImmediate } from 'node:timers/promises';

/** Milliseconds that a loop may keep the event loop waiting, a step more or less. */
const LONGEST = 50;

/** A function to await after every step of a loop. */
export function turns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < LONGEST) return;
    await setImmediate();
    last = performance.now();
  };
}
