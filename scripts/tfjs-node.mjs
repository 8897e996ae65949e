// Builds @tensorflow/tfjs-node 4.22 from source, for machines that cannot download its binaries: `node
// scripts/tfjs-node.mjs [--for <project>] [--wheel <file>]`. Optional, for `engine: 'tfjs'` only. libtensorflow is
// unpacked from the tensorflow-cpu wheel, which pip downloads; the binding is two C++ files. Built once into
// node_modules/.cache/forja/tfjs-node, tested, renamed into place, and linked into the package. See docs/tfjs-node.md.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './lib/stage.mjs';

const TENSORFLOW = '2.15.1';
const HELP = `node scripts/tfjs-node.mjs [--for <project>] [--wheel <file>]
  --for    the folder of a project of yours with @tensorflow/tfjs-node (npm install
           @tensorflow/tfjs-node@4.22.0 --ignore-scripts); default: this checkout
  --wheel  an existing tensorflow_cpu-${TENSORFLOW} wheel, instead of fetching it with pip`;

/** An error that is printed as one line. */
class Failure extends Error {}

/**
 * Standard output of a command. Throws Failure with the last line of standard error that contains 'error', else with
 * its last line.
 */
function run(what, command, args, options = {}) {
  try {
    return execFileSync(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      ...options,
    });
  } catch (error) {
    if (error.code === 'ENOENT')
      throw new Failure(
        `${what}: expected the command ${command}, got none; install it (Debian: apt-get install g++ python3-pip)`,
      );
    const said = `${error.stderr ?? ''}`.trim().split('\n');
    throw new Failure(
      `${what} failed: ` +
        `${(said.findLast((line) => /error/i.test(line)) ?? said.at(-1)) || error.message.split('\n')[0]}`,
    );
  }
}

/**
 * Runs JavaScript in a separate process, because a bad binding crashes its process, and returns the last line of its
 * output. Throws Failure.
 */
function inNode(what, script, cwd) {
  const lines = run(what, process.execPath, ['-e', script], {
    cwd,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  return lines.trim().split('\n').at(-1);
}

/** TensorFlow's version if the package of `project` loads and differentiates a convolution. Throws Failure. */
const tryPackage = (project) =>
  inNode(
    '@tensorflow/tfjs-node',
    `
  const tf = require('@tensorflow/tfjs-node');
  if (tf.getBackend() !== 'tensorflow') throw Error('expected the backend tensorflow, got ' + tf.getBackend());
  const g = tf.grad((w) => tf.sum(tf.conv2d(tf.ones([1, 4, 4, 2]), w, 2, 'same')))(tf.ones([4, 4, 2, 3])).dataSync();
  if (g.length !== 96 || g.some((v) => !(v > 0)))
    throw Error('expected the gradient of a convolution, got ' + g.slice(0, 4));
  console.log(tf.backend().binding.TF_Version);`,
    project,
  );

const tryBinding = (file) => inNode('the binding', `console.log(require(${JSON.stringify(file)}).TF_Version)`, root);

function works(attempt) {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const UNPACK = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
want = ('tensorflow/libtensorflow_', 'tensorflow/include/tensorflow/c/', 'tensorflow/include/tensorflow/core/platform/',
        'tensorflow/include/tensorflow/tsl/', 'tensorflow/include/tsl/', 'tensorflow/include/xla/tsl/',
        'tensorflow/include/external/local_xla/')
z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(want)])
`;

function fetchWheel(folder) {
  console.log(`fetching tensorflow-cpu ${TENSORFLOW} with pip (200 MB) …`);
  const platforms = ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'].flatMap((p) => [
    '--platform',
    p,
  ]);
  const flags = [
    '-q',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
    '--python-version',
    '3.11',
    ...platforms,
  ]; // any Python version, because nothing is imported
  run('pip download', 'python3', ['-m', 'pip', 'download', ...flags, '-d', folder, `tensorflow-cpu==${TENSORFLOW}`]);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Failure('pip download: expected a wheel, got none');
  return join(folder, wheel);
}

function alive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Builds lib/napi-v<n>/tfjs_binding.node and deps/lib in a temporary folder, tests them, and renames it to `native`.
 */
function build(native, napi, packageFolder, givenWheel) {
  const headers = join(dirname(dirname(realpathSync(process.execPath))), 'include', 'node');
  if (!existsSync(join(headers, 'node_api.h')))
    throw new Failure(`expected Node's headers in ${headers}, got none; install Node from an archive that has them`);
  const cache = dirname(native);
  mkdirSync(cache, { recursive: true });
  for (const left of readdirSync(cache))
    if (/^\.build-\d+-/.test(left) && !alive(Number(left.split('-')[1])))
      rmSync(join(cache, left), { recursive: true }); // left by an interrupted build
  const work = mkdtempSync(join(cache, `.build-${process.pid}-`));
  try {
    const wheel = givenWheel ?? fetchWheel(work);
    run('unpacking the wheel', 'python3', ['-c', UNPACK, wheel, join(work, 'wheel')]);
    const unpacked = join(work, 'wheel', 'tensorflow');
    const made = join(work, 'native');
    const lib = join(made, 'deps', 'lib');
    const binding = join(made, 'lib', `napi-v${napi}`, 'tfjs_binding.node');
    for (const folder of [lib, dirname(binding)]) mkdirSync(folder, { recursive: true });
    for (const [file, linked] of [
      ['libtensorflow_cc.so.2', 'libtensorflow.so'],
      ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'],
    ]) {
      if (!existsSync(join(unpacked, file)))
        throw new Failure(`expected ${file} in ${wheel}, got none; a wheel of tensorflow-cpu ${TENSORFLOW} has it`);
      renameSync(join(unpacked, file), join(lib, file));
      symlinkSync(file, join(lib, linked)); // the names that the linker needs
    }
    console.log('compiling the binding …');
    run(
      'compiling',
      process.env.CXX ?? 'g++',
      [
        '-std=c++17',
        '-O2',
        '-shared',
        '-fPIC',
        '-w',
        `-DNAPI_VERSION=${napi}`,
        `-I${headers}`,
        `-I${join(unpacked, 'include')}`,
        '-I.',
        'binding/tfjs_backend.cc',
        'binding/tfjs_binding.cc',
        `-L${lib}`,
        '-ltensorflow',
        '-ltensorflow_framework',
        '-Wl,-rpath,$ORIGIN/../../deps/lib',
        '-o',
        binding,
      ],
      { cwd: packageFolder },
    );
    tryBinding(binding);
    rmSync(native, { recursive: true, force: true });
    renameSync(made, native);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Links `native`'s folders to where the package expects them. The binding's path to deps/lib works through the links.
 */
function link(native, packageFolder) {
  for (const name of ['lib', 'deps']) {
    const at = join(packageFolder, name);
    if (lstatSync(at, { throwIfNoEntry: false })) rmSync(at, { recursive: true });
    symlinkSync(join(native, name), at, 'dir');
  }
}

function packageOf(project) {
  try {
    return dirname(createRequire(join(project, 'package.json')).resolve('@tensorflow/tfjs-node/package.json'));
  } catch {
    const how = project === trainer ? 'npm install' : 'npm install @tensorflow/tfjs-node@4.22.0 --ignore-scripts';
    throw new Failure(`expected @tensorflow/tfjs-node to be found from ${project}, got none; run there: ${how}`);
  }
}

const trainer = join(root, 'packages', 'trainer');

function main() {
  const { values } = parseArgs({
    options: { for: { type: 'string' }, wheel: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) return console.log(HELP);
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Failure(
      `expected Linux x86-64, got ${process.platform} ${process.arch}; elsewhere use its own install script: ` +
        'npm rebuild @tensorflow/tfjs-node',
    );
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 23)
    throw new Failure(
      `expected Node 20 or 22, got ${process.versions.node}: tfjs-node 4.22 calls util.isNullOrUndefined, which ` +
        'Node 23 dropped',
    );
  if (values.wheel !== undefined && !existsSync(values.wheel))
    throw new Failure(`--wheel: expected a file, got nothing at ${values.wheel}`);
  const project = values.for === undefined ? trainer : resolve(values.for);
  const folder = packageOf(project);
  let version = works(() => tryPackage(project));
  if (version === undefined) {
    const binding = createRequire(join(folder, 'package.json'))('@mapbox/node-pre-gyp').find(
      join(folder, 'package.json'),
    );
    const napi = /napi-v(\d+)/.exec(binding)?.[1] ?? '8';
    const native = join(root, 'node_modules', '.cache', 'forja', 'tfjs-node', `tensorflow-${TENSORFLOW}-napi-v${napi}`);
    if (works(() => tryBinding(join(native, relative(folder, binding)))) === undefined)
      build(native, napi, folder, values.wheel && resolve(values.wheel));
    link(native, folder);
    version = tryPackage(project);
  }
  const from = values.for === undefined ? 'this checkout by itself' : `programs that run in ${project}`;
  const lib = realpathSync(join(folder, 'lib'));
  console.log(`@tensorflow/tfjs-node works, with TensorFlow ${version}; its binding is below ${lib}
Forja finds it from ${from}; from anywhere else with FORJA_TFJS_NODE=${folder}`);
}

try {
  main();
} catch (error) {
  const expected = error instanceof Failure || `${error.code}`.startsWith('ERR_PARSE_ARGS');
  console.error(expected ? `tfjs-node: ${error.message}` : error);
  process.exitCode = 1;
}
