// Every element-wise, reduction, movement and creation row: its shape rule and its ONNX nodes against tfjs's eager cpu
// kernels, in several storage orders.
import { describe, expect, it } from 'vitest';
import type { ProgramDType, Size } from '../../packages/trainer/src/program/program.js';
import type { KernelName } from '../../packages/trainer/src/trace/shapes/index.js';
import { activationKernels } from '../../packages/trainer/src/lower/kernels/activations.js';
import { binaryKernels } from '../../packages/trainer/src/lower/kernels/binary.js';
import { creationKernels } from '../../packages/trainer/src/lower/kernels/creation.js';
import { unaryKernels } from '../../packages/trainer/src/lower/kernels/elementwise.js';
import { movementKernels } from '../../packages/trainer/src/lower/kernels/movement.js';
import { reductionKernels } from '../../packages/trainer/src/lower/kernels/reduction.js';
import { eager, foretold, lowered, type Case, type Given } from './support/kernel-harness.js';

let seed = 1;
/** Numerical Recipes' linear congruential generator: inputs are the same at every run. */
function uniform(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

type Range = [low: number, high: number];

function randomInput(shape: number[], dtype: ProgramDType = 'float32', [low, high]: Range = [-3, 3]): Given {
  const count = shape.reduce((a, b) => a * b, 1);
  const draw = (): number => low + uniform() * (high - low);
  return {
    shape,
    dtype,
    data: Array.from({ length: count }, () =>
      dtype === 'float32' ? Math.fround(draw()) : dtype === 'int32' ? Math.round(draw()) : uniform() < 0.5 ? 1 : 0,
    ),
  };
}

function literal(shape: number[], dtype: ProgramDType, data: number[]): Given {
  return { shape, dtype, data };
}

const reversed = (rank: number): number[] => Array.from({ length: rank }, (_, i) => rank - 1 - i);
const rotated = (rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === 0 ? 0 : i === 1 ? rank - 1 : i - 1));

/** The case as given, and with all inputs of rank > 1 stored in other orders: NCHW-like, and reversed. */
function orders(test: Case): Case[] {
  const all = Object.values(test.inputs).flat();
  if (all.every((g) => g.shape.length < 2) || all.some((g) => g.order !== undefined)) return [test];
  const held = (order: (rank: number) => number[]): Case => {
    const store = (g: Given): Given => ({ ...g, order: order(g.shape.length) });
    return {
      ...test,
      inputs: Object.fromEntries(
        Object.entries(test.inputs).map(([k, v]) => [k, Array.isArray(v) ? v.map(store) : store(v)]),
      ),
    };
  };
  // Also the first input alone, so that two orders meet.
  const [firstName, first] = Object.entries(test.inputs)[0] ?? [];
  const mixed =
    firstName === undefined || first === undefined || Array.isArray(first)
      ? []
      : [{ ...test, inputs: { ...test.inputs, [firstName]: { ...first, order: rotated(first.shape.length) } } }];
  return [test, held(rotated), held(reversed), ...mixed];
}

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, exact: boolean, what: string): void {
  expect(got.length, what).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [Number(got[i]), Number(want[i])];
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const close = !exact && Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));
    if (!close) expect.fail(`${what}: element ${i} is ${a}, tfjs has ${b}`);
  }
}

async function check(test: Case): Promise<string[]> {
  const what = `${test.kernel} ${JSON.stringify(
    Object.values(test.inputs)
      .flat()
      .map((g) => [g.dtype, g.shape, g.order]),
  )} ${JSON.stringify(test.attrs ?? {})}`;
  const results = eager(test);
  expect(foretold(test), `shape rule of ${what}`).toEqual(results.map(({ shape, dtype }) => ({ shape, dtype })));
  const { results: got, nodes } = await lowered(test).catch((error: unknown) =>
    expect.fail(`${what}: ${String(error)}`),
  );
  results.forEach((want, i) => {
    const have = got[i];
    if (have === undefined) return expect.fail(`${what}: output ${i} is missing`);
    expect(have.shape, what).toEqual(want.shape);
    expect(have.dtype, what).toBe(want.dtype);
    expectClose(have.data, want.data, want.dtype !== 'float32', what);
  });
  return nodes;
}

const covered = new Set<string>();

function suite(name: KernelName, cases: Case[]): void {
  covered.add(name);
  it(`${name} (${cases.length} cases)`, async () => {
    for (const test of cases) for (const variant of orders(test)) await check(variant);
  });
}

const SHAPES = [[], [5], [2, 3], [2, 3, 4], [2, 3, 4, 5], [2, 1, 3, 2, 2]];
const PAIRS: [number[], number[]][] = [
  [[], []],
  [[4], []],
  [[], [2, 3]],
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [[2, 3, 4, 5], [5]],
  [
    [2, 3, 4, 5],
    [1, 1, 1, 5],
  ],
  [
    [2, 3, 4, 5],
    [2, 3, 4, 5],
  ],
  [
    [2, 1, 1, 5],
    [3, 4, 1],
  ],
  [
    [2, 3, 2, 2, 2],
    [3, 1, 2, 2],
  ],
];

function unary(
  kernel: KernelName,
  range: Range = [-3, 3],
  attrs: Record<string, unknown> = {},
  dtypes: ProgramDType[] = ['float32'],
  input = 'x',
): void {
  suite(
    kernel,
    dtypes.flatMap((dtype) =>
      SHAPES.map((shape) => ({ kernel, inputs: { [input]: randomInput(shape, dtype, range) }, attrs })),
    ),
  );
}

function binary(
  kernel: KernelName,
  dtypes: ProgramDType[] = ['float32'],
  ranges: [Range, Range] = [
    [-3, 3],
    [-3, 3],
  ],
  names: [string, string] = ['a', 'b'],
): void {
  suite(
    kernel,
    dtypes.flatMap((dtype) =>
      PAIRS.map(([a, b]) => ({
        kernel,
        inputs: { [names[0]]: randomInput(a, dtype, ranges[0]), [names[1]]: randomInput(b, dtype, ranges[1]) },
      })),
    ),
  );
}

describe('element-wise', () => {
  for (const kernel of [
    'Asinh',
    'Atan',
    'Ceil',
    'Cos',
    'Cosh',
    'Erf',
    'Exp',
    'Expm1',
    'Floor',
    'Round',
    'Sigmoid',
    'Sin',
    'Sinh',
    'Softplus',
    'Tanh',
    'Elu',
    'Selu',
  ] as const)
    unary(kernel);
  for (const kernel of ['Acos', 'Asin', 'Atanh', 'Tan'] as const) unary(kernel, [-0.95, 0.95]);
  unary('Acosh', [1.05, 9]);
  for (const kernel of ['Log', 'Log1p', 'Rsqrt', 'Sqrt', 'Reciprocal'] as const) unary(kernel, [0.05, 9]);
  for (const kernel of ['Abs', 'Neg', 'Sign', 'Square', 'Relu', 'Relu6', 'Identity'] as const)
    unary(kernel, [-9, 9], {}, ['float32', 'int32']);
  unary('ClipByValue', [-3, 3], { clipValueMin: -1.5, clipValueMax: 0.25 }, ['float32', 'int32']);
  unary('LeakyRelu', [-3, 3], { alpha: 0.2 }, ['float32', 'int32']);
  unary('LogicalNot', [0, 1], {}, ['bool']);
  unary('Step', [-3, 3], { alpha: 0.3 });
  unary('IsFinite');
  suite('IsNan', [
    { kernel: 'IsNan', inputs: { x: literal([2, 3], 'float32', [1, NaN, Infinity, -Infinity, 0, NaN]) } },
  ]);
  suite('IsInf', [
    { kernel: 'IsInf', inputs: { x: literal([2, 3], 'float32', [1, NaN, Infinity, -Infinity, 0, NaN]) } },
  ]);
  const dtypes: ProgramDType[] = ['float32', 'int32', 'bool'];
  suite(
    'Cast',
    dtypes.flatMap((from) =>
      dtypes.flatMap((to) =>
        [[], [4], [2, 3, 4, 5]].map((shape) => ({
          kernel: 'Cast' as const,
          inputs: { x: randomInput(shape, from, [-2, 2]) },
          attrs: { dtype: to },
        })),
      ),
    ),
  );
  suite(
    'Softmax',
    [[4], [3, 4], [2, 3, 4], [2, 3, 2, 5]].map((shape) => ({
      kernel: 'Softmax' as const,
      inputs: { logits: randomInput(shape) },
      attrs: { dim: shape.length - 1 },
    })),
  );

  it('Step of 0, halves to even, infinite clips', async () => {
    const x = literal([6], 'float32', [-0.5, 0.5, 1.5, 2.5, 0, -3.5]);
    await check({ kernel: 'Step', inputs: { x }, attrs: { alpha: 0 } });
    await check({ kernel: 'Round', inputs: { x } });
    await check({ kernel: 'ClipByValue', inputs: { x }, attrs: { clipValueMin: 0, clipValueMax: Infinity } });
    await check({ kernel: 'IsFinite', inputs: { x: literal([3], 'float32', [1, NaN, Infinity]) } });
  });

  for (const kernel of ['Add', 'Sub', 'Multiply'] as const)
    binary(
      kernel,
      ['float32', 'int32'],
      [
        [-9, 9],
        [-9, 9],
      ],
    );
  for (const kernel of ['Maximum', 'Minimum', 'SquaredDifference'] as const) binary(kernel, ['float32', 'int32']);
  for (const kernel of ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'] as const)
    binary(kernel, ['float32', 'int32', 'bool']);
  for (const kernel of ['LogicalAnd', 'LogicalOr'] as const) binary(kernel, ['bool']);
  binary(
    'RealDiv',
    ['float32', 'int32'],
    [
      [-9, 9],
      [1, 4],
    ],
  );
  binary(
    'FloorDiv',
    ['float32', 'int32'],
    [
      [-9, 9],
      [1, 4],
    ],
  );
  binary(
    'Mod',
    ['float32', 'int32'],
    [
      [-9, 9],
      [1, 4],
    ],
  );
  binary(
    'Pow',
    ['float32', 'int32'],
    [
      [0.2, 3],
      [0, 3],
    ],
  );
  binary('Atan2');
  binary(
    'BitwiseAnd',
    ['int32'],
    [
      [-99, 99],
      [-99, 99],
    ],
  );
  binary(
    'Prelu',
    ['float32'],
    [
      [-3, 3],
      [-1, 1],
    ],
    ['x', 'alpha'],
  );
  suite(
    'EluGrad',
    SHAPES.map((shape) => ({
      kernel: 'EluGrad' as const,
      inputs: { dy: randomInput(shape), y: randomInput(shape, 'float32', [-1, 3]) },
    })),
  );
  suite(
    'AddN',
    [1, 2, 3].flatMap((n) =>
      (['float32', 'int32'] as const).map((dtype) => ({
        kernel: 'AddN' as const,
        inputs: { list: Array.from({ length: n }, () => randomInput([2, 3, 4], dtype, [-9, 9])) },
      })),
    ),
  );
  suite(
    'Select',
    (['float32', 'int32', 'bool'] as const).flatMap((dtype) =>
      SHAPES.map((shape) => ({
        kernel: 'Select' as const,
        inputs: { t: randomInput(shape, dtype), e: randomInput(shape, dtype), condition: randomInput(shape, 'bool') },
      })),
    ),
  );

  it('signs and corners of the floor division, the remainder and the angle', async () => {
    const [a, b] = [
      [-7, -7, 7, 7, 6, -6, 0, 0, 1],
      [3, -3, 3, -3, -3, 3, 5, -5, -4],
    ];
    for (const kernel of ['FloorDiv', 'Mod'] as const) {
      for (const dtype of ['int32', 'float32'] as const)
        await check({ kernel, inputs: { a: literal([9], dtype, a), b: literal([9], dtype, b) } });
    }
    await check({
      kernel: 'Atan2',
      inputs: {
        a: literal([9], 'float32', [1, 1, -1, -1, 1, -1, 0, 0, 0]),
        b: literal([9], 'float32', [1, -1, 1, -1, 0, 0, 1, -1, 0]),
      },
    });
  });

  it('Select by rows takes a condition of rank 1', async () => {
    // tfjs's own cpu kernel reads the wrong elements here (t[i] for row i), so expected values are listed.
    const { results } = await lowered({
      kernel: 'Select',
      inputs: {
        condition: literal([2], 'bool', [1, 0]),
        t: literal([2, 2], 'float32', [1, 2, 3, 4]),
        e: literal([2, 2], 'float32', [5, 6, 7, 8]),
      },
    });
    expect([...Array.from(results[0]?.data ?? [])]).toEqual([1, 2, 7, 8]);
  });
});

const AXES: [number[], (number | number[] | null)[]][] = [
  [[], [null]],
  [[5], [0, [0], null, -1]],
  [
    [2, 3],
    [0, 1, [0, 1], null, -1, []],
  ],
  [
    [2, 3, 4],
    [[0, 2], 1, [1, 2], -2],
  ],
  [
    [2, 3, 4, 5],
    [[1, 2], [0, 1, 2], 3, [-1], null],
  ],
  [
    [2, 1, 3, 2, 2],
    [[1, 3], 2],
  ],
];

function reduction(kernel: KernelName, dtypes: ProgramDType[], attribute = 'axis', range: Range = [-3, 3]): void {
  suite(
    kernel,
    dtypes.flatMap((dtype) =>
      AXES.flatMap(([shape, axes]) =>
        axes.flatMap((axis) =>
          [true, false].map((keepDims) => ({
            kernel,
            inputs: { x: randomInput(shape, dtype, range) },
            attrs: { [attribute]: axis, keepDims },
          })),
        ),
      ),
    ),
  );
}

describe('reductions', () => {
  reduction('Sum', ['float32', 'int32', 'bool']);
  reduction('Mean', ['float32', 'int32']);
  reduction('Prod', ['float32', 'int32'], 'axis', [0.5, 1.6]);
  reduction('Max', ['float32', 'int32', 'bool'], 'reductionIndices');
  reduction('Min', ['float32', 'int32', 'bool']);
  reduction('All', ['bool']);
  reduction('Any', ['bool']);
  const axes: [number[], number[]][] = [
    [[5], [0]],
    [
      [2, 3],
      [0, 1, -1],
    ],
    [
      [2, 3, 4, 5],
      [0, 1, 2, 3],
    ],
  ];
  for (const kernel of ['ArgMax', 'ArgMin'] as const) {
    suite(
      kernel,
      (['float32', 'int32', 'bool'] as const).flatMap((dtype) =>
        axes.flatMap(([shape, list]) =>
          list.map((axis) => ({ kernel, inputs: { x: randomInput(shape, dtype) }, attrs: { axis } })),
        ),
      ),
    );
  }
  for (const kernel of ['Cumsum', 'Cumprod'] as const) {
    suite(
      kernel,
      (['float32', 'int32'] as const).flatMap((dtype) =>
        axes.flatMap(([shape, list]) =>
          list
            .filter((a) => a >= 0)
            .flatMap((axis) =>
              [true, false].flatMap((exclusive) =>
                [true, false].map((reverse) => ({
                  kernel,
                  inputs: { x: randomInput(shape, dtype, [0.5, 2]) },
                  attrs: { axis, exclusive, reverse },
                })),
              ),
            ),
        ),
      ),
    );
  }
  suite(
    'TopK',
    (['float32', 'int32'] as const).flatMap((dtype) =>
      [[7], [2, 7], [2, 3, 2, 5]].flatMap((shape) =>
        [1, 3, 5].map((k) => ({
          kernel: 'TopK' as const,
          inputs: { x: randomInput(shape, dtype, [-4, 4]) },
          attrs: { k, sorted: true },
        })),
      ),
    ),
  );
  const none = literal([0], 'float32', []);
  suite(
    'Bincount',
    [none, randomInput([9], 'float32'), randomInput([9], 'int32')].map((weights) => ({
      kernel: 'Bincount' as const,
      inputs: { x: randomInput([9], 'int32', [0, 6]), weights },
      attrs: { size: 5 },
    })),
  );
  suite('DenseBincount', [
    ...[true, false].map((binaryOutput) => ({
      kernel: 'DenseBincount' as const,
      inputs: { x: randomInput([9], 'int32', [0, 6]), weights: none },
      attrs: { size: 5, binaryOutput },
    })),
    ...[true, false].map((binaryOutput) => ({
      kernel: 'DenseBincount' as const,
      inputs: { x: randomInput([3, 9], 'int32', [0, 6]), weights: randomInput([3, 9]) },
      attrs: { size: 5, binaryOutput },
    })),
  ]);
  suite(
    'UnsortedSegmentSum',
    [[6], [6, 3], [6, 2, 2, 3]].flatMap((shape) =>
      [5, 2000].map((numSegments) => ({
        kernel: 'UnsortedSegmentSum' as const,
        inputs: { x: randomInput(shape), segmentIds: literal([6], 'int32', [0, 4, 1, -1, 7, 4]) },
        attrs: { numSegments },
      })),
    ),
  );
});

describe('movement', () => {
  const shapes: [number[], number[]][] = [
    [[], [1, 1]],
    [[6], [2, 3]],
    [[2, 3], [6]],
    [
      [2, 3, 4],
      [2, 12],
    ],
    [
      [2, 12],
      [2, 3, 4],
    ],
    [
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ],
    [
      [2, 3, 4, 5],
      [2, 60],
    ],
    [
      [2, 3, 4, 5],
      [2, 12, 5],
    ],
    [
      [2, 12, 5],
      [2, 3, 4, 5],
    ],
    [
      [2, 1, 1, 5],
      [2, 5],
    ],
    [
      [2, 5],
      [2, 1, 1, 5],
    ],
    [
      [2, 3, 4, 1],
      [2, 3, 4],
    ],
    [
      [1, 3, 1, 5],
      [3, 5, 1],
    ],
    [
      [2, 4, 4, 6],
      [2, 2, 2, 4, 6],
    ],
    [[1], []],
    [
      [2, 3, 4, 5],
      [6, 20],
    ],
    [
      [4, 3, 4, 4],
      [2, 2, 3, 4, 4],
    ],
  ];
  suite(
    'Reshape',
    shapes.map(([from, to]) => ({
      kernel: 'Reshape' as const,
      inputs: { x: randomInput(from, from.length === 2 ? 'int32' : 'float32') },
      attrs: { shape: to },
    })),
  );
  suite(
    'ExpandDims',
    [
      [[3], 0],
      [[3], 1],
      [[3], -1],
      [[2, 3, 4], 1],
      [[2, 3, 4], -2],
      [[], 0],
    ].map(([shape, dim]) => ({
      kernel: 'ExpandDims' as const,
      inputs: { input: randomInput(shape as number[]) },
      attrs: { dim },
    })),
  );
  suite(
    'Transpose',
    [
      [
        [2, 3],
        [1, 0],
      ],
      [
        [2, 3, 4],
        [2, 0, 1],
      ],
      [
        [2, 3, 4, 5],
        [0, 3, 1, 2],
      ],
      [
        [2, 3, 4, 5],
        [3, 2, 0, 1],
      ],
    ].map(([shape, perm]) => ({
      kernel: 'Transpose' as const,
      inputs: { x: randomInput(shape as number[]) },
      attrs: { perm },
    })),
  );

  it('Transpose and reshapes that keep the order emit no Transpose', async () => {
    const nchw = { ...randomInput([2, 3, 4, 5]), order: [0, 3, 1, 2] };
    expect(await check({ kernel: 'Transpose', inputs: { x: nchw }, attrs: { perm: [0, 3, 1, 2] } })).toEqual([
      'Identity',
    ]);
    expect(
      await check({
        kernel: 'Reshape',
        inputs: { x: { ...randomInput([2, 1, 1, 5]), order: [0, 3, 1, 2] } },
        attrs: { shape: [2, 5] },
      }),
    ).toEqual(['Reshape', 'Identity']);
    // Pixels joined, channels apart: stays channels-first until it is read.
    expect(await check({ kernel: 'Reshape', inputs: { x: nchw }, attrs: { shape: [2, 12, 5] } })).toEqual([
      'Reshape',
      'Transpose',
      'Identity',
    ]);
  });

  const slices: [number[], number | number[], number | number[]][] = [
    [[5], [1], [3]],
    [[5], 2, -1],
    [
      [2, 3],
      [0, 1],
      [2, 2],
    ],
    [[4, 3, 2], 1, 2],
    [
      [2, 3, 4, 5],
      [0, 1, 0, 2],
      [-1, 2, 4, -1],
    ],
    [
      [2, 3, 4, 5],
      [0, 0, 0, 0],
      [2, 3, 4, 5],
    ],
  ];
  suite(
    'Slice',
    slices.flatMap(([shape, begin, size]) =>
      (['float32', 'int32', 'bool'] as const).map((dtype) => ({
        kernel: 'Slice' as const,
        inputs: { x: randomInput(shape, dtype) },
        attrs: { begin, size },
      })),
    ),
  );
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  const strided: [number[], Record<string, unknown>][] = [
    [[7], { begin: [1], end: [6], strides: [2] }],
    [[7], { begin: [-1], end: [0], strides: [-2] }],
    [[7], { begin: [0], end: [0], strides: [-1], beginMask: 1, endMask: 1 }],
    [[7], { begin: [-3], end: [100], strides: [1] }],
    [[3, 4], { begin: [0, 1], end: [0, 4], strides: [1, 2], beginMask: 1, endMask: 1 }],
    [[3, 4], { begin: [-1, 0], end: [0, 0], strides: [1, 1], shrinkAxisMask: 1, endMask: 2 }],
    [[2, 3, 4, 5], { begin: [0, 0, 1], end: [0, 0, 5], strides: [1, 1, 2], ellipsisMask: 2 }],
    [
      [2, 3, 4, 5],
      { begin: [0, 0, 2], end: [0, 0, 3], strides: [1, 1, 1], ellipsisMask: 1, newAxisMask: 2, shrinkAxisMask: 4 },
    ],
    [
      [2, 3, 4, 5],
      {
        begin: [1, 0, 0],
        end: [2, 0, 0],
        strides: [1, 1, 1],
        shrinkAxisMask: 1,
        newAxisMask: 4,
        beginMask: 2,
        endMask: 2,
      },
    ],
    [[2, 3], { begin: [0, 0], end: [2, 3], strides: [1, 1] }],
  ];
  suite(
    'StridedSlice',
    strided.map(([shape, attrs]) => ({
      kernel: 'StridedSlice' as const,
      inputs: { x: randomInput(shape) },
      attrs: { ...masks, ...attrs },
    })),
  );
  const concats: [number[][], number][] = [
    [[[2], [3]], 0],
    [
      [
        [2, 3],
        [2, 4],
      ],
      1,
    ],
    [
      [
        [2, 3],
        [1, 3],
        [4, 3],
      ],
      0,
    ],
    [
      [
        [2, 3, 4, 5],
        [2, 3, 4, 1],
      ],
      3,
    ],
    [
      [
        [2, 3, 4, 5],
        [2, 1, 4, 5],
      ],
      1,
    ],
    [
      [
        [2, 0],
        [2, 3],
      ],
      1,
    ],
  ];
  suite(
    'Concat',
    concats.flatMap(([list, axis]) =>
      (['float32', 'int32', 'bool'] as const).map((dtype) => ({
        kernel: 'Concat' as const,
        inputs: { list: list.map((s) => randomInput(s, dtype)) },
        attrs: { axis },
      })),
    ),
  );
  suite(
    'SplitV',
    [
      [[6], 3, 0],
      [[6], [1, 2, 3], 0],
      [[2, 6], 2, 1],
      [[2, 6], [2, -1], -1],
      [[2, 3, 4, 6], 3, 3],
      [[2, 3, 4, 6], 1, 3],
    ].map(([shape, numOrSizeSplits, axis]) => ({
      kernel: 'SplitV' as const,
      inputs: { x: randomInput(shape as number[]) },
      attrs: { numOrSizeSplits, axis },
    })),
  );
  const pads: [number[], [number, number][]][] = [
    [[4], [[1, 2]]],
    [
      [2, 3],
      [
        [0, 0],
        [1, 2],
      ],
    ],
    [
      [2, 3, 4, 5],
      [
        [0, 0],
        [1, 2],
        [2, 1],
        [0, 0],
      ],
    ],
    [
      [2, 3],
      [
        [0, 0],
        [0, 0],
      ],
    ],
  ];
  suite(
    'PadV2',
    pads.flatMap(([shape, paddings]) =>
      (['float32', 'int32', 'bool'] as const).map((dtype) => ({
        kernel: 'PadV2' as const,
        inputs: { x: randomInput(shape, dtype) },
        attrs: { paddings, constantValue: dtype === 'float32' ? 0.5 : 1 },
      })),
    ),
  );
  suite(
    'MirrorPad',
    pads.flatMap(([shape, paddings]) =>
      ['reflect', 'symmetric'].flatMap((mode) =>
        (['float32', 'int32'] as const).map((dtype) => ({
          kernel: 'MirrorPad' as const,
          inputs: { x: randomInput(shape, dtype) },
          attrs: { paddings, mode },
        })),
      ),
    ),
  );
  suite(
    'Tile',
    [
      [[3], [2]],
      [
        [2, 3],
        [2, 1],
      ],
      [
        [2, 1],
        [1, 4],
      ],
      [
        [2, 3, 4, 5],
        [1, 2, 2, 1],
      ],
      [
        [1, 3, 1, 5],
        [4, 1, 2, 1],
      ],
      [
        [2, 3],
        [1, 1],
      ],
    ].flatMap(([shape, reps]) =>
      (['float32', 'int32', 'bool'] as const).map((dtype) => ({
        kernel: 'Tile' as const,
        inputs: { x: randomInput(shape as number[], dtype) },
        attrs: { reps },
      })),
    ),
  );
  suite(
    'Pack',
    [
      [[3], 2, 0],
      [[3], 2, 1],
      [[2, 3], 3, 1],
      [[2, 3, 4], 2, 3],
      [[2, 3, 4], 2, 1],
      [[], 3, 0],
    ].map(([shape, n, axis]) => ({
      kernel: 'Pack' as const,
      inputs: { list: Array.from({ length: n as number }, () => randomInput(shape as number[])) },
      attrs: { axis },
    })),
  );
  suite(
    'Unpack',
    [
      [[3], 0],
      [[2, 3], 1],
      [[2, 3], -1],
      [[2, 3, 4, 5], 3],
      [[2, 3, 4, 5], 1],
    ].map(([shape, axis]) => ({
      kernel: 'Unpack' as const,
      inputs: { value: randomInput(shape as number[]) },
      attrs: { axis },
    })),
  );
  const gathers: [number[], number[], number, number][] = [
    [[5], [3], 0, 0],
    [[5, 4], [3], 1, 0],
    [[5, 4], [2, 3], 0, 0],
    [[2, 3, 4, 5], [6], 3, 0],
    [[2, 3, 4, 5], [2, 2], 1, 0],
    [[2, 3, 4], [], 1, 0],
    [[2, 3, 4], [2, 3], 1, 1],
    [[2, 3, 4], [2, 3], 2, 1],
    [[2, 3, 4, 5], [2, 3, 2], 2, 2],
    [[2, 3, 4, 5], [2, 2, 2], 3, 1],
    [[2, 3, 4], [2], 2, -1],
  ];
  suite(
    'GatherV2',
    gathers.flatMap(([shape, index, axis, batchDims]) =>
      (['float32', 'int32', 'bool'] as const).map((dtype) => ({
        kernel: 'GatherV2' as const,
        inputs: { x: randomInput(shape, dtype), indices: randomInput(index, 'int32', [0, (shape[axis] ?? 1) - 1]) },
        attrs: { axis, batchDims },
      })),
    ),
  );
  suite(
    'GatherNd',
    [
      [
        [4, 3],
        [2, 1],
      ],
      [
        [4, 3],
        [2, 2],
      ],
      [
        [3, 3, 3],
        [2, 2, 2],
      ],
      [[4], [1]],
    ].flatMap(([shape, index]) =>
      (['float32', 'int32'] as const).map((dtype) => ({
        kernel: 'GatherNd' as const,
        inputs: {
          params: randomInput(shape as number[], dtype),
          indices: randomInput(index as number[], 'int32', [0, 2]),
        },
      })),
    ),
  );
  suite(
    'ScatterNd',
    (['float32', 'int32'] as const).flatMap((dtype) => [
      {
        kernel: 'ScatterNd' as const,
        inputs: { indices: literal([4, 1], 'int32', [4, 3, 1, 4]), updates: randomInput([4], dtype) },
        attrs: { shape: [8] },
      },
      {
        kernel: 'ScatterNd' as const,
        inputs: { indices: literal([2, 1], 'int32', [0, 2]), updates: randomInput([2, 4, 4], dtype) },
        attrs: { shape: [4, 4, 4] },
      },
      {
        kernel: 'ScatterNd' as const,
        inputs: { indices: literal([3, 2], 'int32', [0, 1, 2, 2, 0, 1]), updates: randomInput([3], dtype) },
        attrs: { shape: [3, 3] },
      },
      {
        kernel: 'ScatterNd' as const,
        inputs: { indices: literal([3], 'int32', [2, 0, 2]), updates: randomInput([3, 2], dtype) },
        attrs: { shape: [3, 2] },
      },
    ]),
  );
  suite(
    'TensorScatterUpdate',
    (['float32', 'int32'] as const).flatMap((dtype) => [
      {
        kernel: 'TensorScatterUpdate' as const,
        inputs: {
          tensor: randomInput([8], dtype),
          indices: literal([3, 1], 'int32', [4, 3, 1]),
          updates: randomInput([3], dtype),
        },
      },
      {
        kernel: 'TensorScatterUpdate' as const,
        inputs: {
          tensor: randomInput([4, 4], dtype),
          indices: literal([2, 1], 'int32', [0, 2]),
          updates: randomInput([2, 4], dtype),
        },
      },
    ]),
  );
  suite('SparseToDense', [
    {
      kernel: 'SparseToDense',
      inputs: {
        sparseIndices: literal([3, 1], 'int32', [0, 3, 1]),
        sparseValues: randomInput([3]),
        defaultValue: literal([], 'float32', [0.5]),
      },
      attrs: { outputShape: [5] },
    },
    {
      kernel: 'SparseToDense',
      inputs: {
        sparseIndices: literal([2, 2], 'int32', [0, 1, 2, 2]),
        sparseValues: randomInput([2], 'int32'),
        defaultValue: literal([], 'int32', [7]),
      },
      attrs: { outputShape: [3, 3] },
    },
    {
      kernel: 'SparseToDense',
      inputs: {
        sparseIndices: literal([3], 'int32', [0, 3, 1]),
        sparseValues: literal([], 'float32', [2]),
        defaultValue: literal([], 'float32', [0]),
      },
      attrs: { outputShape: [5] },
    },
  ]);
  suite(
    'OneHot',
    [[], [4], [2, 3]].flatMap((shape) =>
      (['float32', 'int32', 'bool'] as const).flatMap((dtype) =>
        [
          [1, 0],
          [3, -2],
        ]
          .filter(([on]) => dtype !== 'bool' || on === 1)
          .map(([onValue, offValue]) => ({
            kernel: 'OneHot' as const,
            inputs: { indices: randomInput(shape, 'int32', [-2, 6]) },
            attrs: { depth: 5, onValue, offValue, dtype },
          })),
      ),
    ),
  );
  suite(
    'Reverse',
    [
      [[5], 0],
      [
        [2, 3],
        [0, 1],
      ],
      [[2, 3], -1],
      [
        [2, 3, 4, 5],
        [1, 2],
      ],
      [[2, 3], []],
      [[], []],
    ].map(([shape, dims]) => ({
      kernel: 'Reverse' as const,
      inputs: { x: randomInput(shape as number[]) },
      attrs: { dims },
    })),
  );
  suite('FlipLeftRight', [{ kernel: 'FlipLeftRight', inputs: { image: randomInput([2, 3, 4, 5]) } }]);
  suite(
    'DepthToSpace',
    (['float32', 'int32'] as const).flatMap((dtype) =>
      [
        [2, 3, 4, 8, 2],
        [1, 2, 2, 18, 3],
      ].map(([n = 1, h = 1, w = 1, c = 1, blockSize = 1]) => ({
        kernel: 'DepthToSpace' as const,
        inputs: { x: randomInput([n, h, w, c], dtype) },
        attrs: { blockSize, dataFormat: 'NHWC' },
      })),
    ),
  );
  suite(
    'SpaceToBatchND',
    [
      [
        [1, 4, 6, 2],
        [2, 3],
        [
          [0, 0],
          [0, 0],
        ],
      ],
      [
        [2, 3, 5, 2],
        [2, 3],
        [
          [1, 0],
          [0, 1],
        ],
      ],
      [[2, 6], [3], [[0, 0]]],
    ].map(([shape, blockShape, paddings]) => ({
      kernel: 'SpaceToBatchND' as const,
      inputs: { x: randomInput(shape as number[]) },
      attrs: { blockShape, paddings },
    })),
  );
  suite(
    'BatchToSpaceND',
    [
      [
        [6, 2, 2, 3],
        [2, 3],
        [
          [0, 0],
          [0, 0],
        ],
      ],
      [
        [12, 2, 3, 3],
        [2, 3],
        [
          [1, 0],
          [1, 2],
        ],
      ],
      [[6, 4], [3], [[1, 1]]],
    ].map(([shape, blockShape, crops]) => ({
      kernel: 'BatchToSpaceND' as const,
      inputs: { x: randomInput(shape as number[]) },
      attrs: { blockShape, crops },
    })),
  );
  suite('Diag', [
    { kernel: 'Diag', inputs: { x: randomInput([4]) } },
    { kernel: 'Diag', inputs: { x: randomInput([2, 3], 'int32') } },
  ]);
  suite('BroadcastArgs', [
    { kernel: 'BroadcastArgs', inputs: { s0: literal([3], 'int32', [2, 1, 4]), s1: literal([2], 'int32', [3, 1]) } },
  ]);
});

describe('creation', () => {
  suite(
    'Fill',
    (['float32', 'int32', 'bool'] as const).flatMap((dtype) =>
      [[], [3], [2, 3]].map((shape) => ({
        kernel: 'Fill' as const,
        inputs: {},
        attrs: { shape, value: dtype === 'float32' ? 1.5 : 1, dtype },
      })),
    ),
  );
  suite(
    'Range',
    [
      [0, 5, 1, 'float32'],
      [5, 0, 1, 'int32'],
      [0, 1, 0.1, 'float32'],
      [5, -5, -3, 'int32'],
      [2, 2, 1, 'float32'],
      [1, 5, -1, 'int32'],
    ].map(([start, stop, step, dtype]) => ({
      kernel: 'Range' as const,
      inputs: {},
      attrs: { start, stop, step, dtype },
    })),
  );
  suite(
    'LinSpace',
    [
      [0, 1, 5],
      [-1, 1, 7],
      [3, 3, 2],
    ].map(([start, stop, num]) => ({ kernel: 'LinSpace' as const, inputs: {}, attrs: { start, stop, num } })),
  );
  for (const kernel of ['OnesLike', 'ZerosLike'] as const) unary(kernel, [-3, 3], {}, ['float32', 'int32', 'bool']);
});

describe('kernels that tfjs has no cpu kernel for', () => {
  it('LogSoftmax', async () => {
    covered.add('LogSoftmax');
    const logits = randomInput([2, 3, 4]);
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
    ]) {
      const { results } = await lowered({
        kernel: 'LogSoftmax',
        inputs: { logits: { ...logits, order } },
        attrs: { axis: -1 },
      });
      expectClose(
        results[0]?.data ?? [],
        eager({
          kernel: 'Log',
          inputs: {
            x: {
              ...logits,
              data: Array.from(eager({ kernel: 'Softmax', inputs: { logits }, attrs: { dim: 2 } })[0]?.data ?? []),
            },
          },
        })[0]?.data ?? [],
        false,
        'LogSoftmax',
      );
    }
  });

  it('LogicalXor', async () => {
    covered.add('LogicalXor');
    const { results } = await lowered({
      kernel: 'LogicalXor',
      inputs: { a: literal([4], 'bool', [0, 0, 1, 1]), b: literal([4], 'bool', [0, 1, 0, 1]) },
    });
    expect(Array.from(results[0]?.data ?? [])).toEqual([0, 1, 1, 0]);
  });

  it('BroadcastTo', async () => {
    covered.add('BroadcastTo');
    const x = randomInput([3, 1]);
    const { results } = await lowered({
      kernel: 'BroadcastTo',
      inputs: { x: { ...x, order: [1, 0] } },
      attrs: { shape: [2, 3, 4] },
    });
    expectClose(
      results[0]?.data ?? [],
      eager({ kernel: 'Tile', inputs: { x: { ...x, shape: [1, 3, 1] } }, attrs: { reps: [2, 1, 4] } })[0]?.data ?? [],
      true,
      'BroadcastTo',
    );
  });
});

/** Shapes with a dynamic batch: the same checks, but sizes that depend on the batch are computed by the graph. */
describe('dynamic sizes', () => {
  const batch = (factor = 1, constant = 0): Size => ({ constant, terms: { batch: factor } });
  const two: Given = { ...randomInput([3, 4]), sizes: [batch(), 4] };
  const four: Given = { ...randomInput([3, 2, 4, 5]), sizes: [batch(), 2, 4, 5] };
  const cases: Case[] = [
    {
      kernel: 'Reshape',
      inputs: { x: four },
      attrs: { shape: [3, 40] },
      symbolic: { shape: [batch(), 40] },
      outputs: [[batch(), 40]],
    },
    {
      kernel: 'Reshape',
      inputs: { x: four },
      attrs: { shape: [6, 20] },
      symbolic: { shape: [batch(2), 20] },
      outputs: [[batch(2), 20]],
    },
    {
      kernel: 'Reshape',
      inputs: { x: four },
      attrs: { shape: [3, 8, 5] },
      symbolic: { shape: [batch(), 8, 5] },
      outputs: [[batch(), 8, 5]],
    },
    {
      kernel: 'Reshape',
      inputs: { x: two },
      attrs: { shape: [3, 1, 1, 4] },
      symbolic: { shape: [batch(), 1, 1, 4] },
      outputs: [[batch(), 1, 1, 4]],
    },
    {
      kernel: 'Reshape',
      inputs: { x: two },
      attrs: { shape: [12] },
      symbolic: { shape: [batch(4)] },
      outputs: [[batch(4)]],
    },
    {
      kernel: 'Slice',
      inputs: { x: four },
      attrs: { begin: [1, 0, 1, 0], size: [2, 2, 2, 5] },
      symbolic: { begin: [1, 0, 1, 0], size: [batch(1, -1), 2, 2, 5] },
      outputs: [[batch(1, -1), 2, 2, 5]],
    },
    {
      kernel: 'Slice',
      inputs: { x: two },
      attrs: { begin: [2, 0], size: [1, 4] },
      symbolic: { begin: [batch(1, -1), 0], size: [1, 4] },
      outputs: [[1, 4]],
    },
    {
      kernel: 'StridedSlice',
      inputs: { x: four },
      attrs: {
        begin: [0, 1],
        end: [0, 2],
        strides: [1, 1],
        beginMask: 1,
        endMask: 1,
        ellipsisMask: 0,
        newAxisMask: 0,
        shrinkAxisMask: 2,
      },
      outputs: [[batch(), 4, 5]],
    },
    {
      kernel: 'Tile',
      inputs: { x: randomInput([1, 4]), other: two },
      attrs: { reps: [3, 1] },
      symbolic: { reps: [batch(), 1] },
      outputs: [[batch(), 4]],
    },
    { kernel: 'Tile', inputs: { x: two }, attrs: { reps: [2, 2] }, outputs: [[batch(2), 8]] },
    {
      kernel: 'Fill',
      inputs: { other: two },
      attrs: { shape: [3, 2], value: 2.5, dtype: 'float32' },
      symbolic: { shape: [batch(), 2] },
      outputs: [[batch(), 2]],
    },
    {
      kernel: 'Range',
      inputs: { other: two },
      attrs: { start: 0, stop: 3, step: 1, dtype: 'int32' },
      symbolic: { stop: batch() },
      outputs: [[batch()]],
    },
    {
      kernel: 'Range',
      inputs: { other: two },
      attrs: { start: 1, stop: 7, step: 2, dtype: 'float32' },
      symbolic: { stop: batch(2, 1) },
      outputs: [[batch()]],
    },
    {
      kernel: 'LinSpace',
      inputs: { other: two },
      attrs: { start: 0, stop: 2, num: 3 },
      symbolic: { stop: batch(1, -1), num: batch() },
      outputs: [[batch()]],
    },
    { kernel: 'ZerosLike', inputs: { x: four }, outputs: [[batch(), 2, 4, 5]] },
    {
      kernel: 'PadV2',
      inputs: { x: two },
      attrs: {
        paddings: [
          [0, 3],
          [1, 0],
        ],
        constantValue: 0,
      },
      symbolic: {
        paddings: [
          [0, batch()],
          [1, 0],
        ],
      },
      outputs: [[batch(2), 5]],
    },
    {
      kernel: 'MirrorPad',
      inputs: { x: four },
      attrs: {
        paddings: [
          [0, 0],
          [0, 0],
          [2, 2],
          [0, 3],
        ],
        mode: 'symmetric',
      },
      outputs: [[batch(), 2, 8, 8]],
    },
    {
      kernel: 'SplitV',
      inputs: { x: { ...randomInput([6, 4]), sizes: [batch(2), 4] }, other: two },
      attrs: { numOrSizeSplits: [3, 3], axis: 0 },
      symbolic: { numOrSizeSplits: [batch(), batch()] },
      outputs: [
        [batch(), 4],
        [batch(), 4],
      ],
    },
    {
      kernel: 'Concat',
      inputs: { list: [two, { ...randomInput([3, 4]), sizes: [batch(), 4] }] },
      attrs: { axis: 0 },
      outputs: [[batch(2), 4]],
    },
    {
      kernel: 'OneHot',
      inputs: { indices: { ...randomInput([3], 'int32', [0, 4]), sizes: [batch()] } },
      attrs: { depth: 5, onValue: 1, offValue: 0, dtype: 'float32' },
      outputs: [[batch(), 5]],
    },
    {
      kernel: 'GatherV2',
      inputs: { x: randomInput([5, 4]), indices: { ...randomInput([3], 'int32', [0, 4]), sizes: [batch()] } },
      attrs: { axis: 0, batchDims: 0 },
      outputs: [[batch(), 4]],
    },
    {
      kernel: 'UnsortedSegmentSum',
      inputs: { x: two, segmentIds: { ...randomInput([3], 'int32', [0, 4]), sizes: [batch()] } },
      attrs: { numSegments: 5 },
      outputs: [[5, 4]],
    },
    {
      kernel: 'ScatterNd',
      inputs: { indices: literal([2, 1], 'int32', [0, 2]), updates: randomInput([2, 4]), other: two },
      attrs: { shape: [3, 4] },
      symbolic: { shape: [batch(), 4] },
      outputs: [[batch(), 4]],
    },
    {
      kernel: 'SpaceToBatchND',
      inputs: { x: { ...randomInput([3, 2, 4, 5]), sizes: [batch(), 2, 4, 5] } },
      attrs: {
        blockShape: [2, 2],
        paddings: [
          [0, 0],
          [0, 0],
        ],
      },
      outputs: [[batch(4), 1, 2, 5]],
    },
    {
      kernel: 'BatchToSpaceND',
      inputs: { x: { ...randomInput([12, 2, 2, 3]), sizes: [batch(4), 2, 2, 3] }, other: two },
      attrs: {
        blockShape: [2, 2],
        crops: [
          [0, 0],
          [0, 1],
        ],
      },
      outputs: [[batch(), 4, 3, 3]],
    },
    {
      kernel: 'DepthToSpace',
      inputs: { x: { ...randomInput([3, 2, 4, 8]), sizes: [batch(), 2, 4, 8] } },
      attrs: { blockSize: 2, dataFormat: 'NHWC' },
      outputs: [[batch(), 4, 8, 2]],
    },
    { kernel: 'Mean', inputs: { x: four }, attrs: { axis: [0, 1, 2], keepDims: false }, outputs: [[5]] },
    {
      kernel: 'Select',
      inputs: { condition: { ...randomInput([3, 4], 'bool'), sizes: [batch(), 4] }, t: two, e: two },
      outputs: [[batch(), 4]],
    },
  ];
  for (const test of cases) {
    it(`${test.kernel} ${JSON.stringify(test.attrs)}`, async () => {
      for (const variant of orders(test)) await check(variant);
    });
  }
});

it('every row of these families is checked above', () => {
  const rows = [
    unaryKernels,
    activationKernels,
    binaryKernels,
    reductionKernels,
    movementKernels,
    creationKernels,
  ].flatMap((table) => Object.keys(table));
  expect(rows.filter((kernel) => !covered.has(kernel))).toEqual([]);
});
