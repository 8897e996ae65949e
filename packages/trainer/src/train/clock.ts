// Time of a run: seconds over all its sessions, and the speed of the last steps. Nothing else of the training loop
// reads a clock.

/** Milliseconds of a monotonic clock. */
export function now(): number {
  return performance.now();
}

/** Seconds and images per second. */
export interface Clock {
  seconds(): number;
  /**
   * Call after each step, or after `count` that were run together. Returns images per second over the last calls (at
   * most `window`).
   */
  step(count?: number): number;
}

/** A clock that starts at `before` seconds. `time` returns milliseconds. */
export function clock(batch: number, before: number, time: () => number = now, window = 50): Clock {
  const start = time();
  const marks = [{ at: start, steps: 0 }];
  return {
    seconds: () => before + (time() - start) / 1000,
    step: (count = 1) => {
      marks.push({ at: time(), steps: (marks.at(-1)?.steps ?? 0) + count });
      if (marks.length > window + 1) marks.shift();
      const [first, last] = [marks[0], marks.at(-1)];
      if (first === undefined || last === undefined || last.at <= first.at) return 0;
      return (1000 * batch * (last.steps - first.steps)) / (last.at - first.at);
    },
  };
}
