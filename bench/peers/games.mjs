// Peer of bench:step for the games of lib/games.mjs: one iteration, that is every phase as often as it runs, compiled
// on the CPU. Started by lib/compare.mjs. --lowering portable|fast overrides the choice of the cost model; --explain
// prints its estimates and exits.
import { parseArgs } from 'node:util';
import { gameOf } from '../lib/games.mjs';
import { serve } from '../lib/serve.mjs';
import { cpuRuntime, flags, inputsOf, parametersOf, trainer, versions } from './forja.mjs';

const o = flags();
const { values: own } = parseArgs({
  options: { lowering: { type: 'string', default: 'auto' }, explain: { type: 'boolean', default: false } },
  strict: false,
});
const { compileAll, makeSystem, phaseStep } = await trainer();
const runtime = await cpuRuntime(o);
const system = makeSystem(...gameOf(o));
const steps = await compileAll(
  Object.fromEntries(
    system.phases.map((phase) => {
      const { name, step, inputs, variables } = phaseStep(system, phase);
      return [name, { step, inputs, variables }];
    }),
  ),
  { runtime, lowering: own.lowering },
);
const summaries = Object.values(steps).map(({ summary }) => summary);
if (own.explain) for (const { plan } of summaries) console.log(plan);

const batches = Array.from({ length: 8 }, () => system.phases.map(inputsOf));
let i = 0;
async function iterate() {
  const fed = batches[i++ % batches.length];
  for (const [at, { name, repeat = 1 }] of system.phases.entries())
    for (let run = 0; run < repeat; run++) await steps[name].run(fed[at]);
}
const sum = (key) => summaries.reduce((total, summary) => total + summary[key], 0);
if (!own.explain)
  await serve(iterate, await versions(), {
    about: {
      traceMs: sum('traceMs'),
      lowerMs: sum('lowerMs'),
      createMs: sum('createMs'),
      nodes: sum('nodes'),
      lowering: summaries.map(({ lowering }) => lowering).join(', '),
      runs: Object.fromEntries(system.phases.map(({ name, repeat = 1 }) => [name, repeat])),
      parameters: parametersOf(system),
    },
  });
for (const step of Object.values(steps)) await step.dispose();
await runtime.dispose();
