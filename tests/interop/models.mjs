// Exports networks and published models, and runs them in third-party runtimes. Writes the table of docs/interop.md.
// Part of npm run interop (interop.mjs has the options).
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { venv } from './python.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

const PACKAGES = [
  'numpy',
  'onnx==1.23.2',
  'onnxruntime==1.32.0',
  'openvino==2026.4.0',
  'opencv-python-headless==5.0.0.93',
  'onnxslim==0.1.98',
  'ncnn==1.0.20261020',
  'pnnx==20261020',
];

const TORCH = ['torch==2.15.0', 'torch-fidelity==0.4.0'];

/**
 * Exports the models, runs them in every runtime and writes the table.
 * @param {{ python?: string; only?: string; torch: boolean; keep?: string }} o
 */
export async function models(o) {
  const folder = o.keep ?? (await mkdtemp(join(tmpdir(), 'forja-interop-')));
  await mkdir(folder, { recursive: true });

  // The networks are in TypeScript, in the tests: they are bundled, without the packages that they import.
  const bundle = join(root, 'tests', '.output', 'interop.mjs'); // below tests/, whose packages it imports
  const alias = Object.fromEntries(
    Object.entries({
      core: 'core/src/index.ts',
      'core/onnx': 'core/src/onnx.ts',
      node: 'node/src/index.ts',
      'trainer/node': 'trainer/src/node.ts',
    }).map(([name, path]) => [`@forja/${name}`, join(root, 'packages', path)]),
  );
  await build({
    entryPoints: [join(root, 'tests', 'interop', 'export.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias,
    external: ['@tensorflow/*', 'onnxruntime-*', 'nsfwjs', '@clack/*'],
    banner: { js: "import { createRequire as _r } from 'node:module'; const require = _r(import.meta.url);" },
    logLevel: 'error',
  });
  execFileSync(process.execPath, [bundle, folder, o.only ?? ''], { stdio: 'inherit', cwd: join(root, 'tests') });
  const own = o.python ?? venv('forja-interop-venv', o.torch ? [...PACKAGES, ...TORCH] : PACKAGES);
  for (const runtime of [
    'checker',
    'slim',
    'onnxruntime',
    'reference',
    'openvino',
    'opencv',
    'ncnn',
    ...(o.torch ? ['fidelity'] : []),
  ]) {
    // Each in a process of its own, and each model too (in run.py): some runtimes end the process.
    execFileSync(own, [join(root, 'tests', 'interop', 'run.py'), folder, runtime], { stdio: 'inherit' });
  }
  const page = join(root, 'docs', 'interop.md');
  const table = execFileSync(own, [join(root, 'tests', 'interop', 'table.py'), folder], { encoding: 'utf8' });
  const before = existsSync(page) ? await readFile(page, 'utf8') : '<!-- table -->\n<!-- end -->\n';
  if (o.only === undefined)
    await writeFile(page, before.replace(/<!-- table -->[\s\S]*<!-- end -->/, `<!-- table -->\n${table}<!-- end -->`));
  console.log(table);
  console.log(`files and results: ${folder}; ${page}`);
}
