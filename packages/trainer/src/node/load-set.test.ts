// Named sets from packages made by the test: found despite their `exports`, assembled from several files, with the
// pictures' licence; and the error for a missing package.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFields } from '../data/fields.js';
import { loadData } from './load-data.js';

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
  for (const name of ['three-globe', '@cesium/engine'])
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

test('the error for a missing package has the command that installs it', async () => {
  await expect(loadData({ data: 'earth' }, tmpdir())).rejects.toMatchObject({
    code: 'data.notFound',
    message: `data: expected the npm package three-globe (25 MB), got none from ${tmpdir()}; npm install three-globe`,
  });
  await expect(loadData({ data: { kind: 'set', name: 'moon' as 'earth' } }, place)).rejects.toThrow(
    'data.name: expected',
  );
});
