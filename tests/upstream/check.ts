// Checks one signature (all recorded calls of one tfjs kernel with the same shapes, types and attributes): exports a
// function that calls the kernel, runs it in onnxruntime, and compares with the recorded results of tfjs's cpu kernel.
import { exportOnnx } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import * as native from 'onnxruntime-node';
import type { ProgramDType } from '../../packages/trainer/src/program/program.js';
import { knownDifference } from './known.js';
import type { RecordedData, RecordedMeta, RecordedSample, Signature } from './recording.js';

/** Absolute, or relative to the expected number. */
export const TOLERANCE = 1e-5;

/**
 * Outcome of a signature. `other`: strings or complex numbers. `differs`: on purpose, for the reason in known.ts.
 */
export type Outcome =
  { status: 'passed' } | { status: 'other' | 'refused' | 'failed' | 'wrong' | 'differs'; why: string };

interface Input {
  name: string;
  meta: RecordedMeta & { dtype: ProgramDType };
  data: (sample: RecordedSample) => RecordedData;
}

/** What runs a file: onnxruntime-node, or onnxruntime-web, which has the same classes. */
export type Ort = Pick<typeof native, 'InferenceSession' | 'Tensor'>;

/** The check of one signature: all its samples. */
export async function check(
  signature: Signature,
  { ort = native, opset }: { ort?: Ort; opset?: number } = {},
): Promise<Outcome> {
  const metas = [...Object.values(signature.inputs).flat(), ...signature.outputs];
  const odd = metas.find(({ dtype }) => !isNumeric(dtype));
  if (odd !== undefined) return { status: 'other', why: odd.dtype };
  const inputs = inputsOf(signature).filter(({ meta }) => !isEmpty(meta));
  let model: Uint8Array;
  try {
    model = (
      await exportOnnx(callOf(signature), {
        inputs: inputs.map(({ name, meta }) => ({ name, dtype: meta.dtype, shape: meta.shape })),
        outputs: signature.outputs.map((_, i) => ({ name: `output_${i}` })),
        verify: false,
        ...(opset === undefined ? {} : { opset }),
      })
    ).model;
  } catch (error) {
    return { status: 'refused', why: message(error) };
  }
  let session: native.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  } catch (error) {
    return { status: 'failed', why: message(error) };
  }
  try {
    for (const sample of signature.samples) {
      const why = await compare(ort, session, inputs, sample, signature.outputs);
      const meant = why === undefined ? undefined : knownDifference(signature);
      if (meant !== undefined) return { status: 'differs', why: meant };
      if (why !== undefined) return { status: 'wrong', why };
    }
    return { status: 'passed' };
  } catch (error) {
    return { status: 'failed', why: message(error) };
  } finally {
    await session.release();
  }
}

function isNumeric(dtype: RecordedMeta['dtype']): dtype is ProgramDType {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
}

function inputsOf({ inputs }: Signature): Input[] {
  return Object.entries(inputs).flatMap(([key, value]) =>
    [value].flat().map((meta, i): Input => ({
      name: Array.isArray(value) ? `${key}_${i}` : key,
      meta: meta as Input['meta'], // the caller has looked at the types
      data: (sample) =>
        // the data is a list exactly where the metadata is one
        Array.isArray(value) ? (sample.inputs[key] as RecordedData[])[i] : (sample.inputs[key] as RecordedData),
    })),
  );
}

const isEmpty = ({ shape }: RecordedMeta): boolean => shape.includes(0);

/**
 * The function that a user would write: tensors in, the kernel, tensors out. An empty tensor, which files do not accept
 * as an input, becomes a constant.
 */
function callOf({ kernel, list, inputs, attrs }: Signature): (...x: tf.Tensor[]) => tf.Tensor[] {
  return (...x) => {
    const rest = [...x];
    const next = (meta: RecordedMeta): tf.Tensor | undefined =>
      // the caller has looked at the types
      isEmpty(meta) ? tf.tensor([], meta.shape, meta.dtype as ProgramDType) : rest.shift();
    const named = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, Array.isArray(value) ? value.map(next) : next(value)]),
    );
    // runKernel is typed for one tensor an input; its variadic kernels take lists.
    const given = (list ? named['inputs'] : named) as unknown as tf.NamedTensorMap;
    return [tf.engine().runKernel(kernel, given, structuredClone(attrs) as never)].flat() as tf.Tensor[];
  };
}

async function compare(
  ort: Ort,
  session: native.InferenceSession,
  inputs: readonly Input[],
  sample: RecordedSample,
  outputs: readonly RecordedMeta[],
): Promise<string | undefined> {
  const feeds = Object.fromEntries(
    inputs
      .filter(({ name }) => session.inputNames.includes(name))
      .map((input) => {
        const {
          meta: { dtype, shape },
        } = input;
        return [input.name, new ort.Tensor(dtype, input.data(sample) as never, shape)]; // an array of that type
      }),
  );
  const results = await session.run(feeds);
  for (const [i, meta] of outputs.entries()) {
    const [got, expected] = [results[`output_${i}`], sample.outputs[i]];
    if (got === undefined || expected === undefined) return `output ${i} is missing`;
    if (got.type !== meta.dtype) return `output ${i}: expected ${meta.dtype}, got ${got.type}`;
    if (got.dims.join() !== meta.shape.join())
      return `output ${i}: expected shape [${meta.shape.join(', ')}], got [${got.dims.join(', ')}]`;
    const data = got.data as ArrayLike<number>; // the array of a float32, int32 or bool tensor
    for (let k = 0; k < expected.length; k++) {
      const [a, b] = [data[k] ?? NaN, expected[k] ?? NaN];
      if (!close(a, b, meta.dtype === 'float32')) return `output ${i}, place ${k}: expected ${b}, got ${a}`;
    }
  }
  return undefined;
}

function close(a: number, b: number, float: boolean): boolean {
  if (!float) return a === b;
  return Object.is(a, b) || a === b || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b));
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
