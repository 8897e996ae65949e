// PNG, APNG and GIF files, decoded by decoders that share no code with the encoders: upng-js and omggif.
import { Image, ImageBatch, philoxUniform } from '@forja/core';
import { crc32 } from 'node:zlib';
import { GifReader } from 'omggif';
import UPNG from 'upng-js';
import { expect, test } from 'vitest';

/** Random bytes, different for each count. */
const noise = (count: number): Uint8ClampedArray =>
  Uint8ClampedArray.from(philoxUniform({ seed: count, stream: 0, step: 0 }, count), (u) => Math.floor(u * 256));

/** Smooth colours: more than 256 of them. */
function gradient(count: number, size: number): ImageBatch {
  const data = new Uint8ClampedArray(count * size * size * 3);
  for (let i = 0, at = 0; i < count; i++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) for (const v of [x / size, y / size, (i + 1) / count]) data[at++] = v * 255;
  return new ImageBatch(count, size, size, 3, data);
}

const png = (bytes: Uint8Array): { decoded: ReturnType<typeof UPNG.decode>; frames: Uint8ClampedArray[] } => {
  const decoded = UPNG.decode(bytes.slice().buffer);
  return { decoded, frames: UPNG.toRGBA8(decoded).map((frame) => new Uint8ClampedArray(frame)) };
};

function gif(bytes: Uint8Array): { reader: GifReader; frames: Uint8ClampedArray[] } {
  const reader = new GifReader(bytes);
  const frames = Array.from({ length: reader.numFrames() }, (_, i) => {
    const pixels = new Uint8ClampedArray(reader.width * reader.height * 4);
    reader.decodeAndBlitFrameRGBA(i, pixels);
    return pixels;
  });
  return { reader, frames };
}

test.each([
  [1, 0],
  [3, 2],
  [4, 6],
] as const)('PNG with %i channels: the same pixels, colour type %i', async (channels, type) => {
  const image = new Image(13, 7, channels, noise(13 * 7 * channels));
  const { decoded, frames } = png(await image.toPNG());
  expect(decoded).toMatchObject({ width: 13, height: 7, depth: 8, ctype: type });
  expect(frames).toEqual([image.toRGBA()]);
});

test.each([1, 3, 4] as const)(
  'APNG with %i channels: every frame, its time, the plays, and whole chunks',
  async (channels) => {
    const batch = new ImageBatch(5, 9, 6, channels, noise(5 * 9 * 6 * channels));
    const bytes = await batch.toAPNG({ delayMs: 120, plays: 3 });
    const { decoded, frames } = png(bytes);
    expect(frames).toEqual([...batch].map((image) => image.toRGBA()));
    expect(decoded.tabs.acTL).toEqual({ num_frames: 5, num_plays: 3 });
    expect(decoded.frames.map(({ delay, rect }) => [delay, rect])).toEqual(
      Array(5).fill([120, { x: 0, y: 0, width: 9, height: 6 }]),
    );
    const types = [...chunks(bytes)].map(({ type, sound }) => (sound ? type : `${type} with a wrong checksum`));
    expect(types).toEqual(['IHDR', 'acTL', 'fcTL', 'IDAT', ...Array(4).fill(['fcTL', 'fdAT']).flat(), 'IEND']);
  },
);

test('a grey GIF is exact', async () => {
  const batch = new ImageBatch(4, 28, 28, 1, noise(4 * 28 * 28));
  const { reader, frames } = gif(await batch.toGIF({ delayMs: 80 }));
  expect(frames).toEqual([...batch].map((image) => image.toRGBA()));
  expect([reader.width, reader.height, reader.loopCount()]).toEqual([28, 28, 0]);
  expect(Array.from({ length: 4 }, (_, i) => reader.frameInfo(i).delay)).toEqual([8, 8, 8, 8]);
});

test('a GIF of at most 256 colours is exact', async () => {
  const few = noise(3 * 10 * 10 * 3).map((byte) => byte & 0b11000000);
  const batch = new ImageBatch(3, 10, 10, 3, few);
  expect(gif(await batch.toGIF()).frames).toEqual([...batch].map((image) => image.toRGBA()));
});

test('a GIF of many colours is near, and no frame has a palette of its own', async () => {
  const batch = gradient(4, 32);
  const { reader, frames } = gif(await batch.toGIF());
  const off = frames.flatMap((frame, i) => [...frame].map((byte, at) => Math.abs(byte - batch.at(i).toRGBA()[at]!)));
  expect(off.reduce((sum, x) => sum + x, 0) / off.length).toBeLessThan(8);
  expect(Math.max(...off)).toBeLessThan(48);
  expect(
    new Set([0, 1, 2, 3].map((i) => (reader.frameInfo(i) as unknown as { palette_offset: number }).palette_offset))
      .size,
  ).toBe(1);
});

test('a GIF shows transparent pixels over white', async () => {
  const batch = new ImageBatch(1, 3, 1, 4, Uint8ClampedArray.of(10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 51));
  expect([...gif(await batch.toGIF()).frames[0]!]).toEqual([255, 255, 255, 255, 10, 20, 30, 255, 204, 224, 244, 255]);
});

test.each([
  [0, 0],
  [1, null],
  [2, 1],
  [5, 4],
] as const)('a GIF that plays %i times has the loop count %s', async (plays, count) => {
  expect(gif(await gradient(2, 4).toGIF({ plays })).reader.loopCount()).toBe(count);
});

test('equal pictures give equal files', async () => {
  const [a, b] = [gradient(3, 8), gradient(3, 8)];
  expect(await a.toGIF()).toEqual(await b.toGIF());
  expect(await a.toAPNG()).toEqual(await b.toAPNG());
  expect(await a.grid().toPNG()).toEqual(await b.grid().toPNG());
});

/** Chunks of a PNG, each with whether its checksum is right. */
function* chunks(bytes: Uint8Array): Generator<{ type: string; sound: boolean }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at < bytes.length;) {
    const size = view.getUint32(at);
    const body = bytes.subarray(at + 4, at + 8 + size);
    yield { type: String.fromCharCode(...body.subarray(0, 4)), sound: crc32(body) === view.getUint32(at + 8 + size) };
    at += 12 + size;
  }
}
