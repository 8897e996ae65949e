// npm run bench:lazy: the cost of R1 as a separate phase, in every iteration of a DCGAN and in every 16th, alternately
// in one process. Each run of the phase is timed by itself (CPU time of all threads). If a run costs the same in both
// cases (tolerance: 5 %), a lazy penalty costs a sixteenth. `--help` lists the flags.
import { parseArgs } from 'node:util';
import { machine, quantile, save } from './lib/report.mjs';
import { batchesOf, cpuRuntime, trainer, versions } from './peers/forja.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '24' },
    threads: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(
    '--rounds <n> (24): rounds of 16 iterations in each of the two cases; --threads <n> (2): threads of onnxruntime',
  );
  process.exit(0);
}
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
const EVERY = 16;
const CASES = [
  { size: 28, channels: 1, base: 64, batch: 64, latent: 100 },
  { size: 28, channels: 1, base: 16, batch: 32, latent: 100 },
];
const { compileAll, dcgan, phaseStep } = await trainer();

async function measured(shape) {
  const runtime = await cpuRuntime({ threads, spinning: false });
  const system = dcgan({ ...shape, penalties: { r1: { weight: 0.1, every: EVERY } } });
  const phases = system.phases.map((phase) => ({
    name: phase.name,
    every: phase.every ?? 1,
    ...phaseStep(system, phase),
  }));
  const steps = await compileAll(
    Object.fromEntries(phases.map(({ name, step, inputs, variables }) => [name, { step, inputs, variables }])),
    { runtime },
  );
  const batches = phases.map(batchesOf);
  const lazy = phases.findIndex(({ every }) => every === EVERY);
  /**
   * CPU milliseconds of each run of the penalty in a round of 16 iterations, in which it runs every `each` iterations.
   */
  async function round(each) {
    const costs = [];
    for (let i = 0; i < EVERY; i++)
      for (const [at, { name }] of phases.entries()) {
        if (at === lazy && i % each > 0) continue;
        const before = process.cpuUsage();
        await steps[name].run(batches[at][i % batches[at].length]);
        const { user, system: kernel } = process.cpuUsage(before);
        if (at === lazy) costs.push((user + kernel) / 1000);
      }
    return costs;
  }
  await round(1); // warm-up
  const each = [];
  const sixteenth = [];
  for (let k = 0; k < rounds; k++) {
    each.push(...(await round(1)));
    sixteenth.push(...(await round(EVERY)));
  }
  for (const step of Object.values(steps)) await step.dispose();
  await runtime.dispose();
  const of = (costs) => ({
    runs: costs.length,
    p25: quantile(costs, 0.25),
    median: quantile(costs, 0.5),
    p75: quantile(costs, 0.75),
  });
  return {
    case: shape,
    everyIterationCpuMs: of(each),
    lazyCpuMs: of(sixteenth),
    ratio: quantile(sixteenth, 0.5) / quantile(each, 0.5),
  };
}

const results = [];
for (const shape of CASES) {
  results.push(await measured(shape));
  console.log(JSON.stringify(results.at(-1)));
}
const made = { bench: 'lazy', machine: machine(), versions: await versions(), options: { rounds, threads }, results };
console.log(`written: ${save('lazy', made)}`);
