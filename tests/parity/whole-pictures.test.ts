// `translate` of whole pictures against onnxruntime on the same numbers, for any output size. On the CPU and on WASM,
// for files with named and unnamed dynamic sizes.
import { load } from '@forja/node';
import { decodeModel, encodeModel, GraphBuilder, type Value } from '@forja/core/onnx';
import type { Dim, Manifest } from '@forja/core';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';

type Layout = 'nchw' | 'nhwc';
type Layers = (g: GraphBuilder, x: Value) => Value;

const weights = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898));

/** A model of pictures with 3 channels and unnamed dynamic sizes, or of `shape`. */
function modelOf(layers: Layers, shape?: Dim[]): Uint8Array {
  const g = new GraphBuilder();
  g.output('y', layers(g, g.input('x', 'float32', shape ?? ['b', 3, 'h', 'w'])));
  const model = decodeModel(encodeModel(g.build()));
  for (const { type } of [...(model.graph?.inputs ?? []), ...(model.graph?.outputs ?? [])])
    for (const dim of type?.tensor?.shape?.dims ?? []) delete dim.param;
  return encodeModel(model);
}

const conv =
  (kernel: number, attributes: Record<string, number[] | string> = {}): Layers =>
  (g, x) =>
    g.op('Tanh', [
      g.op('Conv', [x, g.constant('float32', [3, 3, kernel, kernel], weights(9 * kernel * kernel))], attributes),
    ]);

/** Half the size and back, which makes odd sizes even. */
const thereAndBack: Layers = (g, x) => {
  const half = conv(3, { strides: [2, 2], pads: [1, 1, 1, 1] })(g, x);
  const filter = g.constant('float32', [3, 3, 4, 4], weights(144));
  return g.op('Tanh', [g.op('ConvTranspose', [half, filter], { strides: [2, 2], pads: [1, 1, 1, 1] })]);
};

const NETWORKS: readonly (readonly [string, Layers, sides: (size: number) => number])[] = [
  ['a stride of two', conv(3, { strides: [2, 2], pads: [1, 1, 1, 1] }), (size) => Math.ceil(size / 2)],
  ['a stride of two that rounds down', conv(2, { strides: [2, 2] }), (size) => Math.floor(size / 2)],
  [
    'a stride of two, padded as tfjs does',
    conv(3, { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
    (size) => Math.ceil(size / 2),
  ],
  ['valid convolutions', conv(5), (size) => size - 4],
  ['half the size and back', thereAndBack, (size) => 2 * Math.ceil(size / 2)],
  ['one pixel of all', (g, x) => g.op('GlobalAveragePool', [x]), () => 1],
];

const picture = (width: number, height: number) => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => (i * 37 + (i % 11) * 5) % 256),
});

/** onnxruntime's result for one picture in [−1, 1], as bytes in rows of pixels. */
async function byOnnxruntime(model: Uint8Array, image: ReturnType<typeof picture>, layout: Layout, rows = 1) {
  const { width, height, data } = image;
  const size = 3 * width * height;
  const values = new Float32Array(rows * size);
  for (let i = 0; i < size; i++) {
    const at = layout === 'nhwc' ? i : (i % 3) * width * height + Math.floor(i / 3);
    values[at] = (data[i]! * 2) / 255 - 1;
  }
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const dims = layout === 'nhwc' ? [rows, height, width, 3] : [rows, 3, height, width];
  const { y } = await session.run({ x: new ort.Tensor('float32', values, dims) });
  await session.release();
  const [, a, b, c] = y!.dims as [number, number, number, number];
  const [H, W] = layout === 'nhwc' ? [a, b] : [b, c];
  const pixels = Array.from({ length: H * W * 3 }, (_, i) => {
    const v = (y!.data as Float32Array)[layout === 'nhwc' ? i : (i % 3) * H * W + Math.floor(i / 3)]!;
    return Math.max(0, Math.min(255, Math.floor(127.5 * v + 128)));
  });
  return { width: W, height: H, pixels };
}

function manifest(shape: Dim[], layout: Layout): Partial<Manifest> {
  const of = { dtype: 'float32', layout, range: [-1, 1] } as const;
  return {
    kind: 'image-to-image',
    inputs: [{ name: 'x', role: 'image', shape, ...of, range: [-1, 1] }],
    outputs: [{ name: 'y', role: 'image', shape: ['b', 'a', 'c', 'd'], ...of, range: [-1, 1] }],
  };
}

/** Translates pictures of these sizes, compares with onnxruntime, and returns the output sizes. */
async function same(
  device: 'cpu' | 'wasm',
  model: Uint8Array,
  sizes: readonly (readonly [number, number])[],
  how: { layout?: Layout; shape?: Dim[]; rows?: number; tiles?: readonly number[] } = {},
): Promise<[number, number][]> {
  const { layout = 'nchw', shape = ['b', 3, 'h', 'w'], rows, tiles = [] } = how;
  const generator = await load(model, { device, lowering: 'portable', threads: 1, manifest: manifest(shape, layout) });
  const came: [number, number][] = [];
  for (const [width, height] of sizes) {
    const expected = await byOnnxruntime(model, picture(width, height), layout, rows);
    for (const options of [{}, ...tiles.map((tile) => ({ tile }))]) {
      const made = await generator.translate(picture(width, height), options);
      expect([made.width, made.height]).toEqual([expected.width, expected.height]);
      // Their kernels differ in the last bits, which may change a byte.
      expect([...made.data]).toBeAllclose(expected.pixels, { atol: 1 });
      if (made.width > 1) expect(Math.max(...made.data) - Math.min(...made.data)).toBeGreaterThan(50);
    }
    came.push([expected.width, expected.height]);
  }
  await generator.dispose();
  return came;
}

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  test.each(NETWORKS)('%s', async (_, layers, side) => {
    const sizes = [
      [20, 20],
      [21, 15],
      [9, 30],
    ] as const;
    // One tile that contains the whole picture gives the same.
    const came = await same(device, modelOf(layers), sizes, { tiles: [32] });
    expect(came).toEqual(sizes.map(([width, height]) => [side(width), side(height)]));
  });

  test('sides that scale differently, and sides that are exchanged', async () => {
    const tall: Layers = (g, x) =>
      g.op('Resize', [x, undefined, g.constant('float32', [4], [1, 1, 3, 1])], { mode: 'nearest' });
    expect(await same(device, modelOf(tall), [[21, 15]])).toEqual([[21, 45]]);
    const turned: Layers = (g, x) => g.op('Transpose', [x], { perm: [0, 1, 3, 2] });
    expect(await same(device, modelOf(turned), [[21, 15]])).toEqual([[15, 21]]);
  });

  test('NHWC, a fixed size, one fixed side, a fixed batch', async () => {
    const last: Layers = (g, x) =>
      g.op('Transpose', [conv(5)(g, g.op('Transpose', [x], { perm: [0, 3, 1, 2] }))], { perm: [0, 2, 3, 1] });
    const [nhwc, fixed, side, batch]: Dim[][] = [
      ['b', 'h', 'w', 3],
      [1, 3, 15, 21],
      ['b', 3, 15, 'w'],
      [3, 3, 'h', 'w'],
    ];
    const size = [[21, 15]] as const;
    await same(device, modelOf(last, nhwc), size, { layout: 'nhwc', shape: nhwc! });
    for (const shape of [fixed!, side!]) await same(device, modelOf(conv(5), shape), size, { shape });
    await same(device, modelOf(conv(5), batch), size, { shape: batch!, rows: 3 });
  });

  test('wrong sizes are refused by name, and affect no other call', async () => {
    const generator = await load(modelOf(conv(5)), { device, threads: 1 });
    expect(generator.manifest.kind).toBe('image-to-image');
    for (const [width, height] of [
      [3, 3],
      [4, 30],
      [30, 1],
    ] as const)
      await expect(generator.translate(picture(width, height))).rejects.toMatchObject({
        code: 'input.shape',
        message: expect.stringContaining(`x [1, 3, ${height}, ${width}]`) as unknown,
      });
    expect(await generator.translate(picture(6, 5))).toMatchObject({ width: 2, height: 1 });
    // Tiled, pixels would be missing at every seam.
    await expect(generator.translate(picture(40, 30), { tile: 16 })).rejects.toMatchObject({
      code: 'model.unsupported',
      message: expect.stringContaining('translate.tile') as unknown,
    });
    await generator.dispose();
    const ninth = await load(modelOf(conv(9)), { device, threads: 1 });
    // 16 → 8 looks like a stride of two.
    await expect(ninth.translate(picture(32, 32), { tile: 16, overlap: 0 })).rejects.toMatchObject({
      code: 'model.unsupported',
    });
    await ninth.dispose();
    const side = await load(modelOf(conv(5), ['b', 3, 15, 'w']), { device, threads: 1 });
    await expect(side.translate(picture(21, 16))).rejects.toMatchObject({ code: 'input.shape' });
    await side.dispose();
  });
});

test('the caller can describe a file without shapes', async () => {
  const model = decodeModel(modelOf(conv(3, { strides: [2, 2] })));
  for (const { type } of [...(model.graph?.inputs ?? []), ...(model.graph?.outputs ?? [])]) delete type?.tensor?.shape;
  const bytes = encodeModel(model);
  for (const device of ['cpu', 'wasm'] as const) {
    expect(await same(device, bytes, [[21, 15]])).toEqual([[10, 7]]);
    const unsaid = await load(bytes, { device, threads: 1 });
    await expect(unsaid.translate(picture(21, 15))).rejects.toMatchObject({ code: 'model.notGenerator' });
    await expect(unsaid.run({ x: new Float32Array(27) })).rejects.toMatchObject({ code: 'input.shape' });
    const { y } = await unsaid.run({ x: { shape: [1, 3, 3, 3], data: new Float32Array(27) } });
    expect(y?.shape).toEqual([1, 3, 1, 1]);
    await unsaid.dispose();
  }
});
