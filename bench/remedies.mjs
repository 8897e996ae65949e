// Provokes each training failure that Forja diagnoses, records what the log shows, and trains again with the advised
// flag: node bench/remedies.mjs [--only memorising] [--seeds 3]. Writes bench/results/remedies.json; docs/remedies.md
// quotes it.
import { parseArgs } from 'node:util';
import { runtime } from '@forja/node';
import { COMMON, FAILURES, HEALTHY, play } from '../tests/failures/failures.mjs';
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
async function trainedRun({ data, config }, seed) {
  const { lines, ...run } = await play({ data, config: { ...config, seed } }, host);
  const means = (part) => {
    const sums = {};
    for (const { scalars } of part)
      for (const [name, value] of Object.entries(scalars)) (sums[name] ??= []).push(value);
    return Object.fromEntries(
      Object.entries(sums).map(([name, all]) => [name, all.reduce((a, b) => a + b, 0) / all.length]),
    );
  };
  return { ...run, first: means(lines.slice(0, 100)), last: means(lines.slice(-100)) };
}

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
    before.push(await trainedRun({ data, config }, seed));
    after.push(await trainedRun({ data, config: { ...config, ...cure } }, seed));
  }
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
