// A user's project with the packed @forja/web, and what its pages do in Chromium: shared by the fast case of `npm test`
// and the matrix of bundlers in tests/full.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { root } from './pack.js';
import { pictureModel } from './picture-model.js';
import { openPage, serve, until } from './site.js';

/** No script but the site's own, no connection elsewhere. */
export const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:";

const catalog = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');

/** `name@version` as the catalog pins it. */
export const pinned = (name: string): string =>
  `${name}@${new RegExp(`^ {2}'?${name}'?: (\\S+)$`, 'm').exec(catalog)?.[1] ?? 'not in the catalog'}`;

/** The page: samples on the device in its address, and stores the outcome. */
export const APP = `import { load, toCanvas } from '@forja/web';
const wish = new URL(location.href).searchParams;
const assets = wish.get('assets');
async function main() {
  try {
    const generator = await load('/model.onnx', {
      device: wish.get('device') ?? 'auto',
      executor: wish.get('executor') ?? 'worker',
      deterministic: wish.has('deterministic'),
      warmup: wish.has('large') && [8],
      ...(assets ? { assets } : {}),
    });
    const batch = await generator.sample({ count: 2, seed: 7 });
    const canvas = toCanvas(batch.grid(), new OffscreenCanvas(1, 1));
    const { device } = generator;
    await generator.dispose();
    return { device, size: [canvas.width, canvas.height], pixels: [...batch.data.slice(0, 300)] };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}
globalThis.outcome = main();
`;

/** Its page. */
export const HTML =
  '<!doctype html><title>t</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>';

/** The outcome of a page. */
export interface Outcome {
  code?: string;
  message?: string;
  device?: { actual: string; threads: number; executor: string; reasons: string[] };
  size?: number[];
  pixels?: number[];
}

/** Observations of a visit. */
export interface Visit {
  outcome: Outcome;
  /** Addresses of another origin. */
  elsewhere: string[];
  /** Paths of the .wasm files asked for. */
  wasm: string[];
  /** Those of scripts. */
  scripts: string[];
  complaints: string[];
}

/** Installs the packed packages and `more` into `folder` as npm would for a user. */
export function installProject(
  folder: string,
  tarballs: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  const wanted = [tarballs['core'] ?? '', tarballs['web'] ?? '', pinned('onnxruntime-web'), ...more];
  execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
}

/** Runs `forja-web-assets` of a project. */
export function copyAssets(folder: string, to: string, ...flags: string[]): string {
  return execFileSync(process.execPath, [join(folder, 'node_modules/@forja/web/dist/assets-bin.js'), to, ...flags], {
    cwd: folder,
    encoding: 'utf8',
  });
}

/** Puts the model into a site. */
export function addModel(site: string): void {
  mkdirSync(site, { recursive: true });
  writeFileSync(join(site, 'model.onnx'), pictureModel());
}

/** Opens `site` with `headers` at `/?query`, and waits for the page's outcome. */
export async function visit(
  browser: Browser,
  site: string,
  headers: Readonly<Record<string, string>>,
  query: string,
): Promise<Visit> {
  const server = await serve(site, headers);
  const { page, requests, complaints } = await openPage(browser);
  try {
    await page.goto(`${server.origin}/?${query}`);
    await until(page, 'globalThis.outcome !== undefined');
    const outcome = (await page.evaluate('globalThis.outcome')) as Outcome; // as APP leaves it
    const paths = requests.filter((url) => url.startsWith(server.origin)).map((url) => url.slice(server.origin.length));
    return {
      outcome,
      complaints,
      elsewhere: requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith('data:')),
      wasm: paths.filter((path) => path.endsWith('.wasm')),
      scripts: server.asked.filter((path) => /\.m?js$/.test(path)),
    };
  } finally {
    await page.context().close();
    await server.close();
  }
}
