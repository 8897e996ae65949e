// Compares the device report of `load` with what really ran: the report in both precisions, nodes on the CPU by name,
// distance from the CPU's pictures (float32), and GPU memory.
import { load, runtime } from '@forja/node';
import { difference, generatorFile, gpuMiB, latents, rssMiB, reportFields } from './lib.mjs';

export default async function truth(o, say) {
  const bytes = generatorFile(o);
  const cpu = runtime({ device: 'cpu' });
  const exact = await cpu.createSession(bytes);
  const name = exact.inputs[0].name;
  const feed = (batch) => ({ [name]: { dtype: 'float32', shape: [batch, 100], data: latents(batch, 100) } });
  const before = { gpuMiB: gpuMiB(), rssMiB: rssMiB() };

  for (const precision of ['fp32', 'fp16']) {
    try {
      const begun = performance.now();
      const generator = await load(bytes, { device: o.device, precision });
      const ms = performance.now() - begun;
      const images = await generator.sample({ count: 2, seed: 7 });
      say({ load: precision, ms, device: reportFields(generator.device), sampled: images.length ?? images.count });
      await generator.dispose();
    } catch (error) {
      say({ load: precision, error: error.message, code: error.code });
    }
  }
  const gpu = runtime({ device: o.device });
  for (const strict of [true, false]) {
    try {
      const session = await gpu.createSession(bytes, { strict });
      for (const batch of o.batches.filter((b) => b <= 64)) {
        const [ours, theirs] = [await session.run(feed(batch)), await exact.run(feed(batch))].map(
          (outputs) => Object.values(outputs)[0],
        );
        say({ parity: batch, strict, device: reportFields(session.device), ...difference(ours.data, theirs.data) });
      }
      say({ memory: { before, after: { gpuMiB: gpuMiB(), rssMiB: rssMiB() } } });
      await session.dispose();
      break;
    } catch (error) {
      say({ strict, error: error.message, code: error.code });
    }
  }
  await gpu.dispose();
  await cpu.dispose();
}
