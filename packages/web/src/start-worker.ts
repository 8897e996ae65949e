// Starts the module worker, or says why this page has none and what would cure that.
import { DeviceError } from '@forja/core/page';

/** A worker, and where its script is, for messages. */
export interface StartedWorker {
  worker: Worker;
  where: string;
}

/** The worker in the folder `assets`, else the one that the bundler made. Throws `device.unavailable`. */
export function startWorker(assets: string | undefined): StartedWorker {
  if (typeof Worker === 'undefined') throw new DeviceError('device.unavailable', noWorkers());
  const where = assets === undefined ? 'the bundled worker' : new URL('worker.js', assets).href;
  try {
    return {
      // Bundlers look for exactly the first expression.
      worker:
        assets === undefined
          ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'forja' })
          : new Worker(where, { type: 'module', name: 'forja' }),
      where,
    };
  } catch (cause) {
    throw new DeviceError('device.unavailable', refusal(assets, cause), { cause });
  }
}

function noWorkers(): string {
  return 'WorkerGlobalScope' in globalThis
    ? "runtime: expected a thread that can start workers, got one that cannot, as shared workers in some browsers: use executor: 'inline'"
    : 'runtime: expected a browser with Web Workers. In Node use @forja/node; in a server-side render, call this only in the browser.';
}

/** What `new Worker` throws: the origin of the script, or a policy on how scripts are named. */
function refusal(assets: string | undefined, cause: unknown): string {
  const { origin } = globalThis;
  const { name, message } = cause as Partial<Error>; // it throws DOMException and TypeError
  if (name !== 'SecurityError')
    return `runtime: the worker was refused: ${String(message)} Where a page requires trusted types, give it a policy named 'default' that lets worker.js pass, or use executor: 'inline'.`;
  if (origin === 'null')
    return "runtime: expected a page with an origin, got a sandboxed frame or a file: give the frame allow-same-origin, serve the page, or use executor: 'inline'";
  return assets === undefined
    ? `runtime: expected the worker on the page's origin (${origin}), got it on another, as with scripts from a CDN: copy it with \`forja-web-assets <dir>\` and name that folder in the option assets`
    : `runtime.assets: expected a folder of this page's origin (${origin}), got ${assets}`;
}
