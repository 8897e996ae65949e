// npm run bench:load: compares a generator that `load` made with default options against plain onnxruntime, on the same
// file: time of a call (split into the run, the round trip to the worker, latents and bytes), time to the first
// picture, and memory. `--help` lists the flags.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { local } from './lib/compare.mjs';
import { alternate, startPeer } from './lib/peer.mjs';
import { machine, quantile, ratio, save, summarise, table } from './lib/report.mjs';
import { trainer } from './peers/forja.mjs';

const { values: o } = parseArgs({
  options: {
    blocks: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '0.3' },
    threads: { type: 'string', default: '1,2' },
    batches: { type: 'string', default: '1,8,16,64' },
    sizes: { type: 'string', default: '28,32,64' },
    cold: { type: 'string', default: '9' },
    name: { type: 'string', default: 'load' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(
    `npm run bench:load -- [--blocks 15] [--seconds 0.3] [--threads 1,2] [--batches 1,8,16,64] [--sizes 28,32,64]
  [--cold 9] [--name file]
--cold: number of new processes in which the time to the first picture is measured; 0 for none.
The result is bench/results/<name>.json.`,
  );
  process.exit(0);
}
const numbers = (text) => text.split(',').map(Number);
const median = (values) => quantile(values, 0.5);
const [blocks, seconds] = [Number(o.blocks), Number(o.seconds)];

const folder = mkdtempSync(join(tmpdir(), 'forja-bench-'));
const { dcgan, exportOnnx } = await trainer();
const results = { calls: {}, cold: {} };
let versions = {};

const peer = (file, threads, name, ...args) =>
  startPeer({
    name,
    command: process.execPath,
    args: [local('peers/runtime.mjs'), file, String(threads), ...args.map(String)],
  });

/** Extra wall and CPU time of `name` compared with `than`: per round, then the median over rounds. */
function added(got, name, than) {
  const over = (f) => median(got.get(name).map((block, i) => f(block) - f(got.get(than)[i])));
  return { wallMs: over((block) => median(block.wall_ms)), cpuMs: over((block) => block.cpu_ms) };
}

async function calls(file, title, threads, batch) {
  const peers = [];
  try {
    for (const [name, ...args] of [
      ['onnxruntime', 'raw-default', batch],
      ['run', 'session', batch, 'inline'],
      ['run in the worker', 'session', batch, 'worker'],
      ['sample, latents given', 'sample', batch, 'latents'],
      ['sample', 'sample', batch],
    ])
      peers.push(await peer(file, threads, name, ...args));
    ({ versions } = peers[0]);
    const got = await alternate(peers, blocks, seconds);
    const summaries = Object.fromEntries([...got].map(([name, list]) => [name, summarise(list)]));
    // speed relative to onnxruntime
    const speed = Object.fromEntries(
      [...got]
        .filter(([name]) => name !== 'onnxruntime')
        .map(([name, list]) => [name, ratio(list, got.get('onnxruntime'))]),
    );
    const names = [...got.keys()];
    const parts = Object.fromEntries(names.slice(1).map((name, i) => [name, added(got, name, names[i])]));
    const whole = added(got, 'sample', 'onnxruntime');
    table(
      `${title}, batch ${batch}, ${threads} thread${threads === 1 ? '' : 's'}; ` +
        "last column: onnxruntime's time divided by that row's time",
      summaries,
      speed,
    );
    const text = ({ wallMs, cpuMs }) => `${wallMs.toFixed(3)} (CPU ${cpuMs.toFixed(3)})`;
    console.log(
      `  ms added by each row to the previous one: ${Object.entries(parts)
        .map(([name, more]) => `${name} ${text(more)}`)
        .join(', ')}; by sample to onnxruntime: ${text(whole)}`,
    );
    results.calls[`${title}, batch ${batch}, threads ${threads}`] = { peers: summaries, speed, parts, whole };
  } finally {
    await Promise.all(peers.map((one) => one.stop()));
  }
}

async function cold(file, title) {
  const ways = ['raw', 'forja', 'deterministic'];
  const all = new Map(ways.map((way) => [way, []]));
  // A new process each time, because only its first picture is cold.
  for (let i = 0; i < Number(o.cold); i++)
    for (const way of ways) {
      const one = await peer(file, 2, way, 'cold', way);
      all.get(way).push(await one.block(0));
      await one.stop();
    }
  results.cold[title] = Object.fromEntries(
    [...all].map(([way, list]) => [
      way,
      Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((one) => one[key]))])),
    ]),
  );
  for (const [way, phases] of Object.entries(results.cold[title]))
    console.log(
      `${title}, first picture, ${way}: ${Object.entries(phases)
        .map(([key, value]) => `${key} ${value.toFixed(1)}`)
        .join(', ')} (ms and MiB, medians of ${o.cold} processes)`,
    );
}

try {
  for (const size of numbers(o.sizes)) {
    const channels = size === 28 ? 1 : 3;
    const { g } = dcgan({ size, channels, base: 64, latent: 100, batch: 16 }).networks;
    const { model } = await exportOnnx(g, { layout: { outputs: 'nchw' }, verify: false });
    const file = join(folder, `dcgan-${size}.onnx`);
    writeFileSync(file, model);
    const title = `DCGAN-${size}`;
    for (const threads of numbers(o.threads))
      for (const batch of numbers(o.batches)) await calls(file, title, threads, batch);
    if (Number(o.cold) > 0) await cold(file, title);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `\nwritten: ${save(o.name, { bench: 'load', machine: machine(), versions, options: { blocks, seconds }, results })}`,
);
