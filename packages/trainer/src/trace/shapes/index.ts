// The table of shape rules: what each tfjs kernel would return. It has a rule for every kernel name of tfjs-core.
import { convShapes } from './conv.js';
import { creationShapes } from './creation.js';
import { binaryShapes, unaryShapes } from './elementwise.js';
import { matmulShapes } from './matmul.js';
import { movementShapes } from './movement.js';
import type { KernelName } from '../../kernels/names.js';
import { rowOf } from '../../kernels/rows.js';
import { normShapes } from './norm.js';
import { otherShapes } from './other.js';
import { poolShapes } from './pool.js';
import { reductionShapes } from './reduction.js';
import { refusedShapes } from './refused.js';
import { resizeShapes } from './resize.js';
import type { ShapeRule } from './rule.js';
import { volumeShapes } from './volume.js';

export type { KernelName } from '../../kernels/names.js';

/** Kernel name → shape rule. */
export const SHAPE_RULES: Readonly<Record<KernelName, ShapeRule>> = {
  ...refusedShapes,
  ...unaryShapes,
  ...binaryShapes,
  ...reductionShapes,
  ...movementShapes,
  ...creationShapes,
  ...convShapes,
  ...poolShapes,
  ...matmulShapes,
  ...normShapes,
  ...resizeShapes,
  ...volumeShapes,
  ...otherShapes,
};

/** The rule of a kernel, or undefined for a kernel that is not tfjs's own. */
export function shapeRule(kernel: string): ShapeRule | undefined {
  return rowOf(SHAPE_RULES, kernel);
}
