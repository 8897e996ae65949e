// Draws examples from a generator in a file, in NHWC, for measures.
import {
  manifestFor,
  readManifest,
  sizeOf,
  UsageError,
  type Manifest,
  type Runtime,
  type Session,
  type Tensor,
} from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { countOf } from '../data/fields.js';
import type { RawExamples } from './features/extractor.js';
import { channelsLast, generatorFeeds, type GeneratorInput } from './feeds.js';
import { chosen } from './measurer.js';

/** Examples per call. */
const ROWS = 64;

/** A generator to draw examples from. */
export interface FileGenerator {
  readonly manifest: Manifest;
  /** True if it takes a class. */
  readonly conditional: boolean;
  /** True if it takes pictures. */
  readonly translates: boolean;
  /** Generates examples from a seed; input pictures and labels come from `dataset`. */
  generate(dataset: Dataset, count: number, seed: number): Promise<{ examples: RawExamples; labels?: Int32Array }>;
  dispose(): Promise<void>;
}

/**
 * The generator in an ONNX file. Its inputs and outputs are described by its manifest, or guessed from names and
 * shapes.
 */
export async function fileGenerator(
  model: Uint8Array,
  runtime: Runtime,
  external?: Map<string, Uint8Array>,
): Promise<FileGenerator> {
  const session = await runtime.createSession(model, external === undefined ? {} : { external });
  const manifest = manifestFor(undefined, readManifest(model), session.inputs, session.outputs);
  const inputs = manifest.inputs.map((input): GeneratorInput => ({ ...input }));
  return {
    manifest,
    conditional: inputs.some(({ role }) => role === 'label'),
    translates: inputs.some(({ role }) => role === 'image'),
    generate: (dataset, count, seed) => generated(session, manifest, dataset, count, seed),
    dispose: () => session.dispose(),
  };
}

async function generated(
  session: Session,
  { inputs, outputs }: Manifest,
  dataset: Dataset,
  count: number,
  seed: number,
): Promise<{ examples: RawExamples; labels?: Int32Array }> {
  const output = outputs.find(({ role }) => role === 'image') ?? outputs[0];
  const from = dataset.holdout ?? dataset;
  const fed = inputs.map((input): GeneratorInput => {
    const field = [input.name, 'input', 'image'].find((name) => from.fields[name] !== undefined);
    return input.role === 'image' && field !== undefined ? { ...input, field } : input;
  });
  const first = fed.find(({ field }) => field !== undefined)?.field;
  const order = chosen(seed, first === undefined ? from.count : countOf(from, first), Infinity);
  let all: { shape: number[]; values: Float32Array } | undefined;
  let labels: Int32Array | undefined;
  for (let start = 0; start < count; start += ROWS) {
    const rows = Math.min(ROWS, count - start);
    const indices = Uint32Array.from({ length: rows }, (_, i) => order[(start + i) % order.length] as number);
    const { feeds, labels: own } = await generatorFeeds(fed, from, indices, { seed, start });
    const made = (await session.run(feeds))[output?.name ?? ''];
    if (made === undefined || (made.dtype !== 'float32' && made.dtype !== 'uint8'))
      throw new UsageError(`evaluate: expected float32 or uint8 from the generator, got ${made?.dtype ?? 'nothing'}`);
    const batch = nhwc(made, rows, output?.layout);
    all ??= { shape: batch.shape, values: new Float32Array(count * sizeOf(batch.shape)) };
    all.values.set(batch.values, start * sizeOf(batch.shape));
    if (own !== undefined) (labels ??= new Int32Array(count)).set(own, start);
  }
  const { shape = [], values = new Float32Array() } = all ?? {};
  const range = output?.range ?? (output?.dtype === 'uint8' ? [0, 255] : [-1, 1]);
  return { examples: { count, shape, values, range }, ...(labels === undefined ? {} : { labels }) };
}

/** A batch with channels last, as floats. */
function nhwc(made: Tensor, rows: number, layout: 'nchw' | 'nhwc' | undefined) {
  const values = Float32Array.from(made.data as Float32Array | Uint8Array); // the caller has checked the type
  const [, a = 1, b = 1, c = 1] = made.shape;
  if (made.shape.length !== 4 || layout === 'nhwc') return { shape: made.shape.slice(1), values };
  return { shape: [b, c, a], values: channelsLast(values, rows, b * c, a) };
}
