// Time of a run: seconds over all its sessions, and the speed of the last steps. Nothing else in the trainer looks at a clock.

/** Milliseconds of a clock that only goes forward. */
export function now(): number {
  return performance.now();
}

/** Seconds and images a second. */
export interface Clock {
  seconds(): number;
  /** Call after each step; images a second over the last steps (at most `window`). */
  step(): number;
}

/** A clock that goes on from `before` seconds. `time` is in milliseconds. */
export function clock(batch: number, before: number, time: () => number = now, window = 50): Clock {
  const start = time();
  const times = [start];
  return {
    seconds: () => before + (time() - start) / 1000,
    step: () => {
      times.push(time());
      if (times.length > window + 1) times.shift();
      const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
      return span > 0 ? (1000 * batch * (times.length - 1)) / span : 0;
    },
  };
}
