// Peer of bench:step: Forja's compiled DCGAN training step (D, G, Adam, EMA) on the CPU. Started by lib/compare.mjs.
import { serve } from '../lib/serve.mjs';
import { batchesOf, cpuRuntime, flags, trainer, versions } from './forja.mjs';

const o = flags();
const { compile, dcgan } = await trainer();
const runtime = await cpuRuntime(o);
const system = dcgan({ size: o.size, channels: o.channels, base: o.base, latent: o.latent, batch: o.batch });
const step = await compile(system.step, { inputs: system.inputs, variables: system.variables, runtime });

const batches = batchesOf(system);
let i = 0;
await serve(() => step.run(batches[i++ % batches.length]), await versions());
await step.dispose();
await runtime.dispose();
