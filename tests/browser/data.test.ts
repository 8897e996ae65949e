// Pictures in a page: decoded by Chromium against Pillow's pixels (tests/vectors/pictures.py), and a picked folder as a
// dataset.
import { filesDataset, pageDecoder, readFields } from '@forja/trainer';
import { describe, expect, test } from 'vitest';
import vectors from '../vectors/pictures.json';

const decode = pageDecoder();
const bytesOf = (file: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
const opaque = vectors.lossless.filter(({ name }) => name === 'RGB.webp');

describe('pageDecoder', () => {
  test.each([...opaque, ...vectors.lossy])('$name is within a few steps of Pillow', async (entry) => {
    const got = await decode(bytesOf(entry.file));
    expect([got.height, got.width, got.channels]).toEqual([entry.height, entry.width, 4]);
    let worst = 0;
    for (const [i, want] of entry.data.entries()) {
      const [p, c] = [Math.floor(i / entry.channels), i % entry.channels];
      worst = Math.max(worst, Math.abs((got.data[4 * p + c] ?? NaN) - want));
    }
    expect(worst).toBeLessThanOrEqual(entry.name === 'RGB.webp' ? 0 : 4);
  });

  test('refuses files that are not pictures', async () => {
    await expect(decode(new TextEncoder().encode('<html>'))).rejects.toThrow();
  });
});

test('files become a dataset, and unreadable ones are listed', async () => {
  const entry = (name: string): Uint8Array<ArrayBuffer> =>
    bytesOf(vectors.lossy.find((v) => v.name === name)?.file ?? '');
  const files = [
    new File([entry('orientation-1.jpeg')], 'a.jpeg'),
    new File([entry('orientation-3.avif')], 'b.avif'),
    new File([entry('grey.jpeg')], 'c.jpeg'),
    new File(['<html>'], 'd.jpeg'),
  ];
  const set = await filesDataset(files, { kind: 'folder', flip: true }, { decode });
  expect([set.count, set.fields['image']?.shape, set.skipped?.length]).toEqual([6, [16, 24, 3], 1]);
  const { image } = await readFields(set, [0, 3]);
  expect(image).toHaveLength(2 * 16 * 24 * 3);
  expect((await filesDataset(files.slice(2, 3), { kind: 'folder' }, { decode })).fields['image']?.shape).toEqual([
    16, 24, 1,
  ]);
});
