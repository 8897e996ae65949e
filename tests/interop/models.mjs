// npm run interop: exports networks and published models, and runs them in third-party runtimes. Needs Python 3 with
// venv; installs into its own folder. Writes docs/interop.md.
// --python <path>: a Python that has the packages. --only <text>: networks whose name contains it. --torch: also
// torch-fidelity (large). Not part of npm test.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values: o } = parseArgs({
  options: {
    python: { type: 'string' },
    only: { type: 'string' },
    torch: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
});

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

/** A Python with the packages: the one named, or a venv made here. */
function python() {
  if (o.python) return o.python;
  const venv = join(tmpdir(), 'forja-interop-venv');
  const own = join(venv, 'bin', 'python');
  if (!existsSync(own)) execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  execFileSync(
    own,
    [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      ...PACKAGES,
      ...(o.torch ? ['torch==2.15.0', 'torch-fidelity==0.4.0'] : []),
    ],
    { stdio: 'inherit' },
  );
  return own;
}

const folder = o.keep ?? (await mkdtemp(join(tmpdir(), 'forja-interop-')));
await mkdir(folder, { recursive: true });

// The networks are TypeScript of the tests: bundled, with packages left outside.
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
const own = python();
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
console.log(`files and results: ${folder}; ${dirname(page)}/interop.md`);
