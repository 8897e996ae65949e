// Shapes of normalisations: those of their first input.
import type { NormKernel } from '../../kernels/names.js';
import type { ShapeRule } from './rule.js';
import { one } from './window.js';

const like =
  (kernel: string): ShapeRule =>
  (inputs) => [{ shape: [...one(inputs, 'x', kernel).shape], dtype: 'float32' }];

/** Normalisation kernels. */
export const normShapes: Record<NormKernel, ShapeRule> = {
  FusedBatchNorm: like('FusedBatchNorm'),
  LRN: like('LRN'),
  LRNGrad: like('LRNGrad'),
};
