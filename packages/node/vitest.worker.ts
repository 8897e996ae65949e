// Vitest plugin: tests run the sources, where no built worker.js exists. When a test first imports worker-url.ts, the
// package is bundled (esbuild, ~0.1 s) into node_modules/.cache and the module is replaced by one that points there.
// Not part of the package.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles the sources of worker, library and bin, as `dist` has them; returns the folder. */
export const buildForTests = (): Promise<string> =>
  bundled({
    entryPoints: ['worker', 'index', 'cli', 'serve', 'bin']
      .map((name) => here(`./src/${name}.ts`))
      .filter((file) => existsSync(file)),
    outdir: here('./node_modules/.cache/forja'),
    external: [
      'onnxruntime-node',
      'onnxruntime-web',
      'commander',
      '@aws-sdk/client-s3',
      'bullmq',
      'ioredis',
      '@dagrejs/dagre',
      '@clack/prompts',
      'hono',
      '@hono/node-server',
      'pngjs',
      'prom-client',
      'sharp',
      'valibot',
      '@forja/trainer/node',
    ],
  });

/** Bundles entries that import core's sources into a folder named by content: several test runs may build at once. */
export async function bundled(options: { entryPoints: string[]; outdir: string; external: string[] }): Promise<string> {
  const { outputFiles } = await build({
    ...options,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    alias: { '@forja/core/onnx': here('../core/src/onnx.ts'), '@forja/core': here('../core/src/index.ts') },
    write: false,
    logLevel: 'error',
  });
  const hash = createHash('sha256');
  for (const { path, contents } of outputFiles) hash.update(basename(path)).update(contents);
  const folder = join(options.outdir, hash.digest('hex').slice(0, 16));
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
