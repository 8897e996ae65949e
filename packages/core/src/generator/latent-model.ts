// What a latent model needs for picture i: its latent, label and noise. Built from a manifest; refuses models of
// another kind.
import { ModelFormatError, UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import { latents } from '../latent/latents.js';
import { philoxNormal } from '../latent/streams.js';
import { ARRAY_OF, BYTES_OF, sizeOf } from '../tensor.js';
import type { Dim, NamedTensors, Tensor, TypedArray } from '../tensor.js';
import { halfOf } from '../half.js';
import type { Manifest, ManifestInput, ManifestOutput } from '../manifest/manifest.js';
import type { DrawOptions } from './options.js';
import { greatest } from './sizes.js';

/** An input that carries rows, and the shape of one. */
interface RowInput {
  spec: ManifestInput;
  row: number[];
}

/** What {@link LatentModel.feeds} makes rows from. */
export interface Draw extends DrawOptions {
  /** Number of the first picture. */
  start: number;
  /** Latents given by the caller, from the first picture on. */
  latents?: Float32Array | undefined;
  /** Every picture gets the noise of this one: pictures of a walk differ in nothing but the latent. */
  noiseOf?: number;
}

/** A model of kind `latent`. */
export class LatentModel {
  readonly output: ManifestOutput;
  /** Numbers in one latent. */
  readonly size: number;
  readonly distribution: 'normal' | 'uniform';
  /** Rows that a run may have, where the model says so; Infinity where it does not. */
  readonly mostRows: number;
  /** Rows that every run must have, where the model says so. */
  readonly fixedBatch: number | undefined;
  readonly #latent: RowInput;
  readonly #noises: readonly RowInput[];
  readonly #label: (RowInput & { classes: number | undefined }) | undefined;

  constructor(manifest: Manifest) {
    const { kind, inputs, outputs } = manifest;
    const latent = inputs.find(({ role }) => role === 'latent');
    const output = outputs.find(({ role }) => role === 'image');
    const other = inputs.find(({ role }) => role === 'image' || role === 'tensor');
    if (kind !== 'latent' || !latent || !output || other) {
      const way = kind === 'latent' || kind === 'function' ? '' : '; this one takes pictures: use translate()';
      throw new ModelFormatError(
        'model.notGenerator',
        `sample: expected a model that makes pictures from latents, got kind '${kind}' with inputs ${inputs.map(({ name }) => name).join(', ')}${way}. run(feeds) takes any model; the option 'manifest' says what one without a manifest is.`,
      );
    }
    this.output = output;
    this.#latent = rowsOf(latent);
    this.size = sizeOf(this.#latent.row);
    this.distribution = latent.distribution ?? 'normal';
    this.#noises = inputs.filter(({ role }) => role === 'noise').map(rowsOf);
    const label = inputs.find(({ role }) => role === 'label');
    this.#label = label && { ...rowsOf(label), classes: classesOf(label) };
    const batch = latent.shape[0];
    this.mostRows = greatest(manifest, batch);
    this.fixedBatch = typeof batch === 'number' ? batch : undefined;
  }

  /** Pictures whose output fits into `bytes`, at least one; Infinity where the model does not say their size. */
  within(bytes: number): number {
    const row = this.output.shape.slice(1);
    return isStatic(row) ? Math.max(1, Math.floor(bytes / (sizeOf(row) * BYTES_OF[this.output.dtype]))) : Infinity;
  }

  /** Whether pictures have a class. */
  get hasLabel(): boolean {
    return this.#label !== undefined;
  }

  /** Throws for a seed, truncation or label that no picture could be drawn from. */
  check({ seed = 0, truncation, label, latents: given }: Omit<Draw, 'start'>): void {
    // Draws nothing: only the options are looked at.
    latents(seed, 0, 0, 1, truncation === undefined ? {} : { truncation });
    if (given && truncation !== undefined)
      throw new UsageError('sample.truncation: expected none beside latents, got one; truncate them yourself');
    if (label === undefined && this.#label && this.#label.classes === undefined)
      throw new UsageError('sample.label: expected a class, as the model has an unknown number');
    if (label !== undefined) this.#classOf(label);
  }

  /** Feeds for `count` pictures from number `from` of `draw` on. */
  feeds(draw: Draw, from: number, count: number): NamedTensors {
    const { seed = 0, truncation } = draw;
    const first = draw.start + from;
    const z = draw.latents
      ? draw.latents.slice(from * this.size, (from + count) * this.size)
      : latents(seed, first, count, this.size, {
          distribution: this.distribution,
          ...(truncation === undefined ? {} : { truncation }),
        });
    const feeds: NamedTensors = { [this.#latent.spec.name]: rows(this.#latent, count, z) };
    this.#noises.forEach((noise, stream) => {
      const size = sizeOf(noise.row);
      const data = new Float32Array(count * size);
      for (let i = 0; i < count; i++)
        data.set(philoxNormal({ seed, stream, step: draw.noiseOf ?? first + i }, size), i * size);
      feeds[noise.spec.name] = rows(noise, count, data);
    });
    if (this.#label) {
      const { classes = 1 } = this.#label;
      const of = draw.label === undefined ? (i: number) => (first + i) % classes : () => chosen;
      const chosen = draw.label === undefined ? 0 : this.#classOf(draw.label);
      feeds[this.#label.spec.name] = labels(this.#label, count, of);
    }
    return feeds;
  }

  #classOf(label: number | string): number {
    if (!this.#label) throw new UsageError('sample.label: expected no label, as the model takes none');
    const { spec, classes } = this.#label;
    const named = typeof label === 'string' ? (spec.classes ?? []).indexOf(label) : label;
    if (typeof label === 'string' && named < 0) {
      throw new UsageError(
        `sample.label: expected ${spec.classes ? `one of ${listed(spec.classes)}` : 'a number, as the model names no classes'}, got '${label}'`,
        { code: 'input.range' },
      );
    }
    checkInteger('sample.label', named, 0, (classes ?? 2 ** 31) - 1);
    return named;
  }
}

function listed(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(', ')}, … (${names.length} in all)` : names.join(', ');
}

function rowsOf(spec: ManifestInput): RowInput {
  const row = spec.shape.slice(1);
  if (!isStatic(row))
    throw new ModelFormatError(
      'model.format',
      `manifest.inputs.${spec.name}: expected fixed sizes after the batch, got [${spec.shape.join(', ')}]`,
    );
  return { spec, row };
}

function isStatic(shape: readonly Dim[]): shape is number[] {
  return shape.every((dim) => typeof dim === 'number');
}

/** How many classes a label has: by name, by range, or as the length of a one-hot row. */
export function classesOf({ classes, range, dtype, shape }: ManifestInput): number | undefined {
  if (classes) return classes.length;
  if (range) return range[1] + 1;
  const last = shape.at(-1);
  return isFloat(dtype) && shape.length === 2 && typeof last === 'number' ? last : undefined;
}

function isFloat(dtype: string): boolean {
  return dtype === 'float32' || dtype === 'float16';
}

function rows({ spec, row }: RowInput, count: number, data: Float32Array): Tensor {
  if (spec.dtype === 'float32') return { dtype: 'float32', shape: [count, ...row], data };
  if (spec.dtype === 'float16')
    return { dtype: 'float16', shape: [count, ...row], data: Uint16Array.from(data, halfOf) };
  throw new ModelFormatError(
    'model.format',
    `manifest.inputs.${spec.name}: expected float32 or float16 for a ${spec.role}, got ${spec.dtype}`,
  );
}

/** Class numbers, or one-hot rows where the input has a row of floats. */
function labels({ spec, row }: RowInput, count: number, of: (i: number) => number): Tensor {
  const size = sizeOf(row);
  const oneHot = isFloat(spec.dtype) && size > 1;
  if (oneHot) {
    const data = new Float32Array(count * size);
    for (let i = 0; i < count; i++) data[i * size + of(i)] = 1;
    return rows({ spec, row }, count, data);
  }
  const data: TypedArray = new ARRAY_OF[spec.dtype](count * size);
  for (let i = 0; i < count; i++) {
    if (data instanceof BigInt64Array) data.fill(BigInt(of(i)), i * size, (i + 1) * size);
    else data.fill(spec.dtype === 'float16' ? halfOf(of(i)) : of(i), i * size, (i + 1) * size);
  }
  return { dtype: spec.dtype, shape: [count, ...row], data };
}
