// Decoding by sharp and in JavaScript, and fitting to a size, against Pillow's pixels (tests/vectors/pictures.py).
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { fitPicture, type Target } from '../data/fit.js';
import type { Picture } from '../data/picture.js';
import { decodePng, isPng } from '../data/png.js';
import { decodePicture, factsOf, loadSharp } from './decode.js';

interface Entry {
  name: string;
  file: string;
  height: number;
  width: number;
  channels: number;
  data: number[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/pictures.json', import.meta.url), 'utf8'),
) as {
  lossless: Entry[];
  lossy: Entry[];
  resized: (Entry & { fit: 'crop' | 'pad' | 'stretch' })[];
};
const sharp = await loadSharp();
const bytesOf = ({ file }: Entry): Uint8Array => new Uint8Array(Buffer.from(file, 'base64'));

/** Compares pixels; decoders may add or omit the alpha of opaque pictures. */
function expectPixels(got: Picture, want: Entry, most: number): void {
  expect([got.height, got.width]).toEqual([want.height, want.width]);
  const pixels = want.height * want.width;
  let worst = 0;
  for (let p = 0; p < pixels; p++)
    for (let c = 0; c < want.channels; c++) {
      const expected = want.data[p * want.channels + c] ?? NaN;
      // grey may be one channel or three equal ones
      const alpha = want.channels % 2 === 0 && c === want.channels - 1;
      const at = alpha ? got.channels - 1 : Math.min(c, got.channels < 3 ? 0 : 2);
      const absent = alpha && got.channels % 2 === 1 ? 255 : undefined;
      worst = Math.max(worst, Math.abs((absent ?? got.data[p * got.channels + at] ?? NaN) - expected));
    }
  expect(worst).toBeLessThanOrEqual(most);
}

const TARGET = { alpha: 'over', background: '#ffffff', fit: 'stretch' } as const;

/** A PNG of three columns with the transparent colour `key` (PNG 1.2, section 4.2.9). */
function withKey({ depth, colour, key }: { depth: number; colour: number; key: number[] }, rows: number[][]): Buffer {
  const chunk = (kind: string, content: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(kind, 'latin1'), content]);
    let crc = ~0;
    for (const byte of body) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(content.length, 0);
    ends.writeInt32BE(~crc, 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Uint8Array.of(0, 0, 0, 3, 0, 0, 0, rows.length, depth, colour, 0, 0, 0)),
    chunk('tRNS', Uint8Array.from(key.flatMap((sample) => [sample >> 8, sample & 255]))),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

describe('decoding', () => {
  it('finds sharp', () => expect(sharp).toBeDefined());

  it.each(vectors.lossless)('$name by sharp equals Pillow', async (entry) => {
    expectPixels(await decodePicture(bytesOf(entry), sharp), entry, 0);
  });

  it.each(vectors.lossless.filter((entry) => isPng(bytesOf(entry))))('$name by JavaScript equals Pillow', (entry) => {
    expectPixels(decodePng(bytesOf(entry)), entry, 0);
  });

  it('keeps 16 bits of grey, colour and alpha', async () => {
    for (const channels of [1, 2, 3, 4] as const) {
      const data = Uint16Array.from({ length: 6 * channels }, (_, i) => 1 + ((i * 7919) % 65_535));
      const png = encode({ width: 3, height: 2, channels, depth: 16, data });
      const want = { name: '', file: '', width: 3, height: 2, channels, data: [...data] };
      expectPixels(await decodePicture(png, sharp), want, 0);
      expectPixels(decodePng(png), want, 0);
    }
  });

  it.each([
    { depth: 1, colour: 0, key: [1], rows: [[0b10100000]], alphas: [0, 255, 0] },
    { depth: 2, colour: 0, key: [2], rows: [[0b10011000]], alphas: [0, 255, 0] },
    { depth: 4, colour: 0, key: [7], rows: [[0x7f, 0x70]], alphas: [0, 255, 0] },
    { depth: 8, colour: 0, key: [9], rows: [[9, 8, 9]], alphas: [0, 255, 0] },
    { depth: 16, colour: 0, key: [0x1234], rows: [[0x12, 0x34, 0x12, 0x35, 0x12, 0x34]], alphas: [0, 255, 0] },
    { depth: 8, colour: 2, key: [1, 2, 3], rows: [[1, 2, 3, 1, 2, 4, 1, 2, 3]], alphas: [0, 255, 0] },
    {
      depth: 16,
      colour: 2,
      key: [1, 2, 0x303],
      rows: [[0, 1, 0, 2, 3, 3, 0, 1, 0, 2, 3, 2, 0, 1, 0, 2, 3, 3]],
      alphas: [0, 255, 0],
    },
  ])('makes the colour of tRNS transparent: $depth bits, colour type $colour', async ({ rows, alphas, ...how }) => {
    const png = withKey(how, rows);
    const rgba = { ...TARGET, width: 3, height: 1, channels: 4 };
    const [ours, theirs] = [decodePng(png), await decodePicture(png, sharp)].map((one) => [...fitPicture(one, rgba)]);
    const alphaOf = (pixels: number[]): number[] => pixels.filter((_, i) => i % 4 === 3);
    expect(alphaOf(ours!)).toEqual(alphas);
    expect(ours!.slice(4, 8)).toEqual(theirs!.slice(4, 8));
    expect(alphaOf(theirs!)).toEqual(alphas);
    expect(() => fitPicture(decodePng(png), { ...rgba, channels: 3, alpha: 'refuse' })).toRefuse('data.alpha');
  });

  it.each(vectors.lossy)('$name is within a few steps of Pillow', async (entry) => {
    expectPixels(await decodePicture(bytesOf(entry), sharp), entry, 4);
  });

  it.each([...vectors.lossless, ...vectors.lossy])('reads size and colours of $name from the header', async (entry) => {
    const { height, width, channels } = entry;
    const grey = channels < 3;
    expect(await factsOf(bytesOf(entry), sharp)).toEqual({ height, width, grey });
    if (isPng(bytesOf(entry))) expect(await factsOf(bytesOf(entry), undefined)).toEqual({ height, width, grey });
  });

  it.each([
    ['a JPEG', vectors.lossy.find(({ name }) => name.endsWith('.jpeg'))],
    ['a WebP', vectors.lossless.find(({ name }) => name.endsWith('.webp'))],
    ['an AVIF', vectors.lossy.find(({ name }) => name.endsWith('.avif'))],
  ])('asks for sharp for %s', async (_, entry) => {
    await expect(decodePicture(bytesOf(entry as Entry), undefined)).rejects.toMatchObject({ code: 'data.decoder' });
  });

  it('refuses files that are not pictures, with and without sharp', async () => {
    for (const s of [sharp, undefined])
      await expect(decodePicture(new TextEncoder().encode('<html>'), s)).rejects.not.toMatchObject({
        code: 'data.decoder',
      });
  });
});

describe('fitting', () => {
  const target = { alpha: 'over', background: '#ff0080' } as const;

  it.each(vectors.resized)('$fit to $width × $height equals Pillow', ({ fit, ...entry }) => {
    const { width, height, channels } = entry;
    const data = fitPicture(decodePng(bytesOf(entry)), { ...target, fit, width, height, channels });
    expectPixels({ width, height, channels, data }, entry, 1); // Pillow rounds between its two passes
  });

  const fit = (picture: Partial<Picture>, more: Partial<Target>): number[] => [
    ...fitPicture(
      { width: 2, height: 1, channels: 4, data: new Uint8Array([255, 0, 0, 255, 0, 0, 255, 0]), ...picture },
      { ...target, width: 2, height: 1, channels: 3, fit: 'crop', ...more },
    ),
  ];

  it('blends transparency over the background, keeps it, or refuses it', () => {
    expect(fit({}, {})).toEqual([255, 0, 0, 255, 0, 128]);
    expect(fit({}, { channels: 4 })).toEqual([255, 0, 0, 255, 0, 0, 0, 0]);
    // the colour of transparent pixels does not bleed into others
    expect(fit({}, { channels: 4, width: 1, fit: 'stretch' })).toEqual([255, 0, 0, 128]);
    expect(() => fit({}, { alpha: 'refuse' })).toThrow(expect.objectContaining({ code: 'data.alpha' }) as Error);
    expect(fit({ data: new Uint8Array([255, 0, 0, 255, 0, 0, 255, 255]) }, { alpha: 'refuse' })).toEqual([
      255, 0, 0, 0, 0, 255,
    ]);
  });

  it('converts colour to grey by luma, and grey to colour by repeating', () => {
    expect(fit({ channels: 3, data: new Uint8Array([255, 0, 0, 0, 255, 0]) }, { channels: 1 })).toEqual([76, 150]);
    expect(fit({ channels: 1, data: new Uint16Array([0x8080, 0xffff]) }, {})).toEqual([128, 128, 128, 255, 255, 255]);
  });

  it('takes halves, without the middle column of an odd width', () => {
    const picture = { width: 5, channels: 1, data: new Uint8Array([1, 2, 3, 4, 5]) };
    expect(fit(picture, { channels: 1, half: 'left' })).toEqual([1, 2]);
    expect(fit(picture, { channels: 1, half: 'right' })).toEqual([4, 5]);
    expect(() => fit({ width: 1, channels: 1, data: new Uint8Array(1) }, { half: 'left' })).toThrow(
      expect.objectContaining({ code: 'data.format' }) as Error,
    );
  });

  it('crops at the centre, from tall and wide pictures', () => {
    const picture = { width: 4, height: 2, channels: 1, data: new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]) };
    expect(fit(picture, { channels: 1, width: 1, height: 2 })).toEqual([1, 5]);
    expect(fit(picture, { channels: 1, width: 4, height: 1 })).toEqual([0, 1, 2, 3]);
  });
});
