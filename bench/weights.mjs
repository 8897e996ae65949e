// npm run bench:weights: generators and published models with weights stored as float32, int8, uint8, fp16, and int8
// with DequantizeLinear, as other tools write it: file size, decibels, and, in onnxruntime alone (one thread, a new
// process each time), memory and CPU time of a session and of a run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, quantile, save } from './lib/report.mjs';
import { trainer } from './peers/forja.mjs';

const { values: o, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    name: { type: 'string', default: 'weights' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
if (o.help) {
  console.log('npm run bench:weights -- [--rounds 9] [--name file]; the result is bench/results/<name>.json');
  process.exit(0);
}

if (positionals[0] === 'child') {
  await child(positionals[1]);
  process.exit(0);
}

/** Measures a session, its memory, and runs in a new process. */
async function child(file) {
  const require = createRequire(new URL('../packages/node/package.json', import.meta.url));
  const ort = require('onnxruntime-node');
  const bytes = readFileSync(file);
  const before = process.memoryUsage().rss;
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  };
  const began = cpu();
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const load = cpu() - began;
  const feeds = (batch) =>
    Object.fromEntries(
      session.inputMetadata.map(({ name, shape }) => {
        const size = shape.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? batch : 224));
        const length = size.reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898));
        return [name, new ort.Tensor('float32', data, size)];
      }),
    );
  const time = async (batch, count) => {
    const given = feeds(batch);
    await session.run(given);
    const start = cpu();
    for (let i = 0; i < count; i++) await session.run(given);
    return (cpu() - start) / count;
  };
  const [one, sixteen] = [await time(1, 40), await time(16, 4)];
  console.log(JSON.stringify({ load, one, sixteen, memory: process.memoryUsage().rss - before }));
}

const folder = mkdtempSync(join(tmpdir(), 'forja-bench-'));
const { dcgan, exportOnnx, loadTfjsModel } = await trainer();
const results = {};
try {
  const models = {
    'DCGAN-32, base 64': () => dcgan({ size: 32, base: 64, latent: 100, channels: 3, batch: 16 }).networks.g,
    'DCGAN-64, base 64': () => dcgan({ size: 64, base: 64, latent: 100, channels: 3, batch: 16 }).networks.g,
    'nsfwjs mobilenet_v2': () => published('mobilenet_v2'),
  };
  for (const [title, make] of Object.entries(models)) {
    results[title] = await measured(title, await make());
    save(o.name, { machine: machine(), rounds: Number(o.rounds), results });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A model from the package nsfwjs, which stores its files as scripts. */
async function published(name) {
  const require = createRequire(new URL('../tests/package.json', import.meta.url));
  const script = (file) => {
    const found = require(join(packaged(require), 'dist', 'models', name, `${file}.min.js`));
    return found.default ?? found;
  };
  const json = script('model');
  writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
  for (const file of json.weightsManifest.flatMap(({ paths }) => paths))
    writeFileSync(join(folder, file), Buffer.from(String(script(file)), 'base64'));
  return loadTfjsModel(join(folder, 'model.json'));
}

function packaged(require) {
  return require.resolve
    .paths('nsfwjs')
    .map((path) => join(path, 'nsfwjs'))
    .find(existsSync);
}

async function measured(title, model) {
  const forms = {};
  for (const weights of ['float32', 'int8', 'uint8', 'fp16', 'exact']) {
    try {
      const { model: bytes, report } = await exportOnnx(model, { weights, verify: { psnr: 1, seeds: 1 } });
      if (weights === 'exact' && report.weights === undefined) continue;
      forms[weights] = { bytes, decibels: report.weights?.psnr?.found ?? null };
    } catch (error) {
      console.log(`${title}, ${weights}: ${error.message}`);
    }
  }
  // quantised files have zero points, which this does not write
  if (forms.exact === undefined)
    forms['int8 by DequantizeLinear'] = {
      bytes: await dequantizing(forms.int8.bytes),
      decibels: forms.int8.decibels,
    };
  const rounds = Object.fromEntries(Object.keys(forms).map((name) => [name, []]));
  for (const [name, { bytes }] of Object.entries(forms)) writeFileSync(join(folder, `${name}.onnx`), bytes);
  for (let round = 0; round < Number(o.rounds); round++)
    for (const name of Object.keys(forms)) {
      const self = fileURLToPath(import.meta.url);
      const run = spawnSync(process.execPath, [self, 'child', join(folder, `${name}.onnx`)], { encoding: 'utf8' });
      rounds[name].push(JSON.parse(run.stdout));
    }
  const median = (values) => quantile(values, 0.5);
  const found = Object.fromEntries(
    Object.entries(forms).map(([name, { bytes, decibels }]) => {
      const of = (key) => median(rounds[name].map((one) => one[key]));
      const against = (key) => median(rounds[name].map((one, i) => one[key] / rounds.float32[i][key]));
      return [
        name,
        {
          megabytes: bytes.length / 1e6,
          decibels,
          loadMs: of('load'),
          memoryMb: of('memory') / 1e6,
          oneMs: of('one'),
          sixteenMs: of('sixteen'),
          against: Object.fromEntries(['load', 'memory', 'one', 'sixteen'].map((key) => [key, against(key)])),
        },
      ];
    }),
  );
  console.log(
    `${title}: MB, decibels; CPU time of a session, memory, CPU time of batch 1 and 16, each against float32`,
  );
  for (const [name, { megabytes, decibels, loadMs, memoryMb, oneMs, sixteenMs, against: r }] of Object.entries(found))
    console.log(
      `  ${name.padEnd(26)} ${megabytes.toFixed(2)} MB ${decibels?.toFixed(1) ?? '-'} dB; ` +
        `${loadMs.toFixed(0)} ms ${r.load.toFixed(2)}×, ${memoryMb.toFixed(0)} MB ` +
        `${r.memory.toFixed(2)}×, ${oneMs.toFixed(2)} ms ${r.one.toFixed(2)}×, ${sixteenMs.toFixed(1)} ms ` +
        `${r.sixteen.toFixed(2)}×`,
    );
  return found;
}

/** The same weights with one DequantizeLinear instead of Cast and Mul. */
async function dequantizing(bytes) {
  const { decodeModel, encodeModel } = await import('@forja/core/onnx');
  const model = decodeModel(bytes);
  const { graph } = model;
  const readers = new Map(graph.nodes.flatMap((node) => node.inputs.map((name) => [name, node])));
  const nodes = graph.nodes.flatMap((node) => {
    const next = readers.get(node.outputs[0]);
    const small = graph.initializers.find(({ name }) => name === node.inputs[0]);
    if (node.opType === 'Cast' && small?.dataType === 3 && next?.opType === 'Mul') {
      const scale = graph.initializers.find(({ name }) => name === next.inputs[1]);
      const axis = scale.dims.findIndex((dim) => dim !== 1n);
      scale.dims = [scale.dims.reduce((a, b) => a * b, 1n)];
      const attribute = { ...node.attributes[0], name: 'axis', i: BigInt(Math.max(0, axis)) };
      return [
        {
          ...node,
          opType: 'DequantizeLinear',
          inputs: [small.name, scale.name],
          outputs: next.outputs,
          attributes: [attribute],
        },
      ];
    }
    const before = graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[0]);
    return node.opType === 'Mul' && before?.opType === 'Cast' ? [] : [node];
  });
  return encodeModel({ ...model, graph: { ...graph, nodes } });
}
