// Translation with fake sessions of known arithmetic: whole, tiled, fixed sizes, layouts and types.
import { describe, expect, test } from 'vitest';
import type { DType, NamedTensors, Session, Tensor, TensorSpec } from '../index.js';
import { disposable, Generator, ImageBatch, manifestFor } from '../index.js';
import type { ImageLike, Manifest } from '../index.js';
import { fromHalf, halfOf } from '../half.js';

/** A model `[b, c, h, w] → [b, c, s·h, s·w]` that repeats pixels `scale` times and gives 1 − x. */
function invert({
  scale = 1,
  shape = ['b', 3, 'h', 'w'],
  layout = 'nchw',
  dtype = 'float32',
  range = [0, 1],
  shade,
  steps,
  strides,
}: {
  scale?: number;
  shape?: TensorSpec['shape'];
  layout?: 'nchw' | 'nhwc';
  dtype?: DType;
  range?: [number, number];
  shade?: (x: number, y: number, w: number, h: number) => number;
  steps?: Record<string, number>;
  strides?: Record<string, number>;
} = {}) {
  const seen: number[][] = [];
  const [inputs, outputs]: TensorSpec[][] = [
    [{ name: 'x', dtype, shape }],
    [{ name: 'y', dtype, shape: ['b', 'c', 'H', 'W'] }],
  ];
  const run = (feeds: NamedTensors): Promise<NamedTensors> => {
    const { x } = feeds;
    seen.push(x!.shape);
    const [n, ...rest] = x!.shape as [number, number, number, number];
    const [c, h, w] = layout === 'nchw' ? rest : [rest[2], rest[0], rest[1]];
    const at = (i: number, ch: number, row: number, col: number, hh: number, ww: number): number =>
      layout === 'nchw' ? ((i * c + ch) * hh + row) * ww + col : ((i * hh + row) * ww + col) * c + ch;
    const [H, W] = [h * scale, w * scale];
    const values = x!.data as Float32Array;
    const get = (k: number): number => (dtype === 'float16' ? fromHalf(values[k]!) : values[k]!);
    const out = new Float32Array(n * c * H * W);
    for (let i = 0; i < n; i++)
      for (let ch = 0; ch < c; ch++)
        for (let row = 0; row < H; row++)
          for (let col = 0; col < W; col++)
            out[at(i, ch, row, col, H, W)] =
              range[1] +
              range[0] -
              get(at(i, ch, Math.floor(row / scale), Math.floor(col / scale), h, w)) +
              (shade?.(col, row, W, H) ?? 0);
    const data = dtype === 'float32' ? out : dtype === 'uint8' ? Uint8Array.from(out) : Uint16Array.from(out, halfOf);
    const y: Tensor = { dtype, shape: layout === 'nchw' ? [n, c, H, W] : [n, H, W, c], data };
    return Promise.resolve({ y });
  };
  const device = {
    requested: 'cpu',
    actual: 'cpu',
    reasons: [],
    threads: 1,
    executor: 'inline',
    placement: {},
    cpuOps: [],
  } as const;
  const nothing = (): Promise<void> => Promise.resolve();
  const session: Session = disposable({
    inputs: inputs!,
    outputs: outputs!,
    device: { ...device, reasons: [], cpuOps: [] },
    run,
    readState: () => Promise.resolve({}),
    writeState: nothing,
    dispose: nothing,
  });
  const given: Partial<Manifest> = {
    kind: scale > 1 ? 'super-resolution' : 'image-to-image',
    inputs: [{ name: 'x', role: 'image', dtype, shape, layout, range }],
    outputs: [{ name: 'y', role: 'image', dtype, shape: ['b', 'c', 'H', 'W'], layout, range }],
    ...(steps === undefined ? {} : { steps }),
    ...(strides === undefined ? {} : { strides }),
  };
  return {
    seen,
    generator: new Generator({
      session,
      manifest: manifestFor(given, undefined, session.inputs, session.outputs),
      modelBytes: 1,
      dispose: nothing,
    }),
  };
}

function picture(width: number, height: number, channels: number): ImageLike {
  return {
    width,
    height,
    data: Uint8ClampedArray.from({ length: width * height * channels }, (_, i) => (i * 37 + (i % 11) * 5) % 256),
  };
}
const inverted = ({ data }: ImageLike): number[] => Array.from(data, (v) => 255 - v);

test('refuses sizes that are not multiples of the model’s steps', async () => {
  const { generator } = invert({ steps: { h: 4, w: 8 } });
  const result = await generator.translate(picture(16, 12, 3));
  expect([result.width, result.height]).toEqual([16, 12]);
  await expect(generator.translate(picture(12, 12, 3))).rejects.toThrow(
    'run.x: expected a w that is a multiple of 8, got 12; resize or pad to 16',
  );
  await expect(generator.run({ x: { shape: [1, 3, 6, 8], data: new Float32Array(144) } })).rejects.toMatchObject({
    code: 'input.shape',
  });
});

describe('whole', () => {
  test.each<[string, Parameters<typeof invert>[0]]>([
    ['float32 NCHW in [0, 1]', {}],
    ['float32 in [-1, 1]', { range: [-1, 1] }],
    ['NHWC', { layout: 'nhwc', shape: ['b', 'h', 'w', 3] }],
    ['uint8', { dtype: 'uint8', range: [0, 255] }],
    ['float16', { dtype: 'float16', range: [0, 1] }],
    ['a fixed size', { shape: [1, 3, 7, 9] }],
  ])('%s', async (_, options) => {
    const { generator, seen } = invert(options);
    const image = picture(9, 7, 3);
    const result = await generator.translate(image);
    expect([result.count, result.width, result.height, result.channels]).toEqual([1, 9, 7, 3]);
    expect([...result.data]).toEqual(inverted(image));
    expect(seen).toHaveLength(1);
    expect(generator.stats()).toMatchObject({ runs: 1, images: 1 });
  });

  test('several pictures, grey and RGBA ones for an RGB model, a fixed batch', async () => {
    const { generator, seen } = invert({ shape: [2, 3, 'h', 'w'] });
    const grey = picture(5, 4, 1);
    const rgba = picture(5, 4, 4);
    const progress: number[] = [];
    const result = await generator.translate([grey, rgba], {
      onProgress: ({ done, total }) => progress.push(done / total),
    });
    expect(result).toBeInstanceOf(ImageBatch);
    expect([...result.at(0).data]).toEqual(inverted(grey).flatMap((v) => [v, v, v]));
    expect([...result.at(1).data]).toEqual(inverted(rgba).filter((_, i) => i % 4 !== 3));
    expect(seen).toEqual([
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ]);
    expect(progress).toEqual([0.5, 1]);
  });

  test('a listener that fails ends it with its error', async () => {
    const failure = new Error('of the listener');
    const failing: (() => unknown)[] = [
      () => {
        throw failure;
      },
      () => Promise.reject(failure),
    ];
    for (const onProgress of failing)
      await expect(invert().generator.translate(picture(5, 4, 3), { onProgress })).rejects.toBe(failure);
  });

  test('super-resolution is larger', async () => {
    const image = picture(6, 5, 1);
    const result = await invert({ scale: 3, shape: ['b', 1, 'h', 'w'] }).generator.translate(image);
    expect([result.width, result.height]).toEqual([18, 15]);
    expect(result.data[3 * 18 + 4]).toBe(255 - image.data[6 + 1]!);
  });
});

describe('in tiles', () => {
  test.each<[string, number, number, { tile: number; overlap?: number }, Parameters<typeof invert>[0]]>([
    ['that fit', 32, 32, { tile: 16, overlap: 0 }, {}],
    ['that overlap', 45, 31, { tile: 16, overlap: 5 }, {}],
    ['larger than the picture', 9, 7, { tile: 64 }, {}],
    ['of a fixed size, larger than the picture', 9, 7, { tile: 16 }, { shape: [1, 3, 16, 16] }],
    ['of a fixed size', 40, 20, { tile: 16, overlap: 4 }, { shape: [1, 3, 16, 16] }],
    ['NHWC, [-1, 1]', 33, 20, { tile: 16, overlap: 4 }, { layout: 'nhwc', shape: ['b', 'h', 'w', 3], range: [-1, 1] }],
  ])('%s: equal to the whole picture for a pixel-wise model', async (_, width, height, tiling, options) => {
    const image = picture(width, height, 3);
    const result = await invert(options).generator.translate(image, tiling);
    expect([...result.data]).toEqual(inverted(image));
  });

  test('of a larger result', async () => {
    const image = picture(30, 21, 1);
    const options = { scale: 2, shape: ['b', 1, 'h', 'w'] };
    const [whole, tiled] = [
      await invert(options).generator.translate(image),
      await invert(options).generator.translate(image, { tile: 16, overlap: 4 }),
    ];
    expect(tiled).toEqual(whole);
  });

  // 45 pixels in tiles of 21 that overlap by 6 or more: they begin 15, or a multiple of the stride below it, apart.
  test.each([
    [3, [21, 21, 21]], // at 0, 15 and 24
    [5, [21, 21, 25]], // at 0, 15 and 20
    [16, [21, 21, 21, 21]], // beyond 15: at 0, 8, 16 and 24, as without a stride
    [0, [21, 21, 21, 21]],
    [NaN, [21, 21, 21, 21]],
  ])('begin at multiples of the stride %d', async (stride, widths) => {
    const { generator, seen } = invert({ strides: { w: stride } });
    const image = picture(45, 8, 3);
    const made = await generator.translate(image, { tile: 21, overlap: 6 });
    expect(seen.map((shape) => shape[3])).toEqual(widths);
    expect([...made.data]).toEqual(inverted(image));
  });

  test('are blended without larger steps at seams', async () => {
    // Each tile is shaded from its left edge to its right, so that neighbours disagree by the whole shade where they
    // meet.
    const shade = (x: number, _y: number, w: number): number => (0.5 * x) / (w - 1);
    const flat: ImageLike = { width: 48, height: 16, data: new Uint8ClampedArray(48 * 16).fill(255) };
    const steps = async (overlap: number): Promise<number> => {
      const { data } = await invert({ shape: ['b', 1, 'h', 'w'], shade }).generator.translate(flat, {
        tile: 24,
        overlap,
      });
      return Math.max(...[...data.subarray(0, 47)].map((v, i) => Math.abs(v - data[i + 1]!)));
    };
    expect(await steps(0)).toBeGreaterThan(120);
    expect(await steps(12)).toBeLessThan(25);
  });

  test('an abort between tiles ends it', async () => {
    const { generator, seen } = invert();
    const signal = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
    const call = generator.translate(picture(64, 64, 3), {
      tile: 16,
      overlap: 0,
      signal,
      onProgress: ({ done }) => void (signal.aborted = done === 3),
    });
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect(seen).toHaveLength(3);
  });
});

test('a caller may reuse its picture at once', async () => {
  const image = picture(16, 16, 3);
  const wanted = inverted(image);
  const { generator } = invert();
  const made = generator.translate([image], { tile: 8, overlap: 0 });
  (image.data as Uint8ClampedArray).fill(7);
  expect([...(await made).data]).toEqual(wanted);
});

test.each<[string, ImageLike | ImageLike[], object, string]>([
  ['no picture', [], {}, 'input.shape'],
  ['data that does not fit', { width: 3, height: 3, data: new Uint8Array(10) }, {}, 'input.shape'],
  ['channels that do not fit', { ...picture(16, 16, 3), channels: 1 }, {}, 'input.shape'],
  ['samples of 16 bits', { width: 16, height: 16, data: new Uint16Array(768).fill(300) }, {}, 'input.range'],
  ['floats from 0 to 1', { width: 16, height: 16, data: new Float32Array(768).fill(0.5) }, {}, 'input.range'],
  ['a size of zero', { width: 0, height: 3, data: new Uint8Array(0) }, {}, 'input.range'],
  ['sizes that differ', [picture(16, 16, 3), picture(8, 16, 3)], {}, 'input.shape'],
  ['another size than the model’s', picture(9, 9, 3), {}, 'input.shape'],
  ['a tile that is not the model’s', picture(16, 16, 3), { tile: 32 }, 'usage'],
  ['an overlap without tiles', picture(16, 16, 3), { overlap: 4 }, 'usage'],
  ['an overlap of more than half', picture(16, 16, 3), { tile: 16, overlap: 9 }, 'input.range'],
  ['a tile of nothing', picture(16, 16, 3), { tile: 0 }, 'input.range'],
])('refuses %s', async (_, image, options, code) => {
  const { generator, seen } = invert({ shape: [1, 3, 16, 16] });
  await expect(generator.translate(image, options)).rejects.toMatchObject({ code });
  expect(seen).toEqual([]);
});

test('halves are rounded to nearest even, as IEEE 754 says', () => {
  // From Wikipedia's table of half precision, and ties around them.
  const known: readonly (readonly [number, number])[] = [
    [0, 0],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -14, 0x0400],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [2 ** -25 * 1.5, 1],
    [2 ** -14 - 2 ** -24, 0x03ff],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1 / 3, 0x3555],
    [2 ** -14 - 2 ** -26, 0x0400],
  ];
  for (const [value, bits] of known) expect([value, halfOf(value)]).toEqual([value, bits]);
  for (let bits = 0; bits < 0x7c00; bits++) expect(halfOf(fromHalf(bits))).toBe(bits);
  expect(fromHalf(halfOf(NaN))).toBeNaN();
});
