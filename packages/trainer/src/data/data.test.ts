// Datasets: idx against a reader of the tests' own and against zlib, arrays, points by their moments, and the order of
// batches.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { arrayDataset } from './arrays.js';
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
      expect([set.count, set.shape, set.range, set.classes?.length]).toEqual([2, [2, 3, 1], [-1, 1], 8]);
      const into = new Float32Array(12);
      await set.read([1, 0], into);
      expect(into).toBeAllclose([1, -1, -1, -1, -1, 1 / 127.5 - 1, -1, -0.6, -0.2, 0.2, 0.6, 1], { atol: 1e-6 });
      expect([...(set.labels?.([0, 1]) ?? [])]).toEqual([7, 2]);
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

  it('refuses labels of another number', async () => {
    await expect(idxDataset(idx([1, 1, 1], [9]), { labels: idx([2], [1, 2]) })).rejects.toThrow(
      /expected shape \[1\], got \[2\]/,
    );
  });

  it('keeps rank 4 as channels last', async () => {
    expect((await readIdx(idx([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]))).shape).toEqual([1, 1, 2, 3]);
  });
});

describe('arrays', () => {
  it('takes floats as they are and finds their range', async () => {
    const set = arrayDataset({ data: new Float32Array([1, 2, 3, -4]), shape: [2] });
    const into = new Float32Array(2);
    await set.read([1], into);
    expect([[...into], set.range]).toEqual([
      [3, -4],
      [-4, 3],
    ]);
  });

  it('refuses what does not fit', () => {
    expect(() => arrayDataset({ data: new Float32Array(3), shape: [2] })).toThrow(/multiple of 2/);
    expect(() => arrayDataset({ data: new Float32Array(0), shape: [2] })).toThrow(/got none/);
    expect(() => arrayDataset({ data: new Float32Array(2), shape: [2], labels: [1, 2] })).toThrow(/1 labels, got 2/);
    expect(() => arrayDataset({ data: new Float32Array(2), shape: [2] }).read([1], new Float32Array(2))).toThrow(
      /0\.\.0, got 1/,
    );
  });
});

describe('synthetic', () => {
  it.each([
    ['ring', 8],
    ['grid', 25],
  ] as const)('puts Gaussians on a %s', async (shape, modes) => {
    const set = syntheticDataset({ shape, count: modes * 400, seed: 3 });
    const points = new Float32Array(set.count * 2);
    await set.read(
      Array.from({ length: set.count }, (_, i) => i),
      points,
    );
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
    expect(() => syntheticDataset({ shape: 'grid', modes: 8 })).toThrow(/square number, got 8/);
  });
});

describe('order', () => {
  it('shows every example once an epoch, batches running on into the next', () => {
    const at = batchOrder(5, 10, 4);
    const seen = Array.from({ length: 5 }, (_, step) => [...at(step)]).flat();
    const first = seen.slice(0, 10);
    const second = seen.slice(10);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...second].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(second).not.toEqual(first);
  });

  it('depends on seed and step alone, also for fewer examples than a batch', () => {
    const along = batchOrder(5, 3, 8);
    for (let step = 0; step < 7; step++) expect([...batchOrder(5, 3, 8)(step)]).toEqual([...along(step)]);
    expect([...batchOrder(6, 100, 50)(0)]).not.toEqual([...batchOrder(5, 100, 50)(0)]);
  });

  it('reads a batch', async () => {
    const set = arrayDataset({ data: Float32Array.from({ length: 20 }, (_, i) => i), shape: [2] });
    const order = batchOrder(1, 10, 3)(2);
    expect(await batchReader(set, 1, 3)(2)).toEqual(Float32Array.from([...order].flatMap((i) => [2 * i, 2 * i + 1])));
  });
});
