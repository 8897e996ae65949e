// Peer of bench:step: Forja's compiled DCGAN training step (D, G, Adam, EMA) on the CPU. Started by lib/compare.mjs.
import { serve } from '../lib/serve.mjs';
import { cpuRuntime, flags, trainer, versions } from './forja.mjs';

const o = flags();
const { compile, dcgan } = await trainer();
const runtime = await cpuRuntime(o);
const system = dcgan({ size: o.size, channels: o.channels, base: o.base, latent: o.latent, batch: o.batch });
const step = await compile(system.step, { inputs: system.inputs, variables: system.variables, runtime });

// eight batches made beforehand, as in torch/step_bench.py: pictures uniform in [-1, 1], rates as scalars; random inputs are the step's own
const elements = (shape) => shape.reduce((a, b) => a * b, 1);
const value = (spec) => (spec.shape.length < 2 ? new Float32Array(elements(spec.shape)).fill(2e-4) : Float32Array.from({ length: elements(spec.shape) }, () => Math.random() * 2 - 1));
const given = Object.entries(system.inputs).filter(([, spec]) => !spec.random);
const batches = Array.from({ length: 8 }, () => Object.fromEntries(given.map(([name, spec]) => [name, { dtype: 'float32', shape: spec.shape, data: value(spec) }])));

let i = 0;
await serve(() => step.run(batches[i++ % batches.length]), await versions());
await step.dispose();
await runtime.dispose();
