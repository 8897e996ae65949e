// Small cases of every operator of the vocabulary, for comparing inference with onnxruntime. The record is total: an
// operator without cases does not compile.
import type { DType } from '@forja/core';
import type { OpAttributes, OpName } from '@forja/core/onnx';

/** A graph input or, with `constant`, a constant. Without data, values are generated. */
export interface Operand {
  dtype: DType;
  shape: readonly number[];
  data?: readonly number[];
  constant?: boolean;
}

/** A call of an operator with attributes `A`. */
export interface OpCase<A = object> {
  inputs: readonly (Operand | undefined)[];
  attributes?: A;
  outputs?: number;
  /** Needs fixed sizes: with named ones the shape depends on data that the graph lacks. */
  fixed?: boolean;
  /** Slices beyond the size that is assumed for a named size. */
  clamped?: boolean;
}

const f = (...shape: number[]): Operand => ({ dtype: 'float32', shape });
const b = (...shape: number[]): Operand => ({ dtype: 'bool', shape });
const n = (dtype: DType, shape: readonly number[], data?: readonly number[]): Operand => ({
  dtype,
  shape,
  ...(data === undefined ? {} : { data }),
});
const k = (...data: number[]): Operand => ({ dtype: 'int64', shape: [data.length], data, constant: true });
const s = (value: number, dtype: DType = 'int64'): Operand => ({ dtype, shape: [], data: [value], constant: true });
const floats = (...data: number[]): Operand => ({ dtype: 'float32', shape: [data.length], data, constant: true });

const unary: OpCase<OpAttributes['Abs']>[] = [
  { inputs: [f()] },
  { inputs: [f(3)] },
  { inputs: [f(2, 1, 4)] },
  { inputs: [f(0, 3)] },
];
const pairs: (readonly [Operand, Operand])[] = [
  [f(2, 3), f(2, 3)],
  [f(2, 3), f(3)],
  [f(), f(2, 3)],
  [f(4, 1, 3), f(5, 1)],
  [f(1), f()],
  [f(2, 1, 5), f(1, 3, 1)],
  [f(1), f(0)],
];
const binary: OpCase<OpAttributes['Add']>[] = pairs.map((inputs) => ({ inputs }));
const integers: OpCase<OpAttributes['Add']>[] = [
  { inputs: [n('int64', [2, 3]), n('int64', [3], [1, 2, 3])] },
  { inputs: [n('int32', [2, 1]), n('int32', [4], [1, 1, 1, 1])] },
];
const logic: OpCase<OpAttributes['And']>[] = pairs.map(([x, y]) => ({ inputs: [b(...x.shape), b(...y.shape)] }));
const variadic: OpCase<OpAttributes['Max']>[] = [
  ...binary,
  { inputs: [f(2, 3)] },
  { inputs: [f(3), f(2, 1), f(4, 1, 1)] },
];
const bits: OpCase<OpAttributes['BitwiseAnd']>[] = [
  { inputs: [n('int32', [2, 3]), n('int32', [3])] },
  { inputs: [n('uint8', [2, 1]), n('uint8', [1, 4])] },
];
const axis: OpCase<OpAttributes['Softmax']>[] = [
  { inputs: [f(2, 3)] },
  { inputs: [f(2, 3, 4)], attributes: { axis: 1 } },
  { inputs: [f(2, 3, 4)], attributes: { axis: -3 } },
];

const reductions: OpCase<OpAttributes['ReduceSum']>[] = [
  { inputs: [f(2, 3, 4)] },
  { inputs: [f(2, 3, 4)], attributes: { keepdims: 0 } },
  { inputs: [f(2, 3, 4), k(1)] },
  { inputs: [f(2, 3, 4), k(-1, 0)], attributes: { keepdims: 0 } },
  { inputs: [f(2, 3, 4), k(0, 1, 2)], attributes: { keepdims: 0 } },
  { inputs: [f(5), k(-1)], attributes: { keepdims: 1 } },
  { inputs: [f()], attributes: { keepdims: 0 } },
  { inputs: [f(2, 3)], attributes: { noop_with_empty_axes: 1 } },
  { inputs: [f(2, 3), { ...k(), constant: true }], attributes: { keepdims: 0 } },
  { inputs: [n('int32', [2, 3]), k(1)] },
];
const args: OpCase<OpAttributes['ArgMax']>[] = [
  { inputs: [f(2, 3, 4)] },
  { inputs: [f(2, 3, 4)], attributes: { axis: -1, keepdims: 0 } },
  { inputs: [f(2, 3, 4)], attributes: { axis: 1, keepdims: 1, select_last_index: 1 } },
  { inputs: [f(4)], attributes: { keepdims: 0 } },
];

type WindowAttributes = NonNullable<OpAttributes['MaxPool']>;
/**
 * Windows over one, two and three axes; every combination of size, kernel, stride, pads and rounding that runtimes
 * accept.
 */
function pools(ceil: readonly (0 | 1)[]): { size: number[]; attributes: WindowAttributes }[] {
  const cases: { size: number[]; attributes: WindowAttributes }[] = [
    { size: [9], attributes: { kernel_shape: [3], strides: [2], pads: [0, 1] } },
    { size: [5, 6, 7], attributes: { kernel_shape: [2, 3, 2], strides: [1, 2, 3] } },
  ];
  for (const ceil_mode of ceil)
    for (const size of [5, 6, 7, 8])
      for (const kernel of [2, 3])
        for (const stride of [1, 2, 3]) {
          for (const pads of [
            [0, 0],
            [1, 1],
            [0, 1],
          ] as const) {
            cases.push({
              size: [size, size + 1],
              attributes: {
                kernel_shape: [kernel, 2],
                strides: [stride, 2],
                pads: [pads[0], 0, pads[1], 1],
                ceil_mode,
              },
            });
          }
        }
  for (const auto_pad of ['SAME_UPPER', 'SAME_LOWER', 'VALID'] as const)
    for (const size of [5, 6])
      for (const stride of [1, 2, 3]) {
        cases.push({ size: [size, 7], attributes: { kernel_shape: [3, 2], strides: [stride, 1], auto_pad } });
      }
  return cases;
}
const pooled = pools([0, 1]).map(({ size, attributes }) => ({ inputs: [f(2, 3, ...size)], attributes }));

function convs(): OpCase<OpAttributes['Conv']>[] {
  const cases: OpCase<OpAttributes['Conv']>[] = [
    { inputs: [f(2, 4, 6, 6), f(6, 2, 3, 3), f(6)], attributes: { group: 2 } },
    { inputs: [f(1, 3, 8), f(5, 3, 4)] },
    { inputs: [f(1, 2, 4, 5, 6), f(3, 2, 2, 2, 2)], attributes: { strides: [1, 2, 2] } },
    {
      inputs: [f(2, 3, 7, 8), f(4, 3, 3, 2)],
      attributes: { kernel_shape: [3, 2], dilations: [2, 3], strides: [1, 2], pads: [1, 0, 2, 1] },
    },
    { inputs: [f(0, 3, 5, 5), f(4, 3, 3, 3)] },
  ];
  for (const { size, attributes } of pools([0])) {
    const { ceil_mode: _, ...rest } = attributes;
    cases.push({ inputs: [f(2, 3, ...size), f(4, 3, ...(attributes.kernel_shape ?? []))], attributes: rest });
  }
  return cases;
}

function transposedConvs(): OpCase<OpAttributes['ConvTranspose']>[] {
  const cases: OpCase<OpAttributes['ConvTranspose']>[] = [
    { inputs: [f(2, 3, 4, 4), f(3, 5, 4, 4), f(5)], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
    { inputs: [f(2, 4, 5), f(4, 3, 3)], attributes: { group: 2 } },
    {
      inputs: [f(1, 3, 4, 5), f(3, 2, 3, 3)],
      attributes: { strides: [2, 3], output_padding: [1, 2], dilations: [2, 1] },
    },
    { inputs: [f(1, 3, 4, 5), f(3, 2, 3, 3)], attributes: { strides: [2, 2], output_shape: [8, 10] } },
    {
      inputs: [f(1, 3, 4, 5), f(3, 2, 3, 3)],
      attributes: { strides: [3, 2], output_shape: [10, 9], auto_pad: 'SAME_LOWER' },
    },
  ];
  for (const auto_pad of ['SAME_UPPER', 'SAME_LOWER', 'VALID'] as const)
    for (const size of [3, 4])
      for (const stride of [1, 2, 3])
        for (const kernel of [1, 2, 3, 5]) {
          cases.push({
            inputs: [f(1, 2, size, size + 1), f(2, 3, kernel, 3)],
            attributes: { strides: [stride, 2], auto_pad },
          });
        }
  for (const size of [3, 4])
    for (const stride of [1, 2, 3])
      for (const kernel of [2, 3, 4])
        for (const pads of [
          [0, 0],
          [1, 0],
          [1, 1],
        ] as const) {
          cases.push({
            inputs: [f(1, 2, size, size), f(2, 3, kernel, kernel)],
            attributes: { strides: [stride, stride], pads: [pads[0], 0, pads[1], 1], kernel_shape: [kernel, kernel] },
          });
        }
  return cases;
}

const slices: OpCase<OpAttributes['Slice']>[] = [
  { inputs: [f(5, 6), k(1), k(4)] },
  { inputs: [f(5, 6), k(1, -3), k(100, -1), k(0, 1)] },
  { inputs: [f(5, 6), k(-1), k(-1000), k(-1), k(-1)], clamped: true },
  { inputs: [f(5, 6), k(2 ** 31 - 1), k(-(2 ** 31 - 1)), k(0), k(-2)] },
  { inputs: [f(5, 6), k(0), k(2 ** 31 - 1), k(1), k(2)] },
  { inputs: [f(5, 6), k(4), k(1), k(0), k(-2)] },
  { inputs: [f(5, 6), k(3), k(2), k(0)] },
  { inputs: [f(5, 6), k(0, 0), k(-1, -2)] },
  { inputs: [f(5, 6), k(-4), k(5), k(1), k(3)] },
  { inputs: [f(5), k(-100), k(3)], clamped: true },
  { inputs: [f(7), k(-2), k(-100), k(0), k(-3)], clamped: true },
  { inputs: [f(0, 3), k(0), k(2)] },
];

const resizes: OpCase<OpAttributes['Resize']>[] = [
  { inputs: [f(1, 2, 3, 4), undefined, floats(1, 1, 2, 2)], attributes: { mode: 'nearest' } },
  { inputs: [f(1, 2, 3, 4), undefined, floats(1, 1, 1.5, 0.5)], attributes: { mode: 'linear' } },
  {
    inputs: [f(1, 2, 3, 4), undefined, floats(1, 1, 0.6, 2.7)],
    attributes: { mode: 'linear', coordinate_transformation_mode: 'asymmetric' },
  },
  { inputs: [f(1, 2, 3, 4), undefined, undefined, k(1, 2, 7, 5)], attributes: { mode: 'cubic' } },
  { inputs: [f(1, 2, 3, 4), undefined, floats(3, 2), undefined], attributes: { axes: [-1, -2] } },
  { inputs: [f(1, 2, 3, 4), undefined, undefined, k(9)], attributes: { axes: [2], mode: 'linear' } },
  { inputs: [f(1, 1, 10, 10), undefined, floats(1, 1, 0.1, 0.7)] },
];

/** Cases by operator. */
export const OP_CASES: { readonly [K in OpName]: readonly OpCase<OpAttributes[K]>[] } = {
  Abs: [...unary, { inputs: [n('int64', [3], [-1, 2, 3])] }],
  Acos: unary,
  Acosh: unary,
  Asin: unary,
  Asinh: unary,
  Atan: unary,
  Atanh: unary,
  Ceil: unary,
  Cos: unary,
  Cosh: unary,
  Erf: unary,
  Exp: unary,
  Floor: unary,
  Identity: [...unary, { inputs: [b(2)] }, { inputs: [n('int8', [2])] }],
  IsInf: [...unary, { inputs: [f(2)], attributes: { detect_negative: 0 } }],
  IsNaN: unary,
  Log: unary,
  Neg: [...unary, { inputs: [n('int32', [3])] }],
  Not: [{ inputs: [b(2, 3)] }, { inputs: [b()] }],
  Reciprocal: unary,
  Round: unary,
  Sign: [...unary, { inputs: [n('int32', [3])] }],
  Sin: unary,
  Sinh: unary,
  Sqrt: unary,
  Tan: unary,
  Tanh: unary,
  Cast: [1, 2, 3, 6, 7, 9, 10].flatMap((to) => [
    { inputs: [f(2, 3)], attributes: { to } },
    { inputs: [n('int64', [], [1])], attributes: { to } },
    { inputs: [b(2)], attributes: { to } },
  ]),
  Celu: unary,
  Elu: unary,
  Gelu: [...unary, { inputs: [f(2)], attributes: { approximate: 'tanh' } }],
  HardSigmoid: unary,
  LeakyRelu: unary,
  LogSoftmax: axis,
  Mish: unary,
  PRelu: [
    { inputs: [f(2, 3, 4), f(3, 1)] },
    { inputs: [f(2, 3), f(2, 3)] },
    { inputs: [f(2, 3), f()] },
    { inputs: [f(2, 3), f(1)] },
  ],
  Relu: [...unary, { inputs: [n('int32', [3])] }],
  Selu: unary,
  Sigmoid: unary,
  Softmax: axis,
  Softplus: unary,
  Softsign: unary,
  Add: [...binary, ...integers],
  And: logic,
  Clip: [
    { inputs: [f(2, 3)] },
    { inputs: [f(2, 3), s(0, 'float32')] },
    { inputs: [f(2, 3), undefined, f()] },
    { inputs: [n('int32', [3]), s(0, 'int32'), s(6, 'int32')] },
  ],
  Div: [...binary, ...integers],
  Equal: [...binary, ...integers, ...logic],
  Greater: [...binary, ...integers],
  GreaterOrEqual: [...binary, ...integers],
  Less: [...binary, ...integers],
  LessOrEqual: [...binary, ...integers],
  Max: [...variadic, ...integers],
  Min: [...variadic, ...integers],
  Mod: [...binary.map((c) => ({ ...c, attributes: { fmod: 1 as const } })), ...integers],
  Mul: [...binary, ...integers],
  Or: logic,
  Pow: [...binary, { inputs: [f(2, 3), n('int32', [3])] }, { inputs: [n('int32', [2]), f(4, 1)] }],
  Sub: [...binary, ...integers],
  Sum: variadic,
  Where: [
    { inputs: [b(2, 3), f(2, 3), f(2, 3)] },
    { inputs: [b(3), f(2, 1), f()] },
    { inputs: [b(4, 1, 1), f(5, 1), f(3)] },
    { inputs: [b(2), n('int64', [2]), n('int64', [])] },
    { inputs: [b(), n('int32', []), n('int32', [])] },
  ],
  Xor: logic,
  BitwiseAnd: bits,
  BitwiseOr: bits,
  BitwiseXor: bits,
  ArgMax: args,
  ArgMin: args,
  CumSum: [
    { inputs: [f(2, 3), s(1)] },
    { inputs: [f(2, 3), s(-2)], attributes: { exclusive: 1, reverse: 1 } },
    { inputs: [n('int32', [4]), s(0)] },
  ],
  ReduceL2: reductions,
  ReduceLogSumExp: reductions,
  ReduceMax: reductions,
  ReduceMean: reductions,
  ReduceMin: reductions,
  ReduceProd: reductions,
  ReduceSum: reductions,
  ReduceSumSquare: reductions,
  TopK: [
    { inputs: [f(2, 5), k(3)], outputs: 2 },
    { inputs: [f(4, 5), k(2)], attributes: { axis: 0, largest: 0 }, outputs: 2 },
    { inputs: [n('int64', [6]), k(6)], attributes: { axis: -1 }, outputs: 2 },
    { inputs: [f(2, 5), k(0)], outputs: 2 },
  ],
  Conv: convs(),
  ConvTranspose: transposedConvs(),
  Einsum: [
    { inputs: [f(2, 3), f(3, 4)], attributes: { equation: 'ij,jk->ik' } },
    { inputs: [f(2, 3), f(3, 4)], attributes: { equation: 'ij, jk' } },
    { inputs: [f(5, 2, 3), f(5, 3, 4)], attributes: { equation: 'bij,bjk->bik' } },
    { inputs: [f(5, 2, 3), f(3, 4)], attributes: { equation: '...ij,jk->...ik' } },
    { inputs: [f(3, 3)], attributes: { equation: 'ii->i' } },
    { inputs: [f(2, 3)], attributes: { equation: 'ij->ji' } },
    { inputs: [f(2, 3)], attributes: { equation: 'ba' } },
    { inputs: [f(2), f(3)], attributes: { equation: 'i,j->ij' } },
    { inputs: [f(4), f(4)], attributes: { equation: 'i,i->' } },
    { inputs: [f(6, 5, 2, 3), f(1, 5, 3, 4)], attributes: { equation: '...ij,...jk->...ik' } },
    { inputs: [f(2, 3, 4), f(2, 5, 4)], attributes: { equation: 'abc,adc->abd' } },
  ],
  Gemm: [
    { inputs: [f(2, 3), f(3, 4)] },
    { inputs: [f(3, 2), f(4, 3), f(4)], attributes: { transA: 1, transB: 1, alpha: 2, beta: 0.5 } },
    { inputs: [f(2, 3), f(3, 4), f(2, 1)] },
    { inputs: [f(2, 3), f(3, 4), f()] },
    { inputs: [f(2, 3), f(3, 4), f(1, 4)] },
    { inputs: [f(0, 3), f(3, 4)] },
  ],
  MatMul: [
    { inputs: [f(2, 3), f(3, 4)] },
    { inputs: [f(3), f(3, 4)] },
    { inputs: [f(2, 3), f(3)] },
    { inputs: [f(3), f(3)] },
    { inputs: [f(5, 2, 3), f(3, 4)] },
    { inputs: [f(5, 1, 2, 3), f(6, 3, 4)] },
    { inputs: [f(3), f(5, 3, 4)] },
    { inputs: [f(5, 2, 3), f(3)] },
    { inputs: [n('int32', [2, 3]), n('int32', [3, 2])] },
  ],
  AveragePool: [
    ...pooled,
    { inputs: [f(1, 1, 9, 9)], attributes: { kernel_shape: [3, 3], dilations: [2, 2] } },
    { inputs: [f(1, 1, 4, 4)], attributes: { kernel_shape: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 } },
  ],
  BatchNormalization: [
    { inputs: [f(2, 3, 4, 4), f(3), f(3), f(3), f(3)] },
    { inputs: [f(2, 3), f(3), f(3), f(3), f(3)], attributes: { epsilon: 1e-3 } },
    { inputs: [f(2, 3, 4), f(3), f(3), f(3), f(3)], attributes: { training_mode: 1, momentum: 0.8 }, outputs: 3 },
  ],
  GlobalAveragePool: [{ inputs: [f(2, 3, 4, 5)] }, { inputs: [f(2, 3, 4)] }],
  GlobalMaxPool: [{ inputs: [f(2, 3, 4, 5)] }, { inputs: [f(2, 3, 4, 5, 6)] }],
  InstanceNormalization: [
    { inputs: [f(2, 3, 4, 5), f(3), f(3)] },
    { inputs: [f(2, 3, 4), f(3), f(3)], attributes: { epsilon: 1e-3 } },
  ],
  LayerNormalization: [
    { inputs: [f(2, 3, 4), f(4)] },
    { inputs: [f(2, 3, 4), f(3, 4), f(3, 4)], attributes: { axis: 1 }, outputs: 3 },
    { inputs: [f(2, 3, 4), f(4), f(4)], attributes: { axis: -1, epsilon: 1e-3 }, outputs: 3 },
  ],
  MaxPool: [
    ...pooled,
    { inputs: [f(1, 1, 9, 9)], attributes: { kernel_shape: [3, 3], dilations: [2, 3] }, outputs: 2 },
    { inputs: [n('int8', [1, 1, 4, 4])], attributes: { kernel_shape: [2, 2] } },
  ],
  Concat: [
    { inputs: [f(2, 3), f(4, 3)], attributes: { axis: 0 } },
    { inputs: [f(2, 3), f(2, 1), f(2, 5)], attributes: { axis: -1 } },
    { inputs: [n('int64', [2]), k(1, 2)], attributes: { axis: 0 } },
    { inputs: [f(2, 0), f(2, 3)], attributes: { axis: 1 } },
    { inputs: [b(2)], attributes: { axis: 0 } },
  ],
  ConstantOfShape: [
    { inputs: [k(2, 3)] },
    { inputs: [k()] },
    { inputs: [k(0, 4)] },
    { inputs: [n('int64', [2], [3, 1])], fixed: true },
  ],
  DepthToSpace: [
    { inputs: [f(2, 8, 3, 5)], attributes: { blocksize: 2 } },
    { inputs: [f(2, 18, 3, 5)], attributes: { blocksize: 3, mode: 'CRD' } },
  ],
  Expand: [
    { inputs: [f(2, 1), k(3)] },
    { inputs: [f(2, 1), k(4, 1, 3)] },
    { inputs: [f(), k(2, 3)] },
    { inputs: [f(2, 3), k(1)] },
    { inputs: [n('int64', [1]), k(3)] },
    { inputs: [f(3, 1), n('int64', [2], [1, 4])], fixed: true },
    { inputs: [f(2, 1), k(0)] },
  ],
  Flatten: [
    { inputs: [f(2, 3, 4)] },
    { inputs: [f(2, 3, 4)], attributes: { axis: 0 } },
    { inputs: [f(2, 3, 4)], attributes: { axis: -1 } },
    { inputs: [f(2, 3, 4)], attributes: { axis: 3 } },
  ],
  Gather: [
    { inputs: [f(4, 3), n('int64', [2], [0, 3])] },
    { inputs: [f(4, 3), n('int32', [2, 2], [0, 1, 2, 0])], attributes: { axis: -1 } },
    { inputs: [f(4, 3), s(-1)] },
    { inputs: [n('int64', [4]), k(1, 2)] },
    { inputs: [f(4, 3), n('int64', [0])], attributes: { axis: 1 } },
  ],
  GatherElements: [
    { inputs: [f(4, 3), n('int64', [2, 3])] },
    { inputs: [f(4, 3), n('int64', [4, 5])], attributes: { axis: -1 } },
  ],
  GatherND: [
    { inputs: [f(4, 3, 2), n('int64', [5, 2])], fixed: true },
    { inputs: [f(4, 3, 2), n('int64', [1])] },
    { inputs: [f(4, 3, 2), n('int64', [4, 1])], attributes: { batch_dims: 1 } },
    { inputs: [f(4, 3), n('int64', [5, 6, 2])], fixed: true },
  ],
  OneHot: [
    { inputs: [n('int64', [3]), s(5), f(2)] },
    { inputs: [n('int64', [3, 4]), s(5), n('int64', [2])], attributes: { axis: 0 } },
    { inputs: [n('int64', [3]), k(5), f(2)], attributes: { axis: -2 } },
    { inputs: [n('int32', [1]), s(4, 'int32'), f(2)] },
  ],
  Pad: [
    { inputs: [f(2, 3), k(1, 0, 0, 2)] },
    { inputs: [f(4, 3), k(0, -1, 0, -1), s(7, 'float32')] },
    { inputs: [f(4, 5), k(1, 2, 1, 0)], attributes: { mode: 'reflect' } },
    { inputs: [f(4, 5), k(1, 2), undefined, k(-1)], attributes: { mode: 'edge' } },
    { inputs: [f(4, 5), k(1, 2, 1, 0)], attributes: { mode: 'wrap' } },
    { inputs: [n('int32', [3]), k(1, 1), s(1, 'int32')] },
  ],
  Range: [
    { inputs: [s(0), s(5), s(1)] },
    { inputs: [s(5), s(0), s(-2)] },
    { inputs: [s(0, 'float32'), s(1, 'float32'), s(0.3, 'float32')] },
    { inputs: [s(3, 'int32'), s(3, 'int32'), s(1, 'int32')] },
    { inputs: [s(0, 'float32'), s(1, 'float32'), s(0.1, 'float32')] },
    { inputs: [s(0), n('int64', [], [4]), s(1)] },
  ],
  Reshape: [
    { inputs: [f(2, 3, 4), k(6, 4)] },
    { inputs: [f(2, 3, 4), k(0, -1)] },
    { inputs: [f(2, 3, 4), k(-1)] },
    { inputs: [f(2, 3, 4), k(0, 0, 2, -1)] },
    { inputs: [f(), k(1, 1)] },
    { inputs: [f(1), k()] },
    { inputs: [f(0, 3), k(3, 0)], attributes: { allowzero: 1 } },
    { inputs: [f(2, 3), n('int64', [2], [3, 2])], fixed: true },
    { inputs: [f(5, 6, 7), k(-1, 7)] },
  ],
  Resize: resizes,
  ReverseSequence: [
    { inputs: [f(4, 3, 2), n('int64', [3], [1, 2, 3])] },
    { inputs: [f(3, 4), n('int64', [3], [1, 2, 3])], attributes: { batch_axis: 0, time_axis: 1 } },
  ],
  ScatterElements: [
    { inputs: [f(4, 3), n('int64', [2, 3]), f(2, 3)] },
    { inputs: [f(4, 3), n('int64', [4, 1]), f(4, 1)], attributes: { axis: 1, reduction: 'add' } },
  ],
  ScatterND: [
    { inputs: [f(4, 3), n('int64', [2, 1]), f(2, 3)] },
    { inputs: [n('int64', [5]), n('int64', [2, 1]), n('int64', [2])], attributes: { reduction: 'max' } },
  ],
  Shape: [
    { inputs: [f(2, 3, 4)] },
    { inputs: [f(2, 3, 4)], attributes: { start: 1 } },
    { inputs: [f(2, 3, 4)], attributes: { start: -1 } },
    { inputs: [f(2, 3, 4)], attributes: { end: -1 } },
    { inputs: [f()] },
    { inputs: [f(2, 3)], attributes: { start: 5 } },
  ],
  Size: [{ inputs: [f(2, 3)] }, { inputs: [f()] }],
  Slice: slices,
  SpaceToDepth: [{ inputs: [f(2, 3, 4, 6)], attributes: { blocksize: 2 } }],
  Split: [
    { inputs: [f(6, 2)], outputs: 3 },
    { inputs: [f(7, 2)], outputs: 3 },
    { inputs: [f(2, 7), k(1, 2, 4)], attributes: { axis: -1 }, outputs: 3 },
    { inputs: [f(4, 2), k(4, 0)], outputs: 2 },
    { inputs: [n('int64', [4])], outputs: 1 },
    { inputs: [f(9)], attributes: { axis: 0, num_outputs: 4 }, outputs: 4, clamped: true },
  ],
  Squeeze: [
    { inputs: [f(1, 3, 1)], fixed: true },
    { inputs: [f(1, 3, 1), k(-1)] },
    { inputs: [f(1, 3, 1), k(0, 2)] },
    { inputs: [f(1), k(0)] },
    { inputs: [n('int64', [1])] },
  ],
  Tile: [{ inputs: [f(2, 3), k(2, 1)] }, { inputs: [f(2), n('int64', [1], [3])] }, { inputs: [f(2, 3), k(0, 2)] }],
  Transpose: [
    { inputs: [f(2, 3, 4)] },
    { inputs: [f(2, 3, 4)], attributes: { perm: [1, 2, 0] } },
    { inputs: [f()] },
    { inputs: [b(2, 3)] },
  ],
  Trilu: [{ inputs: [f(3, 4)] }, { inputs: [f(2, 3, 4), s(1)], attributes: { upper: 0 } }],
  Unsqueeze: [
    { inputs: [f(2, 3), k(0)] },
    { inputs: [f(2, 3), k(-1, 1)] },
    { inputs: [f(), k(0)] },
    { inputs: [f(2), k(3, 0, 1)] },
  ],
};
