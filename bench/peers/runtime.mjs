// Peer of bench:runtime: `runtime.mjs <model> <threads> <what> …` serves blocks of one way to make pictures from the model. Started by ../runtime.mjs.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { load, runtime } from '@forja/node';
import { serve } from '../lib/serve.mjs';

const [file, threadsText, what, first, second] = process.argv.slice(2);
const threads = Number(threadsText);
const versions = { onnxruntime: createRequire(import.meta.url)('onnxruntime-node/package.json').version };
const options = { device: 'cpu', threads };
const LATENT = 100;
const noise = (batch) => Float32Array.from({ length: batch * LATENT }, (_, i) => Math.sin(i * 12.9898));
/** What @forja/node gives onnxruntime, so that only the way there differs. */
const raw = { executionProviders: ['cpu'], graphOptimizationLevel: 'all', intraOpNumThreads: threads, logSeverityLevel: 3, extra: { session: { force_spinning_stop: '1' } } };

/** Answers each line of stdin with `block(seconds)`. */
async function blocks(block) {
  console.log(JSON.stringify({ ready: true, versions }));
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await block(JSON.parse(line).seconds)));
}

const WAYS = {
  /** Delay of the event loop over a load, samples for so long, and a dispose. The file is read by `load`. */
  async loop() {
    const [executor, batch] = [first, Number(second)];
    await blocks(async (seconds) => {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const generator = await load(file, { ...options, executor });
      const end = performance.now() + seconds * 1000;
      let runs = 0;
      while (performance.now() < end || runs < 3) {
        await generator.sample({ count: batch, seed: runs++ });
        await new Promise((resolve) => setTimeout(resolve, 5)); // the monitor's timer gets its turn also where runs are inline
      }
      await generator.dispose();
      delay.disable();
      // The monitor's own period of 1 ms is in what it counts.
      const ms = (ns) => Math.max(0, ns / 1e6 - 1);
      return { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max), runs };
    });
  },

  /** sample(): latents of a seed, a run in the worker, floats to bytes. */
  async sample() {
    const generator = await load(file, options);
    let seed = 0;
    await serve(() => generator.sample({ count: Number(first), seed: seed++ }), versions);
    await generator.dispose();
  },

  /** run() of a session: the worker's round trip without latents and pictures. */
  async run() {
    const rt = runtime(options);
    const session = await rt.createSession(readFileSync(file));
    const data = noise(Number(first));
    await serve(() => session.run({ [session.inputs[0].name]: { dtype: 'float32', shape: [Number(first), LATENT], data } }), versions);
    await rt.dispose();
  },

  /** onnxruntime itself, in this thread. */
  async raw() {
    const { InferenceSession, Tensor } = await import('onnxruntime-node');
    const session = await InferenceSession.create(readFileSync(file), raw);
    const tensor = new Tensor('float32', noise(Number(first)), [Number(first), LATENT]);
    await serve(() => session.run({ [session.inputNames[0]]: tensor }), versions);
    await session.release();
  },

  /** onnxruntime in the plainest worker: what anyone pays who keeps the event loop free. */
  async 'raw-worker'() {
    const worker = new Worker(`
      const { parentPort, workerData } = require('node:worker_threads');
      const { InferenceSession, Tensor } = require(workerData.ort);
      const ready = InferenceSession.create(require('node:fs').readFileSync(workerData.file), workerData.raw);
      parentPort.on('message', async ({ data, dims }) => {
        const session = await ready;
        const result = (await session.run({ [session.inputNames[0]]: new Tensor('float32', data, dims) }))[session.outputNames[0]];
        parentPort.postMessage({ data: result.data, dims: result.dims }, [result.data.buffer]);
      });`, { eval: true, workerData: { file, raw, ort: createRequire(import.meta.url).resolve('onnxruntime-node') } });
    const data = noise(Number(first));
    await serve(() => new Promise((resolve) => {
      worker.once('message', resolve);
      worker.postMessage({ data, dims: [Number(first), LATENT] });
    }), versions);
    await worker.terminate(); // idle: nothing is in native code
  },

  /** So many callers, each asking for a picture as soon as it has the last. */
  async callers() {
    const generator = await load(file, { ...options, batch: { max: Number(second) }, warmup: true });
    await blocks(async (seconds) => {
      const before = generator.stats();
      const wall = [];
      const begun = performance.now();
      const end = begun + seconds * 1000;
      await Promise.all(Array.from({ length: Number(first) }, async (_, caller) => {
        for (let i = 0; performance.now() < end; i++) {
          const start = performance.now();
          await generator.sample({ seed: caller * 1e6 + i });
          wall.push(performance.now() - start);
        }
      }));
      const { runs, images } = generator.stats();
      return { wall_ms: wall, pictures_s: (1000 * wall.length) / (performance.now() - begun), mean_batch: (images - before.images) / (runs - before.runs) };
    });
    await generator.dispose();
  },
};
await WAYS[what]();
