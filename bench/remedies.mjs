// Provokes each training failure that Forja diagnoses, records what the log shows, and trains again with the advised
// flag: node bench/remedies.mjs [--only memorising] [--seeds 3]. Writes bench/results/remedies.json, and a picture of
// each failure's first seed to docs/assets/remedies; docs/remedies.md quotes and shows them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { latents } from '@forja/core';
import { runtime } from '@forja/node';
import { syntheticDataset } from '@forja/trainer';
import { COMMON, DATA, FAILURES, HEALTHY, play } from '../tests/failures/failures.mjs';
import { remedyPicture } from './lib/remedy-picture.mjs';
import { machine, save } from './lib/report.mjs';

const { values: o } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '3' },
    name: { type: 'string', default: 'remedies' },
    healthy: { type: 'boolean', default: false }, // also train the healthy runs
  },
});
const host = runtime({ device: 'cpu', threads: 1 });

/** Trains, and returns the means of the run's scalars over the first and last 100 steps. */
async function trainedRun({ data, config }, seed, options) {
  const { lines, ...run } = await play({ data, config: { ...config, seed } }, host, options);
  const means = (part) => {
    const sums = {};
    for (const { scalars } of part)
      for (const [name, value] of Object.entries(scalars)) (sums[name] ??= []).push(value);
    return Object.fromEntries(
      Object.entries(sums).map(([name, all]) => [name, all.reduce((a, b) => a + b, 0) / all.length]),
    );
  };
  return { ...run, lines, first: means(lines.slice(0, 100)), last: means(lines.slice(-100)) };
}

/** Examples in a picture. */
const COUNT = 256;

/** The first examples of the data, one after the other. */
async function realExamples(data) {
  const dataset = DATA[data]?.() ?? syntheticDataset({ shape: data });
  const [size] = dataset.fields.vector.shape;
  const vector = new Float32Array(COUNT * size);
  await dataset.read(
    Int32Array.from({ length: COUNT }, (_, i) => i),
    { vector },
  );
  return vector;
}

/** Generated examples, one after the other. */
async function madeExamples(model) {
  const session = await host.createSession(model);
  const [{ name, shape }] = session.inputs;
  const size = shape.at(-1);
  const z = { dtype: 'float32', shape: [COUNT, size], data: latents(1, 0, COUNT, size) };
  const [{ data }] = Object.values(await session.run({ [name]: z }));
  await session.dispose();
  return data;
}

/**
 * Scalars of a failure as two charts: shares, from 0 to 1, and the others, on a logarithmic axis, which excludes losses
 * below 0. The score that is to improve is one of them.
 */
function chartsOf({ figures, score, of }, runs) {
  const names = of === 'last' ? figures : [...figures, score];
  const isShare = (name) => name.startsWith('d_') || ['apart', 'memorised'].includes(name);
  const isPositive = (name) => runs.every(({ lines }) => lines.every(({ scalars }) => !(scalars[name] < 0)));
  return {
    shares: names.filter(isShare),
    sizes: names.filter((name) => !isShare(name) && isPositive(name)),
  };
}

/** Writes the picture of a failure and its cure. */
async function draw(name, { data, config, flag, score, of = 'scores', ...failure }, before, after) {
  const real = await realExamples(data);
  const sideOf = async (title, { model, lines, measures, ...run }, reported) => ({
    title,
    lines,
    measures,
    real,
    made: await madeExamples(model),
    score: `${SCORES[score] ?? score} ${Number(run[of][score].toPrecision(3))}`,
    reported,
  });
  const svg = await remedyPicture({
    title: `${name}: the failing run, and the same run with ${flag}`,
    sides: [
      await sideOf(`Failure: ${name.replaceAll('-', ' ')}`, before, before.diagnoses[0]?.step),
      await sideOf(`Cure: ${flag}`, after),
    ],
    charts: chartsOf({ ...failure, score, of }, [before, after]),
    kind: real.length === 2 * COUNT ? 'points' : 'pictures',
    steps: config.steps,
  });
  const folder = new URL('../docs/assets/remedies/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}.svg`, folder), svg);
}

/** Scores in words. */
const SCORES = { frechet: 'Fréchet distance', memorised: 'share memorised' };

const stats = (values) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, values.length - 1));
  return { mean, sd, values };
};
const shown = ({ mean, sd }) => `${Number(mean.toPrecision(3))} ± ${Number(sd.toPrecision(2))}`;

const results = {};
for (const [name, failure] of Object.entries(FAILURES)) {
  if (o.only !== undefined && !name.includes(o.only)) continue;
  const { data, config, cure, flag, score, of = 'scores', figures } = failure;
  const [before, after] = [[], []];
  for (let seed = 1; seed <= Number(o.seeds); seed++) {
    const options = { exported: seed === 1 };
    before.push(await trainedRun({ data, config }, seed, options));
    after.push(await trainedRun({ data, config: { ...config, ...cure } }, seed, options));
  }
  await draw(name, failure, before[0], after[0]);
  const scoreOf = (runs) => stats(runs.map((run) => run[of][score]));
  const [first] = before;
  const seen = before.map(({ diagnoses }) => diagnoses.map((one) => one.name));
  results[name] = {
    data,
    config: { ...COMMON, ...config },
    flag,
    cure,
    diagnoses: first.diagnoses,
    seen,
    seenAfterCure: after.map(({ diagnoses }) => diagnoses.map((one) => one.name)),
    figures: Object.fromEntries(
      figures.map((scalar) => [
        scalar,
        { first: first.first[scalar], last: first.last[scalar], cured: after[0].last[scalar] },
      ]),
    ),
    score,
    before: scoreOf(before),
    after: scoreOf(after),
  };
  const { before: b, after: a } = results[name];
  console.log(
    `${name}: ${score} ${shown(b)} → ${shown(a)} with ${flag}; diagnoses before: ${JSON.stringify(seen)}, after: ` +
      `${JSON.stringify(results[name].seenAfterCure)}`,
  );
  for (const { step, message, advice } of first.diagnoses) console.log(`  step ${step}: ${message}; ${advice}`);
}

const healthy = {};
if (o.healthy)
  for (const [name, run] of Object.entries(HEALTHY)) {
    if (o.only !== undefined && !name.includes(o.only)) continue;
    const { diagnoses, scores } = await trainedRun(run, 1);
    healthy[name] = { data: run.data, config: { ...COMMON, ...run.config }, diagnoses, scores };
    console.log(`healthy: ${name}: ${diagnoses.length} diagnoses, ${JSON.stringify(scores)}`);
  }
await host.dispose();
console.log(save(o.name, { machine: machine(), seeds: Number(o.seeds), results, ...(o.healthy ? { healthy } : {}) }));
