// Vitest plugin: tests run the sources, where no built worker.js exists. When a test first imports worker-url.ts, the
// package is bundled (esbuild, ~0.1 s) into node_modules/.cache and the module is replaced by one that points there.
// Not part of the package.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Bundles worker, library and bin of the sources, as `dist` has them; returns the folder. Named by content: several
 * test runs may build at once.
 */
export async function buildForTests(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['worker', 'index', 'cli', 'serve', 'bin']
      .map((name) => here(`./src/${name}.ts`))
      .filter((file) => existsSync(file)),
    outdir: here('./node_modules/.cache/forja'),
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    external: [
      'onnxruntime-node',
      'onnxruntime-web',
      'commander',
      '@clack/prompts',
      'hono',
      '@hono/node-server',
      'pngjs',
      'prom-client',
      'valibot',
      '@forja/trainer/node',
    ],
    alias: { '@forja/core/onnx': here('../core/src/onnx.ts'), '@forja/core': here('../core/src/index.ts') },
    write: false,
    logLevel: 'error',
  });
  const hash = createHash('sha256');
  for (const { path, contents } of outputFiles) hash.update(basename(path)).update(contents);
  const folder = here(`./node_modules/.cache/forja/${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const aside = `${folder}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(join(aside, basename(path)), contents);
  try {
    renameSync(aside, folder);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another run was first
  }
  return folder;
}

/** The plugin, structurally typed so that this file needs no vite types. */
export function nodeWorker(): { name: string; load(id: string): Promise<string | undefined> } {
  let built: Promise<string> | undefined;
  return {
    name: 'forja-node-worker',
    async load(id) {
      if (!id.split('?')[0]?.endsWith('/packages/node/src/worker-url.ts')) return undefined;
      built ??= buildForTests();
      const url = pathToFileURL(join(await built, 'worker.js')).href;
      return `export const workerUrl = () => new URL(${JSON.stringify(url)});`;
    },
  };
}
