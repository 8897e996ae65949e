// PNG files that are whole, damaged, or made to do harm: pixels as fast-png decodes them, or an Error, within the
// memory that the header's size needs.
import { crc32, deflateSync } from 'node:zlib';
import { decode, encode, type DecodedPng } from 'fast-png';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { decodePng, isPng, pngSize } from './decode-png.js';

const chunk = (kind: string, data: Uint8Array = new Uint8Array(0)): Buffer => {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
};
const header = (width: number, height: number, kind = 2, interlaced = 0, depth = 8): Buffer => {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([depth, kind, 0, 0, interlaced], 8);
  return chunk('IHDR', data);
};
const png = (...chunks: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks, chunk('IEND')]);
/** Rows of zeros with the filter 0. */
const packed = (rows: number, row: number): Uint8Array => deflateSync(Buffer.alloc(rows * (1 + row)));

describe('whole files', () => {
  test.each([
    ['grey', 1, 8],
    ['grey with alpha', 2, 8],
    ['RGB', 3, 8],
    ['RGBA', 4, 8],
    ['16 bits', 3, 16],
  ] as const)('%s', async (_, channels, depth) => {
    const [width, height] = [5, 3];
    const length = width * height * channels;
    const data =
      depth === 8
        ? Uint8Array.from({ length }, (_, i) => (i * 37) % 256)
        : Uint16Array.from({ length }, (_, i) => 257 * ((i * 37) % 256));
    const bytes = encode({ width, height, channels, depth, data });
    expect([isPng(bytes), pngSize(bytes)]).toEqual([true, { width, height }]);
    const got = await decodePng(bytes);
    expect([got.width, got.height, [...rgbOf(decode(bytes))]]).toEqual([width, height, without(got.data)]);
  });

  test.each([1, 2, 4, 8])('a palette of %i bits, interlaced or not', async (depth) => {
    const palette = chunk('PLTE', Uint8Array.of(9, 8, 7, 1, 2, 3));
    const [width, height] = [9, 7];
    const flat = deflateSync(Buffer.alloc(height * (1 + Math.ceil((width * depth) / 8))));
    const plain = await decodePng(png(header(width, height, 3, 0, depth), palette, chunk('IDAT', flat)));
    // PNG 1.2, 2.6: the passes of 9 × 7 have 2 × 1, 1 × 1, 3 × 1, 2 × 2, 5 × 2, 4 × 4 and 9 × 3 pixels
    const passes = [2, 1, 3, 2, 2, 5, 5, 4, 4, 4, 4, 9, 9, 9].map((wide) => 1 + Math.ceil((wide * depth) / 8));
    const woven = deflateSync(Buffer.alloc(passes.reduce((a, b) => a + b)));
    const laced = await decodePng(png(header(width, height, 3, 1, depth), palette, chunk('IDAT', woven)));
    for (const { data } of [plain, laced])
      expect(without(data)).toEqual(Array.from({ length: width * height }, () => [9, 8, 7]).flat());
  });

  test('pixels in several chunks, text between, and bytes after the end', async () => {
    const all = packed(2, 6);
    const bytes = png(
      header(2, 2),
      chunk('tEXt', Buffer.from('a\0b')),
      chunk('IDAT', all.subarray(0, 5)),
      chunk('IDAT', all.subarray(5)),
    );
    expect((await decodePng(Buffer.concat([bytes, Buffer.from('more')]))).data).toHaveLength(16);
  });

  test('a view into a larger buffer', async () => {
    const bytes = png(header(2, 2), chunk('IDAT', packed(2, 6)));
    const larger = new Uint8Array(bytes.length + 20).fill(255);
    larger.set(bytes, 10);
    expect(await decodePng(larger.subarray(10, -10))).toMatchObject({ width: 2, height: 2 });
  });
});

describe('damaged files', () => {
  const one = png(header(4, 4), chunk('IDAT', packed(4, 12)));
  test.each<[string, Uint8Array]>([
    ['without pixels', png(header(4, 4))],
    ['with too few', png(header(4, 4), chunk('IDAT', packed(2, 12)))],
    ['with too few, interlaced', png(header(4, 4, 2, 1), chunk('IDAT', packed(2, 12)))],
    ['cut off in its pixels', png(header(4, 4), chunk('IDAT', packed(4, 12).subarray(0, 8)))],
    ['with two headers', png(header(1, 1), header(30_000, 30_000), chunk('IDAT', packed(1, 3)))],
    ['with a header after its pixels', png(header(1, 1), chunk('IDAT', packed(1, 3)), header(30_000, 30_000))],
    ['with another beginning', png(chunk('tEXt'), header(4, 4), chunk('IDAT', packed(4, 12)))],
    ['of no size', png(header(0, 0), chunk('IDAT', packed(4, 12)))],
    ['of no kind', png(header(4, 4, 5), chunk('IDAT', packed(4, 12)))],
    ['without its palette', png(header(4, 4, 3), chunk('IDAT', packed(4, 4)))],
    ['without its end', one.subarray(0, -12)],
    ['that unpacks to 64 MiB', png(header(4, 4, 2, 1), chunk('IDAT', packed(2 ** 13, 2 ** 13)))],
    ['of a length beyond its end', Buffer.concat([one.subarray(0, 33), Buffer.alloc(12, 255)])],
  ])('%s', async (_, bytes) => {
    await expect(decodePng(bytes)).rejects.toBeInstanceOf(Error);
  });

  test('with any byte changed or any part missing: an Error, or pixels of the right size', async () => {
    const whole = PNG.sync.write(Object.assign(new PNG({ width: 6, height: 5 }), { data: Buffer.alloc(120, 77) }));
    for (let i = 8; i < whole.length; i++) {
      const changed = Buffer.from(whole);
      changed[i] = (changed[i] ?? 0) ^ 0x55;
      for (const bytes of [changed, whole.subarray(0, i)]) {
        const got = await decodePng(bytes).catch((error: unknown) => error);
        if (!(got instanceof Error)) expect(got).toMatchObject({ data: { length: 120 } });
      }
    }
  });
});

function rgbOf({ data, channels, depth }: DecodedPng): number[] {
  const byte = (i: number): number => (depth === 16 ? (data[i] ?? 0) / 257 : (data[i] ?? 0));
  return Array.from({ length: data.length / channels }, (_, i) =>
    [0, 1, 2].map((c) => byte(i * channels + (channels < 3 ? 0 : c))),
  ).flat();
}

/** RGBA without alpha. */
const without = (data: ArrayLike<number>): number[] => Array.from(data).filter((_, i) => i % 4 !== 3);
