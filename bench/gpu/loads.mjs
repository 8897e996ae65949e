// Measures the memory that repeated loads and disposals leak, in the process and on the GPU.
import { load, runtime } from '@forja/node';
import { generatorFile, gpuMiB, latents, rssMiB } from './lib.mjs';

export default async function loads(o, say) {
  const bytes = generatorFile(o);
  const memory = () => ({ rssMiB: rssMiB(), gpuMiB: gpuMiB() });
  await whole();
  say({ what: 'load', count: 0, ...memory() });
  const begun = performance.now();
  for (let i = 1; i <= o.loads; i++) {
    await whole();
    if (i % 10 === 0 || i === o.loads)
      say({ what: 'load', count: i, ...memory(), msEach: (performance.now() - begun) / i });
  }
  // the same with one runtime, so only sessions are made and disposed
  const own = runtime({ device: o.device });
  const second = performance.now();
  for (let i = 1; i <= o.loads; i++) {
    const session = await own.createSession(bytes);
    await session.run({ [session.inputs[0].name]: { dtype: 'float32', shape: [1, 100], data: latents(1, 100) } });
    await session.dispose();
    if (i === 1 || i % 10 === 0 || i === o.loads)
      say({ what: 'session', count: i, ...memory(), msEach: (performance.now() - second) / i });
  }
  await own.dispose();
  say({ what: 'end', ...memory() });

  async function whole() {
    const generator = await load(bytes, { device: o.device });
    await generator.sample({ count: 1, seed: 1 });
    await generator.dispose();
  }
}
