// Packs bench:gpu into `.gpu/` for a Linux x64 machine with a GPU but without Node and network: Node, the files of the
// bench, the built packages and their imports, onnxruntime, Vulkan's loader, and optionally CUDA's provider.
// `.gpu/carried.py` unpacks and runs it there. `--help` lists the flags.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const { values: o } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, '.gpu') },
    libraries: { type: 'string', default: '' },
    cuda: { type: 'string', default: '' },
    arch: { type: 'string', default: '90' },
    level: { type: 'string', default: '6' },
    code: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(`node bench/gpu-pack.mjs [--out .gpu] [--libraries folder] [--cuda folder] [--arch 90] [--level 6]
    [--code]
Needs xz, strip, python3 and zstd.
--libraries: a folder with libvulkan.so.1 and what it opens (unpacked packages libvulkan1, libegl1, libglvnd0, libgl1,
libglx0, libx11-6 …).
--cuda: a folder with libonnxruntime_providers_cuda.so and _shared.so, and optionally a libonnxruntime.so.1.* of the
same build. PyPI's onnxruntime-gpu has these files; use the same version as onnxruntime-node. Only machine code for
--arch is kept, without the attention and mixture-of-experts kernels.
--code: the JavaScript alone, beside what was packed before.`);
  process.exit(0);
}

const stage = mkdtempSync(join(tmpdir(), 'forja-gpu-pack-'));
const run = (command, ...args) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
const place = (from, to) => {
  mkdirSync(dirname(join(stage, to)), { recursive: true });
  copyFileSync(from, join(stage, to));
};
try {
  mkdirSync(o.out, { recursive: true });
  await code();
  archive('code', stage);
  if (!o.code) {
    rmSync(stage, { recursive: true });
    const native = onnxruntime();
    place(realpathSync(process.execPath), 'bin/node');
    run('strip', join(stage, 'bin/node'));
    if (o.libraries)
      for (const file of files(o.libraries).filter((path) => /\.so\.\d+$/.test(path)))
        place(realpathSync(file), join('lib', file.split('/').at(-1)));
    for (const name of ['cuda', 'cuda-host']) rmSync(join(o.out, `${name}.tar.xz`), { force: true });
    archive('base', stage);
    if (o.cuda) cuda(native);
  }
  copyFileSync(join(root, 'bench/gpu/carried.py'), join(o.out, 'carried.py'));
  const sizes = readdirSync(o.out).map((file) => [file, statSync(join(o.out, file)).size]);
  for (const [file, size] of sizes) console.log(`${(size / 2 ** 20).toFixed(2).padStart(8)} MiB  ${file}`);
  console.log(`${(sizes.reduce((sum, [, size]) => sum + size, 0) / 2 ** 20).toFixed(2).padStart(8)} MiB in all`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** Copies every file that the bench may import, at its path, and the links to it in node_modules. */
async function code() {
  const entries = [
    'bench/gpu.mjs',
    ...readdirSync(join(root, 'bench/gpu'))
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => `bench/gpu/${name}`),
    'packages/node/dist/bin.js',
    'packages/node/dist/worker.js',
    'packages/trainer/dist/node.js',
  ];
  const { metafile } = await build({
    entryPoints: entries.map((path) => join(root, path)),
    absWorkingDir: root,
    outdir: join(stage, 'unused'),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['main'],
    ignoreAnnotations: true, // Node also loads side-effect-free imports
    tsconfigRaw: '{}', // without the paths to the sources
    external: ['onnxruntime-web', 'sharp', '@tensorflow/tfjs-node', '@forja/web'],
    loader: { '.node': 'empty', '.wasm': 'empty' },
    logLevel: 'error',
  });
  const reached = new Set(
    Object.keys(metafile.inputs).filter((path) => !path.includes(':') && !path.endsWith('.node')),
  );
  for (const path of reached) place(join(root, path), path);
  const beside = ['bench/torch', 'bench/gpu'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.py'))
      .map((name) => `${folder}/${name}`),
  );
  for (const path of ['package.json', 'bench/package.json', ...beside]) place(join(root, path), path);
  for (const folder of new Set([...reached].flatMap(parents))) {
    const manifest = join(folder, 'package.json');
    if (existsSync(join(root, manifest))) place(join(root, manifest), manifest);
  }
  for (const modules of new Set(
    [...reached]
      .flatMap(parents)
      .flatMap((folder) => [join(folder, 'node_modules'), ...(folder.endsWith('node_modules') ? [folder] : [])]),
  ))
    if (existsSync(join(root, modules))) links(modules);
}

/** Folders above a file, below the root. */
function parents(path) {
  const folder = dirname(path);
  return folder === '.' ? [] : [folder, ...parents(folder)];
}

/** Links of a node_modules folder whose packages are in the pack. */
function links(modules) {
  for (const name of readdirSync(join(root, modules)))
    for (const path of name.startsWith('@')
      ? readdirSync(join(root, modules, name)).map((own) => join(modules, name, own))
      : [join(modules, name)]) {
      if (!lstatSync(join(root, path)).isSymbolicLink()) continue;
      const target = relative(root, realpathSync(join(root, path)));
      if (!existsSync(join(stage, target)) || existsSync(join(stage, path))) continue;
      mkdirSync(dirname(join(stage, path)), { recursive: true });
      symlinkSync(readlinkSync(join(root, path)), join(stage, path));
    }
}

/** onnxruntime's native files for Linux x64; their folder below the root. */
function onnxruntime() {
  const folder = relative(root, realpathSync(join(root, 'bench/node_modules/onnxruntime-node')));
  const native = join(folder, 'bin/napi-v6/linux/x64');
  for (const name of readdirSync(join(root, native)).filter((name) => !name.includes('providers'))) {
    place(join(root, native, name), join(native, name));
    run('strip', join(stage, native, name));
  }
  return native;
}

/** Packs CUDA's provider from the folder --cuda, and that folder's own libonnxruntime, if it has one. */
function cuda(native) {
  const own = mkdtempSync(join(tmpdir(), 'forja-gpu-cuda-'));
  try {
    mkdirSync(join(own, native), { recursive: true });
    for (const name of readdirSync(o.cuda)) {
      if (name === 'libonnxruntime_providers_cuda.so')
        run(
          'python3',
          fileURLToPath(new URL('gpu/prune_fatbin.py', import.meta.url)),
          join(o.cuda, name),
          join(own, native, name),
          o.arch,
        );
      else if (name === 'libonnxruntime_providers_shared.so') cpSync(join(o.cuda, name), join(own, native, name));
    }
    archive('cuda', own);
    const [host] = readdirSync(o.cuda).filter((name) => /^libonnxruntime\.so\.1\.\d/.test(name));
    if (host === undefined) return;
    rmSync(own, { recursive: true });
    mkdirSync(join(own, native), { recursive: true });
    cpSync(join(o.cuda, host), join(own, native, 'libonnxruntime.so.1'));
    run('strip', join(own, native, 'libonnxruntime.so.1'));
    archive('cuda-host', own);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function archive(name, folder) {
  run(
    'sh',
    '-c',
    `tar -C '${folder}' --owner=0 --group=0 --sort=name -cf - . | xz --format=xz --check=crc32 --x86 ` +
      `--lzma2=preset=${o.level},dict=64MiB > '${o.out}/${name}.tar.xz'`,
  );
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
