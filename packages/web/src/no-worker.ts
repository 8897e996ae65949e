// Messages that explain why a page has no worker, and what to do. Imported only when that happens.

/** Message for a worker that ends before it answers, because of its file or a policy. */
export function stillborn(where: string, message: string): string {
  return (
    `worker: could not start from ${where}${message ? `: ${message}` : ''}. Is the file served, as JavaScript, ` +
    "from this origin, and does the page's CSP allow it " +
    "(worker-src 'self'; script-src 'self' 'wasm-unsafe-eval')? Bundlers that do not follow `new Worker(new " +
    'URL(...))` need `forja-web-assets <dir>` and the option `assets`.'
  );
}

/** Message where there is no `Worker`. */
export function noWorkers(): string {
  return 'WorkerGlobalScope' in globalThis
    ? 'runtime: expected a thread that can start workers, got one that cannot, as shared workers in some browsers: ' +
        "use executor: 'inline'"
    : 'runtime: expected a browser with Web Workers. In Node use @forja/node; in a server-side render, call this ' +
        'only in the browser.';
}

/** Message where `new Worker` throws: a script of another origin, or a trusted-types policy. */
export function refused(assets: string | undefined, cause: unknown): string {
  const { origin } = globalThis;
  const { name, message } = cause as Partial<Error>; // `new Worker` throws a DOMException or a TypeError
  if (name !== 'SecurityError')
    return (
      `runtime: the worker was refused: ${String(message)} Where a page requires trusted types, give it a policy ` +
      "named 'default' that lets worker.js pass, or use executor: 'inline'."
    );
  if (origin === 'null')
    return (
      'runtime: expected a page with an origin, got a sandboxed frame or a file: give the frame allow-same-origin, ' +
      "serve the page, or use executor: 'inline'"
    );
  return assets === undefined
    ? `runtime: expected the worker on the page's origin (${origin}), got it on another, as with scripts from a ` +
        'CDN: copy it with `forja-web-assets <dir>` and name that folder in the option assets'
    : `runtime.assets: expected a folder of this page's origin (${origin}), got ${assets}`;
}
