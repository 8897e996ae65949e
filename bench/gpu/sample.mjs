// Pictures from the exported generator on one device, in one precision: through the runtime (worker, floats returned),
// by onnxruntime alone in this process, and with `o.stay` by onnxruntime with the pictures left on the GPU.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runtime } from '@forja/node';
import { gpuMiB, latents, timed, reportFields } from './lib.mjs';

export default async function sample(o, say) {
  const bytes = readFileSync(`${o.folder}/generator${o.precision === 'fp16' ? '.fp16' : ''}.onnx`);
  await (o.stay ? stay : o.raw ? raw : throughRuntime)(bytes, o, say);
}

async function throughRuntime(bytes, o, say) {
  const own = runtime({ device: o.device });
  const session = await own.createSession(bytes, { lowering: 'auto' });
  say({ device: reportFields(session.device) });
  const [{ name }] = session.inputs;
  for (const batch of o.batches) {
    const data = latents(batch, 100);
    const run = () => session.run({ [name]: { dtype: 'float32', shape: [batch, 100], data: data.slice() } });
    say({ batch, ...(await timed(run, o)), gpuMiB: gpuMiB() });
  }
  await session.dispose();
  await own.dispose();
}

/** onnxruntime's settings for a device, without Forja. */
const settings = (o, more) => ({
  executionProviders: [o.device],
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
  ...more,
});
const native = () => createRequire(import.meta.url)('onnxruntime-node');

async function raw(bytes, o, say) {
  const ort = native();
  const session = await ort.InferenceSession.create(bytes, settings(o));
  const [name] = session.inputNames;
  for (const batch of o.batches) {
    const feed = { [name]: new ort.Tensor('float32', latents(batch, 100), [batch, 100]) };
    say({ batch, ...(await timed(() => session.run(feed), o)) });
  }
}

/** The cost of a run without reading its pictures back: runs for `o.seconds`, then one read. */
async function stay(bytes, o, say) {
  const ort = native();
  const there = await ort.InferenceSession.create(bytes, settings(o, { preferredOutputLocation: 'gpu-buffer' }));
  const back = await ort.InferenceSession.create(bytes, settings(o));
  const [name] = there.inputNames;
  const one = { [name]: new ort.Tensor('float32', latents(1, 100), [1, 100]) };
  for (const batch of o.batches) {
    const feed = { [name]: new ort.Tensor('float32', latents(batch, 100), [batch, 100]) };
    for (let i = 0; i < 3; i++) drop(await there.run(feed));
    await back.run(one);
    const begun = performance.now();
    let runs = 0;
    while (runs < 5 || (performance.now() - begun < o.seconds * 1000 && runs < 2000)) {
      drop(await there.run(feed));
      if (++runs % 16 === 0) await back.run(one); // limits the queue of work on the GPU
    }
    await back.run(one);
    say({ batch, runs, ms: (performance.now() - begun) / runs, gpuMiB: gpuMiB() });
  }
}

function drop(outputs) {
  for (const tensor of Object.values(outputs)) tensor.dispose();
}
