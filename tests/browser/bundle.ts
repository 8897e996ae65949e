// Bundles a script of these tests with the packages' sources, for the Node side of a browser test: vitest's own server
// loads modules for pages only.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * Imports `tests/browser/<name>.ts` into this process. The bundle is below the trainer's folder, so that its
 * dependencies can be resolved.
 */
export async function importInNode(name: string): Promise<unknown> {
  const { outputFiles } = await build({
    entryPoints: [here(`tests/browser/${name}.ts`)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    external: ['@tensorflow/*', 'onnxruntime-node', 'onnxruntime-web', 'commander', '@clack/prompts'],
    alias: Object.fromEntries(
      [
        ['core/onnx', 'core/src/onnx'],
        ['core', 'core/src/index'],
        ['node', 'node/src/index'],
        ['trainer', 'trainer/src/index'],
      ].map(([from, to]) => [`@forja/${from}`, here(`packages/${to}.ts`)]),
    ),
    banner: {
      js: "import { createRequire as forjaCreateRequire } from 'node:module'; const require = forjaCreateRequire(import.meta.url);",
    },
    write: false,
    logLevel: 'error',
  });
  const [file] = outputFiles;
  if (!file) throw new Error(`importInNode: expected one file for ${name}`);
  const folder = here('packages/trainer/node_modules/.cache/forja');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${createHash('sha256').update(file.contents).digest('hex').slice(0, 16)}.mjs`);
  writeFileSync(`${path}.${process.pid}`, file.contents);
  renameSync(`${path}.${process.pid}`, path);
  return import(pathToFileURL(path).href);
}
