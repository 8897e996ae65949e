// Pictures without files: conversion from and to tensors, grids, RGBA, errors. tests/parity/image-files.test.ts decodes
// the files.
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../tensor.js';
import { ImageBatch } from './batch.js';
import { toBatch } from './convert.js';
import { fromImages } from './from-images.js';
import { Image } from './image.js';

const bytes = (...values: number[]): Uint8ClampedArray => Uint8ClampedArray.from(values);
const float = (shape: number[], ...values: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

describe('toBatch', () => {
  test('[-1, 1]: floor(127.5·v + 128), cut', () => {
    const values = [-2, -1, -0.999, -0.5, 0, 0.25, 0.996, 1, 1.5, -Infinity, Infinity, 0.003];
    const expected = [0, 0, 0, 64, 128, 159, 254, 255, 255, 0, 255, 128];
    expect([...toBatch(float([1, 1, 3, 4], ...values), { layout: 'nchw' }).data]).toEqual(expected);
  });
  test('every byte survives a round trip, in each range, layout and type', () => {
    const all = new Image(
      16,
      16,
      1,
      Uint8ClampedArray.from({ length: 256 }, (_, i) => i),
    );
    for (const range of [
      [-1, 1],
      [0, 1],
      [0, 255],
      [-3, 7],
    ] as const) {
      for (const layout of ['nchw', 'nhwc'] as const) {
        for (const dtype of ['float32', 'float16'] as const)
          expect(toBatch(fromImages([all], { layout, range, dtype }), { layout, range }).data).toEqual(all.data);
      }
    }
    expect(toBatch(fromImages([all], { layout: 'nchw', dtype: 'uint8' }), { layout: 'nchw' }).data).toEqual(all.data);
  });
  test('channels-first becomes interleaved, channels-last stays', () => {
    const planes = float([2, 3, 1, 2], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    expect(toBatch(planes, { layout: 'nchw', range: [0, 255] })).toMatchObject({
      count: 2,
      width: 2,
      height: 1,
      channels: 3,
      data: bytes(0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11),
    });
    const pixels = float([1, 2, 3], 0, 1, 2, 3, 4, 5);
    expect(toBatch(pixels, { layout: 'nhwc', range: [0, 255] })).toMatchObject({
      count: 1,
      width: 2,
      height: 1,
      channels: 3,
      data: bytes(0, 1, 2, 3, 4, 5),
    });
  });
  test('uint8 is unchanged', () => {
    expect(
      toBatch({ dtype: 'uint8', shape: [1, 2, 2, 1], data: Uint8Array.of(0, 7, 200, 255) }, { layout: 'nhwc' }).data,
    ).toEqual(bytes(0, 7, 200, 255));
  });
  test.each([
    [() => toBatch(float([2, 2], 1, 2, 3, 4), { layout: 'nchw' }), /toBatch: .*got \[2, 2\]/, 'input.shape'],
    [() => toBatch(float([1, 2, 1, 2], 1, 2, 3, 4), { layout: 'nchw' }), /channels: .*got 2/, 'input.shape'],
    [() => toBatch(float([1, 1, 2, 2], 1, 2, 3), { layout: 'nchw' }), /\[1, 1, 2, 2\].*got 3/, 'input.shape'],
    [() => toBatch(float([2, 1, 1, 1], 1, Number.NaN), { layout: 'nchw' }), /got NaN in picture 1/, 'input.range'],
    [() => toBatch(float([1, 1, 1, 1], 1), { layout: 'nchw', range: [1, 1] }), /range: .*got \[1, 1\]/, 'input.range'],
  ])('refuses (%#)', (call, message, code) => {
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ name: 'UsageError', code }));
  });
});

describe('fromImages', () => {
  const rgb = new Image(1, 1, 3, bytes(200, 100, 50));
  const raw = (channels: 1 | 3 | 4, image: Image = rgb): number[] => [
    ...(fromImages([image], { layout: 'nhwc', range: [0, 255], channels }).data as Float32Array),
  ];
  test('grey from colour by Rec. 601, colour from grey, alpha opaque or dropped', () => {
    expect(raw(1)[0]).toBeCloseTo(0.299 * 200 + 0.587 * 100 + 0.114 * 50, 4);
    expect(raw(4)).toEqual([200, 100, 50, 255]);
    expect(raw(3, new Image(1, 1, 1, bytes(9)))).toEqual([9, 9, 9]);
    expect(raw(3, new Image(1, 1, 4, bytes(1, 2, 3, 4)))).toEqual([1, 2, 3]);
    expect(raw(4, new Image(1, 1, 4, bytes(1, 2, 3, 4)))).toEqual([1, 2, 3, 4]);
  });
  test('takes what a canvas gives', () => {
    expect(
      fromImages([{ width: 2, height: 1, data: bytes(1, 2, 3, 255, 4, 5, 6, 255) }], {
        layout: 'nchw',
        range: [0, 255],
        channels: 3,
      }),
    ).toEqual(float([1, 3, 1, 2], 1, 4, 2, 5, 3, 6));
  });
  test.each([
    [() => fromImages([], { layout: 'nchw' }), /picture.*got none/],
    [
      () => fromImages([rgb, new Image(1, 2, 3, bytes(0, 0, 0, 0, 0, 0))], { layout: 'nchw' }),
      /every picture to be 1 × 1, got 1 × 2 at 1/,
    ],
    [() => fromImages([{ width: 2, height: 2, data: [1, 2, 3] }], { layout: 'nchw' }), /2 × 2 .*got 3 bytes/],
    [
      () => fromImages([{ width: 1, height: 1, channels: 1, data: [1, 2, 3] }], { layout: 'nchw' }),
      /1 × 1 .*got 3 bytes/,
    ],
  ])('refuses (%#)', (call, message) => expect(call).toThrow(message));
  test.each([
    ['the samples of 16 bits that fast-png returns', Uint16Array.of(0, 257, 65535)],
    ['floats from 0 to 1', Float32Array.of(0, 1 / 255, 1)],
    ['floats from −1 to 1', Float32Array.of(-1, 0, 1)],
    ['signed bytes', Int8Array.of(0, 1, -1)],
    ['NaN', [0, 1, NaN]],
    ['texts', ['0', '1', '2'] as never],
    ['holes', new Array<number>(3)],
  ])('refuses data that are not bytes: %s', (_, data) => {
    expect(() => fromImages([{ width: 1, height: 1, data }], { layout: 'nhwc' })).toRefuse('input.range', 'data');
  });
  test.each([
    ['a list', [0, 1, 255]],
    ['whole floats, as tf.browser.toPixels takes them', Float32Array.of(0, 1, 255)],
    ['an Int32Array, as a tensor of pixels has', Int32Array.of(0, 1, 255)],
    ['a Uint8Array', Uint8Array.of(0, 1, 255)],
  ])('takes bytes in %s', (_, data) => {
    const tensor = fromImages([{ width: 1, height: 1, data }], { layout: 'nhwc', range: [0, 255] });
    expect([...(tensor.data as Float32Array)]).toEqual([0, 1, 255]);
  });
});

describe('Image and ImageBatch', () => {
  const batch = new ImageBatch(5, 2, 1, 1, bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

  test('at(i) is a view; iterating gives every picture', () => {
    expect(batch.at(2)).toMatchObject({ width: 2, height: 1, channels: 1, data: bytes(5, 6) });
    expect(batch.at(2).data.buffer).toBe(batch.data.buffer);
    expect([...batch].map(({ data }) => data[0])).toEqual([1, 3, 5, 7, 9]);
  });
  test('grid: ⌈√n⌉ columns, the rest background', () => {
    expect(batch.grid()).toMatchObject({ width: 6, height: 2, data: bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0) });
    expect(batch.grid(5)).toMatchObject({ width: 10, height: 1 });
    expect(batch.grid(1)).toMatchObject({ width: 2, height: 5, data: batch.data });
  });
  test('grid with padding', () => {
    const padded = new ImageBatch(3, 1, 1, 1, bytes(1, 2, 3)).grid(2, { padding: 1, background: 9 });
    expect(padded).toMatchObject({ width: 3, height: 3, data: bytes(1, 9, 2, 9, 9, 9, 3, 9, 9) });
    const alpha = new ImageBatch(3, 1, 1, 4, bytes(...Array<number>(12).fill(1))).grid(2, { background: 7 });
    expect([...alpha.data.subarray(12)]).toEqual([7, 7, 7, 255]);
  });
  test('toRGBA of grey, RGB and RGBA', () => {
    expect(new Image(2, 1, 1, bytes(1, 2)).toRGBA()).toEqual(bytes(1, 1, 1, 255, 2, 2, 2, 255));
    expect(new Image(1, 1, 3, bytes(1, 2, 3)).toRGBA()).toEqual(bytes(1, 2, 3, 255));
    const own = new Image(1, 1, 4, bytes(1, 2, 3, 4));
    expect(own.toRGBA()).toEqual(own.data);
    expect(own.toRGBA()).not.toBe(own.data);
  });
  test.each([
    [() => new Image(2, 2, 1, bytes(1)), /Image.data: .*got 1/],
    [() => new Image(0, 2, 1, bytes()), /Image.width: .*got 0/],
    [() => new Image(1, 1, 2, bytes(1, 2)), /Image.channels: .* got 2/],
    [() => new Image(1, 1, 1, new Uint8Array(1) as never), /got Uint8Array/],
    [() => batch.at(5), /at: .*got 5/],
    [() => batch.at(-1), /at: .* got -1/],
    [() => batch.grid(0), /grid.columns: .*got 0/],
    [() => batch.grid(2, { padding: -1 }), /grid.padding/],
    [() => batch.grid(1e6, { padding: 1e4 }), /grid: .*268435456/],
    [() => new ImageBatch(0, 1, 1, 1, bytes()).grid(), /grid: .*got none/],
  ])('refuses (%#)', (call, message) => expect(call).toThrow(message));

  test.each([
    [() => batch.toGIF({ delayMs: 1 }), /toGIF.delayMs: .*got 1/],
    [() => batch.toAPNG({ plays: -1 }), /toAPNG.plays: .*got -1/],
    [() => new ImageBatch(0, 1, 1, 1, bytes()).toGIF(), /toGIF: .*got none/],
  ])('refuses timing (%#)', async (call, message) => expect(call()).rejects.toThrow(message));
});
