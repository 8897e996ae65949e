// The page of bench:browser and bench:peers, which runs the `way` that its address names: `globalThis.block(seconds)`
// resolves to a block of timings. Built by ../lib/page.mjs.
import { load, runtime } from '@forja/web';
import { distance, LATENT, latents as noise } from '../lib/pictures.mjs';
import { PEERS } from './peers.mjs';

const o = Object.fromEntries(
  [...new URL(location.href).searchParams].map(([name, value]) => [
    name,
    Number.isNaN(Number(value)) ? value : Number(value),
  ]),
);

/** Times `step` for `seconds`, at least `least` times. */
const timed =
  (step, warmup = o.warmup ?? 3, least = o.least ?? 3) =>
  async (seconds) => {
    for (; warmup > 0; warmup--) await step();
    const wall_ms = [];
    const end = performance.now() + seconds * 1000;
    while (wall_ms.length < least || performance.now() < end) {
      const start = performance.now();
      await step();
      wall_ms.push(Number((performance.now() - start).toFixed(3)));
    }
    return { wall_ms };
  };

/**
 * Times `step`, which returns pictures; if the address names onnxruntime's pictures, also returns the distance from
 * these.
 */
async function pictures(step, dims) {
  if (o.expected !== undefined) {
    const expected = new Float32Array(await (await fetch(o.expected)).arrayBuffer());
    globalThis.about = { distance: distance(await step(), expected, dims) };
  }
  return timed(step);
}

/** The first output of a run. */
const first = (outputs) => Object.values(outputs)[0].data;

const WAYS = {
  /** Longest time between two turns of the page's event loop during a load, samples for `seconds`, and a dispose. */
  gap: () => async (seconds) => {
    const gaps = [];
    let last = performance.now();
    const tick = new MessageChannel();
    let open = true;
    tick.port1.onmessage = () => {
      const now = performance.now();
      gaps.push(now - last);
      last = now;
      if (open) setTimeout(() => tick.port2.postMessage(0), 1);
    };
    tick.port2.postMessage(0);
    const begun = performance.now();
    const generator = await load(o.model, { device: 'wasm', executor: o.executor, threads: o.threads });
    const loaded = performance.now();
    const afterLoad = gaps.length;
    let runs = 0;
    for (const end = performance.now() + seconds * 1000; runs < 3 || performance.now() < end; runs++)
      await generator.sample({ count: o.batch, seed: runs });
    await generator.dispose();
    open = false;
    await new Promise((resolve) => setTimeout(resolve, 50));
    tick.port1.close();
    const sorted = [...gaps].sort((a, b) => a - b);
    return {
      loadMs: loaded - begun,
      loadGap: Math.max(...gaps.slice(0, afterLoad + 1)),
      gap: Math.max(...gaps),
      p99: sorted[Math.floor(sorted.length * 0.99)],
      runs,
    };
  },

  /** `sample()`: latents of a seed, a run in the worker, floats to bytes. */
  async sample() {
    const generator = await load(o.model, { device: 'wasm', threads: o.threads, warmup: [o.batch] });
    let seed = 0;
    return timed(() => generator.sample({ count: o.batch, seed: seed++ }));
  },

  /** `run()`: the same without latents and bytes. */
  async run() {
    const generator = await load(o.model, {
      device: 'wasm',
      warmup: [o.batch], // prepares the convolutions of large batches, which may take longer than a block
      ...(o.threads === undefined ? {} : { threads: o.threads }),
      ...(o.lowering === undefined ? {} : { lowering: o.lowering }),
    });
    const [{ name }] = generator.manifest.inputs;
    const z = noise(o.batch);
    return pictures(async () => first(await generator.run({ [name]: z })));
  },

  /** onnxruntime-web in the page's own thread. */
  async raw() {
    const ort = await import('onnxruntime-web/wasm');
    ort.env.wasm.numThreads = o.threads;
    const session = await ort.InferenceSession.create(new Uint8Array(await (await fetch(o.model)).arrayBuffer()), {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
    });
    const [name] = session.inputNames;
    const z = new ort.Tensor('float32', noise(o.batch), [o.batch, LATENT]);
    return pictures(async () => first(await session.run({ [name]: z })));
  },

  /**
   * The same network by TensorFlow.js on its WASM backend, in the page's own thread. The first picture is checked
   * against the file's.
   */
  async tfjs() {
    const [tf, { setThreadsCount, setWasmPaths }, { dcgan }] = [
      await import('@tensorflow/tfjs'),
      await import('@tensorflow/tfjs-backend-wasm'),
      await import('@forja/trainer'),
    ];
    setWasmPaths('/tfjs/');
    setThreadsCount(o.threads);
    await tf.setBackend('wasm');
    const { g: generator } = dcgan({
      size: o.size,
      channels: o.channels,
      base: o.base,
      latent: LATENT,
      batch: 1,
    }).networks;
    const predict = async (latents, batch) => {
      const z = tf.tensor(latents, [batch, LATENT]);
      const y = generator.predict(z);
      const data = await y.data();
      tf.dispose([z, y]);
      return data;
    };
    const file = await load(o.model, { device: 'wasm', threads: 1 });
    const outputs = await file.run({ [file.manifest.inputs[0].name]: noise(1) });
    const { data, shape } = Object.values(outputs)[0]; // NCHW
    const ours = await predict(noise(1), 1); // NHWC
    const [, c, h, w] = shape;
    const differ = data.reduce(
      (most, v, i) => Math.max(most, Math.abs(v - ours[(i % (h * w)) * c + Math.floor(i / (h * w))])),
      0,
    );
    await file.dispose();
    if (!(differ < 1e-4)) throw new Error(`bench: tfjs and the file differ by ${differ}`);
    const z = noise(o.batch);
    return pictures(() => predict(z, o.batch), [o.batch, h, w, c]);
  },

  /** Another runtime, from a folder outside the repository. */
  async peer() {
    const { step, dims } = await PEERS[o.peer](o, noise(o.batch));
    return pictures(step, dims);
  },

  /** A compiled training step. */
  async step() {
    const [tf, { compile, dcgan, mlpGan, phaseStep }] = [
      await import('@tensorflow/tfjs'),
      await import('@forja/trainer'),
    ];
    await tf.setBackend('cpu'); // only for tracing; it computes nothing
    const system =
      o.network === 'mlp'
        ? mlpGan({ size: 2, base: 400, baseD: 200, batch: o.batch })
        : dcgan({ size: o.size, channels: o.channels, base: o.base, latent: LATENT, batch: o.batch });
    const { step: play, ...options } = phaseStep(system);
    const step = await compile(play, {
      ...options,
      runtime: runtime({ device: 'wasm', threads: o.threads }),
      lowering: o.lowering,
      loop: false,
    });
    const given = Object.entries(options.inputs).filter(([, { random }]) => !random);
    const elements = (shape) => shape.reduce((a, b) => a * b, 1);
    const batches = Array.from({ length: 4 }, () =>
      Object.fromEntries(
        given.map(([name, { shape }]) => [
          name,
          {
            dtype: 'float32',
            shape,
            data: Float32Array.from({ length: elements(shape) }, () =>
              shape.length < 2 ? 2e-4 : Math.random() * 2 - 1,
            ),
          },
        ]),
      ),
    );
    let i = 0;
    return timed(() => step.run(batches[i++ % batches.length]));
  },
};

globalThis.ready = Promise.resolve(WAYS[o.way]()).then((block) => void (globalThis.block = block));
