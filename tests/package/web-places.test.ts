// Pages with unusual scripts, frames or policies, in Chromium: each loads a generator, or gets an error that names the
// obstacle and the way out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { addModel, copyAssets, installProject } from './support/pages.js';
import { openBrowser, openPage, serve, until } from './support/site.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-places-'));
const site = join(folder, 'site');
let browser: Browser;

/** Loads and samples with the options in its address, in any thread, and posts the outcome. */
const APP = `import { load } from '@forja/web';
async function main(wish, base) {
  try {
    const generator = await load(base + '/model.onnx', { device: 'wasm', executor: wish.get('executor') ?? 'worker', threads: Number(wish.get('threads') ?? 1), ...(wish.has('assets') ? { assets: wish.get('assets') } : {}) });
    const { width } = await generator.sample({ seed: 7 });
    const { executor } = generator.device;
    await generator.dispose();
    return { width, executor };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}
const { wish = location.search, base = '' } = globalThis.asked ?? {};
const outcome = () => main(new URLSearchParams(wish), base);
if ('SharedWorkerGlobalScope' in globalThis) onconnect = ({ ports: [port] }) => void outcome().then((came) => port.postMessage(came));
else if ('ServiceWorkerGlobalScope' in globalThis) onmessage = ({ source }) => void outcome().then((came) => source.postMessage(came));
else if ('DedicatedWorkerGlobalScope' in globalThis) outcome().then(postMessage);
else outcome().then((came) => parent.postMessage(came, '*'));
`;

/** Start of every page: receives outcomes of its scripts, frames and workers. */
const BEGIN = `<!doctype html><title>t</title><link rel="icon" href="data:,"><script>
  onmessage = ({ data }) => { globalThis.outcome = data; };
  const from = (port) => { port.onmessage = onmessage; };
</script>`;
const SCRIPT = '<script type="module" src="/app.js"></script>';

const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
/** Headers of a CDN, which allow any origin. */
const OPEN = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' };
const TRUSTED = { 'Content-Security-Policy': "require-trusted-types-for 'script'" };
const POLICY = `<script>trustedTypes.createPolicy('default', { createScriptURL: (url) => url });</script>`;

beforeAll(async () => {
  browser = await openBrowser();
  const app = join(folder, 'app');
  installProject(app, inject('tarballs'));
  writeFileSync(join(app, 'app.js'), APP);
  addModel(site);
  // Split: what is imported on first use is a file of its own, as on a real site.
  await esbuild.build({
    entryPoints: [join(app, 'app.js')],
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: site,
    logLevel: 'error',
    external: ['node:*'],
  });
  writeFileSync(join(site, 'frame.html'), SCRIPT);
  copyAssets(app, join(site, 'forja'), '--wasm-only');
}, 300_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a page of `body(cdn)` at `/?query` and waits for its outcome; `cdn` is another origin with the files. */
async function come(
  body: string | ((cdn: string) => string),
  { query = '', headers = {} }: { query?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<unknown> {
  const [here, cdn] = [await serve(site, headers), await serve(site, OPEN)];
  writeFileSync(join(site, 'index.html'), BEGIN + (typeof body === 'string' ? body : body(cdn.origin)));
  const { page } = await openPage(browser);
  try {
    await page.goto(`${here.origin}/?${query}`);
    await until(page, 'globalThis.outcome !== undefined');
    return await page.evaluate('globalThis.outcome');
  } finally {
    await page.context().close();
    await here.close();
    await cdn.close();
  }
}

const drawn = (executor: string) => ({ width: 28, executor });
const unavailable = (...words: string[]) => ({
  code: 'device.unavailable',
  message: expect.stringMatching(new RegExp(words.join('.*'))) as string,
});

describe('a script from another origin', () => {
  const script = (cdn: string): string => `<script type="module" src="${cdn}/app.js"></script>`;

  test('cannot start a worker, and the error names assets', async () => {
    expect(await come(script)).toEqual(unavailable('forja-web-assets', 'assets'));
  });

  test('runs with assets on the origin of the page', async () => {
    expect(await come(script, { query: 'assets=/forja/' })).toEqual(drawn('worker'));
  });

  test('runs inline without', async () => {
    const inline = (cdn: string): string =>
      `<script>globalThis.asked = { wish: 'executor=inline&assets=${cdn}/forja/' }</script>${script(cdn)}`;
    expect(await come(inline)).toEqual(drawn('inline'));
  });
});

describe('a frame', () => {
  test('in a sandbox has no origin, and the error names allow-same-origin and inline', async () => {
    const frame = (query: string, more = ''): string =>
      `<iframe sandbox="allow-scripts ${more}" src="/frame.html?${query}"></iframe>`;
    expect(await come(frame('assets=/forja/'), { headers: OPEN })).toEqual(unavailable('allow-same-origin', 'inline'));
    expect(await come(frame('assets=/forja/', 'allow-same-origin'), { headers: OPEN })).toEqual(drawn('worker'));
    expect(await come(frame('executor=inline&assets=/forja/'), { headers: OPEN })).toEqual(drawn('inline'));
  });

  test('whose text is in the page has the address of the page', async () => {
    const text = `<script>globalThis.asked = { wish: 'assets=/forja/' }</script>${SCRIPT}`
      .replaceAll('"', "'")
      .replaceAll("'assets=/forja/'", '`assets=/forja/`');
    expect(await come(`<iframe srcdoc="${text}"></iframe>`)).toEqual(drawn('worker'));
  });
});

describe('a worker of the app', () => {
  const start = (kind: string, address: string): string =>
    `<script>from(new ${kind}(${address}, { type: 'module' })${kind === 'Worker' ? '' : '.port'})</script>`;

  test('that is shared cannot start another; the error names inline, which works', async () => {
    expect(await come(start('SharedWorker', "'/app.js'"))).toEqual(unavailable("executor: 'inline'"));
    expect(await come(start('SharedWorker', "'/app.js?executor=inline&assets=/forja/'"))).toEqual(drawn('inline'));
  });

  test('of the page can start ours; in one made from a Blob, the error asks for absolute addresses', async () => {
    expect(await come(start('Worker', "'/app.js?assets=/forja/'"))).toEqual(drawn('worker'));
    const blob = (asked: string): string =>
      start(
        'Worker',
        `URL.createObjectURL(new Blob(["globalThis.asked = ${asked}; import('" + location.origin + "/app.js')"], { type: 'text/javascript' }))`,
      );
    expect(await come(blob("{ wish: '' }"))).toEqual({
      code: 'usage',
      message: expect.stringContaining('Blob') as string,
    });
    expect(
      await come(blob(`{ base: '" + location.origin + "', wish: 'assets=" + location.origin + "/forja/' }`)),
    ).toEqual(drawn('worker'));
  });

  test('that is a service worker gets an error that names the page', async () => {
    for (const query of ['', '?executor=inline&assets=/forja/'])
      expect(
        await come(`<script>
          from(navigator.serviceWorker);
          navigator.serviceWorker.startMessages();
          navigator.serviceWorker.register('/app.js${query}', { type: 'module' });
          navigator.serviceWorker.ready.then(({ active }) => active.postMessage('begin'));
        </script>`),
      ).toEqual(unavailable('service worker', 'page'));
  });
});

describe('a page that requires trusted types', () => {
  test('gets an error that names a default policy and inline; both work', async () => {
    const refused = unavailable('trusted types', "'default'", 'inline');
    expect(await come(SCRIPT, { query: 'assets=/forja/', headers: TRUSTED })).toEqual(refused);
    expect(await come(SCRIPT, { headers: TRUSTED })).toEqual(refused);
    expect(await come(POLICY + SCRIPT, { query: 'assets=/forja/', headers: TRUSTED })).toEqual(drawn('worker'));
    const inline = await come(SCRIPT, { query: 'executor=inline&assets=/forja/', headers: TRUSTED });
    expect(inline).toEqual(drawn('inline'));
  });

  test('and applies to worker.js too: one thread', async () => {
    const headers = { ...TRUSTED, ...ISOLATED };
    const two = await come(POLICY + SCRIPT, { query: 'assets=/forja/&threads=2', headers });
    expect(two).toEqual(unavailable('threads: 1', 'trusted types'));
    expect(await come(POLICY + SCRIPT, { query: 'assets=/forja/&threads=1', headers })).toEqual(drawn('worker'));
  });
});
