// Datasets of tiles cut from aligned large pictures of one size ("sheets"), such as a map and a satellite picture of
// it. The sheet's width is divided into bands, and whole bands are held out, because training tiles that overlap or
// touch held-out ones would leak the holdout.
import { ForjaError, UsageError } from '@forja/core';
import type { Dataset, FieldArray, FieldSpec } from './dataset.js';
import { checkIndex, fieldOf } from './fields.js';
import { writeBytes } from './arrays.js';

/** Which tiles are cut, and from which sheets. */
export interface SheetLayout {
  /** Size of every sheet in pixels. */
  width: number;
  height: number;
  /** Number of bands that the width is divided into; no tile crosses a border. */
  bands: number;
  /** Bands held out. */
  held: readonly number[];
  /** Part of the height that is used, as fractions. */
  rows: readonly [from: number, to: number];
  /** A grey sheet: tiles with less than this share of dark pixels are left out. */
  mask?: { sheet: string; share: number };
  /** The sheet of each field. */
  fields: Readonly<Record<string, string>>;
  /**
   * For two fields: also give them unpaired as `a` and `b`. In training these come from different bands, so no picture
   * has its partner; in the holdout they are pairs at the same index, for measures.
   */
  unpaired?: boolean;
}

/** How tiles are cut. */
export interface TileOptions {
  /** Edge of a tile, in pixels. */
  size: number;
  /** Channels of the sheets' bytes. */
  channels: number;
  /** Add every training tile mirrored. */
  flip: boolean;
}

interface Place {
  band: number;
  left: number;
  top: number;
}

/**
 * A dataset of tiles cut from sheets, which are given by name as bytes [height, width, channels]; the mask has one
 * channel. Training tiles overlap by half, held-out tiles do not overlap.
 * @throws UsageError `config.invalid` for tiles that are wider than a band; ForjaError `data.empty` if none is left.
 */
export function sheetDataset(
  name: string,
  layout: SheetLayout,
  sheets: Readonly<Record<string, Uint8Array>>,
  options: TileOptions,
): Dataset {
  const { held } = layout;
  const unpaired = layout.unpaired === true;
  const training = placesOf(layout, sheets, options.size, Math.max(1, options.size >> 1));
  const outside = placesOf(layout, sheets, options.size, options.size);
  const train = training.filter(({ band }) => !held.includes(band));
  const judge = outside.filter(({ band }) => held.includes(band));
  if (train.length === 0 || judge.length === 0)
    throw new ForjaError(
      'data.empty',
      `data.size: expected tiles of ${name} to train with and to hold out, got ${train.length} and ` +
        `${judge.length} of ${options.size} pixels; choose smaller ones`,
    );
  // In training, a and b take alternate bands; in the holdout, the same places.
  const bands = [...new Set(train.map(({ band }) => band))];
  const turns = (turn: number): Place[] => train.filter(({ band }) => bands.indexOf(band) % 2 === turn);
  const made = (places: { pairs: Place[]; a: Place[]; b: Place[] }, flip: boolean, of: string): Dataset =>
    tilesOf(of, layout, sheets, { ...options, flip }, unpaired ? places : { pairs: places.pairs });
  return {
    ...made({ pairs: train, a: turns(0), b: turns(1) }, options.flip, name),
    holdout: made({ pairs: judge, a: judge, b: judge }, false, `${name}, held out`),
  };
}

/** Places of tiles, band by band, from the top. */
function placesOf(
  { width, height, bands, rows, mask }: SheetLayout,
  sheets: Readonly<Record<string, Uint8Array>>,
  size: number,
  stride: number,
): Place[] {
  const band = width / bands;
  if (size > band)
    throw new UsageError(`data.size: expected tiles of at most ${band} pixels, as wide as a band, got ${size}`, {
      code: 'config.invalid',
    });
  const [top, bottom] = [Math.round(rows[0] * height), Math.round(rows[1] * height)];
  const places: Place[] = [];
  for (let b = 0; b < bands; b++)
    for (let y = top; y + size <= bottom; y += stride)
      for (let x = b * band; x + size <= (b + 1) * band; x += stride) places.push({ band: b, left: x, top: y });
  const bytes = mask && sheets[mask.sheet];
  return bytes ? places.filter((place) => darkShare(bytes, width, place, size) >= mask.share) : places;
}

function darkShare(mask: Uint8Array, width: number, { left, top }: Place, size: number): number {
  let dark = 0;
  for (let y = top; y < top + size; y++)
    for (let x = left; x < left + size; x++) dark += mask[y * width + x]! < 128 ? 1 : 0;
  return dark / size ** 2;
}

/** The tiles at `pairs` as the layout's fields, and those of `a` and `b` as separate parts. */
function tilesOf(
  name: string,
  { width, fields: named }: SheetLayout,
  sheets: Readonly<Record<string, Uint8Array>>,
  { size, channels, flip }: TileOptions,
  { pairs, a, b }: { pairs: Place[]; a?: Place[]; b?: Place[] },
): Dataset {
  const [first = '', second = ''] = Object.values(named);
  const columns: Record<string, { places: Place[]; sheet: Uint8Array; part?: string }> = {};
  const add = (field: string, sheet: string, places: Place[], part?: string): void => {
    const bytes = sheets[sheet];
    if (bytes === undefined) throw new Error(`sheetDataset: expected the sheet '${sheet}'`);
    columns[field] = { places, sheet: bytes, ...(part === undefined ? {} : { part }) };
  };
  for (const [field, sheet] of Object.entries(named)) add(field, sheet, pairs);
  if (a) add('a', first, a, 'a');
  if (b) add('b', second, b, 'b');
  const times = flip ? 2 : 1;
  const fields = Object.fromEntries(
    Object.entries(columns).map(([field, { part }]): [string, FieldSpec] => [
      field,
      {
        shape: [size, size, channels],
        dtype: 'float32',
        range: [-1, 1],
        ...(part === undefined ? {} : { part }),
      },
    ]),
  );
  const line = size * channels;
  const row = new Uint8Array(line);
  const copy = (sheet: Uint8Array, { left, top }: Place, mirrored: boolean, into: FieldArray, at: number): void => {
    for (let y = 0; y < size; y++) {
      const from = ((top + y) * width + left) * channels;
      row.set(sheet.subarray(from, from + line));
      if (mirrored) mirror(row, channels);
      writeBytes(row, into, at + y * line);
    }
  };
  return {
    name,
    count: pairs.length * times,
    fields,
    ...(a && b ? { parts: { a: a.length * times, b: b.length * times } } : {}),
    read(indices, into) {
      for (const [field, array] of Object.entries(into)) {
        const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
        if (!column) return void fieldOf({ name, fields }, field); // fieldOf throws
        const { places, sheet } = column;
        for (let i = 0; i < indices.length; i++) {
          const index = checkIndex(name, indices[i], places.length * times);
          const place = places[index % places.length] as Place; // within the list
          copy(sheet, place, index >= places.length, array, i * size * line);
        }
      }
    },
  };
}

/** Reverses a row of pixels in place. */
function mirror(row: Uint8Array, channels: number): void {
  for (let x = 0, y = row.length - channels; x < y; x += channels, y -= channels)
    for (let c = 0; c < channels; c++) [row[x + c], row[y + c]] = [row[y + c]!, row[x + c]!];
}
