// The built @forja/web in real pages: bundled by esbuild with copied assets, and by Vite without a setting. Strict CSP, nothing off origin.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import type { Browser } from 'playwright-core';
import { build as viteBuild } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ISOLATION_HEADERS } from '../browser/project.js';
import { root } from './support/pack.js';
import { openBrowser, openPage, serve } from './support/site.js';

const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";
const web = join(root, 'packages', 'web');
const folder = mkdtempSync(join(tmpdir(), 'forja-web-'));
let browser: Browser;

/** The page: runs the judge's classifier on the device of its address and leaves what came of it. */
const PAGE = `import { runtime } from '@forja/web';
const wish = new URL(location.href).searchParams;
const assets = wish.get('assets');
async function main() {
  const rt = runtime({ device: wish.get('device'), ...(assets ? { assets } : {}) });
  try {
    const session = await rt.createSession(new Uint8Array(await (await fetch('/judge.onnx')).arrayBuffer()));
    const { probabilities } = await session.run({ image: { dtype: 'float32', shape: [2, 1, 28, 28], data: new Float32Array(2 * 784).fill(0.3) } });
    return { device: session.device, shape: probabilities.shape, sum: probabilities.data.reduce((a, b) => a + b, 0) };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}
globalThis.outcome = main();
`;
const HTML = '<!doctype html><title>t</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>';

interface Outcome {
  code?: string;
  message?: string;
  device?: { actual: string; threads: number; reasons: string[] };
  shape?: number[];
  sum?: number;
}

function app(name: string): string {
  const at = join(folder, name);
  mkdirSync(join(at, 'node_modules', '@forja'), { recursive: true });
  symlinkSync(web, join(at, 'node_modules', '@forja', 'web'));
  symlinkSync(dirname(dirname(createRequire(join(web, 'package.json')).resolve('onnxruntime-web/wasm'))), join(at, 'node_modules', 'onnxruntime-web'));
  writeFileSync(join(at, 'package.json'), '{"type":"module"}');
  writeFileSync(join(at, 'app.js'), PAGE);
  writeFileSync(join(at, 'index.html'), HTML);
  return at;
}

async function visit(site: string, headers: Readonly<Record<string, string>>, query: string): Promise<{ outcome: Outcome; requests: string[]; complaints: string[]; origin: string }> {
  const server = await serve(site, headers);
  const { page, requests, complaints } = await openPage(browser);
  try {
    await page.goto(`${server.origin}/?${query}`);
    const outcome = (await page.evaluate('globalThis.outcome')) as Outcome;
    return { outcome, requests, complaints, origin: server.origin };
  } finally {
    await page.context().close();
    await server.close();
  }
}

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('esbuild and forja-web-assets', () => {
  const site = join(folder, 'esbuild-site');
  beforeAll(async () => {
    const from = app('esbuild');
    mkdirSync(site);
    await esbuild.build({ entryPoints: [join(from, 'app.js')], bundle: true, format: 'esm', outfile: join(site, 'app.js'), logLevel: 'error' });
    const said = execFileSync(process.execPath, [join(web, 'dist', 'assets-bin.js'), join(site, 'forja')], { cwd: from, encoding: 'utf8' });
    expect(said).toMatch(/^7 files in .*worker\.js/);
    writeFileSync(join(site, 'index.html'), HTML);
    copyFileSync(join(root, 'tests/judge/judge.onnx'), join(site, 'judge.onnx'));
  });

  test.each([
    ['wasm', 'ort-wasm-simd-threaded.wasm'],
    ['webgpu', 'ort-wasm-simd-threaded.jspi.wasm'],
  ])('%s runs under a strict policy, without isolation, and fetches only its own build', async (device, wasm) => {
    const { outcome, requests, complaints, origin } = await visit(site, { 'Content-Security-Policy': CSP }, `device=${device}&assets=/forja/`);
    expect(outcome).toMatchObject({ device: { actual: device, threads: 1 }, shape: [2, 11] });
    expect(outcome.sum).toBeCloseTo(2, 4);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'))).toEqual([]);
    expect(requests.filter((url) => url.endsWith('.wasm'))).toEqual([`${origin}/forja/${wasm}`]);
  });

  test('a missing worker, and a policy that forbids WebAssembly, are told', async () => {
    const missing = await visit(site, {}, 'device=wasm&assets=/nowhere/');
    expect(missing.outcome).toMatchObject({ code: 'device.unavailable', message: expect.stringMatching(/nowhere\/worker\.js.*forja-web-assets/) as string });
    const forbidden = await visit(site, { 'Content-Security-Policy': CSP.replace(" 'wasm-unsafe-eval'", '') }, 'device=wasm&assets=/forja/');
    expect(forbidden.outcome).toMatchObject({ code: 'device.unavailable', message: expect.stringMatching(/wasm-unsafe-eval/) as string });
  });
});

describe('Vite without a setting', () => {
  const site = join(folder, 'vite-site');
  beforeAll(async () => {
    const from = app('vite');
    await viteBuild({ root: from, configFile: false, logLevel: 'error', build: { outDir: site, emptyOutDir: true, reportCompressedSize: false } });
    copyFileSync(join(root, 'tests/judge/judge.onnx'), join(site, 'judge.onnx'));
  });

  test.each([['wasm'], ['webgpu']])('%s runs, isolated, under a strict policy', async (device) => {
    const { outcome, requests, complaints, origin } = await visit(site, { 'Content-Security-Policy': CSP, ...ISOLATION_HEADERS }, `device=${device}`);
    expect(outcome).toMatchObject({ device: { actual: device }, shape: [2, 11] });
    if (device === 'wasm') expect(outcome.device?.threads).toBeGreaterThan(1);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'))).toEqual([]);
  });
});

test('forja-web-assets refuses a wrong call and leaves nothing half written', () => {
  const bin = join(web, 'dist', 'assets-bin.js');
  for (const args of [[], ['a', 'b'], ['--what']]) expect(() => execFileSync(process.execPath, [bin, ...args], { stdio: 'pipe' })).toThrow(expect.objectContaining({ status: 2 }) as Error);
});

test('the page carries at most 17 kB gzipped before the first picture', async () => {
  const { outputFiles } = await esbuild.build({ entryPoints: [join(web, 'dist', 'index.js')], bundle: true, minify: true, splitting: true, format: 'esm', outdir: 'out', write: false, external: ['node:*'] });
  const entry = outputFiles.find(({ path }) => path.endsWith('index.js'));
  const text = entry?.text ?? '';
  const loaded = [text, ...[...text.matchAll(/from"\.\/([^"]+)"|import"\.\/([^"]+)"/g)].map(([, a, b]) => outputFiles.find(({ path }) => path.endsWith(a ?? b ?? '?'))?.text ?? '')];
  const size = loaded.reduce((sum, chunk) => sum + gzipSync(chunk).length, 0);
  console.log(`@forja/web on the page: ${size} bytes gzipped, with what it needs of @forja/core`);
  expect(size).toBeGreaterThan(1000);
  expect(size).toBeLessThanOrEqual(17_000);
  expect(readFileSync(join(web, 'dist', 'index.js'), 'utf8')).not.toMatch(/onnxruntime-web\//);
});
