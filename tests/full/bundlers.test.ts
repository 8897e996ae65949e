// The packed @forja/web in new projects of each bundler, run in Chromium under a strict CSP: webpack and Vite with
// default settings, esbuild with copied assets, an app's own worker, and a static export of Next.js whose inline
// scripts are allowed by hash. No request leaves the origin; a page on WASM fetches no WebGPU build. Installs from the
// network.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ISOLATION_HEADERS } from '../browser/project.js';
import { packAll, root } from '../package/support/pack.js';
import { addModel, APP, copyAssets, CSP, HTML, installProject, visit } from '../package/support/pages.js';
import { filesOf } from '../package/support/blocks.js';
import { openBrowser } from '../package/support/site.js';

const folder = mkdtempSync(join(tmpdir(), 'forja-bundlers-'));
const size = [56, 28]; // two pictures of 28 × 28, side by side
let browser: Browser;
let tarballs: Record<string, string>;
/** Pixels of the first page; those of all others must be within one 8-bit step. */
let reference: number[] | undefined;

beforeAll(async () => {
  tarballs = packAll(join(folder, 'tarballs'));
  browser = await openBrowser();
}, 600_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

/** A module worker of the app that does the page's work. */
const OWN_WORKER = APP.replace('globalThis.outcome = main();', 'postMessage(await main());');
const OWN_PAGE = `const worker = new Worker(new URL('./own-worker.js', import.meta.url), { type: 'module' });
globalThis.outcome = new Promise((resolve, reject) => { worker.onmessage = ({ data }) => resolve(data); worker.onerror = (event) => reject(new Error(event.message)); });
`;

function project(name: string, more: readonly string[]): string {
  const at = join(folder, name);
  installProject(at, tarballs, more);
  writeFileSync(join(at, 'app.js'), APP);
  writeFileSync(join(at, 'index.html'), HTML);
  return at;
}
const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CI: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Visits on each device and holds what every page is held to. */
async function hold(
  site: string,
  device: 'wasm' | 'webgpu',
  { csp = CSP, query = '', isolated = true } = {},
): Promise<void> {
  const seen = await visit(
    browser,
    site,
    { 'Content-Security-Policy': csp, ...(isolated ? ISOLATION_HEADERS : {}) },
    `device=${device}${query}`,
  );
  expect(seen).toMatchObject({ outcome: { device: { actual: device }, size }, complaints: [], elsewhere: [] });
  expect(seen.outcome.device?.threads).toBe(
    device === 'wasm' && isolated && !query.includes('inline') ? Math.min(4, Number(await browserCores())) : 1,
  );
  const foreign = device === 'wasm' ? /asyncify|jspi/ : /(?!)/;
  expect(seen.wasm.filter((path) => foreign.test(path))).toEqual([]);
  expect(seen.wasm.length).toBeGreaterThan(0);
  reference ??= seen.outcome.pixels;
  expect(seen.outcome.pixels).toBeAllclose(reference ?? [], { atol: 1 });
}
let cores: number | undefined;
async function browserCores(): Promise<number> {
  if (cores === undefined) {
    const page = await browser.newPage();
    cores = Number(await page.evaluate('navigator.hardwareConcurrency'));
    await page.close();
  }
  return cores;
}

describe('Vite', () => {
  const site = join(folder, 'vite-site');
  beforeAll(() => {
    const at = project('vite', ['vite@8.3.8']);
    run(at, 'npx', 'vite', 'build', '--outDir', site, '--emptyOutDir', '--logLevel', 'error');
    addModel(site);
  }, 600_000);
  test.each(['wasm', 'webgpu'] as const)('%s', (device) => hold(site, device));
  test('wasm, not isolated', () => hold(site, 'wasm', { isolated: false }));
  test.each(['deterministic', 'large'])('wasm, %s', (wish) => hold(site, 'wasm', { query: `&${wish}` }));
  test('inline', () => hold(site, 'wasm', { query: '&executor=inline' }));
});

describe('webpack', () => {
  const site = join(folder, 'webpack-site');
  beforeAll(() => {
    const at = project('webpack', ['webpack@5.113.0', 'webpack-cli@7.3.1']);
    writeFileSync(
      join(at, 'webpack.config.js'),
      `export default { mode: 'production', entry: './app.js', output: { path: ${JSON.stringify(site)}, filename: 'app.js', publicPath: '/' }, performance: { hints: false } };`,
    );
    run(at, 'npx', 'webpack');
    writeFileSync(join(site, 'index.html'), HTML.replace(' type="module"', ' defer'));
    addModel(site);
  }, 600_000);
  test.each(['wasm', 'webgpu'] as const)('%s', (device) => hold(site, device));
  test.each(['deterministic', 'large'])('wasm, %s', (wish) => hold(site, 'wasm', { query: `&${wish}` }));
  test('inline', () => hold(site, 'wasm', { query: '&executor=inline' }));
});

describe('esbuild, with forja-web-assets', () => {
  const site = join(folder, 'esbuild-site');
  beforeAll(() => {
    const at = project('esbuild', ['esbuild@0.27.0']);
    run(
      at,
      'npx',
      'esbuild',
      'app.js',
      '--bundle',
      '--format=esm',
      `--outfile=${join(site, 'app.js')}`,
      '--log-level=error',
    );
    copyAssets(at, join(site, 'forja'), '--wasm-only');
    expect(readdirSync(join(site, 'forja')).sort()).toEqual([
      'lower.js',
      'ort-wasm-simd-threaded.wasm',
      'ort.wasm.bundle.min.mjs',
      'prepare.js',
      'worker.js',
    ]);
    writeFileSync(join(site, 'index.html'), HTML);
    addModel(site);
  }, 600_000);
  test('wasm', () => hold(site, 'wasm', { query: '&assets=/forja/' }));
  test('inline', () => hold(site, 'wasm', { query: '&assets=/forja/&executor=inline' }));
  test('WebGPU where only WASM was copied says what is missing', async () => {
    const { outcome } = await visit(browser, site, { 'Content-Security-Policy': CSP }, 'device=webgpu&assets=/forja/');
    expect(outcome).toMatchObject({
      code: 'device.unavailable',
      message: expect.stringMatching(/onnxruntime-web\/(jspi|webgpu) could not be loaded/) as string,
    });
  });
});

describe("an app's own worker, bundled by Vite", () => {
  const site = join(folder, 'worker-site');
  beforeAll(() => {
    const at = project('worker', ['vite@8.3.8']);
    writeFileSync(join(at, 'own-worker.js'), OWN_WORKER);
    writeFileSync(join(at, 'app.js'), OWN_PAGE);
    writeFileSync(join(at, 'vite.config.js'), "export default { worker: { format: 'es' } };");
    run(at, 'npx', 'vite', 'build', '--outDir', site, '--emptyOutDir', '--logLevel', 'error');
    addModel(site);
  }, 600_000);
  test('a worker within a worker makes the pictures', async () => {
    const seen = await visit(browser, site, { 'Content-Security-Policy': CSP, ...ISOLATION_HEADERS }, '');
    expect(seen).toMatchObject({ outcome: { size }, complaints: [], elsewhere: [] });
  });
});

describe('Next.js, exported as static files', () => {
  const site = join(folder, 'next-site');
  let csp = CSP;
  beforeAll(() => {
    const at = join(folder, 'next');
    installProject(at, tarballs, ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1']);
    mkdirSync(join(at, 'app'));
    const page = 'docs/recipes/nextjs.md';
    const files = filesOf(page, readFileSync(join(root, page), 'utf8'));
    expect(Object.keys(files).sort()).toEqual([
      'app/layout.jsx',
      'app/page.jsx',
      'app/picture.jsx',
      'hashes.mjs',
      'next.config.mjs',
    ]);
    for (const [name, code] of Object.entries(files)) writeFileSync(join(at, name), code);
    copyAssets(at, join(at, 'public', 'forja'));
    addModel(join(at, 'public'));
    run(at, 'npx', 'next', 'build');
    csp = `${CSP}; style-src 'self' 'unsafe-inline'`.replace(
      "script-src 'self'",
      `script-src 'self' ${run(at, process.execPath, 'hashes.mjs').trim()}`,
    );
    execFileSync('cp', ['-r', join(at, 'out'), site]);
    const html = readFileSync(join(site, 'index.html'), 'utf8');
    for (const [, script = ''] of html.matchAll(/<script(?![^>]* src=)[^>]*>([\s\S]*?)<\/script>/g))
      expect(csp).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  }, 900_000);
  test.each(['wasm', 'webgpu'] as const)('%s', (device) => hold(site, device, { csp }));
});
