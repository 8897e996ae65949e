// Folders of pictures: depths, palettes, transparency, crops and resizing against values worked out by hand; what is
// refused.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import { readFields } from '../data/fields.js';
import { imageFolder } from './image-folder.js';
import { loadData } from './load-data.js';

const root = await mkdtemp(join(tmpdir(), 'forja-images-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let folder: string;
let n = 0;
beforeEach(async () => {
  folder = join(root, String(n++));
  await mkdir(folder);
});

type Png = Parameters<typeof encode>[0];
const put = (name: string, png: Png): Promise<void> => writeFile(join(folder, name), encode(png));
async function bytes(options = {}): Promise<{ shape: readonly number[]; values: number[] }> {
  const set = await imageFolder(folder, options);
  const { image = [] } = await readFields(set, [...Array(set.count).keys()], ['image']);
  return { shape: set.fields['image']?.shape ?? [], values: [...image].map((v) => Math.round((v + 1) * 127.5)) };
}

describe('imageFolder', () => {
  it('reads 8 and 16 bits, grey and colour, in the order of names', async () => {
    await put('b.png', { width: 1, height: 1, channels: 3, data: new Uint8Array([255, 0, 0]) });
    await put('a.png', { width: 1, height: 1, channels: 1, data: new Uint8Array([7]) });
    await put('c.png', { width: 1, height: 1, channels: 1, depth: 16, data: new Uint16Array([0x8080]) });
    expect(await bytes()).toEqual({ shape: [1, 1, 1], values: [7, 76, 128] }); // 0.299 · 255
    expect((await bytes({ channels: 3 })).values).toEqual([7, 7, 7, 255, 0, 0, 128, 128, 128]);
  });

  it('puts transparency over white', async () => {
    await put('a.png', {
      width: 2,
      height: 2,
      channels: 4,
      data: new Uint8Array([10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 51, 1, 2, 3, 255]),
    });
    expect((await bytes()).values).toEqual([10, 20, 30, 255, 255, 255, 204, 204, 204, 1, 2, 3]);
  });

  it('reads palettes and single bits', async () => {
    // 2 × 2, palette of two colours, one bit a pixel: made by Python's zlib
    const indexed =
      'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAQMAAABIeJ9nAAAABlBMVEX/AAAAAP9sof2OAAAADElEQVR4nGNwYGgAAAFEAME6ehxWAAAAAElFTkSuQmCC';
    const bits = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAQAAAABazTCJAAAADElEQVR4nGNwYGgAAAFEAME6ehxWAAAAAElFTkSuQmCC';
    await writeFile(join(folder, 'a.png'), Buffer.from(indexed, 'base64'));
    await writeFile(join(folder, 'b.png'), Buffer.from(bits, 'base64'));
    expect((await bytes({ channels: 3 })).values).toEqual([
      255,
      0,
      0,
      0,
      0,
      255,
      0,
      0,
      255,
      255,
      0,
      0,
      ...[0, 255, 255, 0].flatMap((v) => [v, v, v]),
    ]);
  });

  it('crops to the centre and averages areas', async () => {
    // 4 × 2: the outer columns go; 2 × 2 to 1 × 1 is the mean; 3 × 3 to 2 × 2 weighs by area
    await put('a.png', {
      width: 4,
      height: 2,
      channels: 1,
      data: new Uint8Array([255, 10, 20, 255, 255, 30, 40, 255]),
    });
    expect(await bytes({ size: 1 })).toEqual({ shape: [1, 1, 1], values: [25] });
    await put('a.png', {
      width: 3,
      height: 3,
      channels: 1,
      data: new Uint8Array([0, 90, 180, 0, 90, 180, 0, 90, 180]),
    });
    expect((await bytes({ size: 2 })).values).toEqual([30, 150, 30, 150]);
  });

  it('makes subfolders classes', async () => {
    for (const name of ['cat', 'dog']) {
      await mkdir(join(folder, name));
      await put(`${name}/1.png`, { width: 1, height: 1, channels: 1, data: new Uint8Array([1]) });
    }
    const set = await imageFolder(folder);
    expect(set.fields['label']?.classes).toEqual(['cat', 'dog']);
    expect((await readFields(set, [1, 0])).label).toEqual(Int32Array.of(1, 0));
  });

  it('refuses nothing, an empty folder, other formats, and files that are no PNG', async () => {
    await expect(imageFolder(join(folder, 'none'))).rejects.toMatchObject({ code: 'data.notFound' });
    await expect(imageFolder(folder)).rejects.toMatchObject({ code: 'data.empty' });
    await writeFile(join(folder, 'a.jpg'), 'x');
    await expect(imageFolder(folder)).rejects.toMatchObject({
      code: 'data.empty',
      message: expect.stringMatching(/1 picture of other formats/) as string,
    });
    await writeFile(join(folder, 'a.png'), '<html>');
    await expect(imageFolder(folder)).rejects.toMatchObject({
      code: 'data.format',
      message: expect.stringMatching(/a\.png/) as string,
    });
  });
});

describe('loadData', () => {
  it('finds idx files in a folder, gzipped too, with the labels beside', async () => {
    await writeFile(
      join(folder, 'train-images-idx3-ubyte.gz'),
      gzipSync(Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9])),
    );
    await writeFile(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 1, 4])));
    const set = await loadData({ data: { kind: 'folder', path: folder } }, '/');
    expect([set.count, (await readFields(set, [0])).label]).toEqual([1, Int32Array.of(4)]);
    expect((await loadData({ data: { kind: 'idx', path: 'train-images-idx3-ubyte.gz' } }, folder)).count).toBe(1);
  });

  it('says what is missing', async () => {
    await expect(loadData({ data: { kind: 'folder', path: 'x' } }, folder)).rejects.toMatchObject({
      code: 'data.notFound',
    });
    await expect(loadData({ data: { kind: 'idx', path: '.' } }, folder)).rejects.toMatchObject({
      code: 'data.notFound',
      message: expect.stringMatching(/a folder without/) as string,
    });
  });
});
