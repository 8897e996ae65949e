// Bundled by record.mjs and run in a separate process: tfjs-core's own specs on the cpu backend with every kernel
// wrapped; writes inputs and results of the kernels to a file.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { serialize } from 'node:v8';
// The bundler brings these into one instance of tfjs-core, that of the specs.
import * as tf from '@tensorflow/tfjs-core';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-backend-cpu';

const [target] = process.argv.slice(2);

/** Number of samples kept per signature: the second often has NaN and signs. */
const SAMPLES = 4;

/** Larger calls are counted, and kept without data. */
const LARGEST = 20_000_000;

/** kernel and what describes the call → what was recorded. */
const calls = new Map();

/** Specs draw from Math.random: the same numbers each time. "Mulberry32", public domain. */
let seed = 0x9e3779b9;
Math.random = () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

const isTensor = (value) => typeof value === 'object' && value !== null && 'dataId' in value && 'dtype' in value;
const NUMERIC = new Set(['float32', 'int32', 'bool']);
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function describe(value) {
  return Array.isArray(value)
    ? value.map(describe)
    : isTensor(value)
      ? { shape: [...value.shape], dtype: value.dtype }
      : { shape: [], dtype: 'pixels' };
}

function read(value, backend) {
  if (Array.isArray(value)) return value.map((one) => read(one, backend));
  if (!isTensor(value) || !NUMERIC.has(value.dtype) || tf.util.sizeFromShape(value.shape) > LARGEST) return undefined;
  return new ARRAYS[value.dtype](backend.readSync(value.dataId));
}

/** Attributes as plain data, without values that structuredClone refuses, as in tracing. */
function plain(attrs) {
  try {
    return structuredClone(attrs ?? {});
  } catch {
    return {};
  }
}

const text = (value) =>
  JSON.stringify(value, (_, v) =>
    typeof v === 'number' && !Number.isFinite(v) ? String(v) : v === undefined ? null : v,
  );

function wrap({ kernelName, backendName, kernelFunc, ...rest }) {
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    ...rest,
    kernelName,
    backendName,
    kernelFunc(params) {
      const { inputs, attrs, backend } = params;
      const present = Array.isArray(inputs)
        ? { inputs: [...inputs] }
        : Object.fromEntries(Object.entries(inputs ?? {}).filter(([, v]) => v !== undefined && v !== null));
      const [meta, given] = [
        Object.fromEntries(Object.entries(present).map(([k, v]) => [k, describe(v)])),
        plain(attrs),
      ];
      const key = `${kernelName} ${text(meta)} ${text(given)}`;
      const data =
        (calls.get(key)?.samples.length ?? 0) < SAMPLES
          ? Object.fromEntries(Object.entries(present).map(([k, v]) => [k, read(v, backend)]))
          : undefined;
      const result = kernelFunc(params);
      if (data === undefined) return result;
      const record = calls.get(key) ?? {
        kernel: kernelName,
        list: Array.isArray(inputs),
        inputs: meta,
        attrs: given,
        samples: [],
        outputs: [result].flat().map(describe),
      };
      calls.set(key, record);
      record.samples.push({ inputs: data, outputs: [result].flat().map((one) => read(one, backend)) });
      return result;
    },
  });
}

for (const config of tf.getKernelsForBackend('cpu')) wrap(config);
setTestEnvs([{ name: 'cpu', backendName: 'cpu', isDataSync: true }]);

const jasmine = createRequire(import.meta.url)('jasmine-core').boot(true);
const env = jasmine.getEnv();
env.configure({ random: false, failSpecWithNoExpectations: false });
jasmine.DEFAULT_TIMEOUT_INTERVAL = 20_000;
Object.assign(globalThis, { jasmine });
const counts = { passed: 0, failed: 0, pending: 0, excluded: 0 };
const failures = [];
env.addReporter({
  specDone(result) {
    counts[result.status] = (counts[result.status] ?? 0) + 1;
    if (result.status === 'failed') failures.push(`${result.fullName}: ${result.failedExpectations[0]?.message}`);
  },
});
await import('@tensorflow/tfjs-core/dist/tests');
await env.execute();
const records = [...calls.values()];
writeFileSync(target, serialize({ version: tf.version_core, counts, failures, records }));
process.stdout.write(
  `${JSON.stringify({ counts, records: records.length, kernels: new Set(records.map((r) => r.kernel)).size })}\n`,
);
process.exit(0);
