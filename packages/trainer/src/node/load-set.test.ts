// Named sets from packages made by the test: found despite their `exports`, assembled from several files, with the
// pictures' licence; and the error for a missing package.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { emojiAbout } from '../data/emoji-names.js';
import { readFields } from '../data/fields.js';
import { loadData } from './load-data.js';

/** Code points of 40 emoji. */
const EMOJI = Array.from({ length: 40 }, (_, i) => (0x1f400 + i).toString(16));

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'forja-sets-'));
  const put = async (name: string, file: string, colour: string): Promise<void> => {
    const path = join(place, 'node_modules', name, file);
    await mkdir(dirname(path), { recursive: true });
    await sharp({ create: { width: 8, height: 4, channels: 3, background: colour } }).toFile(path);
  };
  for (const [file, colour] of Object.entries({
    'blue-marble.jpg': '#404040',
    'night.jpg': '#101010',
    'water.png': '#000',
  }))
    await put('three-globe', `example/img/earth-${file}`, colour);
  for (let x = 0; x < 8; x++)
    for (let y = 0; y < 4; y++)
      await put(
        '@cesium/engine',
        `Source/Assets/Textures/NaturalEarthII/2/${x}/${y}.jpg`,
        `rgb(${20 * x}, ${40 * y}, 90)`,
      );
  for (const [i, code] of EMOJI.entries())
    for (const variant of [code, `${code}-1f3fd`])
      await put('emoji-datasource-google', `img/google/64/${variant}.png`, `rgb(${i}, 0, 0)`);
  await put('emoji-datasource-google', 'img/google/64/1f3fb.png', '#fff'); // of the group that is left out
  const table = EMOJI.map((code, i) => ({
    name: `BEAST No ${i % 7}`,
    unified: code.toUpperCase(),
    short_names: ['beast', `pet_${i % 5}`],
    category: i % 2 === 0 ? 'Animals & Nature' : 'Food & Drink',
    subcategory: 'animal-mammal',
    skin_variations: { '1F3FD': { unified: `${code.toUpperCase()}-1F3FD` } },
  }));
  await writeFile(
    join(place, 'node_modules/emoji-datasource-google/emoji.json'),
    JSON.stringify([...table, { name: 'TONE', unified: '1F3FB', category: 'Component' }, {}]),
  );
  for (const name of ['three-globe', '@cesium/engine', 'emoji-datasource-google'])
    await writeFile(
      join(place, 'node_modules', name, 'package.json'),
      JSON.stringify({ name, version: '1.0.0', exports: { default: './none.js' } }),
    );
});
afterAll(() => rm(place, { recursive: true, force: true }));

test('a map of 32 files paired with a single picture: tiles, pairs, licence and credit', async () => {
  const set = await loadData({ data: 'earth-map', size: 16 }, place, { cache: false });
  expect(Object.keys(set.fields)).toEqual(['input', 'target', 'a', 'b']);
  expect(set.fields['input']?.shape).toEqual([16, 16, 3]);
  expect([set.license, set.credit]).toEqual([
    expect.stringContaining('public domain (Natural Earth)'),
    expect.stringContaining('NASA'),
  ]);
  expect(set.holdout?.credit).toBe(set.credit);
  // The first tile begins at 180° W and 72° N: in the westernmost file of the northernmost row (the fourth from the
  // south), 128 of 1024 pixels below the top.
  const { input, target } = await readFields(set, [0], ['input', 'target']);
  const colour = Array.from((input ?? new Float32Array()).slice(0, 3), (v) => (v + 1) * 127.5);
  expect(colour).toBeAllclose([0, 120, 90], { atol: 3 }); // JPEG
  expect((target?.[0] ?? 0) * 127.5 + 127.5).toBeCloseTo(64, -1);
});

test('emoji with captions: names, tags and skin tones; all variants of an emoji are on one side', async () => {
  const set = await loadData({ data: 'emoji-names', size: 8 }, place, { cache: false });
  const { holdout } = set;
  expect([set.license, set.credit]).toEqual(['Apache-2.0 (Noto Emoji)', 'Google (Noto Emoji)']);
  expect(set.count + (holdout?.count ?? 0)).toBe(80);
  const { vocabulary = [], shape } = set.fields['text']!;
  expect(shape).toEqual([12]);
  const told = async (from: Dataset): Promise<{ captions: string[]; reds: number[] }> => {
    const all = Array.from({ length: from.count }, (_, i) => i);
    const { text, image } = await readFields(from, all, ['text', 'image']);
    const captions = all.map((i) =>
      Array.from(text!.slice(12 * i, 12 * i + 12), (id) => vocabulary[id])
        .filter((word) => word !== '')
        .join(' '),
    );
    // each file is wider than high, so that the middle row shows its colour
    return { captions, reds: all.map((i) => Math.round((image![192 * i + 3 * 36]! + 1) * 127.5)) };
  };
  const [train, held] = [await told(set), await told(holdout!)];
  for (const { captions, reds } of [train, held])
    for (const [i, red] of reds.entries())
      expect([
        `beast no ${red % 7} pet ${red % 5} animal mammal`.replace(/(\d)(.*) \1 /, '$1$2 '),
        `beast no ${red % 7} pet ${red % 5} animal mammal medium skin`.replace(/(\d)(.*) \1 /, '$1$2 '),
      ]).toContain(captions[i]);
  expect(train.reds.filter((red) => held.reds.includes(red))).toEqual([]);
  expect(held.reds.length).toBeGreaterThan(0);
});

test('emoji in groups, as classes', async () => {
  const set = await loadData({ data: 'emoji-groups', size: 8 }, place, { cache: false });
  expect(set.fields['label']?.classes).toEqual(['Animals & Nature', 'Food & Drink']);
  const all = Array.from({ length: set.count }, (_, i) => i);
  const { label, image } = await readFields(set, all, ['label', 'image']);
  for (const i of all) expect(label![i]).toBe(Math.round((image![192 * i + 3 * 36]! + 1) * 127.5) % 2);
});

test.each(['emoji-sketch', 'emoji-pens'])('%s: emoji as lines and in colour, in pairs, cached apart', async (data) => {
  const cache = join(place, 'cache');
  for (const times of ['decoded', 'from the cache']) {
    const set = await loadData({ data, size: 16 }, place, { cache });
    expect([set.license, set.credit]).toEqual(['Apache-2.0 (Noto Emoji)', 'Google (Noto Emoji)']);
    expect(set.count + (set.holdout?.count ?? 0), times).toBe(EMOJI.length); // without the skin tones
    const all = Array.from({ length: set.count }, (_, i) => i);
    const { input, target } = await readFields(set, all, ['input', 'target']);
    for (const i of all) {
      // the middle of the picture, which is 16 × 8: paper in the drawing, the emoji's colour in the other
      const middle = 768 * i + (8 * 16 + 8) * 3;
      expect(Array.from(input!.subarray(middle, middle + 3))).toEqual([1, 1, 1]);
      expect(Array.from(target!.subarray(middle + 1, middle + 3))).toEqual([-1, -1]);
      const edge = [3, 4].map((y) => input![768 * i + (y * 16 + 8) * 3]!); // above and below its upper edge
      expect(Math.min(...edge)).toBeLessThan(0.5);
    }
    const { a, b } = await readFields(set, [0], ['a', 'b']);
    expect([a![(8 * 16 + 8) * 3 + 1], b![(8 * 16 + 8) * 3 + 1]]).toEqual([1, -1]);
  }
});

test('a package without names of emoji is refused', async () => {
  expect(() => emojiAbout('[{}]', 'emoji.json')).toRefuse('data.format', 'emoji.json');
  expect(() => emojiAbout('none', 'emoji.json')).toRefuse('data.format', 'emoji.json');
  const table = join(place, 'node_modules/emoji-datasource-google/emoji.json');
  await rm(table);
  await expect(loadData({ data: 'emoji-names' }, place, { cache: false })).rejects.toMatchObject({
    code: 'data.empty',
    message: expect.stringContaining('emoji.json') as string,
  });
});

test('the error for a missing package has the command that installs it', async () => {
  await expect(loadData({ data: 'earth' }, tmpdir())).rejects.toMatchObject({
    code: 'data.notFound',
    message: `data: expected the npm package three-globe (25 MB), got none from ${tmpdir()}; npm install three-globe`,
  });
  await expect(loadData({ data: { kind: 'set', name: 'moon' as 'earth' } }, place)).rejects.toThrow(
    'data.name: expected',
  );
});
