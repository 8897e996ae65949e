// Peer of bench:peers in Node: `generator.mjs <way> <model> <expected pictures> <batch> <threads>`, with `load` of
// @forja/node or with onnxruntime alone. Started by ../peers.mjs.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { distance, latents, LATENT } from '../lib/pictures.mjs';
import { serve } from '../lib/serve.mjs';

const [way, file, expectedFile, batchText, threadsText] = process.argv.slice(2);
const [batch, threads] = [Number(batchText), Number(threadsText)];
const expected = new Float32Array(new Uint8Array(readFileSync(expectedFile)).buffer);
const dims = [batch, LATENT];
const data = latents(batch);

/**
 * Default options, except that the CPU is used even if there is a GPU. The warmup also waits until the session's second
 * form of the model is ready: the one with rewritten convolutions, used for batches of 8 or more.
 */
async function forja() {
  const { load } = await import('@forja/node');
  return load(file, { device: 'cpu', warmup: [batch] });
}

async function onnxruntime(spinning) {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(file, {
    intraOpNumThreads: threads,
    ...(spinning ? {} : { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
  });
  const z = new Tensor('float32', data, dims);
  return async () => (await session.run({ [session.inputNames[0]]: z }))[session.outputNames[0]];
}

/** Each returns `pictures`, which makes float32 NCHW pictures, and optionally `timed`, which is then timed instead. */
const WAYS = {
  async run() {
    const generator = await forja();
    const [{ name }] = generator.manifest.inputs;
    const z = { dtype: 'float32', shape: dims, data };
    return {
      generator,
      pictures: async () => Object.values(await generator.run({ [name]: z }))[0],
    };
  },
  /** Includes drawing latents from a seed, and conversion to bytes. */
  async sample() {
    const { generator, pictures } = await WAYS.run();
    let seed = 0;
    return { pictures, timed: () => generator.sample({ count: batch, seed: seed++ }) };
  },
  onnxruntime: async () => ({ pictures: await onnxruntime(false) }),
  'onnxruntime-spinning': async () => ({ pictures: await onnxruntime(true) }),
};

const { pictures, timed = pictures } = await WAYS[way]();
await serve(
  timed,
  { onnxruntime: createRequire(import.meta.url)('onnxruntime-node/package.json').version },
  {
    about: { distance: distance((await pictures()).data, expected) },
  },
);
process.exit(0);
