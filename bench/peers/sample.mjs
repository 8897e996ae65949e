// Peer of bench:sample: the exported DCGAN generator, run through @forja/node's session as in `load` (including the
// worker's round trip). Started by lib/compare.mjs.
import { serve } from '../lib/serve.mjs';
import { cpuRuntime, flags, trainer, versions } from './forja.mjs';

const o = flags();
const { dcgan, exportOnnx } = await trainer();
const runtime = await cpuRuntime(o);
const { size, channels, base, latent, batch } = o;
const { g: generator } = dcgan({ size, channels, base, latent, batch }).networks;
const { model } = await exportOnnx(generator, { layout: { outputs: 'nchw' }, verify: false });
const session = await runtime.createSession(model, { lowering: 'auto' });
const input = session.inputs[0].name;

// different latents for consecutive runs; each run gets a copy, because a worker may take ownership of it
const noise = Array.from({ length: 8 }, () =>
  Float32Array.from(
    { length: o.batch * o.latent },
    () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()),
  ),
);
let i = 0;
await serve(
  () =>
    session.run({ [input]: { dtype: 'float32', shape: [o.batch, o.latent], data: noise[i++ % noise.length].slice() } }),
  await versions(),
);
await session.dispose();
await runtime.dispose();
