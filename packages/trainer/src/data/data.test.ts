// Datasets: idx files written by the test and gzipped by zlib, arrays, moments of points, and the order of batches.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ForjaError } from '@forja/core';
import { arrayDataset } from './arrays.js';
import type { Dataset } from './dataset.js';
import { readFields } from './fields.js';
import { idxDataset, readIdx } from './idx.js';
import { batchOrder, batchReader } from './order.js';
import { modesOf, syntheticDataset } from './synthetic.js';

const idx = (shape: number[], data: number[], type = 8): Uint8Array =>
  Uint8Array.from([
    0,
    0,
    type,
    shape.length,
    ...shape.flatMap((d) => [d >>> 24, (d >> 16) & 255, (d >> 8) & 255, d & 255]),
    ...data,
  ]);

describe('idx', () => {
  it('reads pictures and labels, plain and gzipped', async () => {
    const images = idx([2, 2, 3], [0, 51, 102, 153, 204, 255, 255, 0, 0, 0, 0, 1]);
    for (const bytes of [images, gzipSync(images)]) {
      const set = await idxDataset(new Uint8Array(bytes), { name: 'two', labels: gzipSync(idx([2], [7, 2])) });
      expect(set.count).toBe(2);
      expect(set.fields['image']).toEqual({ shape: [2, 3, 1], dtype: 'float32', range: [-1, 1] });
      expect(set.fields['label']).toMatchObject({ shape: [], dtype: 'int32', classes: { length: 8 } });
      const { image, label } = await readFields(set, [1, 0]);
      expect(image).toBeAllclose([1, -1, -1, -1, -1, 1 / 127.5 - 1, -1, -0.6, -0.2, 0.2, 0.6, 1], { atol: 1e-6 });
      expect(label).toEqual(Int32Array.of(2, 7));
    }
  });

  it.each([
    ['HTML', new TextEncoder().encode('<!doctype html>'), 'data.format', /begins with two zero bytes/],
    ['nothing', new Uint8Array(0), 'data.format', /0 bytes/],
    ['floats', idx([1, 1, 1], [0], 13), 'data.format', /unsigned bytes \(type 8\), got type 13/],
    [
      'a cut file',
      idx([2, 2, 2], [1, 2, 3]),
      'data.format',
      /8 bytes of data for shape \[2, 2, 2\], got 3: the file is cut/,
    ],
    ['a cut header', idx([2, 2, 2], []).subarray(0, 9), 'data.format', /header of 16 bytes/],
    ['sizes beyond memory', idx([2 ** 31, 2 ** 31 - 1, 255], [1]), 'data.format', /got 1/],
    ['labels for pictures', idx([3], [1, 2, 3]), 'data.format', /is it the file of labels/],
    ['no picture', idx([0, 28, 28], []), 'data.empty', /expected pictures/],
    [
      'a cut gzip',
      new Uint8Array(gzipSync(idx([1, 2, 2], [1, 2, 3, 4]))).subarray(0, 20),
      'data.format',
      /whole gzip file/,
    ],
  ])('refuses %s', async (_, bytes, code, message) => {
    await expect(idxDataset(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('refuses another number of labels', async () => {
    await expect(idxDataset(idx([1, 1, 1], [9]), { labels: idx([2], [1, 2]) })).rejects.toThrow(
      /expected shape \[1\], got \[2\]/,
    );
  });

  it('reads rank 4 as channels last', async () => {
    expect((await readIdx(idx([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]))).shape).toEqual([1, 1, 2, 3]);
  });
});

describe('arrays', () => {
  it('keeps floats as they are and finds their range', async () => {
    const set = arrayDataset({ data: new Float32Array([1, 2, 3, -4]), shape: [2] });
    expect(set.fields).toEqual({ vector: { shape: [2], dtype: 'float32', range: [-4, 3] } });
    expect(await readFields(set, [1])).toEqual({ vector: Float32Array.of(3, -4) });
  });

  it('takes any fields: bytes, floats, labels, token ids, and parts of another length', async () => {
    const set = arrayDataset({
      credit: 'made here',
      fields: {
        image: { data: new Uint8Array([0, 255]), shape: [1, 1, 1] },
        label: { data: [1, 0], classes: ['cat', 'dog'] },
        text: { data: [1, 2, 2, 0], shape: [2], vocabulary: ['', 'a', 'cat'] },
        b: { data: new Float32Array([1, 2, 3]), shape: [1], part: 'b', range: [0, 4] },
      },
    });
    expect([set.count, set.parts, set.credit]).toEqual([3, { b: 3 }, 'made here']);
    expect(set.fields).toEqual({
      image: { shape: [1, 1, 1], dtype: 'float32', range: [-1, 1] },
      label: { shape: [], dtype: 'int32', classes: ['cat', 'dog'] },
      text: { shape: [2], dtype: 'int32', vocabulary: ['', 'a', 'cat'] },
      b: { shape: [1], dtype: 'float32', range: [0, 4], part: 'b' },
    });
    expect(await readFields(set, [1, 0, 1], ['image', 'label', 'text'])).toEqual({
      image: Float32Array.of(1, -1, 1),
      label: Int32Array.of(0, 1, 0),
      text: Int32Array.of(2, 0, 1, 2, 2, 0),
    });
    expect(await readFields(set, [2], ['b'])).toEqual({ b: Float32Array.of(3) });
  });

  it.each([
    ['a length that does not fit', { data: new Float32Array(3), shape: [2] }, 'input.shape', /multiple of 2/],
    ['no examples', { data: new Float32Array(0), shape: [2] }, 'data.empty', /got none/],
    ['labels of another number', { data: new Float32Array(2), shape: [2], labels: [1, 2] }, 'input.shape', /label/],
    ['fields of another number', { fields: { a: { data: [1] }, b: { data: [1, 2] } } }, 'input.shape', /b: expected 1/],
    ['no fields', { fields: {} }, 'input.shape', /fields/],
    [
      'a label that is no class',
      { fields: { label: { data: [2], classes: ['a', 'b'] } } },
      'data.class',
      /0\.\.1, got 2/,
    ],
    ['an id beyond the words', { fields: { text: { data: [-1], vocabulary: [''] } } }, 'data.class', /token ids/],
  ])('refuses %s', (_, options, code, message) => {
    expect(() => arrayDataset(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it('refuses unknown indices and fields', async () => {
    const set = arrayDataset({ data: new Float32Array(2), shape: [2] });
    await expect(readFields(set, [1])).rejects.toMatchObject({ code: 'input.range' });
    await expect(readFields(set, [0], ['image'])).rejects.toMatchObject({ code: 'data.field' });
    expect(() => set.read([0], { image: new Float32Array(2) })).toThrow(
      expect.objectContaining({ code: 'data.field' }) as Error,
    );
  });
});

describe('synthetic', () => {
  it.each([
    ['ring', 8],
    ['grid', 25],
  ] as const)('puts Gaussians on a %s', async (shape, modes) => {
    const set = syntheticDataset({ shape, count: modes * 400, seed: 3 });
    const { vector: points = [], label = [] } = await readFields(set, [...Array(set.count).keys()]);
    expect([...label.slice(0, modes)]).toEqual([...Array(modes).keys()]);
    const centres = modesOf(shape, modes);
    for (let m = 0; m < modes; m++) {
      const xs = Array.from({ length: 400 }, (_, i) => points[2 * (i * modes + m)] ?? NaN);
      const mean = xs.reduce((a, b) => a + b, 0) / 400;
      const deviation = Math.sqrt(xs.reduce((a, x) => a + (x - mean) ** 2, 0) / 399);
      expect(Math.abs(mean - (centres[2 * m] ?? NaN))).toBeLessThan(5 * (0.02 / 20)); // five standard errors
      expect(Math.abs(deviation - 0.02)).toBeLessThan(5 * (0.02 / Math.sqrt(800)));
    }
  });

  it('refuses a grid that is not square', () => {
    expect(() => syntheticDataset({ shape: 'grid', modes: 8 })).toRefuse('config.invalid', 'synthetic.modes', 'got 8');
  });
});

describe('order', () => {
  it('shows every example once per epoch, with batches across epochs', () => {
    const at = batchOrder(5, 10, 4);
    const seen = Array.from({ length: 5 }, (_, step) => [...at(step)]).flat();
    const first = seen.slice(0, 10);
    const second = seen.slice(10);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...second].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(second).not.toEqual(first);
  });

  it('depends on seed and step alone, even for fewer examples than a batch', () => {
    const along = batchOrder(5, 3, 8);
    for (let step = 0; step < 7; step++) expect([...batchOrder(5, 3, 8)(step)]).toEqual([...along(step)]);
    expect([...batchOrder(6, 100, 50)(0)]).not.toEqual([...batchOrder(5, 100, 50)(0)]);
  });

  it('reads a batch', async () => {
    const set = arrayDataset({ data: Float32Array.from({ length: 20 }, (_, i) => i), shape: [2] });
    const order = batchOrder(1, 10, 3)(2);
    expect(await batchReader(set, 1, 3)(2)).toEqual({
      vector: Float32Array.from([...order].flatMap((i) => [2 * i, 2 * i + 1])),
    });
  });

  it('draws parts independently, and fields of one part together', async () => {
    const row = (length: number, from: number): Float32Array => Float32Array.from({ length }, (_, i) => from + i);
    const set = arrayDataset({
      fields: {
        a: { data: row(8, 0), part: 'a' },
        again: { data: row(8, 100), part: 'a' },
        b: { data: row(8, 0), part: 'b' },
        few: { data: row(3, 0), part: 'few' },
      },
    });
    const read = batchReader(set, 1, 8);
    const { a = [], again, b, few = [] } = await read(0);
    expect([...a].map((v) => v + 100)).toEqual([...(again ?? [])]);
    expect([...a]).not.toEqual([...(b ?? [])]);
    expect([...few].map((v) => [0, 1, 2].includes(v))).toEqual(Array(8).fill(true));
    expect(await batchReader(set, 1, 8, ['b'])(0)).toEqual({ b }); // independent of other fields
    expect(() => batchReader(set, 1, 8, ['c'])).toThrow(expect.objectContaining({ code: 'data.field' }) as Error);
  });

  it('reads one batch ahead if reading is asynchronous, and throws when the batch is requested', async () => {
    const set = arrayDataset({ data: Float32Array.from({ length: 20 }, (_, i) => i), shape: [1] });
    const asked: number[] = [];
    let broken = false;
    const slow: Dataset = {
      ...set,
      async read(indices, into) {
        asked.push(indices.length);
        await Promise.resolve();
        if (broken) throw new ForjaError('io', 'the disk is gone');
        await set.read(indices, into);
      },
    };
    const [fast, read] = [batchReader(set, 1, 4), batchReader(slow, 1, 4)];
    for (const n of [0, 1, 2, 7, 8, 3]) expect(await read(n)).toEqual(await fast(n));
    expect(asked).toHaveLength(9); // 0 | 1 2 | 3, thrown away | 7 | 8 | 9, thrown away | 3 | 4
    await read(4);
    broken = true;
    await expect(read(6)).rejects.toMatchObject({ code: 'io' });
  });
});

describe('data of a user that are not what they should be', () => {
  const vector = { shape: [2], dtype: 'float32' } as const;
  const own = (read: Dataset['read']): Dataset => ({ name: 'own', count: 4, fields: { vector }, read });

  it.each([
    ['replaced', (into: Record<string, unknown>): void => void (into['vector'] = new Float32Array(4).fill(1))],
    [
      'transferred',
      (into: Record<string, unknown>): void => {
        const { buffer } = into['vector'] as Float32Array<ArrayBuffer>;
        structuredClone(buffer, { transfer: [buffer] });
      },
    ],
  ])('refuses an array that read() has %s instead of filled', async (_, spoil) => {
    const later = own(async (_, into) => Promise.resolve(spoil(into)));
    for (const set of [own((_, into) => spoil(into)), later])
      await expect((async () => batchReader(set, 1, 2)(0))()).rejects.toMatchObject({
        code: 'data.field',
        message: expect.stringContaining("'vector'"),
      });
  });

  it('refuses NaN and infinity, with the example', () => {
    for (const value of [NaN, Infinity])
      expect(() => arrayDataset({ data: Float32Array.of(0, 1, value, 3), shape: [2] })).toThrow(
        `arrayDataset.vector: expected finite numbers, got ${value} at 2 (example 1)`,
      );
  });

  it('refuses classes between whole numbers', () => {
    const label = { data: [0, 1.5], classes: ['a', 'b'] };
    expect(() => arrayDataset({ fields: { label } })).toThrow(/whole numbers for classes, got 1\.5 at 1/);
  });
});
