// An ONNX file as an extractor: one input of pictures, one row of features per example, and probabilities (or logits)
// if it has an output of classes. Size, order and range come from its manifest, else from its shape.
import {
  checkModelBytes,
  ForjaError,
  ModelFormatError,
  readManifest,
  sizeOf,
  type Dim,
  type Runtime,
  type Session,
} from '@forja/core';
import { DATA_TYPE, decodeModel } from '@forja/core/onnx';
import { hex, sha256 } from '../../digest.js';
import type { Rows } from '../matrix.js';
import type { Extracted, Extractor, RawExamples } from './extractor.js';
import { fitted, resizeText, type PictureInput } from './pictures.js';

/** Batch size, if the file does not fix it. */
const CHUNK = 64;

/** A file to extract features with. */
export interface ExtractorFile {
  /** Shown in score lines. */
  name: string;
  model: Uint8Array;
}

/**
 * The extractor. Throws ModelFormatError `model.unsupported` for a model that does not take one batch of pictures or
 * does not return rows, and, on first use, ForjaError `model.format` if its features are not finite.
 */
export async function onnxExtractor({ name, model }: ExtractorFile, runtime: Runtime): Promise<Extractor> {
  checkModelBytes(model, `features ${name}`);
  checkWeights(name, model);
  const session = await runtime.createSession(model);
  try {
    return extractorOf(name, hex(await sha256(model)), session, inputOf(name, model, session));
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** Throws for weights that are not finite: an activation such as ReLU may hide them from the features. */
function checkWeights(name: string, model: Uint8Array): void {
  for (const { name: weight = '', dataType, rawData, floatData } of decodeModel(model).graph?.initializers ?? []) {
    if (dataType !== DATA_TYPE.float32) continue;
    const view = rawData && new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
    const count = view === undefined ? floatData.length : view.byteLength / 4;
    for (let i = 0; i < count; i++) {
      const value = view === undefined ? floatData[i]! : view.getFloat32(4 * i, true);
      if (Number.isNaN(value))
        throw new ForjaError(
          'model.format',
          `features ${name}: expected finite weights, got NaN in '${weight}'; the file is damaged, or its ` +
            'training failed',
        );
    }
  }
}

interface Input extends PictureInput {
  name: string;
  dtype: 'float32' | 'uint8';
  batch: number | undefined;
}

const fixed = (dim: Dim | undefined): number | undefined => (typeof dim === 'number' ? dim : undefined);

function inputOf(name: string, model: Uint8Array, { inputs }: Session): Input {
  const [input] = inputs;
  const refuse = (got: string): ModelFormatError =>
    new ModelFormatError(
      'model.unsupported',
      `features ${name}: expected one input of pictures [batch, channels, height, width] or [batch, height, ` +
        `width, channels], float32 or uint8, got ${got}`,
    );
  if (input === undefined || inputs.length !== 1) throw refuse(`${inputs.length} inputs`);
  const { shape, dtype = 'float32' } = input;
  if (shape.length !== 4) throw refuse(`'${input.name}' [${shape.join(', ')}]`);
  if (dtype !== 'float32' && dtype !== 'uint8') throw refuse(`'${input.name}' of ${dtype}`);
  const said = readManifest(model)?.inputs.find((one) => one.name === input.name);
  const isChannels = (dim: Dim | undefined): boolean => dim === 1 || dim === 3;
  const layout = said?.layout ?? (isChannels(shape[3]) && !isChannels(shape[1]) ? 'nhwc' : 'nchw');
  const [height, width, channels] = (layout === 'nchw' ? [2, 3, 1] : [1, 2, 3]).map((axis) => fixed(shape[axis]));
  return {
    name: input.name ?? '',
    dtype,
    batch: fixed(shape[0]),
    height,
    width,
    channels,
    layout,
    range: dtype === 'uint8' ? [0, 255] : (said?.range ?? [-1, 1]),
  };
}

/** The outputs with features and classes, found by name; otherwise the first output has the features. */
function outputsOf({ outputs }: Session): { features: string; classes: { name: string; logits: boolean } | undefined } {
  const names = outputs.map(({ name = '' }) => name);
  const classes = names.find((name) => /prob|softmax/i.test(name)) ?? names.find((name) => /logit/i.test(name));
  const features = names.find((name) => /feature|pool|embed/i.test(name)) ?? names.find((name) => name !== classes);
  return {
    features: features ?? names[0] ?? '',
    classes: classes === undefined ? undefined : { name: classes, logits: /logit/i.test(classes) },
  };
}

function extractorOf(name: string, digest: string, session: Session, input: Input): Extractor {
  const { features, classes } = outputsOf(session);
  const wanted = [...new Set([features, ...(classes === undefined ? [] : [classes.name])])];
  return {
    name,
    sha256: digest,
    resize: (shape) => resizeText(shape, input),
    classifies: classes !== undefined,
    async extract(examples) {
      const found = new Map<string, Float32Array>();
      let columns: Record<string, number> = {};
      const size = input.batch ?? CHUNK;
      for (let start = 0; start < examples.count; start += size) {
        const count = Math.min(size, examples.count - start);
        const results = await session.run(feedOf(examples, start, count, input), { outputs: wanted });
        for (const output of wanted) {
          const tensor = results[output];
          if (tensor?.dtype !== 'float32')
            throw new ModelFormatError(
              'model.unsupported',
              `features ${name}: expected float32 from '${output}', got ${tensor?.dtype ?? 'nothing'}`,
            );
          columns = { ...columns, [output]: sizeOf(tensor.shape.slice(1)) };
          const rows = found.get(output) ?? new Float32Array(examples.count * sizeOf(tensor.shape.slice(1)));
          rows.set(
            (tensor.data as Float32Array).subarray(0, count * sizeOf(tensor.shape.slice(1))),
            start * sizeOf(tensor.shape.slice(1)),
          );
          found.set(output, rows);
        }
      }
      const rowsOf = (output: string): Rows =>
        finite(name, {
          rows: examples.count,
          columns: columns[output] ?? 0,
          data: found.get(output) ?? new Float32Array(),
        });
      return {
        features: rowsOf(features),
        ...(classes === undefined
          ? {}
          : { probabilities: classes.logits ? softmax(rowsOf(classes.name)) : rowsOf(classes.name) }),
      } satisfies Extracted;
    },
    dispose: () => session.dispose(),
  };
}

/** The input for `count` examples from `start` on; if the file fixes the batch size, the last example is repeated. */
function feedOf({ shape, values, range }: RawExamples, start: number, count: number, input: Input) {
  const size = sizeOf(shape);
  const own = values.subarray(start * size, (start + count) * size);
  const pictures = fitted({ count, shape, values: own, range }, input);
  const rows = input.batch ?? count;
  const each = pictures.length / count;
  const data = input.dtype === 'uint8' ? new Uint8Array(rows * each) : new Float32Array(rows * each);
  for (let i = 0; i < rows; i++) {
    const at = Math.min(i, count - 1) * each;
    const picture = pictures.subarray(at, at + each);
    data.set(
      input.dtype === 'uint8' ? picture.map((v) => Math.min(255, Math.max(0, Math.round(v)))) : picture,
      i * each,
    );
  }
  const [h, w, c] = [input.height ?? shape[0] ?? 0, input.width ?? shape[1] ?? 0, input.channels ?? shape[2] ?? 0];
  const dims = input.layout === 'nchw' ? [rows, c, h, w] : [rows, h, w, c];
  return { [input.name]: { dtype: input.dtype, shape: dims, data } };
}

function finite(name: string, rows: Rows): Rows {
  const bad = rows.data.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return rows;
  throw new ForjaError(
    'model.format',
    `features ${name}: expected finite features, got ${rows.data[bad]} for example ` +
      `${Math.floor(bad / rows.columns)}; check the file's weights and that the examples are finite`,
  );
}

function softmax({ rows, columns, data }: Rows): Rows {
  const out = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    const own = data.subarray(i * columns, (i + 1) * columns);
    const most = Float64Array.from(own).reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += out[i * columns + c] = Math.exp(own[c]! - most);
    for (let c = 0; c < columns; c++) out[i * columns + c]! /= sum;
  }
  return { rows, columns, data: out };
}
