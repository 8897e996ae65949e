// Peer of bench:models: `model.mjs <spec.json> <what> <side> <case> <threads>` runs a task on a published model.
// `side`: forja, onnxruntime, wasm (tfjs) or tfjs-node. `what`: `export` and `load` run once, in the new process;
// `outputs` writes results; `run` and `patches` serve blocks (lib/serve.mjs).
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { serve } from '../lib/serve.mjs';

const [, , specFile, what, side, caseName, threadsText] = process.argv;
const spec = JSON.parse(readFileSync(specFile, 'utf8'));
const threads = Number(threadsText);
const given = spec.cases.find(({ name }) => name === caseName) ?? spec.cases[0];
const input = () => new Float32Array(new Uint8Array(readFileSync(given.file)).buffer);
const PATCHES = 16;

/** Resolves a package from `owner`, because this folder does not have it. */
const from = (owner, name) => createRequire(fileURLToPath(import.meta.resolve(owner))).resolve(name);

/** Milliseconds of `timed` calls, by name. */
const ms = {};
async function timed(name, work) {
  const start = performance.now();
  const result = await work();
  ms[name] = performance.now() - start;
  return result;
}

/** The model in tfjs on one of its backends, opened as tfjs's documentation describes. */
async function openTfjs() {
  const tf = await timed('import', async () => {
    if (side === 'tfjs-node')
      return createRequire(
        join(process.env.FORJA_TFJS_NODE ?? fileURLToPath(import.meta.resolve('@forja/trainer')), 'package.json'),
      )('@tensorflow/tfjs-node');
    const { default: tfjs } = await import('@tensorflow/tfjs');
    const wasm = from('@forja/trainer', '@tensorflow/tfjs-backend-wasm');
    const { setWasmPaths } = (await import(pathToFileURL(wasm).href)).default;
    setWasmPaths(`${dirname(wasm)}/`);
    if (!(await tfjs.setBackend('wasm'))) throw new Error('tfjs: no wasm backend');
    return tfjs;
  });
  if (spec.setup) createRequire(import.meta.url)(spec.setup).setup(tf);
  const model = await timed('load', async () => {
    const json = JSON.parse(readFileSync(spec.path, 'utf8'));
    const graph = Array.isArray(json.modelTopology?.node);
    // Reads the weights as tfjs-node's file handler does, because tfjs has no such handler in Node without tfjs-node.
    const weights = Buffer.concat(
      json.weightsManifest.flatMap(({ paths }) => paths).map((file) => readFileSync(join(dirname(spec.path), file))),
    );
    const artifacts = {
      modelTopology: json.modelTopology,
      format: json.format,
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
      weightData: new Uint8Array(weights).buffer,
      ...(json.signature ? { signature: json.signature } : {}),
      ...(json.userDefinedMetadata ? { userDefinedMetadata: json.userDefinedMetadata } : {}),
    };
    const source = side === 'tfjs-node' ? `file://${spec.path}` : { load: async () => artifacts };
    return graph ? tf.loadGraphModel(source) : tf.loadLayersModel(source);
  });
  const data = input();
  const run = async () => {
    const result = tf.tidy(() => model.predict(tf.tensor(data, given.shape)));
    const all = Array.isArray(result) ? result : [result];
    const values = await Promise.all(all.map((tensor) => tensor.data()));
    tf.dispose(all);
    return values;
  };
  return { run, versions: { tfjs: tf.version_core ?? tf.version?.['tfjs-core'] ?? tf.version } };
}

async function openOnnxruntime() {
  const ort = await timed('import', async () => (await import('onnxruntime-node')).default);
  const session = await timed('load', () =>
    ort.InferenceSession.create(spec.onnx, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      extra: { session: { force_spinning_stop: '1' } },
    }),
  );
  const data = input();
  const run = async () =>
    Object.values(await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', data, given.shape) })).map(
      (tensor) => tensor.data,
    );
  return { run, versions: { onnxruntime: ort.env.versions?.node ?? 'unknown' } };
}

async function openForja() {
  const { load } = await timed('import', () => import('@forja/node'));
  const generator = await timed('load', () => load(spec.onnx, { device: 'cpu', threads }));
  const [{ name }] = generator.manifest.inputs;
  const data = input();
  const run = async () =>
    Object.values(await generator.run({ [name]: { dtype: 'float32', shape: given.shape, data } })).map(
      (tensor) => tensor.data,
    );
  return { run, versions: {} };
}

const open = () => (side === 'forja' ? openForja() : side === 'onnxruntime' ? openOnnxruntime() : openTfjs());

const WHATS = {
  /** Export in a new process. `side`: verified or not. */
  async export() {
    const { default: tf } = await import('@tensorflow/tfjs');
    const { exportOnnx, loadTfjsModel } = await timed('import', () => import('@forja/trainer/node'));
    if (spec.setup) createRequire(import.meta.url)(spec.setup).setup(tf);
    const model = await timed('load', () => loadTfjsModel(spec.path));
    const { model: bytes, report } = await timed('export', () =>
      exportOnnx(model, side === 'verified' ? {} : { verify: false }),
    );
    if (side !== 'verified') writeFileSync(spec.onnx, bytes);
    const { nodes, transposes, parameters, dynamicDims, verified, reference, errors } = report;
    return {
      ms,
      bytes: bytes.length,
      nodes,
      transposes,
      parameters,
      dynamicDims,
      verified,
      reference,
      comparisons: errors.length,
      relative: Math.max(0, ...errors.map((e) => e.relative)),
      peakMiB: process.resourceUsage().maxRSS / 1024,
    };
  },
  /** Time from a new process to a loaded model, and to its first result. */
  async load() {
    const { run } = await open();
    const cpuMs = (process.cpuUsage().user + process.cpuUsage().system) / 1000;
    await timed('first', run);
    return { ms, cpuMs };
  },
  async outputs() {
    const { run } = await open();
    const values = await run();
    const files = values.map((data, i) => `${specFile}.${side}.${caseName}.${i}`);
    for (const [i, file] of files.entries())
      writeFileSync(file, new Uint8Array(values[i].buffer, values[i].byteOffset, values[i].byteLength));
    return { files };
  },
};

if (what === 'run' || what === 'patches') {
  const { run, versions } = await open();
  const steps = what === 'patches' ? PATCHES : 1;
  // The loop is one step of serve, because published results are times of the whole loop.
  await serve(
    async () => {
      for (let i = 0; i < steps; i++) await run();
    },
    versions,
    { warmup: 2, least: 1 },
  );
  process.exit(0);
} else {
  const answer = await WHATS[what]();
  console.log(JSON.stringify({ ready: true, about: answer }));
  process.exit(0);
}
