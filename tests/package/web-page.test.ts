// The packed @forja/web in a user's project and in real pages: bundled by esbuild with copied assets, and by Vite
// without a setting. Strict CSP, nothing off origin. More bundlers, and Next.js: tests/full/bundlers.test.ts.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import type { Browser } from 'playwright-core';
import { build as viteBuild } from 'vite';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ISOLATION_HEADERS } from '../browser/project.js';
import { filesOf } from './support/blocks.js';
import { root } from './support/pack.js';
import { addModel, APP, copyAssets, CSP, HTML, installProject, visit } from './support/pages.js';
import { pictureModel } from './support/picture-model.js';
import { openBrowser, openPage, serve, until } from './support/site.js';

const web = join(root, 'packages', 'web');
const folder = mkdtempSync(join(tmpdir(), 'forja-web-'));
const app = join(folder, 'app');
const size = [56, 28]; // two pictures of 28 × 28, side by side
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
  installProject(app, inject('tarballs'));
  writeFileSync(join(app, 'app.js'), APP);
  writeFileSync(join(app, 'index.html'), HTML);
}, 300_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('esbuild and forja-web-assets', () => {
  const site = join(folder, 'esbuild-site');
  beforeAll(async () => {
    addModel(site);
    await esbuild.build({
      entryPoints: [join(app, 'app.js')],
      bundle: true,
      format: 'esm',
      outfile: join(site, 'app.js'),
      logLevel: 'error',
    });
    expect(copyAssets(app, join(site, 'forja'))).toMatch(/^9 files in .*worker\.js, lower\.js, prepare\.js/);
    writeFileSync(join(site, 'index.html'), HTML);
  });

  test.each([
    ['wasm', 'ort-wasm-simd-threaded.wasm'],
    ['webgpu', 'ort-wasm-simd-threaded.jspi.wasm'],
  ])('%s runs under a strict policy, without isolation, and fetches only its own build', async (device, wasm) => {
    const seen = await visit(browser, site, { 'Content-Security-Policy': CSP }, `device=${device}&assets=/forja/`);
    expect(seen).toMatchObject({
      outcome: { device: { actual: device, threads: 1 }, size },
      complaints: [],
      elsewhere: [],
      wasm: [`/forja/${wasm}`],
    });
  });

  test.each([
    ['', []],
    ['deterministic', ['/forja/lower.js']],
    ['large', ['/forja/lower.js', '/forja/prepare.js']],
  ])('what rewrites models is fetched only where it is wanted: %s', async (wish, fetched) => {
    const seen = await visit(
      browser,
      site,
      { 'Content-Security-Policy': CSP, ...ISOLATION_HEADERS },
      `device=wasm&assets=/forja/&${wish}`,
    );
    expect(seen).toMatchObject({ outcome: { device: { actual: 'wasm' }, size }, complaints: [], elsewhere: [] });
    expect(seen.scripts.filter((path) => /lower|prepare/.test(path)).sort()).toEqual(fetched);
  });

  test('inline works with the same file', async () => {
    const seen = await visit(
      browser,
      site,
      { 'Content-Security-Policy': CSP },
      'device=wasm&executor=inline&assets=/forja/',
    );
    expect(seen).toMatchObject({
      outcome: { device: { actual: 'wasm', executor: 'inline' }, size },
      complaints: [],
      elsewhere: [],
      wasm: ['/forja/ort-wasm-simd-threaded.wasm'],
    });
  });

  test('a missing worker, another origin, and a CSP that forbids WebAssembly are reported', async () => {
    const missing = await visit(browser, site, {}, 'device=wasm&assets=/nowhere/');
    expect(missing.outcome).toMatchObject({
      code: 'device.unavailable',
      message: expect.stringMatching(/nowhere\/worker\.js.*forja-web-assets/) as string,
    });
    const foreign = await visit(browser, site, {}, 'device=wasm&assets=http://127.0.0.2:1/forja/');
    expect(foreign.outcome).toMatchObject({
      code: 'device.unavailable',
      message: expect.stringMatching(/assets: expected a folder of this page's origin/) as string,
    });
    const forbidden = await visit(
      browser,
      site,
      { 'Content-Security-Policy': CSP.replace(" 'wasm-unsafe-eval'", '') },
      'device=wasm&assets=/forja/',
    );
    expect(forbidden.outcome).toMatchObject({
      code: 'device.unavailable',
      message: expect.stringMatching(/wasm-unsafe-eval/) as string,
    });
  });
});

describe('Vite without a setting', () => {
  const site = join(folder, 'vite-site');
  beforeAll(async () => {
    await viteBuild({
      root: app,
      configFile: false,
      logLevel: 'error',
      build: { outDir: site, emptyOutDir: true, reportCompressedSize: false },
    });
    addModel(site);
  });

  test.each([['wasm'], ['webgpu']])(
    '%s runs, isolated, under a strict policy, and fetches one build',
    async (device) => {
      const seen = await visit(
        browser,
        site,
        { 'Content-Security-Policy': CSP, ...ISOLATION_HEADERS },
        `device=${device}&large`,
      );
      expect(seen).toMatchObject({ outcome: { device: { actual: device }, size }, complaints: [], elsewhere: [] });
      expect(seen.scripts.filter((path) => path.includes('prepare'))).toHaveLength(device === 'wasm' ? 1 : 0);
      if (device === 'wasm') expect(seen.outcome.device?.threads).toBeGreaterThan(1);
      const kind = device === 'wasm' ? /\/ort-wasm-simd-threaded-[^.]*\.wasm$/ : /jspi/;
      expect([...new Set(seen.wasm)]).toEqual([expect.stringMatching(kind)]);
    },
  );
});

describe('the WebGPU build of 25.5 MiB left out', () => {
  /** Limit of some hosts, in bytes. */
  const LIMIT = 25 * 2 ** 20;
  const largest = (site: string): number =>
    Math.max(...readdirSync(site, { recursive: true }).map((file) => statSync(join(site, String(file))).size));

  test('of a Vite app, by an alias', async () => {
    const site = join(folder, 'vite-small-site');
    await viteBuild({
      root: app,
      configFile: false,
      logLevel: 'error',
      resolve: { alias: { 'onnxruntime-web/webgpu': '@forja/web/left-out' } },
      build: { outDir: site, emptyOutDir: true, reportCompressedSize: false },
    });
    addModel(site);
    expect(largest(site)).toBeLessThan(LIMIT);
    for (const device of ['wasm', 'webgpu'])
      expect(await visit(browser, site, { 'Content-Security-Policy': CSP }, `device=${device}`)).toMatchObject({
        outcome: { device: { actual: device }, size },
        complaints: [],
      });
  });

  test('of copied files, by a flag; reported in a browser without JSPI', async () => {
    const site = join(folder, 'copied-small-site');
    addModel(site);
    await esbuild.build({
      entryPoints: [join(app, 'app.js')],
      bundle: true,
      format: 'esm',
      outfile: join(site, 'app.js'),
      logLevel: 'error',
    });
    writeFileSync(join(site, 'index.html'), HTML);
    expect(copyAssets(app, join(site, 'forja'), '--no-asyncify')).toMatch(/^7 files in /);
    expect(largest(site)).toBeLessThan(LIMIT);
    const having = await visit(browser, site, {}, 'device=webgpu&assets=/forja/');
    expect(having.outcome).toMatchObject({ device: { actual: 'webgpu' }, size });
    const worker = join(site, 'forja', 'worker.js');
    writeFileSync(worker, `delete WebAssembly.Suspending;${readFileSync(worker, 'utf8')}`);
    const without = await visit(browser, site, {}, 'device=webgpu&assets=/forja/');
    expect(without.outcome).toMatchObject({
      code: 'device.unavailable',
      message: expect.stringContaining('onnxruntime-web/webgpu was left out') as string,
    });
    expect(without.complaints).toEqual([]);
    const wasm = await visit(browser, site, {}, 'device=wasm&assets=/forja/');
    expect(wasm.outcome).toMatchObject({ device: { actual: 'wasm' }, size });
  });
});

test('the page of forja init, built by Vite: draws, and redraws on click', async () => {
  const page = join(app, 'start');
  execFileSync(process.execPath, [join(root, 'packages/node/dist/bin.js'), 'init', page, '--kind', 'page']);
  await viteBuild({ root: page, logLevel: 'error' });
  const server = await serve(join(page, 'dist'), ISOLATION_HEADERS);
  const visit = await openPage(browser);
  try {
    await visit.page.goto(`${server.origin}/?seed=5`);
    await until(visit.page, "document.querySelector('output').value.startsWith('seed 5, on ')");
    expect(await visit.page.evaluate("document.querySelector('canvas').width")).toBe(256);
    await visit.page.click('button');
    await until(visit.page, "document.querySelector('output').value.startsWith('seed 6, on ')");
    expect(visit.page.url()).toContain('seed=6');
    expect(visit.complaints).toEqual([]);
    expect(visit.requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith('data:'))).toEqual([]);
  } finally {
    await visit.page.context().close();
    await server.close();
  }
});

test('a drawn graph is well-formed, its texts fit their boxes, and it makes no requests', async () => {
  const forja = join(root, 'packages/node/dist/bin.js');
  const model = join(root, 'tests/vectors/torch-generator.onnx');
  const site = join(folder, 'graph-site');
  for (const file of ['index.html', 'graph.svg'])
    execFileSync(process.execPath, [forja, 'inspect', model, '--graph', '-o', join(site, file)]);
  const server = await serve(site, {});
  const { page, requests, complaints } = await openPage(browser);
  try {
    await page.goto(`${server.origin}/`);
    const wide = `[...document.querySelectorAll('svg g')].flatMap((g) => {
      const box = g.querySelector('rect').getBBox();
      return [...g.querySelectorAll('text')].filter((t) => t.getBBox().x + t.getBBox().width > box.x + box.width).map((t) => t.textContent);
    })`;
    expect(await page.evaluate(wide)).toEqual([]);
    expect(await page.evaluate("document.querySelectorAll('svg rect.box').length")).toBe(11);
    const svg = readFileSync(join(site, 'graph.svg'), 'utf8');
    const parsed = `new DOMParser().parseFromString(${JSON.stringify(svg)}, 'image/svg+xml')`;
    expect(await page.evaluate(`${parsed}.querySelectorAll('rect.box').length`)).toBe(11);
    expect(await page.evaluate(`${parsed}.querySelectorAll('parsererror').length`)).toBe(0);
    expect(requests.filter((url) => !url.endsWith('/favicon.ico'))).toEqual([`${server.origin}/`]);
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  } finally {
    await page.context().close();
    await server.close();
  }
});

describe.each(['recipes/vite', 'recipes/offline', 'start/page'])('docs/%s.md', (path) => {
  const page = `docs/${path}.md`;
  const name = path.replace(/.*\//, '');
  const site = join(folder, `${name}-recipe`);
  beforeAll(async () => {
    const at = join(folder, name);
    mkdirSync(join(at, 'public'), { recursive: true });
    symlinkSync(join(app, 'node_modules'), join(at, 'node_modules'), 'junction');
    const files = filesOf(page, readFileSync(join(root, page), 'utf8'));
    expect(Object.keys(files)).toEqual(['index.html', 'main.ts', ...(name === 'offline' ? ['public/sw.js'] : [])]);
    for (const [file, code] of Object.entries(files)) writeFileSync(join(at, file), code);
    await viteBuild({
      root: at,
      configFile: false,
      logLevel: 'error',
      build: { outDir: site, emptyOutDir: true, reportCompressedSize: false, target: 'es2022' },
    });
    writeFileSync(join(site, 'generator.onnx'), pictureModel());
  });

  test('its page draws pictures under its CSP, also offline', async () => {
    const server = await serve(site, { 'Content-Security-Policy': CSP, ...ISOLATION_HEADERS });
    const { page: tab, requests, complaints } = await openPage(browser);
    const drawn = async (): Promise<unknown> => {
      await until(tab, "/^on |Error/.test(document.querySelector('output')?.value ?? '')");
      return tab.evaluate(
        "[document.querySelector('output').value, document.querySelector('canvas').width, document.querySelector('canvas').toDataURL()]",
      );
    };
    await tab.goto(`${server.origin}/`);
    const online = (await drawn()) as [string, number, string];
    expect(online).toEqual(['on wasm', 112, expect.stringMatching(/^data:image\/png/)]);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith('data:'))).toEqual([]);
    await server.close();
    if (name === 'offline') {
      await tab.reload();
      expect(await drawn()).toEqual([expect.stringMatching(/^on wasm/), 112, online[2]]);
    }
    await tab.context().close();
  });
});

test('during server-side rendering, the error says where to call it', () => {
  const script = join(app, 'render.mjs');
  writeFileSync(
    script,
    `
    import { load, runtime } from '@forja/web';
    const calls = [load('/model.onnx', { assets: '/forja/' }), load(new Uint8Array(8)), runtime().ready(), runtime({ assets: '/forja/' }).createSession(new Uint8Array(8))];
    console.log(JSON.stringify((await Promise.allSettled(calls)).map(({ reason }) => [reason?.code, /in a server-side render, call this only in the browser/.test(reason?.message)])));`,
  );
  expect(JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' }))).toEqual(
    Array.from({ length: 4 }, () => ['device.unavailable', true]),
  );
});

test('forja-web-assets refuses wrong calls and leaves no incomplete files', () => {
  const bin = join(web, 'dist', 'assets-bin.js');
  for (const args of [[], ['a', 'b'], ['--what']])
    expect(() => execFileSync(process.execPath, [bin, ...args], { stdio: 'pipe' })).toThrow(
      expect.objectContaining({ status: 2 }) as Error,
    );
  const mistyped = spawnSync(process.execPath, [bin, '--wasm-onyl'], { encoding: 'utf8' });
  expect(mistyped.stderr.split('\n')[0]).toBe(
    "forja-web-assets: expected a known flag, got --wasm-onyl; did you mean '--wasm-only'?",
  );
  const help = spawnSync(process.execPath, [bin, '--help'], { encoding: 'utf8' });
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout).toMatch(/Examples:\n {2}\$ forja-web-assets \S+\n/);
});

test('a page that loads and samples fetches at most 15 kB gzipped besides the worker, and no more later', async () => {
  const site = join(folder, 'small-site');
  addModel(site);
  copyAssets(app, join(site, 'forja'));
  writeFileSync(join(site, 'index.html'), HTML);
  const small = join(app, 'small.js');
  writeFileSync(
    small,
    `import { load } from '@forja/web';
const sampling = load('/model.onnx', { device: 'wasm', assets: '/forja/' }).then((generator) => generator.sample({ seed: 7 }));
globalThis.outcome = sampling.then(({ width, height, data }) => ({ size: [width, height, data.length] }), ({ code, message }) => ({ code, message }));
`,
  );
  const split: esbuild.BuildOptions = {
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    logLevel: 'error',
    external: ['node:*'],
  };
  await esbuild.build({ ...split, entryPoints: { app: small }, outdir: site });
  const { outcome, scripts } = await visit(browser, site, { 'Content-Security-Policy': CSP }, '');
  expect(outcome).toMatchObject({ size: [28, 28, 784] });
  const fetched = [...new Set(scripts)].filter((path) => !path.startsWith('/forja/')); // not the worker's
  const sizeOf = (texts: readonly (string | Buffer)[]): number =>
    texts.reduce((sum, text) => sum + gzipSync(text).length, 0);
  const used = sizeOf(fetched.map((path) => readFileSync(join(site, path))));
  // Everything that the package exports, with all that it imports at once.
  const { outputFiles = [], metafile } = await esbuild.build({
    ...split,
    entryPoints: [join(web, 'dist', 'index.js')],
    outdir: 'out',
    write: false,
    metafile: true,
    tsconfigRaw: '{}',
  });
  const outputs = metafile?.outputs ?? {};
  const whole = new Set<string>();
  const add = (path: string): void => {
    if (whole.has(path)) return;
    whole.add(path);
    for (const { path: next, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && next in outputs) add(next);
  };
  add(Object.entries(outputs).find(([path]) => path.endsWith('/index.js'))![0]);
  const all = sizeOf(
    outputFiles.filter(({ path }) => [...whole].some((one) => path.endsWith(basename(one)))).map(({ text }) => text),
  );
  console.log(
    `@forja/web on the page, with what it needs of @forja/core, gzipped: ${used} bytes to load and sample, ${all} with all that it exports`,
  );
  expect(used).toBeGreaterThan(5000);
  expect(used).toBeLessThanOrEqual(15_000);
  expect(all).toBeLessThanOrEqual(15_250); // with drawing, of which the page above uses nothing
  expect(readFileSync(join(web, 'dist', 'index.js'), 'utf8')).not.toMatch(/onnxruntime-web\//);
});
