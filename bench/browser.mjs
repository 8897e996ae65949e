// npm run bench:browser: the cost of @forja/web for a page. Measures the longest time that the main thread is blocked
// while a model is loaded and sampled, in the worker and inline. Compares sample() with onnxruntime-web and with
// TensorFlow.js on WASM with the same weights, the default convolutions with those of the file, and both lowerings of a
// training step, on 1 and 2 threads. `--help` lists the flags.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeModel, fastConvolutions } from '@forja/core/onnx';
import { alternate } from './lib/peer.mjs';
import { buildPage, openBrowser, pagePeer, serveSite } from './lib/page.mjs';
import { machine, quantile, save } from './lib/report.mjs';
import { trainer, versions } from './peers/forja.mjs';

const { values: o } = parseArgs({
  options: {
    blocks: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    name: { type: 'string', default: 'browser' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(
    'npm run bench:browser -- [--blocks 5] [--seconds 2] [--only gap|sample|convolutions|step] ' +
      '[--name file]\nCHROMIUM_PATH names the browser. The result is bench/results/<name>.json; with --only, one ' +
      'part of it.',
  );
  process.exit(0);
}
const [blocks, seconds] = [Number(o.blocks), Number(o.seconds)];
const wanted = (part) => o.only === '' || o.only === part;
const median = (values) => quantile(values, 0.5);
const spread = (values) => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

const NETWORKS = {
  'DCGAN-28, base 64': { size: 28, channels: 1, base: 64 },
  'DCGAN-64, base 64': { size: 64, channels: 3, base: 64 },
};
const STEPS = {
  'DCGAN-28, base 24, batch 32': { network: 'dcgan', size: 28, channels: 1, base: 24, batch: 32 },
  'MLP GAN of 2-d points, batch 256': { network: 'mlp', batch: 256 },
};

const site = mkdtempSync(join(tmpdir(), 'forja-bench-page-'));
const { dcgan, exportOnnx } = await trainer();
const files = {};
for (const [name, config] of Object.entries(NETWORKS)) {
  const system = dcgan({ ...config, latent: 100, batch: 16 });
  const { model } = await exportOnnx(system.networks.g, { layout: { outputs: 'nchw' }, verify: false });
  system.dispose();
  const id = `dcgan-${config.size}`;
  writeFileSync(join(site, `${id}.onnx`), model);
  const { convolutions } = fastConvolutions(decodeModel(model));
  files[name] = { id, bytes: model.length, convolutions };
  console.log(
    `${name}: ${(model.length / 1e6).toFixed(1)} MB; rewritten: ${Object.values(convolutions).join(', ') || 'none'}`,
  );
}
await buildPage(site);
const server = await serveSite(site);
const { browser, version } = await openBrowser();

/** Runs blocks of pages in turn; `list` has [name, query]. */
async function rounds(list, options) {
  const peers = [];
  try {
    for (const [name, query] of list) peers.push(await pagePeer(browser, server.origin, name, query, options));
    return await alternate(peers, blocks, seconds);
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}

/**
 * Milliseconds of each peer, and the speed-up of the first peer over each of the others, which is computed in each
 * round and then summarised over rounds.
 */
function compared(title, got) {
  const [[first, ours]] = got;
  const each = (block) => median(block.wall_ms);
  const result = {};
  for (const [name, list] of got) {
    const ratios = list.map((block, i) => each(block) / each(ours[i]));
    result[name] = {
      runs: list.reduce((sum, block) => sum + block.wall_ms.length, 0),
      wallMs: spread(list.map(each)),
      ...(name === first ? {} : { timesOf: first, ratio: spread(ratios) }),
    };
  }
  console.log(`\n${title}`);
  for (const [name, { wallMs, ratio }] of Object.entries(result))
    console.log(
      `  ${name.padEnd(18)} ${wallMs.median.toFixed(2).padStart(9)} ms ` +
        `(${wallMs.min.toFixed(2)}-${wallMs.max.toFixed(2)})` +
        (ratio
          ? `   ${ratio.median.toFixed(2)}× as long as ${first} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})`
          : ''),
    );
  return result;
}

// With --only, results of the other parts are kept.
const last = new URL(`results/${o.name}.json`, import.meta.url);
const results = {
  gap: {},
  sample: {},
  convolutions: {},
  step: {},
  ...(o.only !== '' && existsSync(last) ? JSON.parse(readFileSync(last, 'utf8')).results : {}),
  files,
};
const big = 'DCGAN-64, base 64';
try {
  for (const [name, list] of wanted('gap')
    ? await rounds(
        ['worker', 'inline'].map((executor) => [
          executor,
          { way: 'gap', executor, model: `/${files[big].id}.onnx`, batch: 16, threads: 1 },
        ]),
        { fresh: true, traced: true },
      )
    : []) {
    const of = (key) => spread(list.map((block) => block[key]));
    results.gap[name] = {
      loads: list.length,
      runs: list.reduce((sum, block) => sum + block.runs, 0),
      longestGapMs: of('gap'),
      longestGapWhileLoadingMs: of('loadGap'),
      longestTaskCpuMs: of('taskCpu'),
      p99Ms: of('p99'),
      loadMs: of('loadMs'),
    };
    const { longestGapMs, longestGapWhileLoadingMs, longestTaskCpuMs, p99Ms, loadMs } = results.gap[name];
    console.log(
      `longest gap of the page, ${name}: ${longestGapMs.median.toFixed(1)} ms (worst ` +
        `${longestGapMs.max.toFixed(1)}); while loading ${longestGapWhileLoadingMs.median.toFixed(1)} ms; longest ` +
        `task ${longestTaskCpuMs.median.toFixed(1)} ms of processor time (worst ` +
        `${longestTaskCpuMs.max.toFixed(1)}); p99 ${p99Ms.median.toFixed(1)} ms; load ${loadMs.median.toFixed(0)} ` +
        'ms',
    );
  }

  for (const threads of wanted('sample') ? [1, 2] : [])
    for (const batch of [1, 16]) {
      const config = { ...NETWORKS[big], model: `/${files[big].id}.onnx`, batch, threads };
      const got = await rounds([
        ['sample()', { way: 'sample', ...config }],
        ['run()', { way: 'run', ...config }],
        ['onnxruntime-web', { way: 'raw', ...config }],
        ['tfjs wasm', { way: 'tfjs', ...config }],
      ]);
      const title = `${big}, batch ${batch}, ${threads} thread${threads > 1 ? 's' : ''}`;
      results.sample[title] = compared(title, got);
    }

  for (const threads of wanted('convolutions') ? [1, 2] : [])
    for (const [name, { id }] of Object.entries(files))
      for (const batch of [1, 16, 64]) {
        const got = await rounds([
          ['plain', { way: 'run', model: `/${id}.onnx`, batch, threads, lowering: 'portable' }],
          ['default', { way: 'run', model: `/${id}.onnx`, batch, threads }],
        ]);
        const title = `${name}, batch ${batch}, ${threads} thread${threads > 1 ? 's' : ''}`;
        results.convolutions[title] = compared(title, got);
      }

  for (const threads of wanted('step') ? [1, 2] : [])
    for (const [name, config] of Object.entries(STEPS)) {
      const got = await rounds(
        ['portable', 'fast'].map((lowering) => [lowering, { way: 'step', ...config, lowering, threads }]),
      );
      const title = `step of ${name}, ${threads} thread${threads > 1 ? 's' : ''}`;
      results.step[title] = compared(title, got);
    }
} finally {
  await browser.close();
  await server.close();
  rmSync(site, { recursive: true, force: true });
}
const used = { ...(await versions()), browser: version };
const written = { bench: 'browser', machine: machine(), versions: used, options: { blocks, seconds }, results };
console.log(`\nwritten: ${save(o.name, written)}`);
