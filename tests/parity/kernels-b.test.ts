// Every convolution, pooling, product, normalisation and resizing row: its shape rule and its ONNX nodes against tfjs's
// eager cpu kernels, with pictures stored NHWC and NCHW and filters HWIO and OIHW; then with dynamic batch and sides.
import { describe, expect, it } from 'vitest';
import type { Perm } from '../../packages/trainer/src/lower/contract.js';
import type { Size } from '../../packages/trainer/src/program/program.js';
import type { KernelName } from '../../packages/trainer/src/trace/shapes/index.js';
import { convKernels } from '../../packages/trainer/src/lower/kernels/conv.js';
import { depthwiseKernels } from '../../packages/trainer/src/lower/kernels/depthwise.js';
import { fusedKernels } from '../../packages/trainer/src/lower/kernels/fused.js';
import { matmulKernels } from '../../packages/trainer/src/lower/kernels/matmul.js';
import { normKernels } from '../../packages/trainer/src/lower/kernels/norm.js';
import { poolKernels } from '../../packages/trainer/src/lower/kernels/pool.js';
import { resizeKernels } from '../../packages/trainer/src/lower/kernels/resize.js';
import { eager, foretold, lowered, type Case, type Given } from './support/kernel-harness.js';

let seed = 1;
/** Numerical Recipes' linear congruential generator, in [-1, 1): inputs are the same at every run. */
function uniform(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 31 - 1;
}

function randomInput(shape: number[], draw: () => number = uniform): Given {
  return { shape, dtype: 'float32', data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw) };
}
const positive = (shape: number[]): Given => randomInput(shape, () => Math.abs(uniform()) + 0.2);
/** Few distinct values, so that maxima tie. */
const coarse = (shape: number[]): Given => randomInput(shape, () => Math.round(uniform() * 2));

const NCHW: Perm = [0, 3, 1, 2];
const OIHW: Perm = [3, 2, 0, 1];

/** The case with its four-dimensional inputs also stored as convolutions want them. */
function orders(test: Case): Case[] {
  const stored = Object.fromEntries(
    Object.entries(test.inputs).map(([name, value]) => [
      name,
      Array.isArray(value) || value.shape.length !== 4 || test.attrs?.['dataFormat'] === 'NCHW'
        ? value
        : { ...value, order: name === 'filter' ? OIHW : NCHW },
    ]),
  );
  return [test, { ...test, inputs: stored }];
}

const covered = new Set<string>();

/** Checks the case in each order, to 2e-6 of the largest magnitude; returns the nodes of the last one. */
async function check(test: Case, variants: readonly Case[] = orders(test)): Promise<string[]> {
  covered.add(test.kernel);
  const what = `${test.kernel} ${JSON.stringify(
    Object.values(test.inputs)
      .flat()
      .map((g) => g.shape),
  )} ${JSON.stringify(test.attrs ?? {})}`;
  const [want] = eager(test);
  if (want === undefined) throw new Error(`${what}: tfjs returned nothing`);
  expect(foretold(test)[0]?.shape, `shape rule of ${what}`).toEqual(want.shape);
  let nodes: string[] = [];
  for (const variant of variants) {
    const run = await lowered(variant).catch((error: unknown) => expect.fail(`${what}: ${String(error)}`));
    const have = run.results[0];
    expect(have?.shape, what).toEqual(want.shape);
    const scale = Array.from(want.data).reduce((most, v) => Math.max(most, Math.abs(v)), 1);
    const worst = Array.from(want.data).reduce((most, v, i) => Math.max(most, Math.abs(v - (have?.data[i] ?? NaN))), 0);
    expect(worst / scale, what).toBeLessThan(2e-6);
    nodes = run.nodes.filter((op) => op !== 'Identity'); // the harness ends in one
  }
  return nodes;
}

const shapeOf = (test: Case): number[] => eager(test)[0]?.shape ?? [];

const EXPLICIT = [
  [0, 0],
  [1, 2],
  [0, 1],
  [0, 0],
];
const PADS: unknown[] = ['same', 'valid', 1, EXPLICIT];

describe('convolution', () => {
  for (const [height, width] of [
    [6, 5],
    [7, 8],
  ] as const) {
    for (const kernel of [1, 3, 4]) {
      it(`and its adjoints: ${height}×${width}, kernel ${kernel}, every stride and padding`, async () => {
        for (const stride of [1, 2, 3]) {
          for (const pad of PADS) {
            for (const channels of [2, 17]) {
              const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dilations: [1, 1] };
              const [x, filter] = [
                randomInput([2, height, width, channels]),
                randomInput([kernel, kernel, channels, 3]),
              ];
              const forward: Case = { kernel: 'Conv2D', inputs: { x, filter }, attrs };
              const dy = randomInput(shapeOf(forward));
              if (dy.shape.includes(0)) continue;
              await check(forward);
              await check({
                kernel: 'Conv2DBackpropInput',
                inputs: { dy, filter },
                attrs: { ...attrs, inputShape: x.shape },
              });
              await check({
                kernel: 'Conv2DBackpropFilter',
                inputs: { x, dy },
                attrs: { ...attrs, filterShape: filter.shape },
              });
            }
          }
        }
      });
    }
  }

  it('dilated, oblong, and NCHW', async () => {
    for (const dilations of [1, 2])
      for (const pad of ['same', 'valid'])
        await check({
          kernel: 'Conv2D',
          inputs: { x: randomInput([1, 8, 7, 2]), filter: randomInput([3, 2, 2, 3]) },
          attrs: { strides: 1, pad, dataFormat: 'NHWC', dilations },
        });
    await check({
      kernel: 'Conv2D',
      inputs: { x: randomInput([1, 2, 8, 7]), filter: randomInput([3, 2, 2, 3]) },
      attrs: { strides: 2, pad: 'same', dataFormat: 'NCHW', dilations: 1 },
    });
    await check({
      kernel: 'Conv2DBackpropInput',
      inputs: { dy: randomInput([2, 3, 4, 4]), filter: randomInput([3, 3, 2, 3]) },
      attrs: { strides: 2, pad: 'same', dataFormat: 'NCHW', inputShape: [2, 2, 8, 7] },
    });
  });

  it('depthwise and its adjoints, with channel multipliers', async () => {
    for (const multiplier of [1, 2]) {
      for (const stride of [1, 2]) {
        for (const pad of ['same', 'valid', 1]) {
          const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dilations: [1, 1] };
          const [x, filter] = [randomInput([2, 6, 7, 3]), randomInput([3, 3, 3, multiplier])];
          const forward: Case = { kernel: 'DepthwiseConv2dNative', inputs: { x, filter }, attrs };
          const dy = randomInput(shapeOf(forward));
          await check(forward);
          if (stride === 1) await check({ ...forward, attrs: { ...attrs, dilations: [2, 2] } });
          await check({
            kernel: 'DepthwiseConv2dNativeBackpropInput',
            inputs: { dy, filter },
            attrs: { ...attrs, inputShape: x.shape },
          });
          await check({
            kernel: 'DepthwiseConv2dNativeBackpropFilter',
            inputs: { x, dy },
            attrs: { ...attrs, filterShape: filter.shape },
          });
        }
      }
    }
  });

  it('transposes nothing when pictures and filters are stored as it wants them', async () => {
    const attrs = { strides: [2, 2], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };
    expect(
      await check({
        kernel: 'Conv2D',
        inputs: { x: randomInput([2, 8, 8, 4]), filter: randomInput([4, 4, 4, 5]) },
        attrs,
      }),
    ).toEqual(['Conv', 'Transpose']); // the harness returns logical order
    expect(
      await check({
        kernel: 'Conv2DBackpropInput',
        inputs: { dy: randomInput([2, 4, 4, 5]), filter: randomInput([4, 4, 4, 5]) },
        attrs: { ...attrs, inputShape: [2, 8, 8, 4] },
      }),
    ).toEqual(['ConvTranspose', 'Transpose']);
  });
});

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'];

describe('fused', () => {
  for (const activation of ACTIVATIONS) {
    it(`convolutions and products with ${activation}`, async () => {
      const extra = activation === 'prelu' ? { preluActivationWeights: randomInput([3]) } : {};
      const attrs = {
        strides: [1, 1],
        pad: 'same',
        dataFormat: 'NHWC',
        dilations: [1, 1],
        activation,
        leakyreluAlpha: 0.3,
      };
      const [x, filter] = [randomInput([2, 4, 5, 2]), randomInput([3, 3, 2, 3])];
      for (const bias of [{}, { bias: randomInput([3]) }, { bias: randomInput([1]) }])
        await check({ kernel: 'FusedConv2D', inputs: { x, filter, ...bias, ...extra }, attrs });
      await check({
        kernel: 'FusedDepthwiseConv2D',
        inputs: { x: randomInput([2, 4, 5, 3]), filter: randomInput([3, 3, 3, 1]), bias: randomInput([3]), ...extra },
        attrs,
      });
      for (const lead of [1, 2]) {
        await check({
          kernel: '_FusedMatMul',
          inputs: { a: randomInput([lead, 4, 2]), b: randomInput([lead, 2, 3]), bias: randomInput([3]), ...extra },
          attrs: { transposeA: false, transposeB: false, activation, leakyreluAlpha: 0.3 },
        });
      }
    });
  }

  it('with slopes of a whole picture', async () => {
    const attrs = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1], activation: 'prelu' };
    await check({
      kernel: 'FusedConv2D',
      inputs: {
        x: randomInput([2, 4, 5, 2]),
        filter: randomInput([3, 3, 2, 3]),
        bias: randomInput([3]),
        preluActivationWeights: randomInput([4, 5, 3]),
      },
      attrs,
    });
  });
});

describe('pooling', () => {
  for (const window of [2, 3]) {
    for (const stride of [1, 2, 3]) {
      it(`window ${window}, stride ${stride}, every padding, ties too`, async () => {
        for (const pad of PADS.filter((p) => p !== EXPLICIT || window === 3)) {
          for (const x of [randomInput([2, 6, 7, 3]), coarse([2, 6, 7, 3])]) {
            const attrs = { filterSize: [window, window], strides: [stride, stride], pad };
            const forward: Case = { kernel: 'MaxPool', inputs: { x }, attrs };
            const [y] = eager(forward);
            if (y === undefined) throw new Error('no pooled picture');
            const dy = randomInput(y.shape);
            await check(forward);
            await check({ kernel: 'AvgPool', inputs: { x }, attrs });
            await check({
              kernel: 'MaxPoolGrad',
              inputs: { dy, input: x, output: { shape: y.shape, dtype: 'float32', data: Array.from(y.data) } },
              attrs,
            });
            // With padding tfjs's own AvgPoolGrad divides by the whole window: there ours is checked below.
            if (pad === 'valid') await check({ kernel: 'AvgPoolGrad', inputs: { dy, input: x }, attrs });
          }
        }
      });
    }
  }

  it('gives padded averages back to the cells that made them', async () => {
    // 3 cells, window 2, 'same': the last window averages one cell alone.
    const { results } = await lowered({
      kernel: 'AvgPoolGrad',
      inputs: { dy: { shape: [1, 1, 2, 1], dtype: 'float32', data: [1, 10] }, input: randomInput([1, 1, 3, 1]) },
      attrs: { filterSize: [1, 2], strides: [1, 2], pad: 'same' },
    });
    expect(Array.from(results[0]?.data ?? [])).toEqual([0.5, 0.5, 10]);
  });
});

describe('products', () => {
  it('of matrices and batches, transposed or not', async () => {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        for (const lead of [[], [1], [2], [2, 3]]) {
          await check({
            kernel: 'BatchMatMul',
            inputs: {
              a: randomInput([...lead, ...(transposeA ? [3, 4] : [4, 3])]),
              b: randomInput([...lead, ...(transposeB ? [5, 3] : [3, 5])]),
            },
            attrs: { transposeA, transposeB },
          });
        }
      }
    }
    await check({
      kernel: 'BatchMatMul',
      inputs: { a: randomInput([1, 4, 3]), b: randomInput([2, 3, 5]) },
      attrs: { transposeA: false, transposeB: false },
    });
  });

  it('take a transposed matrix as it is stored', async () => {
    const [a, b] = [randomInput([4, 3]), { ...randomInput([3, 5]), order: [1, 0] }];
    const test: Case = { kernel: 'BatchMatMul', inputs: { a, b }, attrs: { transposeA: false, transposeB: false } };
    expect(await check(test, [test])).toEqual(['Gemm']);
  });

  it('by Einstein summation', async () => {
    await check({
      kernel: 'Einsum',
      inputs: { tensors: [randomInput([2, 3]), randomInput([3, 4])] },
      attrs: { equation: 'ij,jk->ki' },
    });
  });
});

describe('normalisation', () => {
  it('with statistics by channel or by element', async () => {
    const attrs = { varianceEpsilon: 1e-3 };
    const x = randomInput([2, 3, 4, 5]);
    const [mean, scale, offset, variance] = [randomInput([5]), randomInput([5]), randomInput([5]), positive([5])];
    await check({ kernel: 'FusedBatchNorm', inputs: { x, mean, variance, scale, offset }, attrs });
    await check({ kernel: 'FusedBatchNorm', inputs: { x, mean, variance }, attrs });
    await check({
      kernel: 'FusedBatchNorm',
      inputs: {
        x,
        mean: randomInput([2, 3, 4, 5]),
        variance: positive([2, 3, 4, 5]),
        scale: randomInput([2, 3, 4, 5]),
        offset: randomInput([2, 3, 4, 5]),
      },
      attrs,
    });
    const stored: Case = {
      kernel: 'FusedBatchNorm',
      inputs: { x: { ...x, order: NCHW }, mean, variance, scale, offset },
      attrs,
    };
    expect(await check(stored, [stored])).toEqual(['BatchNormalization', 'Transpose']);
  });
});

describe('resizing', () => {
  for (const kernel of ['ResizeBilinear', 'ResizeNearestNeighbor'] as const) {
    it(`${kernel}, every placement`, async () => {
      for (const size of [
        [6, 8],
        [5, 7],
        [2, 3],
        [9, 2],
        [1, 1],
        [3, 4],
      ]) {
        for (const [alignCorners, halfPixelCenters] of [
          [false, false],
          [true, false],
          [false, true],
        ])
          await check({
            kernel,
            inputs: { images: randomInput([2, 3, 4, 2]) },
            attrs: { alignCorners, halfPixelCenters, size },
          });
      }
    });
  }

  it('gradient kernels, where tfjs has them right', async () => {
    for (const alignCorners of [false, true])
      await check({
        kernel: 'ResizeBilinearGrad',
        inputs: { dy: randomInput([1, 6, 6, 2]), images: randomInput([1, 3, 3, 2]) },
        attrs: { alignCorners, halfPixelCenters: false, size: [6, 6] },
      });
    await check({
      kernel: 'ResizeNearestNeighborGrad',
      inputs: { dy: randomInput([1, 6, 6, 2]), images: randomInput([1, 3, 3, 2]) },
      attrs: { alignCorners: false, halfPixelCenters: false, size: [6, 6] },
    });
  });
});

describe('dynamic sizes', () => {
  const batch: Size = { constant: 0, terms: { batch: 1 } };
  const side = (factor: number): Size => ({ constant: 0, terms: { side: factor } });
  const dynamic = (g: Given, ...sizes: Size[]): Given => ({ ...g, sizes });

  async function checkDynamic(
    kernel: KernelName,
    inputs: Record<string, Given>,
    attrs: Record<string, unknown>,
    output: Size[],
  ): Promise<void> {
    const test: Case = { kernel, inputs, attrs, outputs: [output] };
    await check(test, [test]);
  }

  it('convolutions, transposed convolutions, pools and upsampling of any batch and side', async () => {
    const conv = { strides: [2, 2], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };
    const [large, small] = [
      dynamic(randomInput([2, 8, 8, 3]), batch, side(2), side(2), 3),
      dynamic(randomInput([2, 4, 4, 5]), batch, side(1), side(1), 5),
    ];
    await checkDynamic('Conv2D', { x: large, filter: randomInput([4, 4, 3, 5]) }, conv, [batch, side(1), side(1), 5]);
    await checkDynamic('Conv2D', { x: large, filter: randomInput([3, 3, 3, 5]) }, { ...conv, strides: [1, 1] }, [
      batch,
      side(2),
      side(2),
      5,
    ]);
    await checkDynamic(
      'Conv2DBackpropInput',
      { dy: small, filter: randomInput([4, 4, 3, 5]) },
      { ...conv, inputShape: [2, 8, 8, 3] },
      [batch, side(2), side(2), 3],
    );
    await checkDynamic('MaxPool', { x: large }, { filterSize: [2, 2], strides: [2, 2], pad: 'valid' }, [
      batch,
      side(1),
      side(1),
      3,
    ]);
    await checkDynamic('AvgPool', { x: large }, { filterSize: [3, 3], strides: [1, 1], pad: 'same' }, [
      batch,
      side(2),
      side(2),
      3,
    ]);
    for (const kernel of ['ResizeNearestNeighbor', 'ResizeBilinear'] as const)
      await checkDynamic(kernel, { images: small }, { alignCorners: false, halfPixelCenters: true, size: [8, 8] }, [
        batch,
        side(2),
        side(2),
        5,
      ]);
    await checkDynamic(
      '_FusedMatMul',
      { a: dynamic(randomInput([1, 4, 2]), 1, batch, 2), b: randomInput([1, 2, 3]), bias: randomInput([3]) },
      { transposeA: false, transposeB: false, activation: 'relu' },
      [1, batch, 3],
    );
  });
});

it('every row of these families is checked above, or in kernels-c.test.ts', () => {
  const rows = [
    convKernels,
    depthwiseKernels,
    fusedKernels,
    poolKernels,
    matmulKernels,
    normKernels,
    resizeKernels,
  ].flatMap((table) => Object.keys(table));
  const unchecked = rows.filter((kernel) => !covered.has(kernel));
  expect(unchecked.sort()).toEqual(['LRN', 'LRNGrad', 'MaxPoolWithArgmax']);
});
