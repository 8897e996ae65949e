// Vitest plugin: tests run the sources, where no built decode-worker.js exists. When a test first imports
// decode-worker-url.ts, the worker is bundled into node_modules/.cache and the module is replaced by one that points
// there. Not part of the package.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundled } from '../node/vitest.worker.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The plugin, structurally typed so that this file needs no vite types. */
export function decodeWorker(): { name: string; load(id: string): Promise<string | undefined> } {
  let built: Promise<string> | undefined;
  return {
    name: 'forja-decode-worker',
    async load(id) {
      if (!id.split('?')[0]?.endsWith('/packages/trainer/src/node/decode-worker-url.ts')) return undefined;
      built ??= bundled({
        entryPoints: [here('./src/node/decode-worker.ts')],
        outdir: here('./node_modules/.cache/forja'),
        external: ['sharp', 'fast-png', 'valibot', 'protobufjs'],
      });
      const url = pathToFileURL(join(await built, 'decode-worker.js')).href;
      return `export const decodeWorkerUrl = () => new URL(${JSON.stringify(url)});`;
    },
  };
}
