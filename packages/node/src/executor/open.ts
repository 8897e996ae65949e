// Opens the executor that a runtime asks for.
import type { Executor, ExecutorName, ExecutorOptions } from './contract.js';
import { Engine } from './engine.js';
import { openProcess, openWorker } from './remote.js';

const OPEN: Readonly<Record<ExecutorName, (options: ExecutorOptions) => Promise<Executor>>> = {
  inline: async (options) => new Engine(options),
  worker: openWorker,
  process: openProcess,
};

/** A fresh executor. */
export function openExecutor(options: ExecutorOptions): Promise<Executor> {
  return OPEN[options.executor](options);
}
