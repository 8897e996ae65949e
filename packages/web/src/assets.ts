// Copies the worker and onnxruntime-web's files into one folder that can be served as static files, for bundlers that
// do not follow `new Worker(new URL(...))` and for pages without a bundler. Node only; the command around it is
// assets-bin.ts.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { WASM_FILE } from './worker/files.js';

/** Name of a build of onnxruntime-web; `webgpu` is the one for browsers without JSPI. */
export type BuildName = 'wasm' | 'webgpu' | 'jspi';

/** Files of each onnxruntime-web build: the module, and the WebAssembly that it loads from its own folder. */
const BUILD_FILES: Readonly<Record<BuildName, readonly [string, string]>> = {
  wasm: ['ort.wasm.bundle.min.mjs', WASM_FILE],
  webgpu: ['ort.webgpu.bundle.min.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'],
  jspi: ['ort.jspi.bundle.min.mjs', 'ort-wasm-simd-threaded.jspi.wasm'],
};

/** Files in the worker's folder that the worker imports or starts. */
const BESIDE = ['lower.js', 'prepare.js'] as const;

/**
 * The worker's text with each import of `onnxruntime-web/<build>` replaced by the copied file, or by nothing if it is
 * not among `builds`. Throws if the worker is not as expected.
 */
function rewriteWorker(source: string, builds: readonly BuildName[]): string {
  let text = source.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n');
  for (const build of ['wasm', 'webgpu', 'jspi'] as const) {
    const specifier = new RegExp(`import\\((["'])onnxruntime-web/${build}\\1\\)`, 'g');
    if (!specifier.test(text))
      throw new Error(
        `worker.js: expected an import of onnxruntime-web/${build}; the package is damaged, install it again`,
      );
    const [file] = BUILD_FILES[build];
    text = text.replace(specifier, builds.includes(build) ? `import("./${file}")` : 'Promise.resolve({})');
  }
  return text;
}

/** What to copy, and from where. */
export interface CopyOptions {
  /** Target folder; made if missing. Nothing in it is removed. */
  to: string;
  /** Builds to copy; the worker reports others as left out. */
  builds: readonly BuildName[];
  /** Folder from which onnxruntime-web is resolved first: the app's. */
  app: string;
  /** Our built worker. */
  worker: string;
}

/** Copies, and returns the names written. Every file is written under a temporary name and renamed. */
export async function copyAssets({ to, builds, app, worker }: CopyOptions): Promise<string[]> {
  const from = onnxruntimeFolder([join(app, 'package.json'), worker]);
  const files = builds.flatMap((build) => BUILD_FILES[build]);
  const missing = files.filter((file) => !existsSync(join(from, file)));
  if (missing.length > 0)
    throw new Error(
      `onnxruntime-web: expected ${missing.join(', ')} in ${from}; this needs version 1.30 or a later 1.x`,
    );
  await makeFolder(to);
  for (const file of files) await replace(join(to, file), (aside) => copyFile(join(from, file), aside));
  const text = rewriteWorker(await readFile(worker, 'utf8'), builds);
  for (const file of BESIDE) await replace(join(to, file), (aside) => copyFile(join(dirname(worker), file), aside));
  await replace(join(to, 'worker.js'), (aside) => writeFile(aside, text));
  return ['worker.js', ...BESIDE, ...files];
}

function onnxruntimeFolder(origins: readonly string[]): string {
  for (const origin of origins) {
    try {
      return dirname(createRequire(origin).resolve('onnxruntime-web/wasm'));
    } catch {
      // try the next origin
    }
  }
  throw new Error(
    'onnxruntime-web: expected it to be installed with @forja/web, got nothing; run `npm install onnxruntime-web`',
  );
}

async function replace(path: string, write: (aside: string) => Promise<void>): Promise<void> {
  // A name of its own, because several processes may write the file.
  const aside = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    await write(aside);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/**
 * Makes a folder and its parents. Node's own `mkdir` with `recursive` never returns in /proc, where no folder can be
 * created.
 */
async function makeFolder(path: string): Promise<void> {
  const parent = dirname(path);
  if (!(await isFolder(parent)) && parent !== path) await makeFolder(parent);
  if (await isFolder(path)) return;
  await mkdir(path).catch(async (error: unknown) => {
    if (!(await isFolder(path))) throw error; // another process may have made it
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
