// Opens the executor named in the options.
import type { Executor, ExecutorName, ExecutorOptions } from './contract.js';
import { Engine } from './engine.js';
import { openProcess, openWorker } from './remote.js';
import { quietBefore } from './telemetry.js';

const OPEN: Readonly<Record<ExecutorName, (options: ExecutorOptions) => Promise<Executor>>> = {
  inline: async (options) => new Engine(options),
  worker: openWorker,
  process: openProcess,
};

/** Opens a new executor. */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  quietBefore(options.executor);
  return OPEN[options.executor](options);
}
