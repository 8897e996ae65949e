// Builds @tensorflow/tfjs-node's native binding where its own download host is out of reach: `node scripts/tfjs-node.mjs`. Optional: nothing else needs it.
// libtensorflow and its C headers come out of the tensorflow-cpu wheel, fetched by pip and only unpacked; the binding is two C++ files.
// Needs Linux x86-64, Node 20 or 22 with its headers, g++, Python 3 with pip (any version), and 0.9 GB of disk, of which 0.62 GB stay.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from './lib/stage.mjs';

const TENSORFLOW = '2.15.1';
const trainer = createRequire(join(root, 'packages', 'trainer', 'package.json'));
const run = (command, args, options = {}) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', ...options });

function fail(message) {
  console.error(`tfjs-node: ${message}`);
  process.exit(1);
}

/** Whether the binding loads and differentiates a convolution; in a process of its own, as a bad binding ends it. */
function works() {
  const script = `const tf = require('@tensorflow/tfjs-node'); if (tf.getBackend() !== 'tensorflow') throw Error(tf.getBackend());
    const g = tf.grad((w) => tf.sum(tf.conv2d(tf.ones([1, 4, 4, 2]), w, 2, 'same')))(tf.ones([4, 4, 2, 3])).dataSync();
    if (g.length !== 96 || g.some((v) => !(v > 0))) throw Error('gradient'); console.log(tf.backend().binding.TF_Version);`;
  try {
    return run(process.execPath, ['-e', script], { cwd: join(root, 'packages', 'trainer'), env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' }, stdio: ['ignore', 'pipe', 'ignore'] }).trim().split('\n').at(-1);
  } catch {
    return undefined;
  }
}

const UNPACK = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
want = ('tensorflow/libtensorflow_', 'tensorflow/include/tensorflow/c/', 'tensorflow/include/tensorflow/core/platform/',
        'tensorflow/include/tensorflow/tsl/', 'tensorflow/include/tsl/', 'tensorflow/include/xla/tsl/', 'tensorflow/include/external/local_xla/')
z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(want)])
`;

function build(folder, binding, headers) {
  const work = mkdtempSync(join(folder, '.build-'));
  try {
    console.log(`fetching tensorflow-cpu ${TENSORFLOW} (200 MB) …`);
    const platforms = ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'].flatMap((p) => ['--platform', p]);
    run('python3', ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--python-version', '3.11', ...platforms, '-d', work, `tensorflow-cpu==${TENSORFLOW}`]);
    const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) fail('expected pip to fetch a wheel, got none');
    const unpacked = join(work, 'x');
    run('python3', ['-c', UNPACK, join(work, wheel), unpacked]);
    const deps = join(folder, 'deps');
    rmSync(deps, { recursive: true, force: true });
    mkdirSync(join(deps, 'lib'), { recursive: true });
    mkdirSync(dirname(binding), { recursive: true });
    renameSync(join(unpacked, 'tensorflow', 'include'), join(deps, 'include'));
    for (const [file, linked] of [['libtensorflow_cc.so.2', 'libtensorflow.so'], ['libtensorflow_framework.so.2', 'libtensorflow_framework.so']]) {
      renameSync(join(unpacked, 'tensorflow', file), join(deps, 'lib', file));
      symlinkSync(file, join(deps, 'lib', linked)); // the names that the binding links against
    }
    console.log('compiling the binding …');
    const version = /napi-v(\d+)/.exec(binding)?.[1] ?? '8';
    const made = join(work, 'tfjs_binding.node');
    run(process.env.CXX ?? 'g++', ['-std=c++17', '-O2', '-shared', '-fPIC', '-w', `-DNAPI_VERSION=${version}`, `-I${headers}`, '-Ideps/include', '-I.', 'binding/tfjs_backend.cc', 'binding/tfjs_binding.cc',
      '-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib', '-o', made], { cwd: folder });
    renameSync(made, binding);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (works() === undefined) {
  if (process.platform !== 'linux' || process.arch !== 'x64') fail(`expected Linux x86-64, got ${process.platform} ${process.arch}; install @tensorflow/tfjs-node with its own script there`);
  const folder = dirname(trainer.resolve('@tensorflow/tfjs-node/package.json'));
  const headers = join(dirname(dirname(realpathSync(process.execPath))), 'include', 'node');
  if (!existsSync(join(headers, 'node_api.h'))) fail(`expected Node's headers under ${headers}, got none; install Node from its own archive`);
  const binding = createRequire(join(folder, 'package.json'))('@mapbox/node-pre-gyp').find(join(folder, 'package.json'));
  build(folder, binding, headers);
}
const version = works();
if (version === undefined) fail('the binding was built but does not load; Node 23 and newer lack what tfjs-node 4.22 calls');
console.log(`tfjs-node works, TensorFlow ${version}`);
