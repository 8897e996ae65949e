// npm run bench:peers: time to make pictures from the same generator files (DCGAN-28, -32, -64 at batch 1, 16 and 64)
// with `load` and its defaults, and with other runtimes, in Node, Python and Chromium. First checks each peer's
// pictures against onnxruntime's. A peer that is not installed is skipped, with the reason. Writes the tables in
// docs/performance.md. `--help` lists the flags.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { bundlePeers } from './lib/bundles.mjs';
import { local } from './lib/compare.mjs';
import { buildPage, openBrowser, pagePeer, serveSite } from './lib/page.mjs';
import { alternate, startPeer } from './lib/peer.mjs';
import { writePeerTables } from './lib/peer-tables.mjs';
import { latents, LATENT } from './lib/pictures.mjs';
import { machine, ratio, save, summarise, table } from './lib/report.mjs';
import { trainer, versions as ownVersions } from './peers/forja.mjs';

const { values: o } = parseArgs({
  options: {
    blocks: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.3' },
    threads: { type: 'string', default: '2' },
    batches: { type: 'string', default: '1,16,64' },
    sizes: { type: 'string', default: '28,32,64' },
    only: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    from: { type: 'string' },
    name: { type: 'string', default: 'peers' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(`FORJA_PEERS_PYTHON=<python> FORJA_TORCH_PYTHON=<python> npm run bench:peers -- [--from folder]
  [--blocks 5] [--seconds 0.3] [--threads 2] [--batches 1,16,64] [--sizes 28,32,64] [--only node|chromium]
  [--peers text] [--name file]
FORJA_PEERS_PYTHON: a Python with openvino, ai-edge-litert, jax and onnx. FORJA_TORCH_PYTHON: one with torch and onnx.
--from: a folder outside the repository where @litertjs/core and @jax-js/jax are installed.
--peers: only forja and peers whose name contains the text, ignoring case.
The result is bench/results/<name>.json; with the default name, the tables of docs/performance.md too.
Both are written after each case; with --only, the other half of the results is kept.`);
  process.exit(0);
}
const numbers = (text) => text.split(',').map(Number);
const [blocks, seconds, threads] = [Number(o.blocks), Number(o.seconds), Number(o.threads)];
const python = process.env.FORJA_PEERS_PYTHON;
const torch = process.env.FORJA_TORCH_PYTHON;
const MAX_DISTANCE = 1e-4;

const site = mkdtempSync(join(tmpdir(), 'forja-bench-peers-'));
// versions and skipped peers of the half (Node or Chromium) that is being measured
let [versions, skipped] = [{}, {}];
const last = new URL(`results/${o.name}.json`, import.meta.url);
// with --only, the other half is kept
const results = o.only !== '' && existsSync(last) ? JSON.parse(readFileSync(last, 'utf8')).results : {};
for (const where of ['node', 'chromium']) if (o.only === '' || o.only === where) delete results[where];

/** Writes the results so far, so that a stopped run keeps them. */
function write(where, title, measured) {
  const half = (results[where] ??= { options: { blocks, seconds, threads }, cases: {} });
  half.cases[title] = measured;
  Object.assign(half, { machine: machine(), versions, skipped });
  const made = { bench: 'peers', results };
  if (o.name === 'peers') writePeerTables(made);
  return save(o.name, made);
}

/** Writes a generator's file, and onnxruntime's pictures for each batch size. */
async function prepare(size) {
  const { dcgan, exportOnnx } = await trainer();
  const channels = size === 28 ? 1 : 3;
  const system = dcgan({ size, channels, base: 64, latent: LATENT, batch: 16 });
  const { model } = await exportOnnx(system.networks.g, { layout: { outputs: 'nchw' }, verify: false });
  system.dispose();
  const file = join(site, `dcgan-${size}.onnx`);
  writeFileSync(file, model);
  const session = await ort.InferenceSession.create(file);
  for (const batch of numbers(o.batches)) {
    const z = new ort.Tensor('float32', latents(batch), [batch, LATENT]);
    const { data } = (await session.run({ [session.inputNames[0]]: z }))[session.outputNames[0]];
    writeFileSync(expectedOf(size, batch), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await session.release();
  return { size, channels, file };
}
const expectedOf = (size, batch) => join(site, `dcgan-${size}-${batch}.bin`);
const tfliteOf = (size, batch) => join(site, `dcgan-${size}-${batch}.tflite`);

/** Peers in separate processes: name → arguments of {@link openProcess}. */
function processes({ file, size }, batch) {
  const expected = expectedOf(size, batch);
  const inNode = (way, count = threads) => ({
    command: process.execPath,
    args: [local('peers/generator.mjs'), way, file, expected, String(batch), String(count)],
  });
  const inPython = (script, packages, count = threads) => ({
    python,
    variable: 'FORJA_PEERS_PYTHON',
    packages: `onnx ${packages}`,
    command: python,
    args: [local(`python/${script}.py`), file, expected, '--batch', String(batch), '--threads', String(count)],
    env: { OMP_WAIT_POLICY: 'PASSIVE' },
  });
  return {
    forja: inNode('run'),
    'forja, sample()': inNode('sample'),
    'onnxruntime, spinning': inNode('onnxruntime-spinning'),
    onnxruntime: inNode('onnxruntime'),
    'onnxruntime, 1 thread': inNode('onnxruntime', 1),
    OpenVINO: inPython('openvino_peer', 'openvino'),
    'OpenVINO, 1 thread': inPython('openvino_peer', 'openvino', 1),
    TFLite: inPython('tflite_peer', 'ai-edge-litert'),
    'TFLite, 1 thread': inPython('tflite_peer', 'ai-edge-litert', 1),
    JAX: inPython('jax_peer', 'jax'),
    PyTorch: {
      python: torch,
      variable: 'FORJA_TORCH_PYTHON',
      packages: 'onnx torch',
      command: torch,
      args: [local('torch/onnx_peer.py'), file, String(threads), String(batch)],
      env: { OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'PASSIVE' },
    },
  };
}

/** Peers as pages: name → the page's query. */
function pages({ channels, size }, batch) {
  const given = { model: `/dcgan-${size}.onnx`, expected: `/dcgan-${size}-${batch}.bin`, batch, warmup: 2, least: 1 };
  const litert = { way: 'peer', peer: 'litert', tflite: `/dcgan-${size}-${batch}.tflite`, ...given };
  return {
    forja: { way: 'run', ...given },
    'forja, lowering portable': { way: 'run', ...given, lowering: 'portable' },
    'onnxruntime-web': { way: 'raw', ...given, threads },
    'onnxruntime-web, 1 thread': { way: 'raw', ...given, threads: 1 },
    'LiteRT.js': { ...litert, threads },
    'LiteRT.js, 1 thread': { ...litert, threads: 1 },
    'jax-js': { way: 'peer', peer: 'jax', ...given, threads },
    'tfjs-wasm': { way: 'tfjs', ...given, size, channels, base: 64, threads },
  };
}

/** The peers that --peers selects, always including forja. */
const wanted = (peers) =>
  Object.entries(peers).filter(([name]) => name === 'forja' || name.toLowerCase().includes(o.peers.toLowerCase()));

/** Prints, once per peer, that it is skipped, why, and how to install it. */
function skip(name, reason, install) {
  if (name in skipped) return;
  skipped[name] = { reason, ...(install ? { install } : {}) };
  console.log(`skipped: ${name}: ${reason}${install ? `; ${install}` : ''}`);
}

/** Starts a peer in a process; if it cannot run, prints the reason and returns undefined. */
async function openProcess(name, { python: named, variable, packages, ...start }) {
  if (name in skipped) return undefined;
  const install =
    packages &&
    `python3 -m venv <folder> && <folder>/bin/pip install ${packages}, then ${variable}=<folder>/bin/python`;
  if (variable && !named) return void skip(name, `${variable} is not set`, install);
  try {
    return await startPeer({ name, ...start });
  } catch (error) {
    if (!variable) throw error;
    const lines = error.message.trim().split('\n');
    return void skip(name, lines.at(-1), /ModuleNotFoundError|ENOENT/.test(error.message) ? install : undefined);
  }
}

/** Opens a peer in a page; if its bundle is missing or fails, prints the reason and returns undefined. */
async function openPage(browser, origin, name, query, { reason, install } = {}) {
  if (name in skipped) return undefined;
  if (reason !== undefined) return void skip(name, reason, install);
  try {
    return await pagePeer(browser, origin, name, query);
  } catch (error) {
    if (query.peer === undefined) throw error;
    return void skip(name, error.message.split('\n')[0]);
  }
}

/** Checks the pictures of a case's peers, measures the peers, and prints the table. */
async function measure(where, title, opened) {
  const peers = [];
  try {
    for await (const peer of opened) if (peer !== undefined) peers.push(peer);
    for (const { name, versions: own, about } of peers) {
      Object.assign(versions, own);
      if (about?.distance !== undefined && !(about.distance <= MAX_DISTANCE))
        throw new Error(
          `bench: pictures of ${name}: expected at most ${MAX_DISTANCE} from onnxruntime's, got ${about.distance}`,
        );
    }
    const got = await alternate(peers, blocks, seconds);
    const pageLike = where === 'chromium';
    const rows = Object.fromEntries(
      [...got].map(([name, list]) => {
        // a page can measure neither the CPU time of its threads nor its memory
        const { cpuMs, peakMiB, ...summary } = summarise(list);
        const { distance } = peers.find((peer) => peer.name === name).about ?? {};
        return [name, { ...summary, ...(pageLike ? {} : { cpuMs, peakMiB }), distance }];
      }),
    );
    const ratios = Object.fromEntries(
      [...got].filter(([name]) => name !== 'forja').map(([name, list]) => [name, ratio(got.get('forja'), list)]),
    );
    print(title, rows, ratios, pageLike);
    for (const ratio of Object.values(ratios)) if (pageLike) delete ratio.cpu;
    written = write(where, title, { peers: rows, forjaIsFasterBy: ratios });
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}

function print(title, rows, ratios, pageLike) {
  if (!pageLike) return table(`${title}, Node and Python`, rows, ratios);
  console.log(`\n${title}, Chromium`);
  for (const [name, { wallMs }] of Object.entries(rows)) {
    const faster = ratios[name] ? `   forja is faster by ${ratios[name].wall.median.toFixed(2)}` : '';
    console.log(`${name.padEnd(26)} ${wallMs.median.toFixed(2).padStart(9)} ms${faster}`);
  }
}

async function inNode(generators) {
  [versions, skipped] = [await ownVersions(), {}];
  for (const generator of generators)
    for (const batch of numbers(o.batches)) {
      const opened = async function* () {
        for (const [name, start] of wanted(processes(generator, batch))) yield await openProcess(name, start);
      };
      await measure('node', `DCGAN-${generator.size}, batch ${batch}`, opened());
    }
}

/** LiteRT.js's files come from the Python that has ai-edge-litert. */
function tflite(generators) {
  for (const { file, size } of generators)
    for (const batch of numbers(o.batches))
      execFileSync(python, [local('python/write_tflite.py'), file, String(batch), tfliteOf(size, batch)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
}

async function inChromium(generators) {
  [versions, skipped] = [await ownVersions(), {}];
  await buildPage(site);
  const bundles = await bundlePeers(site, o.from && resolve(o.from));
  for (const { id, version } of Object.values(bundles)) if (version) versions[id] = version;
  if (bundles.litert.version)
    try {
      if (!python) throw new Error('FORJA_PEERS_PYTHON is not set; that Python writes the .tflite files');
      tflite(generators);
    } catch (error) {
      bundles.litert = {
        reason: String(error.stderr ?? error.message)
          .trim()
          .split('\n')
          .at(-1),
      };
    }
  const server = await serveSite(site);
  const { browser, version } = await openBrowser();
  versions.browser = version;
  try {
    for (const generator of generators)
      for (const batch of numbers(o.batches)) {
        const opened = async function* () {
          for (const [name, query] of wanted(pages(generator, batch)))
            yield await openPage(browser, server.origin, name, query, bundles[query.peer]);
        };
        await measure('chromium', `DCGAN-${generator.size}, batch ${batch}`, opened());
      }
  } finally {
    await browser.close();
    await server.close();
  }
}

let written;
try {
  const generators = [];
  for (const size of numbers(o.sizes)) generators.push(await prepare(size));
  if (o.only !== 'chromium') await inNode(generators);
  if (o.only !== 'node') await inChromium(generators);
} finally {
  rmSync(site, { recursive: true, force: true });
}
console.log(`\nwritten: ${written}`);
