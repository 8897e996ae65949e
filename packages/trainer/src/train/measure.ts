// Measures how long an iteration of a run takes on this machine, by running a few. Writes no files.
import type { Runtime } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import type { GanSystem } from '../systems/system.js';
import { now } from './clock.js';
import type { ResolvedConfig } from './config.js';
import { makeEngine } from './engine.js';
import { phaseFeeds } from './feeds.js';

/** The result. */
export interface Measured {
  device: string;
  /** Mean seconds per iteration, averaged over iterations with and without lazy phases. */
  seconds: number;
  imagesPerSecond: number;
}

/**
 * Runs are timed until this many seconds have passed, but at least the minimum and at most the maximum number of runs.
 */
const [ENOUGH_SECONDS, MIN_RUNS, MAX_RUNS] = [1, 3, 20];

/** Makes the run's engine, warms it up and times iterations. The system is left as it was. */
export async function measure(
  { seed, batch, engine: kind, lowering, threads }: ResolvedConfig,
  system: GanSystem,
  dataset: Dataset,
  runtime: Runtime,
): Promise<Measured> {
  const feeds = system.phases.map((phase) => phaseFeeds(system, phase, dataset, seed, batch));
  const engine = await makeEngine({ kind, system, seed, feeds, runtime, lowering, threads });
  /** Seconds per iteration, in calls of `count` iterations that begin at iteration `step`. */
  const timed = async (step: number, count: number): Promise<number> => {
    const start = now();
    let runs = 0;
    for (; runs < MIN_RUNS || (runs < MAX_RUNS && now() - start < 1000 * ENOUGH_SECONDS); runs++) {
      engine.step = step;
      await engine.run(count);
    }
    return (now() - start) / 1000 / runs / count;
  };
  try {
    await engine.run(engine.stepsPerRun); // the first is slower
    const lazyShares = system.phases.flatMap(({ every = 1 }) => (every > 1 ? [1 / every] : []));
    const ordinary = await timed(1, engine.stepsPerRun); // no lazy phase runs in iteration 1
    // All lazy phases run in iteration 0. If there are several, they are assumed to cost the same.
    const lazySeconds = lazyShares.length === 0 ? 0 : Math.max(0, (await timed(0, 1)) - ordinary);
    const seconds =
      ordinary + (lazySeconds * lazyShares.reduce((sum, share) => sum + share, 0)) / Math.max(1, lazyShares.length);
    return { device: engine.device, seconds, imagesPerSecond: batch / seconds };
  } finally {
    await engine.dispose();
  }
}
