// Helpers for the peers: flags, a CPU runtime, batches, versions, and the built trainer. It imports the built packages
// (dist), never the sources: run `npm run build` first.
import { parseArgs } from 'node:util';

/** The flags that compare.mjs passes. */
export function flags() {
  const numbers = ['size', 'channels', 'base', 'batch', 'latent', 'threads'];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries([...numbers, 'network', 'pool'].map((n) => [n, { type: 'string' }])),
      spinning: { type: 'boolean', default: false },
    },
    strict: false,
  });
  return {
    ...Object.fromEntries(numbers.map((n) => [n, Number(values[n])])),
    network: values.network ?? 'dcgan',
    pool: values.pool,
    spinning: values.spinning,
  };
}

async function built(name) {
  try {
    return await import(name);
  } catch (cause) {
    if (cause.code === 'ERR_MODULE_NOT_FOUND')
      throw new Error(`bench: ${name} is not built (${cause.message}); run: npm run build`, { cause });
    throw cause;
  }
}

/** A CPU runtime that overrides `spinning` of all its sessions. */
export async function cpuRuntime({ threads, spinning }) {
  const { runtime } = await built('@forja/node');
  const inner = runtime({ device: 'cpu', threads });
  return {
    get device() {
      return inner.device;
    },
    createSession: (model, o) => inner.createSession(model, { threads, ...o, spinning }),
    createState: (tensors) => inner.createState(tensors),
    dispose: () => inner.dispose(),
  };
}

/**
 * Eight batches made in advance, as in torch/step_bench.py: pictures uniform in [-1, 1], rates as scalars. The step
 * draws random inputs itself.
 */
export function batchesOf({ inputs }) {
  const elements = (shape) => shape.reduce((a, b) => a * b, 1);
  const value = ({ shape }) =>
    shape.length < 2
      ? new Float32Array(elements(shape)).fill(2e-4)
      : Float32Array.from({ length: elements(shape) }, () => Math.random() * 2 - 1);
  const given = Object.entries(inputs).filter(([, { random }]) => !random);
  return Array.from({ length: 8 }, () =>
    Object.fromEntries(given.map(([name, spec]) => [name, { dtype: 'float32', shape: spec.shape, data: value(spec) }])),
  );
}

/** Made-up values of a phase's inputs: pictures in [-1, 1], rates, and what a loop would draw for it. */
export function inputsOf({ inputs }) {
  const elements = (shape) => shape.reduce((a, b) => a * b, 1);
  const kinds = {
    int: ({ from, below }) => from + Math.floor(Math.random() * (below - from)),
    bernoulli: ({ p }) => Number(Math.random() < p),
  };
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([, { from }]) => !['normal', 'uniform'].includes(from.random)) // the step draws these
      .map(([name, { shape, dtype = 'float32', from }]) => {
        const draw =
          'schedule' in from ? () => 2e-4 : 'random' in from ? kinds[from.random] : () => Math.random() * 2 - 1;
        const array = dtype === 'int32' ? Int32Array : Float32Array;
        return [name, { dtype, shape, data: array.from({ length: elements(shape) }, () => draw(from)) }];
      }),
  );
}

/** How many trainable numbers the networks of a system have, to be compared with the twin's. */
export const parametersOf = ({ networks }) =>
  Object.values(networks)
    .flatMap(({ trainableWeights }) => trainableWeights)
    .reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);

export async function versions() {
  const read = async (name) => (await import(`${name}/package.json`, { with: { type: 'json' } })).default.version;
  return { onnxruntime: await read('onnxruntime-node'), tfjs: await read('@tensorflow/tfjs') };
}

export const trainer = () => built('@forja/trainer/node');
