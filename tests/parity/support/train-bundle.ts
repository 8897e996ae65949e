// Bundles the trainer's sources with a script that trains, or runs single steps, for tests that need a separate
// process: to kill it, or to measure its memory.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { decodeWorker } from '../../../packages/trainer/vitest.worker.js';
import { buildForTests } from '../../../packages/node/vitest.worker.js';

const here = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/**
 * Path of the bundled `tests/parity/support/<name>.ts`, in a folder of that name. Named by content: several test runs
 * may build at once.
 */
export async function bundleTrainChild(name = 'train-child', folder = 'forja'): Promise<string> {
  const node = pathToFileURL(join(await buildForTests(), 'index.js')).href;
  const worker = decodeWorker();
  const { outputFiles } = await build({
    entryPoints: [here(`tests/parity/support/${name}.ts`)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    external: ['@tensorflow/*', 'onnxruntime-node'],
    alias: {
      '@forja/core/onnx': here('packages/core/src/onnx.ts'),
      '@forja/core': here('packages/core/src/index.ts'),
      '@forja/trainer/node': here('packages/trainer/src/node.ts'),
      '@forja/trainer': here('packages/trainer/src/index.ts'),
    },
    plugins: [
      {
        name: 'decode-worker',
        setup: (b) =>
          b.onLoad({ filter: /decode-worker-url\.ts$/ }, async ({ path }) => ({
            contents: (await worker.load(path)) ?? '',
          })),
      },
      { name: 'node', setup: (b) => b.onResolve({ filter: /^@forja\/node$/ }, () => ({ path: node, external: true })) },
    ],
    banner: {
      js: "import { createRequire as forjaCreateRequire } from 'node:module'; const require = forjaCreateRequire(import.meta.url);",
    },
    write: false,
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (!file) throw new Error('bundleTrainChild: expected one file');
  // Below the trainer, so that its own dependencies are found.
  const cache = here(`packages/trainer/node_modules/.cache/${folder}`);
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `${name}-${createHash('sha256').update(file.contents).digest('hex').slice(0, 16)}.mjs`);
  writeFileSync(`${path}.${process.pid}`, file.contents);
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
