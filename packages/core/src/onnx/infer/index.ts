// Type and shape inference: a table with a rule for every operator of ops.ts.
import type { OpName } from '../ops.js';
import { elementwise } from './elementwise.js';
import type { Rule } from './fact.js';
import { matmul } from './matmul.js';
import { movement } from './movement.js';
import { norm } from './norm.js';
import { reduction } from './reduction.js';
import { reshape } from './reshape.js';
import { window } from './window.js';

/** The rule of each operator. A missing row does not compile. */
export const INFERENCE: Readonly<Record<OpName, Rule>> = {
  ...elementwise,
  ...matmul,
  ...movement,
  ...norm,
  ...reduction,
  ...reshape,
  ...window,
};

export { TRACKED } from './fact.js';
export type { AttributeValue, Fact, InferNode, Rule } from './fact.js';
