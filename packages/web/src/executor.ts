// Opens a page's executors.
import { abortError, DeviceError, fromErrorRecord } from '@forja/core/page';
import type { ExecutorOptions, WebExecutor } from './contract.js';
import { openWorker } from './remote.js';

/** Opens a new executor. Each kind is imported on first use, so that a page loads less at first. */
export async function openExecutor(options: ExecutorOptions): Promise<WebExecutor> {
  if ('ServiceWorkerGlobalScope' in globalThis)
    throw new DeviceError(
      'device.unavailable',
      'runtime: expected a page, got a service worker, which starts no workers; load in the page',
    );
  if (options.executor === 'worker') return openWorker(options);
  return (await import('./inline.js')).openInline(options, { abortError, fromErrorRecord });
}
