// Shapes of reductions, scans and counts.
import type { ProgramDType } from '../../program/program.js';
import { axesAttribute, axisAttribute, numberAttribute, summedType } from './attributes.js';
import type { ReductionKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { one } from './window.js';

/** Drops the reduced axes, or keeps them at size 1. `attribute` is the kernel's name for its axes. */
function reduce(kernel: string, dtypeOf: (x: ProgramDType) => ProgramDType, attribute = 'axis'): ShapeRule {
  return (inputs, attrs) => {
    const x = one(inputs, 'x', kernel);
    const axes = axesAttribute(attrs[attribute], x.shape);
    const shape =
      attrs['keepDims'] === true
        ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size))
        : x.shape.filter((_, i) => !axes.includes(i));
    return [{ shape, dtype: dtypeOf(x.dtype) }];
  };
}

function arg(kernel: string): ShapeRule {
  return (inputs, attrs) => {
    const x = one(inputs, 'x', kernel);
    const axis = axisAttribute(attrs['axis'], x.shape, kernel);
    return [{ shape: x.shape.filter((_, i) => i !== axis), dtype: 'int32' }];
  };
}

function scan(kernel: string): ShapeRule {
  return (inputs) => {
    const x = one(inputs, 'x', kernel);
    return [{ shape: [...x.shape], dtype: summedType(x.dtype) }];
  };
}

const TopK: ShapeRule<'TopK'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'TopK');
  const shape = [...x.shape.slice(0, -1), numberAttribute(attrs, 'k', 'TopK')];
  return [
    { shape, dtype: x.dtype },
    { shape: [...shape], dtype: 'int32' },
  ];
};

const Bincount: ShapeRule<'Bincount'> = (inputs, attrs) => [
  { shape: [numberAttribute(attrs, 'size', 'Bincount')], dtype: one(inputs, 'weights', 'Bincount').dtype },
];

const DenseBincount: ShapeRule<'DenseBincount'> = (inputs, attrs) => {
  const x = one(inputs, 'x', 'DenseBincount');
  if (x.shape.length !== 1 && x.shape.length !== 2)
    throw new Error(`DenseBincount: expected rank 1 or 2, got shape [${x.shape.join(', ')}]`);
  return [
    {
      shape: [...x.shape.slice(0, -1), numberAttribute(attrs, 'size', 'DenseBincount')],
      dtype: one(inputs, 'weights', 'DenseBincount').dtype,
    },
  ];
};

// tfjs multiplies by float masks, so the sum is float32 whatever x is.
const UnsortedSegmentSum: ShapeRule<'UnsortedSegmentSum'> = (inputs, attrs) => [
  {
    shape: [
      numberAttribute(attrs, 'numSegments', 'UnsortedSegmentSum'),
      ...one(inputs, 'x', 'UnsortedSegmentSum').shape.slice(1),
    ],
    dtype: 'float32',
  },
];

const same = (dtype: ProgramDType): ProgramDType => dtype;

/** Reduction kernels. */
export const reductionShapes: Record<ReductionKernel, ShapeRule> = {
  All: reduce('All', same),
  Any: reduce('Any', same),
  ArgMax: arg('ArgMax'),
  ArgMin: arg('ArgMin'),
  Bincount,
  Cumprod: scan('Cumprod'),
  Cumsum: scan('Cumsum'),
  DenseBincount,
  Max: reduce('Max', same, 'reductionIndices'),
  Mean: reduce('Mean', () => 'float32'),
  Min: reduce('Min', same),
  Prod: reduce('Prod', summedType),
  Sum: reduce('Sum', summedType),
  TopK,
  UnsortedSegmentSum,
};
