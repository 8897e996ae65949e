// Draws the small training set of an augmentation study, and chooses its test set.
import { permutation, streamOf, UsageError } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { fieldOf, readFields } from '../data/fields.js';
import { FIELD_KINDS, type FieldKind } from '../systems/kind.js';

/** Share of the examples that are kept for testing if the data has no holdout. */
const TEST_SHARE = 0.2;

/** Pictures with their classes, in memory. */
export interface Examples {
  readonly count: number;
  /** [height, width, channels] of a picture. */
  readonly shape: readonly number[];
  /** One after the other, in [-1, 1]. */
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** Examples of a dataset, by index. */
export interface Part {
  readonly dataset: Dataset;
  readonly indices: Uint32Array;
}

/** A dataset of pictures with classes, divided into pool and test set. */
export interface Divided {
  readonly classes: readonly string[];
  /** The examples that a small set may be drawn from. */
  readonly pool: Part;
  readonly test: Part;
}

/**
 * The test set is the data's holdout, or, if there is none, a fifth of the examples, the same for every seed.
 * @throws UsageError `config.invalid` for data without pictures or without classes.
 */
export function divided(dataset: Dataset): Divided {
  const kinds: Record<string, FieldKind> = { image: 'image', label: 'label' };
  for (const [name, kind] of Object.entries(kinds))
    if (!FIELD_KINDS[kind].fits(fieldOf(dataset, name)))
      throw new UsageError(
        `augment --data: expected ${FIELD_KINDS[kind].words} as '${name}', got another shape in ${dataset.name}`,
        { code: 'config.invalid' },
      );
  const { classes = [] } = fieldOf(dataset, 'label');
  if (classes.length < 2)
    throw new UsageError(
      `augment --data: expected at least two classes with names, such as subfolders, ` +
        `got ${classes.length} in ${dataset.name}`,
      { code: 'config.invalid' },
    );
  const { holdout } = dataset;
  const all = (of: Dataset): Part => ({ dataset: of, indices: Uint32Array.from({ length: of.count }, (_, i) => i) });
  if (holdout) return { classes, pool: all(dataset), test: all(holdout) };
  const order = permutation(0, 0, dataset.count, streamOf('study/test'));
  const first = Math.ceil(TEST_SHARE * dataset.count);
  return {
    classes,
    pool: { dataset, indices: order.slice(first).sort() },
    test: { dataset, indices: order.slice(0, first).sort() },
  };
}

/**
 * `perClass` examples of every class, drawn by the seed; those of class 0 come first. @throws UsageError
 * `config.invalid` if a class has fewer.
 */
export async function smallSet({ classes, pool }: Divided, perClass: number, seed: number): Promise<Examples> {
  const { dataset, indices } = pool;
  const { label: labels = new Int32Array() } = await readFields(dataset, indices, ['label']);
  const drawn = classes.map((): number[] => []);
  for (const at of permutation(seed, 0, indices.length, streamOf('study/small set'))) {
    const own = drawn[labels[at] ?? -1];
    if (own && own.length < perClass) own.push(indices[at] as number); // at < indices.length
  }
  const short = drawn.findIndex(({ length }) => length < perClass);
  if (short >= 0)
    throw new UsageError(
      `augment --per-class: expected at most the ${drawn[short]?.length} examples of class ` +
        `'${classes[short]}' that are not for testing, got ${perClass}`,
      { code: 'config.invalid' },
    );
  return examplesOf({ dataset, indices: Uint32Array.from(drawn.flat()) });
}

/** The examples of a part, read. */
export async function examplesOf({ dataset, indices }: Part): Promise<Examples> {
  const { image, label } = await readFields(dataset, indices, ['image', 'label']);
  return {
    count: indices.length,
    shape: fieldOf(dataset, 'image').shape,
    images: image as Float32Array, // `divided` checked that pictures are float32
    labels: label as Int32Array,
  };
}
