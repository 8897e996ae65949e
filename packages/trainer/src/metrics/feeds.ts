// Inputs of a generator for measures: latents, and labels and pictures from the data. A generator gets the same inputs
// during training and as an exported file.
import {
  ARRAY_OF,
  latents,
  philoxNormal,
  sizeOf,
  streamOf,
  tensor,
  UsageError,
  type Dim,
  type DType,
  type NamedTensors,
} from '@forja/core';
import type { Dataset, FieldArray } from '../data/dataset.js';

/** An input of a generator. */
export interface GeneratorInput {
  readonly name: string;
  readonly role?: string;
  readonly dtype?: DType;
  /** The first is the batch. */
  readonly shape: readonly Dim[];
  readonly distribution?: 'normal' | 'uniform';
  readonly classes?: readonly string[];
  readonly layout?: 'nchw' | 'nhwc';
  readonly range?: readonly [number, number];
  /** Field of the data that this input is fed with. Default: the field with the input's name. */
  readonly field?: string;
}

/** Inputs for some examples, and the requested classes. */
export interface GeneratorFeeds {
  feeds: NamedTensors;
  labels?: Int32Array;
}

/**
 * Feeds for the examples `indices` of `dataset`, whose fields the generator may need. Latent i depends only on (seed,
 * start + i).
 */
export async function generatorFeeds(
  inputs: readonly GeneratorInput[],
  dataset: Dataset,
  indices: Uint32Array,
  { seed, start }: { seed: number; start: number },
): Promise<GeneratorFeeds> {
  const count = indices.length;
  const feeds: NamedTensors = {};
  let labels: Int32Array | undefined;
  for (const input of inputs) {
    const { name, role, dtype = 'float32', classes } = input;
    const size = sizeOf(input.shape.slice(1).map(Number));
    const shape = [count, ...input.shape.slice(1).map(Number)];
    const field = input.field ?? (role === 'label' ? 'label' : role === 'latent' ? undefined : name);
    const spec = field === undefined ? undefined : dataset.fields[field];
    if (role === 'label') {
      const own = await labelsOf(dataset, indices, classes?.length ?? 1);
      labels = own;
      feeds[name] = tensor(
        dtype,
        shape,
        dtype === 'int64' ? BigInt64Array.from(own, BigInt) : new ARRAY_OF[dtype](own as never),
      );
    } else if (spec !== undefined && field !== undefined) {
      const into = new ARRAY_OF[spec.dtype](count * sizeOf(spec.shape)) as FieldArray; // float32 or int32
      await dataset.read(indices, { [field]: into });
      const chw = input.layout === 'nchw' && spec.shape.length === 3;
      const [h = 1, w = 1, c = 1] = spec.shape;
      feeds[name] = tensor(
        dtype,
        [count, ...(chw ? [c, h, w] : spec.shape)],
        chw ? channelsFirst(into as Float32Array, count, h * w, c) : into,
      );
    } else if (role === 'text') {
      throw new UsageError(
        `measures: expected captions in the field '${name}' of ${dataset.name} for a generator that takes a ` +
          'text, got none; give data of the kind captions',
        { code: 'config.invalid' },
      );
    } else if (role === 'psi' || role === 'mix' || role === 'layer') {
      // the defaults of `sample`: no truncation, no style mixing
      const value = { psi: 1, mix: 0, layer: input.range?.[1] ?? 0 }[role];
      const values = new Float64Array(count * size).fill(value);
      feeds[name] = tensor(dtype, shape, new ARRAY_OF[dtype](values as never));
    } else if (role === 'latent' || role === undefined)
      feeds[name] = tensor(
        dtype,
        shape,
        latents(seed, start, count, size, { distribution: input.distribution ?? 'normal' }),
      );
    else
      feeds[name] = tensor(
        dtype,
        shape,
        philoxNormal({ seed, step: start, stream: streamOf(`metrics/${name}`) }, count * size),
      );
  }
  return { feeds, ...(labels === undefined ? {} : { labels }) };
}

/** The classes of examples; if the data has none, all classes in turn. */
async function labelsOf(dataset: Dataset, indices: Uint32Array, classes: number): Promise<Int32Array> {
  const into = new Int32Array(indices.length);
  if (dataset.fields['label'] === undefined) return into.map((_, i) => i % classes);
  await dataset.read(indices, { label: into });
  return into;
}

/** NHWC as NCHW. */
export function channelsFirst(values: Float32Array, count: number, pixels: number, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < count; i++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        out[(i * channels + c) * pixels + p] = values[(i * pixels + p) * channels + c]!;
  return out;
}

/** NCHW as NHWC. */
export function channelsLast(values: Float32Array, count: number, pixels: number, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < pixels; p++) out[(i * pixels + p) * channels + c] = values[(i * channels + c) * pixels + p]!;
  return out;
}
