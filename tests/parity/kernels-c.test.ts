// Rows of volumes, warps, dilation, local response norm and searches at more shapes than upstream's tests have:
// exported and compared with tfjs's eager cpu kernels, then as tfjs functions of a dynamic batch, which exportOnnx
// verifies itself.
import * as tf from '@tensorflow/tfjs';
import { exportOnnx } from '@forja/trainer/node';
import { describe, expect, it } from 'vitest';
import { morphologyKernels } from '../../packages/trainer/src/lower/kernels/morphology.js';
import { searchKernels } from '../../packages/trainer/src/lower/kernels/search.js';
import { volumeKernels } from '../../packages/trainer/src/lower/kernels/volume.js';
import { warpKernels } from '../../packages/trainer/src/lower/kernels/warp.js';
import { dataOf, type ProgramDType } from '../../packages/trainer/src/program/program.js';
import { check } from '../upstream/check.js';
import type { RecordedData, Signature } from '../upstream/recording.js';

let seed = 7;
/** Numerical Recipes' linear congruential generator, in [-1, 1). */
function uniform(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 31 - 1;
}

interface Input {
  shape: number[];
  dtype: ProgramDType;
  data: NonNullable<RecordedData>;
}
function randomInput(shape: number[], draw: () => number = uniform, dtype: ProgramDType = 'float32'): Input {
  return { shape, dtype, data: dataOf(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw), dtype) };
}
const integerInput = (shape: number[], most: number): Input =>
  randomInput(shape, () => Math.floor(((uniform() + 1) / 2) * most), 'int32');

/** What the cpu kernel gives. */
function eager(kernel: string, inputs: Record<string, Input>, attrs: Record<string, unknown>): Input[] {
  return tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, shape, dtype)]),
    );
    // plain attributes
    const outputs = [tf.engine().runKernel(kernel, tensors, structuredClone(attrs) as never)].flat() as tf.Tensor[];
    return outputs.map((t) => ({
      shape: [...t.shape],
      dtype: t.dtype as ProgramDType,
      data: dataOf(t.dataSync(), t.dtype as ProgramDType),
    })); // these kernels hold numbers
  });
}

const covered = new Set<string>();

async function passes(
  kernel: string,
  inputs: Record<string, Input>,
  attrs: Record<string, unknown>,
  expected: Input[] = eager(kernel, inputs, attrs),
): Promise<void> {
  covered.add(kernel);
  const meta = ({ shape, dtype }: Input): { shape: number[]; dtype: ProgramDType } => ({ shape, dtype });
  const named = <T>(of: (g: Input) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(inputs).map(([name, g]) => [name, of(g)]));
  const signature: Signature = {
    kernel,
    list: false,
    inputs: named(meta),
    attrs,
    outputs: expected.map(meta),
    samples: [{ inputs: named((g) => g.data), outputs: expected.map(({ data }) => data) }],
  };
  expect(await check(signature), `${kernel} ${JSON.stringify(signature.inputs)} ${JSON.stringify(attrs)}`).toEqual({
    status: 'passed',
  });
}

describe('volumes', () => {
  const x = randomInput([2, 5, 6, 7, 3]);

  it('convolved, with the gradients', async () => {
    for (const [pad, strides, dilations] of [
      ['same', 1, 1],
      ['same', [2, 1, 2], 1],
      ['valid', [1, 2, 3], 1],
      ['valid', 1, [2, 1, 2]],
    ] as const) {
      const attrs = { pad, strides, dataFormat: 'NDHWC', dilations };
      const filter = randomInput([2, 3, 2, 3, 4]);
      const [y] = eager('Conv3D', { x, filter }, attrs);
      await passes('Conv3D', { x, filter }, attrs);
      if (dilations !== 1 || y === undefined) continue;
      const dy = randomInput(y.shape);
      await passes('Conv3DBackpropInputV2', { dy, filter }, { pad, strides, inputShape: x.shape });
      await passes('Conv3DBackpropFilterV2', { x, dy }, { pad, strides, filterShape: filter.shape });
    }
  });

  it('pooled, with the gradients', async () => {
    for (const [pad, filterSize, strides, rounding] of [
      ['same', 2, 2],
      ['same', [3, 2, 3], 1],
      ['valid', 3, [1, 2, 2]],
      [1, 3, 2, 'floor'],
      [1, 3, 2, 'ceil'],
    ] as const) {
      const attrs = {
        pad,
        filterSize,
        strides,
        dataFormat: 'NDHWC',
        ...(rounding === undefined ? {} : { dimRoundingMode: rounding }),
      };
      const [y] = eager('MaxPool3D', { x }, attrs);
      await passes('MaxPool3D', { x }, attrs);
      await passes('AvgPool3D', { x }, attrs);
      if (y === undefined) continue;
      const slopes = { dy: randomInput(y.shape), input: x };
      // tfjs numbers the cells of windows that are higher than wide, or the other way round, wrongly.
      if (typeof filterSize === 'number') await passes('MaxPool3DGrad', slopes, attrs);
      // With padding, the cpu kernel's gradient is not that of its average.
      if (pad === 'valid') await passes('AvgPool3DGrad', slopes, attrs);
    }
  });

  it('averaged: the gradient is that of the average, padding or not', async () => {
    const attrs = { pad: 'same', filterSize: 2, strides: 1, dataFormat: 'NDHWC' };
    const small = randomInput([1, 2, 3, 2, 1]);
    const dy = randomInput([1, 2, 3, 2, 1]);
    // The average is linear: its gradient is the transposed matrix, read off by averaging each unit picture.
    const slopes = Array.from(small.data, (_, i) => {
      const unit = { ...small, data: Float32Array.from(small.data, (_v, k) => Number(k === i)) };
      return Array.from(eager('AvgPool3D', { x: unit }, attrs)[0]?.data ?? []).reduce(
        (sum, v, k) => sum + v * (dy.data[k] ?? 0),
        0,
      );
    });
    await passes('AvgPool3DGrad', { dy, input: small }, attrs, [
      { shape: small.shape, dtype: 'float32', data: Float32Array.from(slopes) },
    ]);
  });
});

describe('pictures', () => {
  const image = randomInput([2, 6, 5, 3]);

  it('pooled, with the places of the maxima', async () => {
    for (const includeBatchInIndex of [false, true]) {
      for (const [filterSize, strides, pad] of [
        [2, 2, 'valid'],
        [[3, 2], [2, 1], 'same'],
        [3, 1, 'same'],
      ] as const)
        await passes('MaxPoolWithArgmax', { x: image }, { filterSize, strides, pad, includeBatchInIndex });
    }
  });

  it('dilated, with the gradients', async () => {
    for (const [strides, pad, dilations] of [
      [1, 'same', 1],
      [[2, 1], 'same', 1],
      [1, 'valid', [2, 1]],
      [[1, 2], 'valid', 1],
      [2, 'same', [1, 2]],
    ] as const) {
      const attrs = { strides, pad, dilations };
      const filter = randomInput([3, 2, 3]);
      const [y] = eager('Dilation2D', { x: image, filter }, attrs);
      await passes('Dilation2D', { x: image, filter }, attrs);
      if (y === undefined) continue;
      const inputs = { x: image, filter, dy: randomInput(y.shape) };
      await passes('Dilation2DBackpropInput', inputs, attrs);
      await passes('Dilation2DBackpropFilter', inputs, attrs);
    }
  });

  it('rotated', async () => {
    for (const radians of [0, 0.3, -2, Math.PI / 2]) {
      for (const [fillValue, center] of [
        [0, 0.5],
        [
          [1, 2, 3],
          [0.2, 0.9],
        ],
        [0.5, 0],
      ] as const)
        await passes('RotateWithOffset', { image }, { radians, fillValue, center });
    }
    await passes(
      'RotateWithOffset',
      { image: integerInput([1, 4, 4, 4], 255) },
      { radians: 1, fillValue: [7, 8, 9], center: 0.5 },
    );
  });

  it('transformed, each picture by its own numbers or all by the same', async () => {
    for (const fillMode of ['constant', 'reflect', 'wrap', 'nearest']) {
      for (const interpolation of ['nearest', 'bilinear']) {
        for (const count of [1, 2]) {
          const attrs = { interpolation, fillMode, fillValue: 0.25, outputShape: [4, 7] };
          const transforms = {
            ...randomInput([count, 8]),
            data: Float32Array.from(
              { length: count * 8 },
              (_, i) => [1.1, 0.2, -3.3, -0.15, 0.9, 2.6, 0.02, -0.03][i % 8]! * (i < 8 ? 1 : 0.8),
            ),
          };
          // tfjs's cpu kernel transforms the first picture of a batch only: asked one by one.
          const parts = [0, 1].map(
            (b) =>
              eager(
                'Transform',
                {
                  image: { shape: [1, 6, 5, 3], dtype: 'float32', data: image.data.slice(b * 90, (b + 1) * 90) },
                  transforms: {
                    shape: [1, 8],
                    dtype: 'float32',
                    data: transforms.data.slice(count === 1 ? 0 : b * 8, (count === 1 ? 0 : b * 8) + 8),
                  },
                },
                attrs,
              )[0],
          );
          const data = Float32Array.from(parts.flatMap((part) => Array.from(part?.data ?? [])));
          await passes('Transform', { image, transforms }, attrs, [{ shape: [2, 4, 7, 3], dtype: 'float32', data }]);
        }
      }
    }
  });

  it('cropped', async () => {
    // No place is halfway between two cells: the cpu kernel rounds in double precision.
    const boxes = {
      ...randomInput([3, 4]),
      data: Float32Array.of(0.1, 0.2, 0.8, 0.7, -0.5, 0.3, 1.2, 0.35, 0.85, 0.8, 0.2, 0.1),
    };
    for (const method of ['bilinear', 'nearest']) {
      for (const cropSize of [
        [3, 4],
        [1, 5],
        [7, 1],
      ])
        await passes(
          'CropAndResize',
          { image, boxes, boxInd: { shape: [3], dtype: 'int32', data: Int32Array.of(1, 0, 1) } },
          { method, cropSize, extrapolationValue: 0.5 },
        );
    }
  });

  it('normalised by their neighbours', async () => {
    for (const depthRadius of [1, 2, 5]) {
      const attrs = { depthRadius, bias: 1.5, alpha: 0.7, beta: 0.75 };
      const x = randomInput([2, 3, 2, 6]);
      const [y] = eager('LRN', { x }, attrs);
      await passes('LRN', { x }, attrs);
      if (y !== undefined) await passes('LRNGrad', { x, y, dy: randomInput([2, 3, 2, 6]) }, attrs);
    }
  });
});

describe('search', () => {
  const ints = (shape: number[], data: number[]): Input => ({ shape, dtype: 'int32', data: Int32Array.from(data) });

  it('in sorted rows, from either side', async () => {
    const sortedSequence: Input = { ...randomInput([2, 4]), data: Float32Array.of(-1, 0, 0, 2, 1, 1, 3, 5) };
    const values: Input = { ...randomInput([2, 3]), data: Float32Array.of(0, 3, -2, 1, 4, 0) };
    for (const side of ['left', 'right']) await passes('SearchSorted', { sortedSequence, values }, { side });
  });

  it('of the places of a sparse tensor in another shape', async () => {
    const inputs = { inputIndices: ints([3, 2], [0, 0, 1, 2, 2, 3]), inputShape: ints([2], [3, 4]) };
    for (const shape of [[12], [2, -1], [2, 3, 2]])
      await passes('SparseReshape', { ...inputs, newShape: ints([shape.length], shape) }, {});
  });
});

describe('NaN', () => {
  it('goes through maxima and minima, and is passed over by their places', async () => {
    const x = {
      ...randomInput([3, 4]),
      data: Float32Array.of(1, NaN, 3, 2, NaN, 5, 1, -1, -Infinity, -Infinity, -Infinity, NaN),
    };
    for (const keepDims of [false, true]) {
      for (const axis of [[1], [0], [0, 1]]) {
        await passes('Max', { x }, { reductionIndices: axis, keepDims });
        await passes('Min', { x }, { axis, keepDims });
      }
    }
    for (const axis of [0, 1]) {
      await passes('ArgMax', { x }, { axis });
      await passes('ArgMin', { x }, { axis });
    }
    await passes('Sign', { x }, {});
  });
});

describe('functions of a dynamic batch', () => {
  const shape = ['batch', 6, 5, 2];
  const cases: [string, (x: tf.Tensor) => tf.Tensor | tf.Tensor[], (string | number)[]][] = [
    [
      'conv3d',
      (x) => tf.conv3d(x as tf.Tensor5D, tf.ones([2, 2, 2, 2, 3]) as tf.Tensor5D, 2, 'same'),
      ['batch', 'frames', 'height', 'width', 2],
    ],
    [
      'pools of volumes',
      (x) => [tf.maxPool3d(x as tf.Tensor5D, 2, 2, 'same'), tf.avgPool3d(x as tf.Tensor5D, 3, 1, 'same')],
      ['batch', 'frames', 'height', 'width', 2],
    ],
    [
      'localResponseNormalization',
      (x) => tf.localResponseNormalization(x as tf.Tensor4D, 1, 1, 0.5, 0.5),
      ['batch', 'height', 'width', 3],
    ],
    ['dilation2d', (x) => tf.dilation2d(x as tf.Tensor4D, tf.ones([2, 2, 2]) as tf.Tensor3D, 1, 'same'), shape],
    ['maxPoolWithArgmax', (x) => Object.values(tf.maxPoolWithArgmax(x as tf.Tensor4D, 2, 2, 'same')), shape],
    ['rotateWithOffset', (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, 0.4), shape],
    [
      'cropAndResize',
      (x) =>
        tf.image.cropAndResize(
          x as tf.Tensor4D,
          tf.tensor2d([
            [0.1, 0.1, 0.7, 0.8],
            [0, 0, 1, 1],
          ]),
          tf.tensor1d([0, 0], 'int32'),
          [3, 4],
        ),
      shape,
    ],
    [
      'searchSorted',
      (x) => tf.searchSorted(tf.tensor2d([[-1, -0.4, 0, 0.2, 0.9]]).tile([x.shape[0] ?? 1, 1]), x),
      ['batch', 3],
    ],
  ];
  it.each(cases)('%s', async (_name, fn, dims) => {
    const { report } = await exportOnnx(fn, { inputs: [{ name: 'x', shape: dims }] });
    expect(report.verified).toBe('passed');
  });
});

it('every row of these families is checked above, and those that kernels-b.test.ts leaves to it', () => {
  const rows = [volumeKernels, warpKernels, morphologyKernels, searchKernels].flatMap((table) => Object.keys(table));
  const all = [...rows, 'LRN', 'LRNGrad', 'MaxPoolWithArgmax'];
  expect(all.filter((kernel) => !covered.has(kernel))).toEqual([]);
});
