// Records the kernel calls of tfjs-core's own specs on the cpu backend, with inputs and results: the specs are bundled
// and run in a child process once, and the recording is cached.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folderOf = (name, from) => dirname(createRequire(from).resolve(`${name}/package.json`));

/** @returns {Promise<import('./recording').Recording>} */
export async function recording() {
  const tfjs = join(folderOf('@tensorflow/tfjs', import.meta.url), 'package.json');
  const folder = here('./.cache');
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [here('./spec-entry.mjs')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    // Specs are imported for their effects, which the package does not declare.
    ignoreAnnotations: true,
    // The modules, not the bundles that `main` names: specs import them one by one.
    mainFields: ['module', 'main'],
    external: ['jasmine-core', 'jasmine-core/*', 'node-fetch'],
    alias: {
      '@tensorflow/tfjs-core': folderOf('@tensorflow/tfjs-core', tfjs),
      '@tensorflow/tfjs-backend-cpu': folderOf('@tensorflow/tfjs-backend-cpu', tfjs),
    },
    banner: {
      js: "import { createRequire as forjaCreateRequire } from 'node:module'; const require = forjaCreateRequire(import.meta.url);",
    },
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('recording: expected one bundle');
  const name = createHash('sha256').update(file.contents).digest('hex').slice(0, 16);
  const cached = join(folder, `${name}.v8`);
  if (!existsSync(cached)) {
    const [script, made] = [join(folder, `${name}.${process.pid}.mjs`), `${cached}.${process.pid}`];
    writeFileSync(script, file.contents);
    const { status, stderr, stdout } = spawnSync(process.execPath, ['--max-old-space-size=8192', script, made], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    rmSync(script);
    if (status !== 0 || !existsSync(made))
      throw new Error(
        `recording: expected the specs to run to their end, got exit code ${status}\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`,
      );
    renameSync(made, cached);
  }
  return deserialize(readFileSync(cached));
}
