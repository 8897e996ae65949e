// Makes the latents of pictures, by number, for a model of kind `latent`; conditions.ts makes the other inputs. Refuses
// the manifests of other kinds.
import { ModelFormatError, UsageError } from '../errors.js';
import { latents } from '../latent/latents.js';
import { BYTES_OF, sizeOf } from '../tensor.js';
import type { Dim, NamedTensors, Tensor } from '../tensor.js';
import { halfOf } from '../half.js';
import type { Manifest, ManifestInput, ManifestOutput } from '../manifest/manifest.js';
import type { DrawOptions } from './options.js';
import { greatest } from './sizes.js';

/** An input with a batch axis, and the shape of one row. */
export interface RowInput {
  spec: ManifestInput;
  row: number[];
}

/** Options of {@link LatentModel.feeds}. */
export interface Draw extends DrawOptions {
  /** Number of the first picture. */
  start: number;
  /** Latents given by the caller, from the first picture on. */
  latents?: Float32Array | undefined;
  /** A class for each picture. `label` is set as well, for checks, but its value is not used. */
  labels?: readonly (number | string)[];
  /**
   * Every picture gets the noise of the picture with this number, so that pictures of a walk differ only in their
   * latent.
   */
  noiseOf?: number;
}

/** A model of kind `latent`. */
export class LatentModel {
  readonly output: ManifestOutput;
  /** Numbers in one latent. */
  readonly size: number;
  readonly distribution: 'normal' | 'uniform';
  /** Maximum rows per run; Infinity if the model sets none. */
  readonly mostRows: number;
  /** Rows that every run must have, if the model's batch is fixed. */
  readonly fixedBatch: number | undefined;
  /** Whether it has inputs besides latents: see conditions.ts. */
  readonly conditional: boolean;
  readonly #latent: RowInput;

  constructor(manifest: Manifest) {
    const { kind, inputs, outputs } = manifest;
    const latent = inputs.find(({ role }) => role === 'latent');
    const output = outputs.find(({ role }) => role === 'image');
    const other = inputs.find(({ role }) => role === 'image' || role === 'tensor');
    if (kind !== 'latent' || !latent || !output || other) {
      const way = kind === 'latent' || kind === 'function' ? '' : '; this one takes pictures: use translate()';
      throw new ModelFormatError(
        'model.notGenerator',
        `sample: expected a model that makes pictures from latents, got kind '${kind}' with inputs ` +
          `${inputs.map(({ name }) => name).join(', ')}${way}. ` +
          `run(feeds) works with any model; the option 'manifest' describes a model that has no manifest.`,
      );
    }
    this.output = output;
    this.#latent = rowsOf(latent);
    this.size = sizeOf(this.#latent.row);
    this.distribution = latent.distribution ?? 'normal';
    this.conditional = inputs.some(({ role }) => role !== 'latent');
    const batch = latent.shape[0];
    this.mostRows = greatest(manifest, batch);
    this.fixedBatch = typeof batch === 'number' ? batch : undefined;
  }

  /** The number of pictures whose output fits into `bytes`, at least one; Infinity if their size is unknown. */
  within(bytes: number): number {
    const row = this.output.shape.slice(1);
    return isStatic(row) ? Math.max(1, Math.floor(bytes / (sizeOf(row) * BYTES_OF[this.output.dtype]))) : Infinity;
  }

  /** Throws for an invalid seed or truncation, and for truncation of given latents. */
  check({ seed = 0, truncation, latents: given }: Omit<Draw, 'start'>): void {
    // With a count of 0, this only checks the options.
    latents(seed, 0, 0, 1, truncation === undefined ? {} : { truncation });
    if (given && truncation !== undefined)
      throw new UsageError('sample.truncation: expected none with given latents, got one; truncate them yourself');
  }

  /** Latents for `count` pictures of `draw`, starting at picture `from`. */
  feeds(draw: Draw, from: number, count: number): NamedTensors {
    const { seed = 0, truncation } = draw;
    const first = draw.start + from;
    const z = draw.latents
      ? draw.latents.slice(from * this.size, (from + count) * this.size)
      : latents(seed, first, count, this.size, {
          distribution: this.distribution,
          ...(truncation === undefined ? {} : { truncation }),
        });
    return { [this.#latent.spec.name]: rows(this.#latent, count, z) };
  }
}

/** @throws ModelFormatError for a row with a dynamic size. */
export function rowsOf(spec: ManifestInput): RowInput {
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

/** `count` rows of floats, in the input's precision. */
export function rows({ spec, row }: RowInput, count: number, data: Float32Array): Tensor {
  if (spec.dtype === 'float32') return { dtype: 'float32', shape: [count, ...row], data };
  if (spec.dtype === 'float16')
    return { dtype: 'float16', shape: [count, ...row], data: Uint16Array.from(data, halfOf) };
  throw new ModelFormatError(
    'model.format',
    `manifest.inputs.${spec.name}: expected float32 or float16 for a ${spec.role}, got ${spec.dtype}`,
  );
}
