// Peer of bench:runtime: `runtime.mjs <model> <threads> <what> …` serves blocks of one way to make pictures from the
// model. Started by ../runtime.mjs.
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { serve } from '../lib/serve.mjs';

const beforeImport = performance.now();
const { load, runtime } = await import('@forja/node');
const imported = performance.now() - beforeImport;

const [file, threadsText, what, first, second] = process.argv.slice(2);
const threads = Number(threadsText);
const versions = { onnxruntime: createRequire(import.meta.url)('onnxruntime-node/package.json').version };
const options = { device: 'cpu', threads };
const LATENT = 100;
const noise = (batch) => Float32Array.from({ length: batch * LATENT }, (_, i) => Math.sin(i * 12.9898));
/** The session options of @forja/node, so that only the overhead differs. */
const raw = {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: threads,
  logSeverityLevel: 3,
  extra: { session: { force_spinning_stop: '1' } },
};

/** Resolves a package from `owner`, because this folder does not have it. */
const from = (owner, name) =>
  pathToFileURL(createRequire(fileURLToPath(import.meta.resolve(owner))).resolve(name)).href;

/** Answers each line of stdin with `block(seconds)`. */
async function blocks(block) {
  console.log(JSON.stringify({ ready: true, versions }));
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await block(JSON.parse(line).seconds)));
}

const WAYS = {
  /** Delay of the event loop during a load from a file, samples for `seconds`, and a dispose. */
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
        // lets the monitor's timer fire even if runs are inline
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await generator.dispose();
      delay.disable();
      // Subtracts the monitor's own period of 1 ms.
      const ms = (ns) => Math.max(0, ns / 1e6 - 1);
      return { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max), runs };
    });
  },

  /** sample(): latents of a seed, a run in the worker, floats to bytes. */
  async sample() {
    const count = Number(first);
    const generator = await load(file, {
      ...options,
      ...(second === 'portable' ? { lowering: 'portable' } : {}),
      warmup: [count],
    });
    const given = second === 'latents' ? { latents: noise(count) } : undefined;
    let seed = 0;
    await serve(() => generator.sample(given ?? { count, seed: seed++ }), versions);
    await generator.dispose();
  },

  /** run() of a generator from `load`, in the given executor. */
  async session() {
    const count = Number(first);
    const generator = await load(file, { ...options, executor: second, warmup: [count] });
    const data = noise(count);
    const name = generator.manifest.inputs[0].name;
    await serve(() => generator.run({ [name]: { dtype: 'float32', shape: [count, LATENT], data } }), versions);
    await generator.dispose();
  },

  /** run() of a session: the worker's round trip without latents and pictures. */
  async run() {
    const rt = runtime(options);
    const session = await rt.createSession(readFileSync(file));
    const data = noise(Number(first));
    await serve(
      () => session.run({ [session.inputs[0].name]: { dtype: 'float32', shape: [Number(first), LATENT], data } }),
      versions,
    );
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

  /** The same with onnxruntime's defaults except the threads. */
  async 'raw-default'() {
    const { InferenceSession, Tensor } = await import('onnxruntime-node');
    const session = await InferenceSession.create(readFileSync(file), { intraOpNumThreads: threads });
    const tensor = new Tensor('float32', noise(Number(first)), [Number(first), LATENT]);
    await serve(() => session.run({ [session.inputNames[0]]: tensor }), versions);
    await session.release();
  },

  /** onnxruntime-web in Node, in this thread. */
  async wasm() {
    const ort = await import(from('@forja/node', 'onnxruntime-web'));
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(readFileSync(file), {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
    });
    const tensor = new ort.Tensor('float32', noise(Number(first)), [Number(first), LATENT]);
    await serve(() => session.run({ [session.inputNames[0]]: tensor }), { ...versions });
    await session.release();
  },

  /**
   * The tfjs model that the file was exported from, on a tfjs backend: `wasm`, or `tensorflow` if the trainer finds
   * @tensorflow/tfjs-node.
   */
  async tfjs() {
    const { default: tf } = await import('@tensorflow/tfjs');
    const { useTfjsNode } = await import('@forja/trainer/node');
    if (second === 'tensorflow') {
      const reason = await useTfjsNode();
      if (reason !== undefined) throw new Error(reason);
    } else {
      const backend = from('@forja/trainer', '@tensorflow/tfjs-backend-wasm');
      const { setWasmPaths } = (await import(backend)).default;
      setWasmPaths(`${dirname(fileURLToPath(backend))}/`);
      if (!(await tf.setBackend('wasm'))) throw new Error('tfjs: no wasm backend');
    }
    const { topology, specs } = JSON.parse(readFileSync(`${file}.tfjs.json`, 'utf8'));
    const weights = readFileSync(`${file}.tfjs.bin`);
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({ modelTopology: topology, weightSpecs: specs, weightData: new Uint8Array(weights).buffer }),
    );
    const data = noise(Number(first));
    await serve(
      () => {
        const result = tf.tidy(() => model.predict(tf.tensor(data, [Number(first), LATENT])));
        const values = result.dataSync();
        result.dispose();
        return values;
      },
      { ...versions, tfjs: tf.version_core, backend: tf.getBackend() },
    );
  },

  /** onnxruntime in a minimal worker: the minimum cost of keeping the event loop free. */
  async 'raw-worker'() {
    const worker = new Worker(
      `
      const { parentPort, workerData } = require('node:worker_threads');
      const { InferenceSession, Tensor } = require(workerData.ort);
      const ready = InferenceSession.create(require('node:fs').readFileSync(workerData.file), workerData.raw);
      parentPort.on('message', async ({ data, dims }) => {
        const session = await ready;
        const { inputNames: [input], outputNames: [output] } = session;
        const { [output]: result } = await session.run({ [input]: new Tensor('float32', data, dims) });
        parentPort.postMessage({ data: result.data, dims: result.dims }, [result.data.buffer]);
      });`,
      { eval: true, workerData: { file, raw, ort: createRequire(import.meta.url).resolve('onnxruntime-node') } },
    );
    const data = noise(Number(first));
    await serve(
      () =>
        new Promise((resolve) => {
          worker.once('message', resolve);
          worker.postMessage({ data, dims: [Number(first), LATENT] });
        }),
      versions,
    );
    await worker.terminate(); // the worker is idle, so no native code is running
  },

  /** Time to the first picture of a new process, and to the next ones; one block only. */
  async cold() {
    const picture =
      first === 'raw'
        ? await (async () => {
            const t = [performance.now()];
            const ort = (await import('onnxruntime-node')).default;
            t.push(performance.now());
            const bytes = readFileSync(file);
            t.push(performance.now());
            const session = await ort.InferenceSession.create(bytes, raw);
            t.push(performance.now());
            const run = () =>
              session.run({ [session.inputNames[0]]: new ort.Tensor('float32', noise(1), [1, LATENT]) });
            await run();
            t.push(performance.now());
            return {
              phases: { import: t[1] - t[0], read: t[2] - t[1], session: t[3] - t[2], firstRun: t[4] - t[3] },
              run,
            };
          })()
        : await (async () => {
            const own = { portable: { lowering: 'portable' }, deterministic: { deterministic: true } }[first];
            const generator = await load(file, { ...options, ...own });
            await generator.sample({ seed: 0 });
            const { read, session, firstRun } = generator.stats().startMs;
            return { phases: { import: imported, read, session, firstRun }, run: (i) => generator.sample({ seed: i }) };
          })();
    await blocks(async () => {
      const steady = [];
      for (let i = 1; i <= 20; i++) {
        const start = performance.now();
        await picture.run(i);
        steady.push(performance.now() - start);
      }
      return {
        ...picture.phases,
        steady: steady.sort((a, b) => a - b)[10],
        rss: process.memoryUsage.rss() / 2 ** 20,
      };
    });
    process.exit(0);
  },

  /** Concurrent callers, each of which requests the next picture as soon as it has one. */
  async callers() {
    const generator = await load(file, { ...options, batch: { max: Number(second) }, warmup: true });
    await blocks(async (seconds) => {
      const before = generator.stats();
      const wall = [];
      const begun = performance.now();
      const end = begun + seconds * 1000;
      await Promise.all(
        Array.from({ length: Number(first) }, async (_, caller) => {
          for (let i = 0; performance.now() < end; i++) {
            const start = performance.now();
            await generator.sample({ seed: caller * 1e6 + i });
            wall.push(performance.now() - start);
          }
        }),
      );
      const { runs, images } = generator.stats();
      return {
        wall_ms: wall,
        pictures_s: (1000 * wall.length) / (performance.now() - begun),
        mean_batch: (images - before.images) / (runs - before.runs),
      };
    });
    await generator.dispose();
  },
};
await WAYS[what]();
