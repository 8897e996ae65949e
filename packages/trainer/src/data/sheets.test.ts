// Tiles of sheets whose bytes are their coordinates: the split has no overlap, parts come from different places, the
// mask excludes tiles, and mirrored tiles are reversed.
import { describe, expect, test } from 'vitest';
import { readFields } from './fields.js';
import { sheetDataset, type SheetLayout } from './sheets.js';

const [width, height] = [128, 32];
const at = (value: (x: number, y: number) => number): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)));
const sheets = { x: at((x) => x), y: at((_, y) => 128 + y), land: at((x) => (x % 32 < 16 ? 0 : 255)) };
const layout: SheetLayout = {
  width,
  height,
  bands: 8,
  held: [2, 5],
  rows: [0.25, 1],
  fields: { input: 'x', target: 'y' },
  unpaired: true,
};
const options = { size: 8, channels: 1, flip: false };
const bytes = (values: ArrayLike<number>): number[] => Array.from(values, (v) => Math.round((v + 1) * 127.5));
const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('sheetDataset', () => {
  const set = sheetDataset('sheets', layout, sheets, options);
  const holdout = set.holdout ?? set;
  /** Columns of the sheet that a field's examples cover, and those of the rows. */
  const covered = async (from: typeof set, field: string, count: number): Promise<Set<number>> =>
    new Set(bytes((await readFields(from, all(count), [field]))[field] ?? []));

  test('keeps bands and unused rows out of training', async () => {
    const [train, held] = [await covered(set, 'input', set.count), await covered(holdout, 'input', holdout.count)];
    expect([...held].sort((a, b) => a - b)).toEqual(all(128).filter((x) => [2, 5].includes(Math.floor(x / 16))));
    expect([...train].filter((x) => held.has(x))).toEqual([]);
    expect(train.size + held.size).toBe(128);
    const rows = await covered(set, 'target', set.count);
    expect([Math.min(...rows), Math.max(...rows)]).toEqual([128 + 8, 128 + 31]);
    // training tiles overlap by half: 3 places in a band of 16, 5 in 24 rows; holdout tiles do not overlap
    expect([set.count, holdout.count]).toEqual([6 * 3 * 5, 2 * 2 * 3]);
  });

  test('fields show the same places; a and b come from different bands, and are pairs in the holdout', async () => {
    const { input, target } = await readFields(set, [4], ['input', 'target']);
    expect(bytes(input ?? []).slice(0, 9)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 4]);
    expect(bytes(target ?? []).slice(0, 9)).toEqual([140, 140, 140, 140, 140, 140, 140, 140, 141]);
    const { a = 0, b = 0 } = set.parts ?? {};
    expect(a + b).toBe(set.count);
    const ofA = await covered(set, 'a', a);
    const inA = new Set([...ofA].map((x) => Math.floor(x / 16)));
    expect([...inA]).toEqual([0, 3, 6]);
    const pairs = await readFields(holdout, all(holdout.count), ['input', 'target']);
    expect((await readFields(holdout, all(holdout.count), ['a']))['a']).toEqual(pairs['input']);
    expect((await readFields(holdout, all(holdout.count), ['b']))['b']).toEqual(pairs['target']);
  });

  test('excludes tiles outside the mask, and mirrors', async () => {
    const masked = sheetDataset('s', { ...layout, mask: { sheet: 'land', share: 0.5 } }, sheets, {
      ...options,
      flip: true,
    });
    const columns = await covered(masked, 'input', masked.count);
    expect([...columns].every((x) => x % 32 < 16)).toBe(true);
    const half = masked.count / 2;
    const { input } = await readFields(masked, [0, half], ['input']);
    expect(bytes(input ?? []).slice(64, 72)).toEqual(
      bytes(input ?? [])
        .slice(0, 8)
        .reverse(),
    );
  });

  test('refuses tiles wider than a band, and bands without tiles', () => {
    expect(() => sheetDataset('s', layout, sheets, { ...options, size: 17 })).toThrow(
      'data.size: expected tiles of at most 16 pixels, as wide as a band, got 17',
    );
    expect(() => sheetDataset('s', { ...layout, rows: [0, 0.1] }, sheets, options)).toThrow(
      expect.objectContaining({ code: 'data.empty' }) as Error,
    );
  });
});
