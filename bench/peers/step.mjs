// Peer of bench:step: Forja's compiled DCGAN training step (D, G, Adam, EMA) on the CPU. Started by lib/compare.mjs.
// --lowering portable|fast overrides the choice of the cost model; --explain prints its estimates and exits.
import { parseArgs } from 'node:util';
import { serve } from '../lib/serve.mjs';
import { batchesOf, cpuRuntime, flags, parametersOf, trainer, versions } from './forja.mjs';

const o = flags();
const { values: own } = parseArgs({
  options: { lowering: { type: 'string', default: 'auto' }, explain: { type: 'boolean', default: false } },
  strict: false,
});
const { compile, dcgan, mlpGan, phaseStep } = await trainer();
const runtime = await cpuRuntime(o);
const system =
  o.network === 'mlp'
    ? mlpGan({ size: o.size, latent: o.latent, base: 400, baseD: 200, batch: o.batch })
    : dcgan({
        size: o.size,
        channels: o.channels,
        base: o.base,
        latent: o.latent,
        batch: o.batch,
        ...(o.pool ? { pool: o.pool } : {}),
      });
const { step: play, ...options } = phaseStep(system);
const step = await compile(play, { ...options, runtime, lowering: own.lowering });
if (own.explain) console.log(step.summary.plan);

const batches = batchesOf(options);
let i = 0;
const { stepsPerRun: steps, traceMs, lowerMs, createMs, lowering, nodes } = step.summary;
const next = () => Array.from({ length: steps }, () => batches[i++ % batches.length]);
if (!own.explain)
  await serve(() => step.runMany(next()), await versions(), {
    steps,
    about: { traceMs, lowerMs, createMs, lowering, nodes, stepsPerRun: steps, parameters: parametersOf(system) },
  });
await step.dispose();
await runtime.dispose();
