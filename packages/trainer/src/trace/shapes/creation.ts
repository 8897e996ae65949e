// Shapes of kernels that create tensors from attributes only.
import { dtypeAttribute, numberAttribute } from './attributes.js';
import type { CreationKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { one, shapeAttribute } from './window.js';

const like =
  (kernel: string): ShapeRule =>
  (inputs) => {
    const x = one(inputs, 'x', kernel);
    return [{ shape: [...x.shape], dtype: x.dtype }];
  };

const Fill: ShapeRule<'Fill'> = (_inputs, attrs) => [
  { shape: shapeAttribute(attrs, 'shape', 'Fill'), dtype: dtypeAttribute(attrs['dtype'] ?? 'float32', 'Fill') },
];

const Range: ShapeRule<'Range'> = (_inputs, attrs) => [
  {
    shape: [
      rangeLength(
        numberAttribute(attrs, 'start', 'Range'),
        numberAttribute(attrs, 'stop', 'Range'),
        numberAttribute(attrs, 'step', 'Range'),
      ),
    ],
    dtype: dtypeAttribute(attrs['dtype'] ?? 'float32', 'Range'),
  },
];

/** Number of elements of tf.range, by tfjs's own rules (a descending range accepts the default step of 1). */
export function rangeLength(start: number, stop: number, step: number): number {
  if (start === stop || (start < stop && step < 0) || (stop < start && step > 1)) return 0;
  return Math.abs(Math.ceil((stop - start) / step));
}

const LinSpace: ShapeRule<'LinSpace'> = (_inputs, attrs) => [
  { shape: [numberAttribute(attrs, 'num', 'LinSpace')], dtype: 'float32' },
];

/** Creation kernels. */
export const creationShapes: Record<CreationKernel, ShapeRule> = {
  Fill,
  LinSpace,
  OnesLike: like('OnesLike'),
  Range,
  ZerosLike: like('ZerosLike'),
};
