// Vitest plugin: tests run the sources, where no built worker.js exists. When a test first imports worker-url.ts, the worker is bundled
// (esbuild, ~50 ms) into node_modules/.cache and the module is replaced by one that points there. Not part of the package.
import { renameSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles the worker of the sources; returns its path. */
export async function buildWorker(): Promise<string> {
  const out = here('./node_modules/.cache/forja/worker.mjs');
  const aside = `${out}.${process.pid}`; // several test runs may build at once
  await build({
    entryPoints: [here('./src/worker.ts')],
    outfile: aside,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    external: ['onnxruntime-node'],
    alias: { '@forja/core': here('../core/src/index.ts') },
    logLevel: 'error',
  });
  renameSync(aside, out);
  return out;
}

/** The plugin, structurally typed so that this file needs no vite types. */
export function nodeWorker(): { name: string; load(id: string): Promise<string | undefined> } {
  let built: Promise<string> | undefined;
  return {
    name: 'forja-node-worker',
    async load(id) {
      if (!id.split('?')[0]?.endsWith('/packages/node/src/worker-url.ts')) return undefined;
      built ??= buildWorker();
      return `export const workerUrl = () => new URL(${JSON.stringify(pathToFileURL(await built).href)});`;
    },
  };
}
