// Pages as peers of a bench: bundles browser/page.mjs with Vite, serves it with the models, cross-origin isolated, and
// opens one Chromium page per peer.
import { execFileSync } from 'node:child_process';
import { copyFileSync, createReadStream, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { findChromium } from '../../scripts/lib/chromium.mjs';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const bench = fileURLToPath(new URL('..', import.meta.url));

/** Builds the page into `site`. */
export async function buildPage(site) {
  mkdirSync(join(site, 'tfjs'), { recursive: true });
  const root = join(bench, 'browser');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir: site,
      minify: false, // tfjs starts its threads from the source text of a function
      emptyOutDir: false,
      target: 'es2022',
      reportCompressedSize: false,
      chunkSizeWarningLimit: 10_000,
      rollupOptions: { input: join(root, 'index.html') },
    },
  });
  const from = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  for (const file of readdirSync(from).filter((name) => name.endsWith('.wasm')))
    copyFileSync(join(from, file), join(site, 'tfjs', file));
}

/** Serves `site`. */
export async function serveSite(site) {
  const server = createServer((request, response) => {
    const file = join(site, normalize(new URL(request.url, 'http://localhost').pathname).replace(/\/$/, '/index.html'));
    for (const [name, value] of [
      ['Cross-Origin-Opener-Policy', 'same-origin'],
      ['Cross-Origin-Embedder-Policy', 'require-corp'],
      ['Cross-Origin-Resource-Policy', 'same-origin'],
    ])
      response.setHeader(name, value);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return void ((response.statusCode = 404), response.end());
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('Content-Length', size);
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  return {
    origin: `http://localhost:${server.address().port}`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}

/** A browser with isolated pages. */
export async function openBrowser() {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('bench: no Chromium was found; set CHROMIUM_PATH');
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--no-first-run',
      '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding',
      '--disable-backgrounding-occluded-windows',
    ],
  });
  return { browser, version: execFileSync(executablePath, ['--version', '--no-sandbox'], { encoding: 'utf8' }).trim() };
}

/**
 * CPU time, in ms, of the longest task of a page's main thread during `during`, so waiting for a core does not count.
 */
async function longestTask(browser, page, during) {
  await browser.startTracing(page, { categories: ['toplevel'] });
  let result;
  try {
    result = await during();
  } finally {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const threadOf = ({ pid, tid }) => `${pid}:${tid}`;
    const mains = new Set(
      traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(threadOf),
    );
    const tasks = traceEvents.filter(
      (event) => event.ph === 'X' && event.tdur !== undefined && mains.has(threadOf(event)),
    );
    if (result) result.taskCpu = Math.max(...tasks.map(({ tdur }) => tdur)) / 1000;
  }
  return result;
}

/**
 * A page for `query` with the interface of lib/peer.mjs; `fresh`: a new page for every block; `traced`: with the
 * longest task of its main thread.
 */
export async function pagePeer(browser, origin, name, query, { fresh = false, traced = false } = {}) {
  const open = async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`${origin}/?${new URLSearchParams(query)}`);
    await page.evaluate('globalThis.ready').catch((error) => {
      throw new Error(`bench: page "${name}": ${error.message} ${errors.join('; ')}`);
    });
    return { page, context };
  };
  let held = fresh ? undefined : await open();
  return {
    name,
    versions: {},
    about: await held?.page.evaluate('globalThis.about'),
    block: async (seconds) => {
      const { page, context } = held ?? (await open());
      const run = () => page.evaluate(`globalThis.block(${seconds})`);
      const result = await (traced ? longestTask(browser, page, run) : run());
      if (fresh) await context.close();
      return result;
    },
    stop: async () => {
      await held?.context.close();
      held = undefined;
    },
  };
}
