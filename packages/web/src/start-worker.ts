// Starts the module worker, from the bundler's file or from the folder `assets`.
import { DeviceError } from '@forja/core/page';

/** A worker, and where its script is, for messages. */
export interface StartedWorker {
  worker: Worker;
  where: string;
}

/** Starts the worker in the folder `assets`, else the bundler's. Rejects with `device.unavailable`. */
export async function startWorker(assets: string | undefined): Promise<StartedWorker> {
  if (typeof Worker === 'undefined') throw await unavailable(({ noWorkers }) => noWorkers());
  const where = assets === undefined ? 'the bundled worker' : new URL('worker.js', assets).href;
  try {
    const worker =
      assets === undefined
        ? // Written out in full: bundlers look for exactly this expression.
          new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'forja' })
        : new Worker(where, { type: 'module', name: 'forja' });
    return { worker, where };
  } catch (cause) {
    throw await unavailable(({ refused }) => refused(assets, cause), cause);
  }
}

/** The error if no worker can be started. */
export async function unavailable(
  why: (reasons: typeof import('./no-worker.js')) => string,
  cause?: unknown,
): Promise<DeviceError> {
  const said = await import('./no-worker.js').then(why, () => 'runtime: no worker can be started');
  return new DeviceError('device.unavailable', said, { cause });
}
