// npm run bench:runtime: overhead of @forja/node. Delay of the event loop while a model is loaded and sampled, time
// that sample() adds to raw onnxruntime, throughput and latency of concurrent callers with and without micro-batching,
// the same file in other libraries, and the time from process start to the first picture. `--help` lists the flags.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { local } from './lib/compare.mjs';
import { alternate, startPeer } from './lib/peer.mjs';
import { machine, quantile, ratio, save, summarise, table } from './lib/report.mjs';
import { trainer } from './peers/forja.mjs';

const { values: o } = parseArgs({
  options: {
    blocks: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    threads: { type: 'string', default: '2' },
    name: { type: 'string', default: 'runtime' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(
    'npm run bench:runtime -- [--blocks 5] [--seconds 2] [--threads 2] [--only loop|overhead|callers|peers|cold] ' +
      '[--name file]\nThe result is bench/results/<name>.json.',
  );
  process.exit(0);
}
const [blocks, seconds] = [Number(o.blocks), Number(o.seconds)];

const folder = mkdtempSync(join(tmpdir(), 'forja-bench-'));
const file = join(folder, 'dcgan-64.onnx');
const { dcgan, exportOnnx } = await trainer();
const { g: network } = dcgan({ size: 64, channels: 3, base: 64, latent: 100, batch: 16 }).networks;
const { model } = await exportOnnx(network, { layout: { outputs: 'nchw' }, verify: false });
writeFileSync(file, model);
const product = join(folder, 'product.onnx');
const g = new GraphBuilder();
const plane = 3 * 64 * 64;
g.output(
  'image',
  g.op('Reshape', [
    g.op('Tanh', [
      g.op('MatMul', [
        g.input('z', 'float32', ['batch', 100]),
        g.constant(
          'float32',
          [100, plane],
          Float32Array.from({ length: 100 * plane }, (_, i) => Math.sin(i) / 10),
        ),
      ]),
    ]),
    g.constant('int64', [4], [0, 3, 64, 64]),
  ]),
);
writeFileSync(product, encodeModel(g.build()));
// The same weights for tfjs's own backends.
await network.save({
  save: async ({ modelTopology, weightSpecs, weightData }) => {
    writeFileSync(`${file}.tfjs.json`, JSON.stringify({ topology: modelTopology, specs: weightSpecs }));
    writeFileSync(`${file}.tfjs.bin`, new Uint8Array(weightData));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  },
});
console.log(`DCGAN-64, base 64: ${(model.length / 1e6).toFixed(1)} MB`);

const python = process.env.FORJA_TORCH_PYTHON;

/**
 * Measures peers of `peers/runtime.mjs` (PyTorch: torch/onnx_peer.py), each in its own process, in rounds. `list` has
 * `[name, ...arguments]` for each; if a peer in `optional` cannot start, a message says so.
 */
async function rounds(list, optional = [], model = file) {
  const peers = [];
  try {
    for (const [name, ...args] of list) {
      const torch = name === 'PyTorch';
      const started =
        torch && !python
          ? Promise.reject(new Error('FORJA_TORCH_PYTHON is not set'))
          : torch
            ? startPeer({
                name,
                command: python,
                args: [local('torch/onnx_peer.py'), file, o.threads, ...args.map(String)],
                env: { OMP_NUM_THREADS: o.threads, OMP_WAIT_POLICY: 'PASSIVE' },
              })
            : startPeer({
                name,
                command: process.execPath,
                args: [local('peers/runtime.mjs'), model, o.threads, ...args.map(String)],
              });
      await started.then(
        (peer) => peers.push(peer),
        (error) => {
          if (!optional.includes(name)) throw error;
          const lines = error.message.split('\n');
          console.log(`skipped: ${name}: ${lines.find((line) => /Error|expected|names no/.test(line)) ?? lines[0]}`);
        },
      );
    }
    versions = { ...versions, ...Object.assign({}, ...peers.map((peer) => peer.versions)) };
    return await alternate(peers, blocks, seconds);
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}
/** One block of a new process. */
async function coldStart(name) {
  const peer = await startPeer({
    name,
    command: process.execPath,
    args: [local('peers/runtime.mjs'), file, o.threads, 'cold', name],
  });
  try {
    return await peer.block(0);
  } finally {
    await peer.stop();
  }
}
const wanted = (part) => o.only === '' || o.only === part;
const median = (values) => quantile(values, 0.5);
let versions = {};

const results = { modelBytes: model.length, eventLoop: {}, overhead: {}, concurrent: {}, peers: {}, coldStart: {} };
try {
  for (const [name, list] of wanted('loop')
    ? await rounds(['worker', 'process', 'inline'].map((executor) => [executor, 'loop', executor, 16]))
    : []) {
    const of = (key) => list.map((block) => block[key]);
    results.eventLoop[name] = {
      p50Ms: median(of('p50')),
      p99Ms: median(of('p99')),
      worstP99Ms: Math.max(...of('p99')),
      maxMs: Math.max(...of('max')),
      loads: list.length,
      runs: of('runs').reduce((a, b) => a + b),
    };
    console.log(
      `event loop, ${name}: delay p50 ${results.eventLoop[name].p50Ms.toFixed(2)} ms, p99 ` +
        `${results.eventLoop[name].p99Ms.toFixed(2)} ms (medians of ${list.length} rounds; worst p99 ` +
        `${results.eventLoop[name].worstP99Ms.toFixed(2)}, longest ${results.eventLoop[name].maxMs.toFixed(1)})`,
    );
  }

  // The same graph on all sides; the default rewriting of convolutions is a separate peer. With a single matrix product
  // as network, the overhead is visible above the machine's noise.
  for (const [batch, network] of wanted('overhead')
    ? [
        [1, 'one product'],
        [1, 'DCGAN-64'],
        [16, 'DCGAN-64'],
      ]
    : []) {
    const small = network === 'one product';
    const got = await rounds(
      [
        ['forja', 'sample', batch, 'portable'],
        ...(small ? [] : [['forja, chosen convolutions', 'sample', batch]]),
        ['forja run', 'run', batch],
        ['raw', 'raw', batch],
        ['raw in a worker', 'raw-worker', batch],
      ],
      [],
      small ? product : file,
    );
    const summaries = Object.fromEntries([...got].map(([name, list]) => [name, summarise(list)]));
    const ratios = Object.fromEntries(
      [...got].filter(([name]) => name !== 'forja').map(([name, list]) => [name, ratio(got.get('forja'), list)]),
    );
    table(`sample() over raw onnxruntime, ${network}, batch ${batch}`, summaries, ratios);
    // The difference in each round, then the median over rounds, as for ratios.
    const added = (peer, f) => {
      const ours = got.get('forja').map(f);
      const theirs = got.get(peer).map(f);
      return {
        ms: median(ours.map((ms, i) => ms - theirs[i])),
        percent: median(ours.map((ms, i) => 100 * (ms / theirs[i] - 1))),
      };
    };
    const over = Object.fromEntries(
      ['raw', 'raw in a worker'].map((peer) => [
        peer,
        { wall: added(peer, (block) => median(block.wall_ms)), cpu: added(peer, (block) => block.cpu_ms) },
      ]),
    );
    for (const [peer, { wall, cpu }] of Object.entries(over))
      console.log(
        `  over ${peer}: wall ${wall.ms.toFixed(2)} ms (${wall.percent.toFixed(1)} %), CPU ${cpu.ms.toFixed(2)} ` +
          `ms (${cpu.percent.toFixed(1)} %)`,
      );
    results.overhead[`${network}, batch ${batch}`] = { peers: summaries, forjaIsFasterBy: ratios, over };
  }

  for (const batch of wanted('peers') ? [1, 16] : []) {
    const got = await rounds(
      [
        ['forja', 'sample', batch],
        ['forja, portable', 'sample', batch, 'portable'],
        ['onnxruntime-node', 'raw', batch],
        ['onnxruntime-web (WASM)', 'wasm', batch],
        ['tfjs, wasm', 'tfjs', batch, 'wasm'],
        ['tfjs-node', 'tfjs', batch, 'tensorflow'],
        ['PyTorch', batch],
      ],
      ['tfjs-node', 'PyTorch'],
    );
    const summaries = Object.fromEntries([...got].map(([name, list]) => [name, summarise(list)]));
    const ratios = Object.fromEntries(
      [...got].filter(([name]) => name !== 'forja').map(([name, list]) => [name, ratio(got.get('forja'), list)]),
    );
    table(`one file, batch ${batch}`, summaries, ratios);
    results.peers[`batch ${batch}`] = { peers: summaries, forjaIsFasterBy: ratios };
  }

  for (const name of wanted('cold') ? ['forja', 'portable', 'raw'] : []) {
    const all = [];
    // A new process each time, because only its first picture is cold.
    for (let i = 0; i < Math.max(5, blocks); i++) all.push(await coldStart(name));
    const phases = Object.fromEntries(Object.keys(all[0]).map((key) => [key, median(all.map((one) => one[key]))]));
    results.coldStart[name] = phases;
    console.log(
      `cold start, ${name}: ${Object.entries(phases)
        .map(([key, ms]) => `${key} ${ms.toFixed(1)} ms`)
        .join(', ')} (medians of ${all.length} processes)`,
    );
  }

  for (const callers of wanted('callers') ? [4, 32] : []) {
    const got = await rounds([
      ['batching', 'callers', callers, 64],
      ['without', 'callers', callers, 1],
    ]);
    results.concurrent[`${callers} callers`] = Object.fromEntries(
      [...got].map(([name, list]) => {
        const all = list.flatMap((block) => block.wall_ms);
        const result = {
          picturesPerSecond: median(list.map((block) => block.pictures_s)),
          p50Ms: median(all),
          p95Ms: quantile(all, 0.95),
          requests: all.length,
          meanBatch: median(list.map((block) => block.mean_batch)),
        };
        console.log(
          `${callers} callers, ${name}: ${result.picturesPerSecond.toFixed(0)} pictures/s, latency p50 ` +
            `${result.p50Ms.toFixed(1)} ms, p95 ${result.p95Ms.toFixed(1)} ms, ${result.meanBatch.toFixed(1)} ` +
            'per run',
        );
        return [name, result];
      }),
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const options = { blocks, seconds, threads: Number(o.threads) };
const written = { bench: 'runtime', machine: machine(), versions, options, results };
console.log(`\nwritten: ${save(o.name, written)}`);
