// Dynamic dims: exported networks and functions of dynamic batch, height and width against tfjs eager, at sizes that
// were not traced, including 1 and odd ones.
import { ExportError, readManifest, type NamedTensors, type Runtime } from '@forja/core';
import { checkModel, decodeModel } from '@forja/core/onnx';
import { runtime } from '@forja/node';
import { exportOnnx, random, type Exportable, type ExportOptions, type ExportReport } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sweep } from '../sweeps.js';

let onnx: Runtime;
beforeAll(async () => {
  onnx = runtime({ device: 'cpu', threads: 1 });
  await tf.setBackend('cpu');
});
afterAll(() => onnx.dispose());
afterEach(() => tf.disposeVariables());

type Fn = (x: tf.Tensor) => tf.Tensor;
type Picture = tf.Tensor4D;
const filter = (h: number, w: number, i: number, o: number, seed: number): Picture =>
  tf.randomNormal([h, w, i, o], 0, 1 / Math.sqrt(h * w * i), 'float32', seed);
const size = (x: tf.Tensor, axis: number): number => x.shape[axis] ?? 1;

/** Exports, and compares at each of the shapes. */
async function check(
  model: Exportable,
  shape: (string | number)[],
  shapes: readonly number[][],
  options: ExportOptions = {},
): Promise<{ bytes: Uint8Array; report: ExportReport }> {
  const { model: bytes, report } = await exportOnnx(model, {
    ...options,
    inputs: [{ name: 'x', shape }],
    verify: { runtime: onnx, seeds: 1 },
  });
  checkModel(bytes);
  expect(report.errors.length).toBeGreaterThanOrEqual(3);
  const session = await onnx.createSession(bytes);
  try {
    for (const [i, concrete] of shapes.entries()) {
      const x = tf.randomNormal(concrete, 0, 1, 'float32', 7 * i + 1);
      const results = await session.run({
        x: { dtype: 'float32', shape: concrete, data: x.dataSync().slice() as Float32Array },
      } satisfies NamedTensors);
      const eager: unknown =
        typeof model === 'function' ? model(x) : (model as tf.LayersModel).apply(x, { training: false });
      const [expected] = [eager as tf.Tensor | tf.Tensor[]].flat();
      const [received] = Object.values(results);
      expect(received?.shape, `at [${concrete.join()}]`).toEqual(expected?.shape);
      const values = expected?.dataSync() as Float32Array;
      expect(received?.data as Float32Array, `at [${concrete.join()}]`).toBeAllclose(values, {
        atol: 2e-5 * values.reduce((max, v) => Math.max(max, Math.abs(v)), 0.1),
        rtol: 1e-5,
      });
    }
  } finally {
    await session.dispose();
  }
  return { bytes, report };
}

const ANY = [
  [1, 1, 1, 2],
  [2, 7, 12, 2],
  [1, 10, 3, 2],
  [3, 6, 17, 2],
];
const PICTURE = ['batch', 'height', 'width', 2];

/**
 * Encoder and decoder with strided and transposed convolutions; `joined`: with skip connections, as in a U-Net.
 */
function autoencoder(depth: number, joined: boolean): tf.LayersModel {
  const input = tf.input({ shape: [null, null, 2] });
  const initializer = tf.initializers.randomNormal({ stddev: 0.2, seed: depth });
  const skips: tf.SymbolicTensor[] = [];
  let x = input;
  for (let i = 0; i < depth; i++) {
    skips.push(x);
    x = tf.layers
      .conv2d({
        filters: 4,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        kernelInitializer: initializer,
        activation: 'relu',
      })
      .apply(x) as tf.SymbolicTensor;
    x = tf.layers.batchNormalization().apply(x) as tf.SymbolicTensor;
  }
  for (const skip of skips.reverse()) {
    x = tf.layers
      .conv2dTranspose({
        filters: 3,
        kernelSize: 4,
        strides: 2,
        padding: 'same',
        kernelInitializer: initializer,
        activation: 'tanh',
      })
      .apply(x) as tf.SymbolicTensor;
    if (joined) x = tf.layers.concatenate().apply([x, skip]) as tf.SymbolicTensor;
  }
  return tf.model({ inputs: input, outputs: x });
}

describe('pictures of any height and width', () => {
  for (const pad of ['same', 'valid'] as const) {
    it(`windows of strides 1 to 3, padding ${pad}`, async () => {
      const few = [
        [4, 2],
        [2, 3],
        [3, 1],
      ] as const;
      const all = [...few, [3, 2], [5, 3], [1, 2]] as const;
      for (const [kernel, stride] of sweep<readonly [number, number]>(all, few)) {
        const [own, least] = [filter(kernel, kernel, 2, 3, kernel), pad === 'same' ? 1 : kernel];
        const shapes = ANY.map(([n = 1, h = 1, w = 1, c = 1]) => [n, h + least - 1, w + least - 1, c]);
        await check((x) => tf.conv2d(x as Picture, own, stride, pad), PICTURE, shapes);
        await check((x) => tf.maxPool(x as Picture, kernel, stride, pad), PICTURE, shapes);
        await check((x) => tf.avgPool(x as Picture, kernel, stride, pad), PICTURE, shapes);
        await check(
          (x) => tf.depthwiseConv2d(x as Picture, own.slice([0, 0, 0, 0], [-1, -1, -1, 2]), stride, pad),
          PICTURE,
          shapes,
        );
      }
    });
  }

  it('windows after windows, explicit padding and dilation', async () => {
    const [a, b, c] = [filter(3, 3, 2, 4, 1), filter(5, 5, 4, 4, 2), filter(3, 3, 4, 2, 3)];
    const deep: Fn = (x) => tf.conv2d(tf.conv2d(tf.conv2d(x as Picture, a, 2, 'valid'), b, 3, 'same'), c, 2, 'same');
    const { report } = await check(deep, PICTURE, [
      [1, 3, 3, 2],
      [2, 41, 18, 2],
      [1, 30, 55, 2],
    ]);
    expect(report.outputs[0]?.shape).toEqual(['batch', 'floor((height + 9)/12)', 'floor((width + 9)/12)', 2]);
    await check(
      (x) =>
        tf.conv2d(x as Picture, a, 2, [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ]),
      PICTURE,
      [
        [1, 3, 3, 2],
        [2, 8, 13, 2],
        [1, 9, 4, 2],
      ],
    );
    await check((x) => tf.conv2d(x as Picture, a, 1, 'same', 'NHWC', [2, 3]), PICTURE, ANY);
    await check((x) => tf.conv2d(x as Picture, a, 1, 'valid', 'NHWC', 2), PICTURE, [
      [1, 5, 5, 2],
      [2, 8, 13, 2],
      [1, 9, 6, 2],
    ]);
  });

  it('an encoder and a decoder at any size: outputs are multiples of the stride', async () => {
    const { report } = await check(autoencoder(2, false), PICTURE, ANY);
    expect(report.outputs[0]?.shape).toEqual(['batch', '4*floor((height + 3)/4)', '4*floor((width + 3)/4)', 3]);
    expect(report.steps).toEqual({});
  });

  it('a U-Net at multiples of its stride, which the manifest states', async () => {
    const { bytes, report } = await check(autoencoder(3, true), PICTURE, [
      [1, 8, 8, 2],
      [2, 24, 40, 2],
      [1, 56, 16, 2],
    ]);
    expect(report.steps).toEqual({ height: 8, width: 8 });
    expect(report.outputs[0]?.shape).toEqual(['batch', 'height', 'width', 5]);
    expect(readManifest(bytes)?.steps).toEqual({ height: 8, width: 8 });
  });

  it('transposed convolution to the size of an earlier map, odd or even', async () => {
    for (const kernel of [2, 3, 4, 5]) {
      const [down, up] = [filter(3, 3, 2, 4, kernel), filter(kernel, kernel, 2, 4, kernel + 10)];
      await check(
        (x) =>
          tf
            .conv2dTranspose(
              tf.conv2d(x as Picture, down, 2, 'same'),
              up,
              x.shape as [number, number, number, number],
              2,
              'same',
            )
            .add(x),
        PICTURE,
        ANY,
      );
    }
  });

  it('resizing by factors, to halves, to fixed sizes and to those of another picture', async () => {
    for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
      for (const [align, half] of [
        [false, false],
        [true, false],
        [false, true],
      ] as const) {
        const to = (x: tf.Tensor, h: number, w: number): tf.Tensor => resize(x as Picture, [h, w], align, half);
        await check((x) => to(x, 2 * size(x, 1), 3 * size(x, 2)), PICTURE, ANY);
        await check((x) => to(x, Math.ceil(size(x, 1) / 2), Math.ceil(size(x, 2) / 2)), PICTURE, ANY);
        await check((x) => to(x, 5, 4), PICTURE, ANY);
        await check((x) => to(tf.avgPool(x as Picture, 3, 3, 'same'), size(x, 1), size(x, 2)).add(x), PICTURE, ANY);
      }
    }
  });

  it('pads and crops whose amounts depend on the size', async () => {
    const to = (n: number, multiple: number): number => (multiple - (n % multiple)) % multiple;
    await check(
      (x) =>
        tf.pad(x as Picture, [
          [0, 0],
          [0, to(size(x, 1), 4)],
          [0, to(size(x, 2), 4)],
          [0, 0],
        ]),
      PICTURE,
      ANY,
    );
    await check(
      (x) =>
        tf.mirrorPad(
          x as Picture,
          [
            [0, 0],
            [1, 0],
            [0, to(size(x, 2), 2)],
            [0, 0],
          ],
          'symmetric',
        ),
      PICTURE,
      ANY,
    );
    await check(
      (x) =>
        tf.slice(
          x as Picture,
          [0, Math.floor(size(x, 1) / 4), 0, 0],
          [-1, Math.ceil(size(x, 1) / 2), Math.ceil(size(x, 2) / 3), 1],
        ),
      PICTURE,
      ANY,
    );
    await check(
      (x) => tf.stridedSlice(x, [0, 0, 0, 0], [size(x, 0), size(x, 1), size(x, 2), 2], [1, 2, 3, 1]),
      PICTURE,
      ANY,
    );
    await check((x) => tf.concat([x.slice([0, 0, 0, 0], [-1, -1, Math.ceil(size(x, 2) / 2), -1]), x], 2), PICTURE, ANY);
  });

  it('self-attention over all pixels, tiles and pixel shuffles', async () => {
    const attention: Fn = (x) => {
      const rows = x.reshape([size(x, 0), size(x, 1) * size(x, 2), 2]);
      return tf
        .matMul(tf.softmax(tf.matMul(rows, rows, false, true)), rows)
        .reshape(x.shape)
        .add(x);
    };
    await check(attention, PICTURE, ANY);
    await check((x) => x.reshape([size(x, 0) * size(x, 1), size(x, 2), 2]).sum(2), PICTURE, ANY);
    await check((x) => tf.tile(x, [1, 2, size(x, 1), 1]), PICTURE, ANY);
    const grown = filter(1, 1, 2, 8, 4);
    await check((x) => tf.depthToSpace(tf.conv2d(x as Picture, grown, 1, 'same'), 2), PICTURE, ANY);
    await check((x) => x.reshape([size(x, 0), -1]).mean(1), PICTURE, ANY);
  });

  it('explicit coordinates, counts and means', async () => {
    const coordinates: Fn = (x) => {
      const [, h = 1, w = 1] = x.shape;
      const y = tf.tile(tf.linspace(-1, 1, h).reshape([1, h, 1, 1]), [size(x, 0), 1, w, 1]);
      const across = tf
        .range(0, w)
        .div(w)
        .reshape([1, 1, w, 1])
        .mul(tf.ones([size(x, 0), h, 1, 1]));
      return tf.concat([x, y, across], 3);
    };
    await check(coordinates, PICTURE, ANY);
    await check((x) => x.sum([1, 2]).mul(1 / (size(x, 1) * size(x, 2))), PICTURE, ANY);
    await check(
      (x) =>
        x
          .sum([1, 2])
          .div(size(x, 1) * size(x, 2) + 1)
          .add(size(x, 1)),
      PICTURE,
      ANY,
    );
    const { report } = await check((x) => tf.add(x, tf.fill(x.shape, 2)).mean([1, 2], true), PICTURE, ANY);
    expect(report.outputs[0]?.shape).toEqual(['batch', 1, 1, 2]);
  });
});

describe('sizes other than of pictures', () => {
  it('sequences of any length: concatenated, sliced and reversed', async () => {
    const shapes = [
      [1, 1, 4],
      [2, 9, 4],
      [3, 14, 4],
    ];
    const w = filter(1, 3, 4, 6, 5).reshape([3, 4, 6]) as tf.Tensor3D;
    await check((x) => tf.conv1d(x as tf.Tensor3D, w, 2, 'same'), ['batch', 'length', 4], shapes);
    await check((x) => tf.reverse(x, 1).cumsum(1), ['batch', 'length', 4], shapes);
    await check((x) => tf.matMul(x, x, false, true).softmax().matMul(x), ['batch', 'length', 4], shapes);
    await check(
      (x) => tf.concat([x, tf.zeros([size(x, 0), 3, 4])], 1).slice([0, 1, 0], [-1, size(x, 1), -1]),
      ['batch', 'length', 4],
      shapes,
    );
    await check((x) => tf.gather(x, tf.range(0, size(x, 1), 1, 'int32').reverse(), 1), ['batch', 'length', 4], shapes);
  });

  it('one name for a size that several inputs share', async () => {
    const { model, report } = await exportOnnx((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b), {
      inputs: [
        { name: 'a', shape: ['rows', 'inner'] },
        { name: 'b', shape: ['inner', 'columns'] },
      ],
      verify: { runtime: onnx },
    });
    expect(report.outputs[0]?.shape).toEqual(['rows', 'columns']);
    expect(decodeModel(model).graph?.outputs[0]?.type?.tensor?.shape?.dims.map(({ param }) => param)).toEqual([
      'rows',
      'columns',
    ]);
  });
});

describe('sizes that are rounded, compared and counted', () => {
  const shapes = [
    [1, 2, 2, 2],
    [2, 7, 12, 2],
    [1, 10, 3, 2],
    [1, 33, 31, 2],
  ];

  it('pads up to a least size, at any size, where most traces are below or above it', async () => {
    for (const least of [7, 64, 150]) {
      const missing = (x: tf.Tensor): number => Math.max(size(x, 1), least) - size(x, 1);
      const shapes = [1, least - 1, least, least + 1, 2 * least + 1].map((width) => [2, width]);
      const { report } = await check(
        (x) =>
          tf.pad(x as tf.Tensor2D, [
            [0, 0],
            [0, missing(x)],
          ]),
        ['batch', 'width'],
        shapes,
      );
      expect(report.outputs[0]?.shape).toEqual(['batch', `max(${least}, width)`]);
      expect(report.steps).toEqual({});
      expect(report.proven['width']?.bounds).toEqual([1, 2048]);
    }
  });

  it('resizing and slicing to fractions of a size, with any rounding', async () => {
    const parts: [string, (n: number) => number][] = [
      ['floor(height/2) + height', (n) => Math.floor(1.5 * n)],
      ['floor((3*height + 2)/4)', (n) => Math.round(0.75 * n)],
      ['floor((7*height)/10)', (n) => Math.floor(0.7 * n)],
      ['max(1, floor(height/8))', (n) => Math.max(1, n >> 3)],
      ['height - max(16, height) + 16', (n) => Math.min(n, 16)],
      ['8*floor((height + 7)/8) + 3', (n) => Math.ceil(n / 8) * 8 + 3],
    ];
    for (const [text, part] of parts) {
      const { report } = await check(
        (x) =>
          tf
            .pad(x as Picture, [
              [0, 0],
              [0, size(x, 1) + 16],
              [0, size(x, 2) + 16],
              [0, 0],
            ])
            .slice([0, 0, 0, 0], [-1, part(size(x, 1)), part(size(x, 2)), -1]),
        PICTURE,
        shapes,
      );
      expect(report.outputs[0]?.shape?.[1]).toBe(text);
      expect(report.steps).toEqual({});
    }
    for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
      for (const [align, half] of [
        [false, false],
        [true, false],
        [false, true],
      ] as const) {
        const { report } = await check(
          (x) => resize(x as Picture, [Math.floor(1.5 * size(x, 1)), Math.floor(1.5 * size(x, 2))], align, half),
          PICTURE,
          ANY,
        );
        expect(report.steps).toEqual({});
      }
    }
  });

  it('pads on both sides up to a multiple, to a square, and blocks with pads and crops', async () => {
    const up = (n: number, multiple: number): number => (multiple - (n % multiple)) % multiple;
    const four = filter(4, 4, 2, 2, 1);
    const padded: Fn = (x) => {
      const [top, left] = [up(size(x, 1), 4) >> 1, up(size(x, 2), 4) >> 1];
      const y = tf.pad(x as Picture, [
        [0, 0],
        [top, up(size(x, 1), 4) - top],
        [left, up(size(x, 2), 4) - left],
        [0, 0],
      ]);
      return tf
        .conv2dTranspose(tf.conv2d(y, four, 4, 'same'), four, y.shape, 4, 'same')
        .slice([0, top, left, 0], [-1, size(x, 1), size(x, 2), -1]);
    };
    expect((await check(padded, PICTURE, ANY)).report.steps).toEqual({});
    await check(
      (x) => {
        const rest = [1, 2].map((axis) => Math.max(size(x, 1), size(x, 2)) - size(x, axis));
        return tf.pad(
          x as Picture,
          [[0, 0], ...rest.map((n): [number, number] => [n >> 1, n - (n >> 1)]), [0, 0]] as [
            [number, number],
            [number, number],
            [number, number],
            [number, number],
          ],
        );
      },
      PICTURE,
      ANY,
    );
    await check(
      (x) => {
        const pads = [
          [0, size(x, 1) % 2],
          [size(x, 2) % 2, 0],
        ];
        return tf.batchToSpaceND(tf.spaceToBatchND(x as Picture, [2, 2], pads).mul(2), [2, 2], pads);
      },
      PICTURE,
      ANY,
    );
  });

  it('pools as large as the picture, and parallel pools', async () => {
    for (const pool of [tf.maxPool, tf.avgPool]) {
      for (const pad of ['valid', 'same'] as const) {
        const { bytes } = await check(
          (x) => pool(x as Picture, [size(x, 1), size(x, 2)], pad === 'valid' ? 1 : [size(x, 1), size(x, 2)], pad),
          PICTURE,
          ANY,
        );
        const ops = decodeModel(bytes).graph?.nodes.map(({ opType }) => opType);
        expect(ops).toContain(pool === tf.maxPool ? 'GlobalMaxPool' : 'ReduceMean');
      }
      await check(
        (x) => pool(x as Picture, [size(x, 1) >> 1, size(x, 2) >> 1], [size(x, 1) >> 1, size(x, 2) >> 1], 'valid'),
        PICTURE,
        [
          [1, 2, 2, 2],
          [2, 6, 12, 2],
          [1, 10, 4, 2],
        ],
      );
      await check((x) => pool(x as Picture, [size(x, 1), 1], 1, 'valid'), PICTURE, ANY);
    }
  });

  it('windows that round up or to the nearest, and strides larger than windows', async () => {
    const wide = [
      [1, 8, 8, 2],
      [2, 9, 12, 2],
      [1, 17, 11, 2],
    ];
    for (const mode of ['ceil', 'round'] as const) {
      for (const [kernel, stride, pad] of [
        [3, 2, 0],
        [4, 3, 1],
      ] as const) {
        await check(
          (x) => tf.conv2d(x as Picture, filter(kernel, kernel, 2, 2, 1), stride, pad, 'NHWC', 1, mode),
          PICTURE,
          wide,
        );
        await check((x) => tf.maxPool(x as Picture, kernel, stride, pad, mode), PICTURE, wide);
        await check((x) => tf.avgPool(x as Picture, kernel, stride, pad, mode), PICTURE, wide);
      }
    }
    for (const pool of [tf.maxPool, tf.avgPool]) await check((x) => pool(x as Picture, 3, 5, 'same'), PICTURE, ANY);
    await check((x) => tf.conv2d(x as Picture, filter(3, 3, 2, 2, 1), 5, 'same'), PICTURE, ANY);
    await check((x) => tf.depthwiseConv2d(x as Picture, filter(4, 4, 2, 2, 1), 6, 'same'), PICTURE, ANY);
    const volumes = [
      [1, 1, 1, 1, 2],
      [2, 3, 5, 4, 2],
      [1, 4, 2, 7, 2],
    ];
    for (const [kernel, stride] of [
      [1, 3],
      [2, 3],
      [4, 2],
    ] as const) {
      await check(
        (x) =>
          tf.conv3d(
            x as tf.Tensor5D,
            filter(kernel ** 3, 1, 2, 2, 1).reshape<tf.Tensor5D>([kernel, kernel, kernel, 2, 2]),
            stride,
            'same',
          ),
        ['batch', 'depth', 'height', 'width', 2],
        volumes,
      );
    }
  });

  it('descending ranges, identities, one-hot and sorted rows, crops, and numbers computed from sizes', async () => {
    const rows = ['batch', 'length', 4];
    const [sequences, two] = [
      [
        [1, 1, 4],
        [2, 9, 4],
        [3, 14, 4],
      ],
      [
        [1, 2, 4],
        [2, 9, 4],
        [3, 14, 4],
      ],
    ];
    for (const [stop, step] of [
      [-1, -1],
      [-1, 1],
      [-1, -2],
      [0, -1],
    ] as const) {
      await check(
        (x) => tf.gather(x, tf.range(size(x, 1) - 1, stop, step, 'int32'), 1),
        rows,
        stop === 0 ? two : sequences,
      );
    }
    await check(
      (x) =>
        tf
          .matMul(x, x, false, true)
          .sub(tf.eye(size(x, 1)).mul(9))
          .softmax(),
      rows,
      sequences,
    );
    await check((x) => tf.matMul(tf.eye(size(x, 1), size(x, 1), [size(x, 0)]) as tf.Tensor, x), rows, sequences);
    await check((x) => tf.oneHot(tf.argMax(x, 1), size(x, 1), 2, -1), rows, two);
    await check((x) => tf.topk(x.transpose([0, 2, 1]), Math.max(1, size(x, 1) >> 1)).values, rows, sequences);
    await check((x) => tf.diag(x.sum([0, 2])), rows, sequences);
    for (const method of ['bilinear', 'nearest'] as const) {
      await check(
        (x) =>
          tf.image.cropAndResize(
            x as Picture,
            tf.tile(tf.tensor2d([[0.11, 0.23, 0.87, 0.91]]), [size(x, 0), 1]),
            tf.range(0, size(x, 0), 1, 'int32') as tf.Tensor1D,
            [5, size(x, 2)],
            method,
          ),
        PICTURE,
        ANY,
      );
    }
    await check(
      (x) =>
        tf
          .matMul(x, x, false, true)
          .mul(Math.log(size(x, 1) + 1))
          .mul(1 / Math.sqrt(4 * size(x, 1))),
      rows,
      sequences,
    );
    await check(
      (x) =>
        x
          .mul(Math.PI / size(x, 1))
          .add(tf.scalar(size(x, 0) / size(x, 1)))
          .div(Math.max(1, size(x, 1) - 1)),
      rows,
      sequences,
    );
    await check(
      (x) => x.add(tf.linspace(-1 + 1 / size(x, 1), 1 - 1 / size(x, 1), size(x, 1)).reshape([-1, 1])),
      rows,
      sequences,
    );
    await check(
      (x) =>
        x.add(
          tf
            .tensor1d(Array.from({ length: size(x, 1) }, (_, i) => (2 * i) / Math.max(1, size(x, 1) - 1) - 1))
            .reshape([-1, 1]),
        ),
      rows,
      sequences,
    );
  });

  it('the shape as a tensor: sliced, computed with, and used as a shape, as in graphs of TensorFlow', async () => {
    const shape = (x: tf.Tensor): tf.Tensor1D => tf.tensor1d(x.shape, 'int32');
    await check(
      (x) => {
        const count = tf.sub(tf.slice(shape(x), [1], [2]), 1); // height − 1, width − 1
        const far = tf.mul(tf.cast(count, 'float32'), [0.5, 0.25]);
        return tf.add(x, tf.sum(tf.mul(far, tf.slice(x, [0, 0, 0, 0], [1, 1, 1, 2]).reshape([2]))));
      },
      PICTURE,
      ANY,
    );
    await check((x) => tf.add(x, tf.cast(tf.prod(tf.stridedSlice(shape(x), [0], [3], [2])), 'float32')), PICTURE, ANY);
  });

  it('rows of a batch processed one by one: band parts, and unstacked values that are stacked again', async () => {
    const rows = ['batch', 'length', 4];
    const sequences = [
      [1, 1, 4],
      [2, 9, 4],
      [3, 14, 4],
    ];
    await check((x) => tf.linalg.bandPart(tf.matMul(x, x, false, true), -1, 0), rows, sequences);
    await check(
      (x) => tf.matMul(x, x, false, true).mul(tf.linalg.bandPart(tf.ones([size(x, 1), size(x, 1)]), 0, -1)),
      rows,
      sequences,
    );
    const weights = filter(1, 1, 4, 3, 6).reshape<tf.Tensor2D>([4, 3]);
    await check(
      (x) =>
        tf.stack(
          tf.unstack(x).map((row) =>
            tf
              .matMul(tf.relu(row.mul(2)).sub(row.mean()), weights)
              .transpose()
              .add(row.max(1)),
          ),
        ),
      rows,
      sequences,
    );
    // Along the last axis of a row, which is not the last but one of all rows.
    await check((x) => tf.stack(tf.unstack(x).map((row) => tf.softmax(row).log1p())), rows, sequences);
    // Element-wise kernels whose inputs do not broadcast; the zeros are the same for all rows.
    await check(
      (x) =>
        tf.stack(
          tf
            .unstack(x)
            .map((row) => tf.prelu(row, row.abs()).add(tf.where(row.greater(0), row, tf.zeros([size(x, 1), 4])))),
        ),
      rows,
      sequences,
    );
    await check(
      (x) =>
        tf.stack(
          tf.unstack(x).map((row) => tf.cumsum(row, 0).atan2(tf.reverse(row, 1)).mul(row.argMax(-1).expandDims(1))),
        ),
      rows,
      sequences,
    );
    const each = filter(3, 3, 2, 2, 8);
    await check(
      (x) =>
        tf.concat(
          tf
            .unstack(x as Picture)
            .map((one) => tf.depthToSpace(tf.depthwiseConv2d(one.expandDims<Picture>(0), each, 1, 'same'), 2)),
        ),
      PICTURE,
      ANY,
    );
    const three = filter(3, 3, 2, 2, 7);
    await check(
      (x) =>
        tf.concat(
          tf
            .unstack(x as Picture)
            .map((one) => tf.maxPool(tf.conv2d(one.expandDims<Picture>(0), three, 2, 'same'), 2, 1, 'same')),
        ),
      PICTURE,
      ANY,
    );
  });

  it('recurrent layers of a fixed length, and embeddings of labels, at any batch', async () => {
    const settings = {
      units: 3,
      kernelInitializer: tf.initializers.randomNormal({ seed: 1 }),
      recurrentInitializer: tf.initializers.randomNormal({ seed: 2 }),
    };
    const inputShape = [4, 3];
    const batches = [
      [1, 4, 3],
      [2, 4, 3],
      [7, 4, 3],
    ];
    for (const layer of [
      tf.layers.lstm({ ...settings, inputShape, returnSequences: true }),
      tf.layers.gru({ ...settings, inputShape, goBackwards: true }),
      tf.layers.simpleRNN({ ...settings, inputShape }),
      tf.layers.bidirectional({
        layer: tf.layers.lstm({ ...settings, returnSequences: true }) as tf.RNN,
        mergeMode: 'concat',
        inputShape,
      }),
      tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2 }), inputShape }),
    ])
      await check(tf.sequential({ layers: [layer] }), ['batch', 4, 3], batches);
    const embedding = tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 5, outputDim: 3, inputShape: [1] }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    });
    const { report } = await exportOnnx(embedding, {
      inputs: [{ name: 'label', shape: ['batch', 1], dtype: 'int32', range: [0, 4] }],
      verify: { runtime: onnx },
    });
    expect(report.errors.length).toBeGreaterThanOrEqual(3);
  });

  it('an identity over all pixels, which grows with the fourth power of a side, from three numbers', async () => {
    const { bytes } = await check(
      (x) => {
        const pixels = size(x, 1) * size(x, 2);
        return tf.matMul(tf.eye(pixels), x.reshape([size(x, 0), pixels, 2]).sum(0));
      },
      PICTURE,
      ANY,
    );
    expect(bytes.length).toBeLessThan(4000);
  });

  it('groups of a batch, at multiples of the group, which the manifest states', async () => {
    const grouped: Fn = (x) => {
      const [n, ...rest] = [Math.min(4, size(x, 0)), size(x, 1), size(x, 2), 2];
      const deviation = tf
        .moments(x.reshape([n, size(x, 0) / n, ...rest]), [0])
        .variance.add(1e-8)
        .sqrt()
        .mean([1, 2, 3], true);
      return tf.concat([x, tf.tile(deviation, [n, size(x, 1), size(x, 2), 1])], 3);
    };
    const { bytes } = await check(grouped, PICTURE, [
      [4, 1, 1, 2],
      [8, 5, 6, 2],
      [12, 2, 9, 2],
    ]);
    expect(readManifest(bytes)?.steps).toEqual({ batch: 4 });
  });
});

describe('batch norm along an axis other than the last', () => {
  // tfjs's cpu and wasm kernels read such statistics as if they were of the last axis, so the reference is computed
  // along the last axis.
  it('reads its statistics along that axis, at fixed and at dynamic sizes', async () => {
    const seeded = (seed: number): Parameters<typeof tf.layers.batchNormalization>[0] => ({
      gammaInitializer: tf.initializers.randomNormal({ seed }),
      betaInitializer: tf.initializers.randomNormal({ seed: seed + 1 }),
      movingMeanInitializer: tf.initializers.randomNormal({ seed: seed + 2 }),
    });
    const shapes: [number, (number | null)[], (number | string)[], number[]][] = [
      [1, [6, 5, 4], ['batch', 6, 5, 4], [3, 6, 5, 4]],
      [2, [6, 5, 4], ['batch', 6, 5, 4], [1, 6, 5, 4]],
      [1, [6, 5], ['batch', 6, 5], [2, 6, 5]],
      [1, [6, null, null], ['batch', 6, 'height', 'width'], [2, 6, 7, 3]],
    ];
    for (const [axis, inputShape, shape, concrete] of shapes) {
      const model = tf.sequential({
        layers: [tf.layers.batchNormalization({ ...seeded(1), axis, inputShape: inputShape as number[] })],
      }); // tfjs's type forgets open sizes
      const { model: bytes } = await exportOnnx(model, { inputs: [{ name: 'x', shape }], verify: { runtime: onnx } });
      const x = tf.randomNormal(concrete, 0, 1, 'float32', 9);
      const perm = [...concrete.keys()].filter((i) => i !== axis);
      const [gamma, beta, mean, variance] = model.getWeights() as tf.Tensor1D[]; // one number a channel each
      if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined)
        throw new Error('expected four weights');
      const last = tf.batchNorm(x.transpose([...perm, axis]), mean, variance, beta, gamma, 1e-3);
      const expected = last.transpose(concrete.map((_, i) => [...perm, axis].indexOf(i)));
      const session = await onnx.createSession(bytes);
      const [received] = Object.values(
        await session.run({
          x: { dtype: 'float32', shape: concrete, data: x.dataSync().slice() as Float32Array },
        } satisfies NamedTensors),
      );
      await session.dispose();
      expect(received?.data as Float32Array).toBeAllclose(expected.dataSync(), { rtol: 1e-5, atol: 1e-5 });
    }
  });
});

describe('what would export a wrong file', () => {
  const refusal = async (fn: Fn, shape: (string | number)[]): Promise<string> => {
    const failure: unknown = await exportOnnx(fn, {
      inputs: [{ name: 'x', shape }],
      verify: { runtime: onnx, seeds: 1 },
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ExportError);
    expect(failure).toMatchObject({ code: 'export.unsupported' });
    return (failure as Error).message;
  };
  const site = /dynamic\.test\.ts:\d+:\d+/;

  it('is refused by kernel and line: branches, sizes without an expression, random and read numbers', async () => {
    const table = [3, 1, 4, 1, 2, 3, 1, 1];
    for (const [fn, message] of [
      [(x: tf.Tensor) => (size(x, 0) % 2 === 0 ? tf.sin(x) : tf.cos(x)), /branches on a size/],
      [(x: tf.Tensor) => x.slice([0, 0], [-1, table[size(x, 0)] ?? 1]), /Slice.*quotient of the dynamic dims/],
      [(x: tf.Tensor) => x.mul(Math.sin(size(x, 0))), /Multiply.*depend on the size/],
      [(x: tf.Tensor) => x.mul(tf.randomUniform([4])), /[Rr]andom/],
      [(x: tf.Tensor) => x.mul(x.dataSync()[0] ?? 1), /dataSync/],
      [(x: tf.Tensor) => tf.unstack(x)[0] as tf.Tensor, /as many results/],
    ] as const) {
      const text = await refusal(fn, ['batch', 4]);
      expect(text).toMatch(message);
      expect(text).toMatch(site);
    }
  });

  it('is refused if the function changes at some size, or loops over one', async () => {
    const branch = await refusal((x) => (size(x, 1) > 50 ? tf.sin(x) : tf.cos(x)), ['batch', 'length']);
    expect(branch).toMatch(/(Sin|Cos).*branches on a size/);
    expect(await refusal((x) => (size(x, 1) > 250 ? tf.sin(x) : tf.cos(x)), ['batch', 'length'])).toMatch(
      /(Sin|Cos).*branches on a size/,
    );
    expect(await refusal((x) => x.mul(size(x, 1) > 250 ? 0.3 : 1.7), ['batch', 'length'])).toMatch(
      /Multiply.*depend on the size/,
    );
    const window = await refusal((x) => tf.avgPool(x as Picture, [size(x, 1), size(x, 2)], 1, 'same'), PICTURE);
    expect(window).toMatch(/AvgPool.*a window of height x width/);
    const slope = await refusal((x) => tf.leakyRelu(x, size(x, 1)), ['batch', 'length']);
    expect(slope).toMatch(/LeakyRelu.*attribute alpha, which is length/);
    for (const text of [branch, window, slope]) expect(text).toMatch(site);
    const recurrent = tf.sequential({
      layers: [tf.layers.lstm({ units: 2, inputShape: [null, 3] as unknown as number[], name: 'memory' })],
    }); // tfjs's type forgets open sizes
    const failure: unknown = await exportOnnx(recurrent, {
      inputs: [{ name: 'x', shape: ['batch', 'time', 3] }],
      verify: { runtime: onnx },
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'export.unsupported' });
    expect((failure as Error).message).toMatch(/layer memory.*recurrent layers/);
  });

  it('reports the size and line where the function itself fails', async () => {
    const text = await refusal((x) => tf.tile(x, [size(x, 1)]), ['batch', 'length', 4]);
    expect(text).toMatch(/runs at batch 3, length \d+, got an error of its own: .*rank of input/);
    expect(text).toMatch(site);
  });

  it('is refused by name: names reserved in JavaScript', async () => {
    const exported = (fn: Fn, name: string, dim: string): Promise<unknown> =>
      exportOnnx(fn, { inputs: [{ name, shape: [dim, 4] }], verify: { runtime: onnx } });
    const produced = (name: string): Promise<unknown> =>
      exportOnnx(tf.sin, { inputs: [{ name: 'x', shape: [4] }], outputs: [{ name }], verify: { runtime: onnx } });
    for (const name of ['__proto__', 'constructor', 'toString'])
      for (const failed of [exported(tf.sin, name, 'batch'), exported(tf.sin, 'x', name), produced(name)])
        await expect(failed).rejects.toMatchObject({
          name: 'UsageError',
          message: expect.stringContaining(name) as string,
        });
    for (const failed of [exported(tf.sin, 'a\u0000b', 'batch'), produced('\ud800')])
      await expect(failed).rejects.toRefuse('usage', 'rename it');
  });

  it('is refused where a call makes an empty tensor at every size', async () => {
    const nothing = (x: tf.Tensor): tf.Tensor => tf.concat([x, tf.slice(x, [0, 0], [0, 4])]);
    const inputs = [{ name: 'x', shape: ['rows', 4] }];
    await expect(exportOnnx(nothing, { inputs, verify: { runtime: onnx } })).rejects.toRefuse('export.unverified');
  });

  it('names the layer', async () => {
    class Branch extends tf.layers.Layer {
      static readonly className = 'ForjaBranch';
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        const [x] = [inputs].flat();
        if (x === undefined) throw new Error('expected an input');
        return size(x, 0) > 4 ? x.neg() : x.abs();
      }
    }
    const model = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [4], units: 4 }), new Branch({ name: 'two_ways' })],
    });
    await expect(exportOnnx(model, { verify: { runtime: onnx } })).rejects.toRefuse('export.unsupported', 'two_ways');
  });

  it('does not include random numbers drawn by Forja', async () => {
    const { report } = await exportOnnx(
      (x: tf.Tensor) =>
        x.add(random.normal([size(x, 0), Math.ceil(size(x, 1) / 2) * 2]).slice([0, 0], [-1, size(x, 1)])),
      { inputs: [{ name: 'x', shape: ['batch', 'length'] }], verify: { runtime: onnx } },
    );
    expect(report.inputs[1]?.shape).toEqual(['batch', '2*floor((length + 1)/2)']);
  });
});
