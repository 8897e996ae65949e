// npm run bench:models: exports published TensorFlow.js models: error against tfjs, export time, file sizes, and
// loading and running against tfjs (its WASM backend, and tfjs-node if FORJA_TFJS_NODE or this checkout has it).
// `--help` lists the flags.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { local } from './lib/compare.mjs';
import { alternate, startPeer } from './lib/peer.mjs';
import { machine, quantile, ratio, save, summarise, table } from './lib/report.mjs';

const PARTS = ['export', 'outputs', 'load', 'run', 'patches'];
const { values: o } = parseArgs({
  options: {
    blocks: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    part: { type: 'string', default: PARTS.join() },
    name: { type: 'string', default: 'models' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(`npm run bench:models -- [--blocks 5] [--seconds 1] [--rounds 5] [--threads 2]
  [--only text] [--part ${PARTS.join()}] [--name file]
--rounds: fresh processes for each load and export time. --only: models whose name contains the text.
@upscalerjs/esrgan-thick is fetched by npm, once.
FORJA_TFJS_NODE: the folder of a project with a working @tensorflow/tfjs-node.
FORJA_TORCH_PYTHON (with torch and onnx): distances from float64 too.
The result is bench/results/<name>.json; results of other models and parts in it are kept.`);
  process.exit(0);
}
const [blocks, seconds, rounds] = [o.blocks, o.seconds, o.rounds].map(Number);
const wanted = (part) => o.part.split(',').includes(part);

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'forja-models-'));
const bundle = join(root, `tests/node_modules/.cache/forja-published-${process.pid}.mjs`);
const env = {
  TF_ENABLE_ONEDNN_OPTS: '1',
  TF_NUM_INTRAOP_THREADS: o.threads,
  OMP_NUM_THREADS: o.threads,
  TF_CPP_MIN_LOG_LEVEL: '3',
};
let versions = {};

/** Starts a process for `what`, and waits until it is warm or done. */
async function peer(spec, what, side, caseName = '') {
  const started = await startPeer({
    name: side,
    command: process.execPath,
    args: [local('peers/model.mjs'), spec.file, what, side, caseName, o.threads],
    env,
  });
  versions = { ...versions, ...started.versions };
  return started;
}
async function once(...args) {
  const { about, stop } = await peer(...args);
  await stop();
  return about;
}
const spread = (values) => ({ median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) });
const spreads = (list, of) =>
  Object.fromEntries(Object.keys(of(list[0])).map((key) => [key, spread(list.map((one) => of(one)[key]))]));

/** Runs `count` rounds of new processes, one per side, in turn. */
async function freshRounds(spec, what, sides, count) {
  const got = new Map(sides.map((side) => [side, []]));
  for (let round = 0; round < count; round++)
    for (let i = 0; i < sides.length; i++) {
      const side = sides[(i + round) % sides.length];
      got.get(side).push(await once(spec, what, side));
    }
  return got;
}

/**
 * The largest difference, absolute and relative to the reference's 99.9th percentile, almost as in verification
 * (without its rule for outliers).
 */
function distance(ours, theirs) {
  const read = (file) => {
    const bytes = readFileSync(file);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  };
  let [absolute, relative] = [0, 0];
  for (const [i, file] of ours.entries()) {
    const [a, b] = [read(file), read(theirs[i])];
    if (a.length !== b.length) throw new Error(`expected ${b.length} numbers, got ${a.length}`);
    let most = 0;
    for (let k = 0; k < a.length; k++) most = Math.max(most, Number.isFinite(a[k]) ? Math.abs(a[k] - b[k]) : Infinity);
    const sizes = Float32Array.from(b, Math.abs).sort();
    absolute = Math.max(absolute, most);
    relative = Math.max(relative, most / Math.max(1e-2, sizes[Math.ceil(0.999 * sizes.length) - 1]));
  }
  return { absolute, relative };
}

async function outputs(spec, sides) {
  const result = {};
  for (const { name } of spec.cases) {
    const files = {};
    for (const side of ['onnxruntime', 'forja', ...sides])
      files[side] = (await once(spec, 'outputs', side, name)).files;
    if (process.env.FORJA_TORCH_PYTHON && spec.exact && spec.cases.length > 1) {
      files.float64 = [`${spec.file}.float64.${name}`];
      execFileSync(process.env.FORJA_TORCH_PYTHON, [
        local('torch/float64.py'),
        spec.onnx,
        spec.cases.find((c) => c.name === name).file,
        files.float64[0],
      ]);
    }
    const against = (side) =>
      Object.fromEntries(
        Object.keys(files)
          .filter((other) => !['onnxruntime', 'forja', side].includes(other))
          .map((other) => [other, distance(files[side], files[other])]),
      );
    result[name] = Object.fromEntries(
      ['onnxruntime', 'forja', ...(files.float64 ? sides : [])].map((side) => [side, against(side)]),
    );
    console.log(
      `  ${name}: ${Object.entries(result[name])
        .flatMap(([side, all]) =>
          Object.entries(all).map(([other, d]) => `${side} - ${other} ${d.absolute.toExponential(2)}`),
        )
        .join(', ')}`,
    );
    for (const file of Object.values(files).flat()) rmSync(file, { force: true });
  }
  return result;
}

async function race(spec, title, what, sides, caseName) {
  const peers = [];
  try {
    for (const side of sides) peers.push(await peer(spec, what, side, caseName));
    const got = await alternate(peers, blocks, seconds);
    const summaries = Object.fromEntries([...got].map(([name, list]) => [name, summarise(list)]));
    const ratios = Object.fromEntries(
      [...got].filter(([name]) => name !== 'forja').map(([name, list]) => [name, ratio(got.get('forja'), list)]),
    );
    const plain = Object.fromEntries(
      [...got]
        .filter(([name]) => !['forja', 'onnxruntime'].includes(name))
        .map(([name, list]) => [name, ratio(got.get('onnxruntime'), list)]),
    );
    table(title, summaries, ratios);
    return { peers: summaries, forjaIsFasterBy: ratios, onnxruntimeIsFasterBy: plain };
  } finally {
    await Promise.all(peers.map((one) => one.stop()));
  }
}

/** The tfjs backends that work here. */
async function tfjsSides(spec) {
  try {
    await once(spec, 'load', 'tfjs-node');
    return ['wasm', 'tfjs-node'];
  } catch (error) {
    console.log(
      'skipped: tfjs-node: ' +
        `${error.message.split('\n').find((line) => /Error|expected/.test(line)) ?? error.message.split('\n')[0]}`,
    );
    return ['wasm'];
  }
}

const kept = join(root, `bench/results/${o.name}.json`);
const results = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')).results : [];
if (results.length > 0) ({ versions } = JSON.parse(readFileSync(kept, 'utf8')));
/** Adds the conditions of a part's measurement to its result. */
const note = (result, part, value) => {
  const { commit, date, load } = machine();
  result[part] = value;
  result.measured = { ...result.measured, [part]: { commit, date, load, rounds, blocks, seconds } };
};
const write = () =>
  save(o.name, {
    bench: 'models',
    machine: machine(),
    versions,
    options: { threads: Number(o.threads), spinning: false },
    results,
  });
try {
  await build({
    entryPoints: [local('lib/published.mjs')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    nodePaths: [join(root, 'tests/node_modules')],
  });
  const { published } = await import(pathToFileURL(bundle).href);
  let sides;
  for (const { name, timed, open } of await published(join(root, 'node_modules/.cache/forja/models'), o.only)) {
    const opened = await open();
    const id = name.replace(/[^\w]+/g, '_');
    const cases = opened.cases.map(({ name: title, shape, data }) => {
      const file = join(folder, `${id}.${title}.f32`);
      writeFileSync(file, new Uint8Array(data.buffer));
      return { name: title, shape, file };
    });
    const spec = {
      file: join(folder, `${id}.json`),
      onnx: join(folder, `${id}.onnx`),
      path: opened.path,
      setup: opened.setup,
      cases,
      exact: name.startsWith('esrgan'),
    };
    writeFileSync(spec.file, JSON.stringify(spec));
    console.log(`\n== ${name}`);
    let result = results.find(({ model }) => model === name);
    if (result === undefined) results.push((result = { model: name }));
    result.weightBytes = opened.weightBytes;

    const exports = await freshRounds(
      spec,
      'export',
      wanted('export') ? ['unverified', 'verified'] : ['unverified'],
      timed && wanted('export') ? rounds : 1,
    );
    const [first] = exports.get('verified') ?? exports.get('unverified');
    if (wanted('export'))
      note(result, 'export', {
        ...first,
        ms: undefined,
        peakMiB: undefined,
        times: Object.fromEntries(
          [...exports].map(([key, list]) => [
            key,
            { ms: spreads(list, (one) => one.ms), peakMiB: Math.max(...list.map((one) => one.peakMiB)) },
          ]),
        ),
      });
    console.log(
      `  ${first.bytes} bytes (tfjs weights ${opened.weightBytes}), ${first.nodes} nodes; export ${[...exports]
        .map(
          ([key, list]) =>
            `${key} ${quantile(
              list.map((one) => one.ms.export),
              0.5,
            ).toFixed(0)} ms`,
        )
        .join(', ')}; verified to ${first.relative.toExponential(1)} in ${first.comparisons} comparisons`,
    );

    sides ??= await tfjsSides(spec);
    if (wanted('outputs')) note(result, 'outputs', await outputs(spec, sides));
    if (wanted('load') && timed) {
      const loads = await freshRounds(spec, 'load', ['forja', 'onnxruntime', ...sides], rounds);
      const total = ({ ms }) => ms.import + ms.load;
      note(
        result,
        'load',
        Object.fromEntries(
          [...loads].map(([side, list]) => [
            side,
            {
              ...spreads(list, ({ ms, cpuMs }) => ({ ...ms, total: ms.import + ms.load, cpu: cpuMs })),
              ...(side === 'forja'
                ? {}
                : { timesOfForja: spread(list.map((one, i) => total(one) / total(loads.get('forja')[i]))) }),
              ...(sides.includes(side)
                ? { timesOfOnnxruntime: spread(list.map((one, i) => total(one) / total(loads.get('onnxruntime')[i]))) }
                : {}),
            },
          ]),
        ),
      );
      for (const [
        side,
        { import: imported, load, first: run, timesOfForja: t, timesOfOnnxruntime: u },
      ] of Object.entries(result.load))
        console.log(
          `  load, ${side}: import ${imported.median.toFixed(0)} + load ${load.median.toFixed(0)} ms, first ` +
            `result ${run.median.toFixed(0)} ms` +
            (t ? `; ${t.median.toFixed(1)}× forja (${t.min.toFixed(1)}-${t.max.toFixed(1)})` : '') +
            (u ? `, ${u.median.toFixed(1)}× onnxruntime (${u.min.toFixed(1)}-${u.max.toFixed(1)})` : ''),
        );
    }
    if (wanted('run') && timed) {
      const runs = {};
      for (const { name: title } of cases.filter((one) => timed === 'all' || one.name === timed))
        runs[title] = await race(spec, `${name}, ${title}`, 'run', ['forja', 'onnxruntime', ...sides], title);
      note(result, 'run', runs);
    }
    if (wanted('patches') && timed === 'all')
      note(
        result,
        'patches',
        await race(
          spec,
          `${name}, 16 patches of 64 px, one after the other`,
          'patches',
          ['forja', 'onnxruntime', ...sides],
          '64 px',
        ),
      );
    await opened.remove();
    write();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(bundle, { force: true });
}
console.log(`\nwritten: ${write()}`);
