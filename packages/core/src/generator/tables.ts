// Tables of pictures: style mixing between seeds, and seeds at several truncations.
import { UsageError } from '../errors.js';
import { ImageBatch } from '../image/batch.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { DrawOptions, SampleOptions } from './options.js';

/** The part of a generator that a table needs. */
export interface Sampler {
  sample(options: SampleOptions): Promise<ImageBatch>;
}

/** Options of {@link mixTable}; options of `sample` apply to all pictures. */
export interface MixTableOptions extends Omit<DrawOptions, 'seed' | 'mix'> {
  /** Seeds whose pictures are restyled, top to bottom. */
  rows: readonly (number | bigint)[];
  /** Seeds whose styles are taken from layer `from` on, left to right. */
  columns: readonly (number | bigint)[];
  /** First layer that a column styles: a low one also changes shapes, a high one only colours and details. */
  from: number;
}

/** Options of {@link psiTable}; options of `sample` apply to all pictures. */
export interface PsiTableOptions extends Omit<DrawOptions, 'seed' | 'truncation'> {
  seeds: readonly (number | bigint)[];
  /** Values of ψ, 0..2, one per column. */
  psi: readonly number[];
}

/** Maximum pictures of a table. */
const MAX_PICTURES = 10_000;

/**
 * A mixing table (Karras et al. 2019, StyleGAN, figure 3), row by row, (rows + 1) · (columns + 1) pictures: the first
 * row and column have the seeds' own pictures, the corner is white; the others are a row's picture with a column's
 * styles from layer `from` on, and the row's noise. `grid(columns.length + 1)` lays it out. Rejects as
 * `Generator.sample` does, with `usage` for models that do not mix, and `input.range` for no seeds or too many.
 */
export async function mixTable(generator: Sampler, options: MixTableOptions): Promise<ImageBatch> {
  const { rows, columns, from, ...shared } = optionsOf(
    'mixTable',
    options,
    'columns from label noise rows signal text truncation',
  );
  checkLists('mixTable', { rows, columns });
  checkCount('mixTable', (rows.length + 1) * (columns.length + 1), Math.min(rows.length, columns.length));
  const of = (seed: number | bigint): SampleOptions => ({ ...shared, seed, count: 1 });
  const pictures: (ImageBatch | undefined)[] = [
    undefined,
    ...(await together(columns.map((seed) => generator.sample(of(seed))))),
  ];
  for (const seed of rows)
    pictures.push(
      ...(await together([
        generator.sample(of(seed)),
        ...columns.map((column) => generator.sample({ ...of(seed), mix: { seed: column, from, index: 0 } })),
      ])),
    );
  return tableOf(pictures);
}

/**
 * A row per seed, a column per ψ: the seed's first picture at each truncation `{ psi }`, with the same noise. Rejects
 * as {@link mixTable} does. `grid(psi.length)` lays it out.
 */
export async function psiTable(generator: Sampler, options: PsiTableOptions): Promise<ImageBatch> {
  const { seeds, psi, ...shared } = optionsOf('psiTable', options, 'label mix noise psi seeds signal text');
  checkLists('psiTable', { seeds, psi });
  checkCount('psiTable', seeds.length * psi.length, Math.min(seeds.length, psi.length));
  const pictures: ImageBatch[] = [];
  for (const seed of seeds)
    pictures.push(
      ...(await together(psi.map((one) => generator.sample({ ...shared, seed, count: 1, truncation: { psi: one } })))),
    );
  return tableOf(pictures);
}

/** The first picture of each seed. Rejects as {@link mixTable} does. */
export async function seedTable(
  generator: Sampler,
  options: Omit<DrawOptions, 'seed'> & { seeds: readonly (number | bigint)[] },
): Promise<ImageBatch> {
  const { seeds, ...shared } = optionsOf('seedTable', options, 'label mix noise seeds signal text truncation');
  checkLists('seedTable', { seeds });
  checkCount('seedTable', seeds.length, seeds.length);
  const pictures: ImageBatch[] = [];
  for (let at = 0; at < seeds.length; at += TOGETHER)
    pictures.push(
      ...(await together(
        seeds.slice(at, at + TOGETHER).map((seed) => generator.sample({ ...shared, seed, count: 1 })),
      )),
    );
  return tableOf(pictures);
}

/** Number of concurrent calls, which share runs. */
const TOGETHER = 64;

/** Waits for all, even if one fails. */
async function together(calls: readonly Promise<ImageBatch>[]): Promise<ImageBatch[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

/** A batch of pictures; undefined becomes a white one. */
function tableOf(all: readonly (ImageBatch | undefined)[]): ImageBatch {
  const some = all.find((one) => one !== undefined);
  if (!some) throw new UsageError('table: expected pictures, got none', { code: 'input.range' });
  const { width, height, channels } = some;
  const size = width * height * channels;
  const data = new Uint8ClampedArray(all.length * size).fill(255);
  all.forEach((one, i) => one && data.set(one.data, i * size));
  return new ImageBatch(all.length, width, height, channels, data);
}

function checkLists(where: string, lists: Readonly<Record<string, unknown>>): void {
  for (const [name, list] of Object.entries(lists))
    if (!Array.isArray(list))
      throw new UsageError(`${where}.${name}: expected a list of numbers, got ${shown(list)}`, { code: 'input.range' });
}

function checkCount(where: string, pictures: number, least: number): void {
  if (least < 1 || pictures > MAX_PICTURES)
    throw new UsageError(
      `${where}: expected at least one row and one column, and at most ${MAX_PICTURES} pictures, got ${pictures}`,
      {
        code: 'input.range',
      },
    );
}
