// Time of a run: seconds over all its sessions, and the speed of the last steps. The only place of the loop that looks at a clock.

/** Seconds and images a second. */
export interface Clock {
  seconds(): number;
  /** Call after each step; images a second over the last steps (at most `window`). */
  step(): number;
}

/** A clock that goes on from `before` seconds. `now` is in milliseconds. */
export function clock(batch: number, before: number, now: () => number, window = 50): Clock {
  const start = now();
  const times = [start];
  return {
    seconds: () => before + (now() - start) / 1000,
    step: () => {
      times.push(now());
      if (times.length > window + 1) times.shift();
      const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
      return span > 0 ? (1000 * batch * (times.length - 1)) / span : 0;
    },
  };
}
