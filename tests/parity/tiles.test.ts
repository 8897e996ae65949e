// Tiled pictures against whole ones, on convolutional networks in onnxruntime, before rounding to bytes: equal within
// 1e-4 if the overlap is four times the receptive field's radius, for any size and number of channels; else no seams.
import { manifestFor, type Manifest, type NamedTensors, type Tensor } from '@forja/core';
import { encodeModel, GraphBuilder, type Value } from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { encodingOf, type PictureBuffer } from '../../packages/core/src/generator/picture-buffer.js';
import { translate } from '../../packages/core/src/generator/translate.js';

interface Network {
  model: Uint8Array;
  scale: number;
  /** Pixels of the input that a pixel of the output depends on, to each side. */
  radius: number;
  /** Sizes must be multiples of this. */
  step: number;
}

let seed = 1;
const random = (count: number, scale: number): Float32Array =>
  Float32Array.from(
    { length: count },
    () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1) * scale,
  );

/** Weights scaled by the number of inputs of each output, so that values keep their size. */
function conv(
  g: GraphBuilder,
  x: Value,
  from: number,
  to: number,
  {
    kernel = 3,
    stride = 1,
    dilation = 1,
    transposed = false,
  }: { kernel?: number; stride?: number; dilation?: number; transposed?: boolean } = {},
): Value {
  const pad = transposed ? (kernel - stride) / 2 : Math.floor((dilation * (kernel - 1)) / 2);
  const weights = random(from * to * kernel * kernel, Math.sqrt(3 / (from * kernel * kernel)));
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    dilations: [dilation, dilation],
  };
  const shape = transposed ? [from, to, kernel, kernel] : [to, from, kernel, kernel];
  return g.op(
    transposed ? 'ConvTranspose' : 'Conv',
    [x, g.constant('float32', shape, weights), g.constant('float32', [to], random(to, 0.1))],
    attributes,
  );
}

const NETWORKS: Record<string, (channels: number) => Network> = {
  'convolutions, one of them dilated': (channels) => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['b', channels, 'h', 'w']);
    const y = g.op('LeakyRelu', [conv(g, g.op('Relu', [conv(g, x, channels, 8)]), 8, 8, { dilation: 2 })], {
      alpha: 0.2,
    });
    g.output('y', g.op('Tanh', [conv(g, y, 8, channels)]));
    return { model: encodeModel(g.build()), scale: 1, radius: 4, step: 1 };
  },
  'half the size and back': (channels) => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['b', channels, 'h', 'w']);
    const down = g.op('Relu', [conv(g, x, channels, 8, { kernel: 4, stride: 2, transposed: false })]);
    const up = conv(g, g.op('Relu', [conv(g, down, 8, 8)]), 8, channels, { kernel: 4, stride: 2, transposed: true });
    g.output('y', g.op('Tanh', [up]));
    return { model: encodeModel(g.build()), scale: 1, radius: 6, step: 2 };
  },
  'twice the size': (channels) => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['b', channels, 'h', 'w']);
    const wide = conv(g, g.op('Relu', [conv(g, x, channels, 8, { kernel: 5 })]), 8, 4 * channels);
    g.output('y', g.op('Tanh', [g.op('DepthToSpace', [wide], { blocksize: 2, mode: 'CRD' })]));
    return { model: encodeModel(g.build()), scale: 2, radius: 3, step: 1 };
  },
};

/** Grey noise that is not smooth: what a network makes of it depends on every pixel. */
const picture = (
  width: number,
  height: number,
  channels: number,
): { width: number; height: number; data: Uint8ClampedArray } => ({
  width,
  height,
  data: Uint8ClampedArray.from(
    { length: width * height * channels },
    (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255,
  ),
});

class Tiles {
  readonly #session: ort.InferenceSession;
  readonly #manifest: Manifest;
  readonly shapes: number[][] = [];

  private constructor(session: ort.InferenceSession, manifest: Manifest) {
    this.#session = session;
    this.#manifest = manifest;
  }

  static async of({ model, scale, step }: Network, channels: number): Promise<Tiles> {
    const image = { role: 'image', dtype: 'float32', range: [-1, 1], layout: 'nchw' } as const;
    const manifest = manifestFor(
      {
        kind: scale > 1 ? 'super-resolution' : 'image-to-image',
        inputs: [{ ...image, range: [-1, 1], name: 'x', shape: ['b', channels, 'h', 'w'] }],
        outputs: [{ ...image, range: [-1, 1], name: 'y', shape: ['b', channels, 'H', 'W'] }],
        ...(step > 1 ? { steps: { h: step, w: step } } : {}),
      },
      undefined,
      [{ name: 'x', dtype: 'float32', shape: ['b', channels, 'h', 'w'] }],
      [{ name: 'y', dtype: 'float32', shape: ['b', channels, 'H', 'W'] }],
    );
    return new Tiles(await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 }), manifest);
  }

  readonly run = async ({ x }: NamedTensors): Promise<NamedTensors> => {
    this.shapes.push(x!.shape);
    const { y } = await this.#session.run({ x: new ort.Tensor('float32', x!.data as Float32Array, x!.shape) });
    return { y: { dtype: 'float32', shape: [...y!.dims], data: y!.data as Float32Array } };
  };

  /** What `translate` would turn into bytes. */
  async floats(image: ReturnType<typeof picture>, options: { tile?: number; overlap?: number }): Promise<Tensor> {
    let taken: Tensor | undefined;
    const buffer = {
      take: (tensor: Tensor) => void (taken = tensor),
      batch: () => undefined,
    } as unknown as PictureBuffer; // all that translate calls
    await translate(this.#manifest, [image], options, this.run, { encodingOf, buffer: () => buffer });
    return taken!;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

const worst = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  return x.reduce((most, v, i) => Math.max(most, Math.abs(v - y[i]!)), 0);
};

describe.each(Object.keys(NETWORKS))('%s', (name) => {
  test.each([1, 3, 4])('%i channels, any size: tiled is whole within 1e-4', async (channels) => {
    const network = NETWORKS[name]!(channels);
    const tiles = await Tiles.of(network, channels);
    const even = (size: number): number => Math.ceil(size / network.step) * network.step;
    for (const [width, height] of [
      [97, 61],
      [33, 130],
      [64, 64],
      [31, 7],
      [5, 3],
      [1, 90],
    ] as const) {
      // A size that the network does not take is compared with the picture grown by its last row and column, and cut
      // again.
      const [w, h] = [even(width), even(height)];
      const image = picture(width, height, channels);
      const grown = {
        width: w,
        height: h,
        data: Uint8ClampedArray.from({ length: w * h * channels }, (_, i) => {
          const [c, x, y] = [
            i % channels,
            Math.min(width - 1, Math.floor(i / channels) % w),
            Math.min(height - 1, Math.floor(i / channels / w)),
          ];
          return image.data[(y * width + x) * channels + c]!;
        }),
      };
      const whole = cropped(await tiles.floats(grown, {}), width * network.scale, height * network.scale);
      tiles.shapes.length = 0;
      const tiled = await tiles.floats(image, { tile: 56, overlap: 4 * network.radius });
      expect([width, height, worst(tiled, whole) < 1e-4]).toEqual([width, height, true]);
      // It really was in tiles, none of them much larger than asked for.
      expect(tiles.shapes.length > 1).toBe(width > 56 || height > 56);
      for (const [, , th, tw] of tiles.shapes) expect(Math.max(th!, tw!)).toBeLessThan(56 + 8);
    }
    await tiles.release();
  });
});

function cropped({ dtype, shape, data }: Tensor, width: number, height: number): Tensor {
  const [n = 1, c = 1, h = 1, w = 1] = shape;
  const out = new Float32Array(n * c * height * width);
  for (let i = 0; i < out.length; i++)
    out[i] = (data as Float32Array)[
      Math.floor(i / (width * height)) * h * w + (Math.floor(i / width) % height) * w + (i % width)
    ]!;
  return { dtype, shape: [n, c, height, width], data: out };
}

test('tiles that overlap less differ, but leave no seam', async () => {
  const network = NETWORKS['half the size and back']!(1);
  const tiles = await Tiles.of(network, 1);
  const flat = { width: 120, height: 56, data: new Uint8ClampedArray(120 * 56).fill(200) };
  const [whole, none, some] = [
    await tiles.floats(flat, {}),
    await tiles.floats(flat, { tile: 56, overlap: 0 }),
    await tiles.floats(flat, { tile: 56, overlap: 16 }),
  ];
  expect(worst(none, whole)).toBeGreaterThan(1e-2);
  // Inside, a flat picture gives a pattern of the period 2: a seam is where it breaks off.
  const seams = ({ data }: Tensor): number =>
    Math.max(
      ...Array.from({ length: 80 }, (_, i) =>
        Math.abs((data as Float32Array)[28 * 120 + 20 + i]! - (data as Float32Array)[28 * 120 + 22 + i]!),
      ),
    );
  expect(seams(whole)).toBeLessThan(1e-5);
  expect(seams(none)).toBeGreaterThan(1e-2);
  expect(seams(some)).toBeLessThan(seams(none) / 3);
  await tiles.release();
});
