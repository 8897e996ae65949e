// Measures how long an iteration of a run takes on this machine: times a few, and writes nothing.
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
  /** Mean seconds per iteration, weighted over those with and without lazy phases. */
  seconds: number;
  imagesPerSecond: number;
}

/** Seconds after which no further run is timed, the fewest runs, and the most. */
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
  /** Seconds of an iteration from `step` on. */
  const timed = async (step: number, together: number): Promise<number> => {
    const start = now();
    let runs = 0;
    for (; runs < MIN_RUNS || (runs < MAX_RUNS && now() - start < 1000 * ENOUGH_SECONDS); runs++) {
      engine.step = step;
      await engine.run(together);
    }
    return (now() - start) / 1000 / runs / together;
  };
  try {
    await engine.run(engine.stepsPerRun); // the first is slower
    const seldom = system.phases.flatMap(({ every = 1 }) => (every > 1 ? [1 / every] : []));
    const ordinary = await timed(1, engine.stepsPerRun); // in iteration 1 no lazy phase is due
    // In iteration 0 all are. Several lazy phases are assumed to cost the same.
    const more = seldom.length === 0 ? 0 : Math.max(0, (await timed(0, 1)) - ordinary);
    const seconds = ordinary + (more * seldom.reduce((sum, share) => sum + share, 0)) / Math.max(1, seldom.length);
    return { device: engine.device, seconds, imagesPerSecond: batch / seconds };
  } finally {
    await engine.dispose();
  }
}
