// npm run bench:points: trains GANs on Gaussians in the plane (8 modes on a ring and 25 on a grid) and measures them
// with PacGAN's protocol (Lin et al. 2018, section 4.1): for 2,500 generated points, the number of modes that have a
// point within 3 standard deviations, the share of points within 3 standard deviations of a mode, and the reverse KL
// divergence. Results are written after each run to bench/results/points.json and docs/points.md, and finished runs are
// skipped; an interrupted run resumes from its checkpoint in --runs.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { trainer } from './peers/forja.mjs';
import { add, kept, spread, write } from './lib/runs.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'runs/points' },
    steps: { type: 'string', default: '20000' },
    seeds: { type: 'string', default: '3' },
    recipe: { type: 'string', multiple: true },
    data: { type: 'string', multiple: true },
  },
});
const [steps, seeds] = [Number(values.steps), Number(values.seeds)];

/**
 * Standard deviations as in the paper (0.01 on a ring of radius 1, 0.05 on a grid of spacing 2), scaled to our radius
 * of 0.8 and spacing of 0.4.
 */
const DATA = {
  ring: { kind: 'synthetic', shape: 'ring', modes: 8, deviation: 0.008, count: 100_000, seed: 1 },
  grid: { kind: 'synthetic', shape: 'grid', modes: 25, deviation: 0.01, count: 100_000, seed: 1 },
};
const common = { system: 'mlp', batch: 100, latent: 2, base: 128, rates: { g: 1e-3, d: 1e-3 } };
const RECIPES = {
  GAN: {},
  'GAN, pack 2': { pack: 2 },
  'GAN, pack 4': { pack: 4 },
  'RpGAN + R1 + R2': {
    loss: 'rpgan',
    penalties: { r1: 0.1, r2: 0.1 },
    beta1: 0,
    schedule: 'cosine',
    schedules: { r1: 'cosine:0.1:0.001', r2: 'cosine:0.1:0.001' },
  },
};
/** Share of a Gaussian in the plane within 3 standard deviations: the `high_quality` score of a perfect sampler. */
const PERFECT = 1 - Math.exp(-9 / 2);

const results = kept('points');
const { train, resume } = await trainer();

for (let seed = 1; seed <= seeds; seed++)
  for (const [data, source] of Object.entries(DATA).filter(([name]) => values.data?.includes(name) ?? true))
    for (const [recipe, options] of Object.entries(RECIPES).filter(([name]) => values.recipe?.includes(name) ?? true)) {
      const same = (run) => run.data === data && run.recipe === recipe && run.seed === seed && run.steps === steps;
      if (results.runs.some(same)) continue;
      const out = resolve(values.runs, `${data} ${recipe} ${steps} ${seed}`.replace(/\W+/g, '-'));
      const config = {
        ...common,
        ...options,
        data: source,
        steps,
        seed,
        out,
        threads: 1,
        logEvery: 1000,
        sampleEvery: 0,
        checkpointEvery: 5000,
        metrics: ['modes'],
        metricsEvery: steps,
        metricsCount: 2500,
      };
      let scores;
      const host = {
        stepsPerRun: 'auto',
        onEvent: (event) => {
          if (event.type === 'measure') scores = event.scores;
        },
      };
      const started = process.cpuUsage();
      const going = existsSync(join(out, 'config.json'));
      await (going ? resume(out, { ...host, steps }) : train(config, host));
      if (scores === undefined) continue; // the run had already ended
      const { user, system } = process.cpuUsage(started);
      const { modes, high_quality: highQuality, reverse_kl: reverseKl } = scores;
      add(results, {
        data,
        recipe,
        steps,
        seed,
        modes,
        highQuality,
        reverseKl,
        ...(going ? {} : { cpuSeconds: Math.round((user + system) / 1e6) }),
      });
      report();
    }
report();

function rows() {
  const lines = [];
  for (const data of Object.keys(DATA))
    for (const recipe of Object.keys(RECIPES))
      for (const count of [...new Set(results.runs.map((run) => run.steps))].sort((a, b) => a - b)) {
        const runs = results.runs.filter((r) => r.data === data && r.recipe === recipe && r.steps === count);
        if (runs.length === 0) continue;
        const of = (...what) => spread(runs, ...what);
        lines.push(
          `| ${data} | ${recipe} | ${count.toLocaleString('en')} | ${runs.length} | ${of('modes', 1)} | ` +
            `${of('highQuality', 1, 100)} | ${of('reverseKl', 3)} |`,
        );
      }
  return [
    '| data | recipe | steps | seeds | modes | high quality, % | reverse KL |',
    '|---|---|---|---|---|---|---|',
    ...lines,
    `| ring, grid | a perfect sampler | | | 8, 25 | ${(100 * PERFECT).toFixed(2)} | 0 |`,
  ];
}

function report() {
  write(results, { recipes: RECIPES, common }, 'points.md', rows());
}
