// Reading a kernel's inputs and attributes while tracing, checked as tfjs checks them.
import { util } from '@tensorflow/tfjs';
import type { AttrName, AttrsOf } from '../../kernels/attributes.js';
import type { KernelInputs, TensorMeta } from './rule.js';
import type { ProgramDType } from '../../program/program.js';

/**
 * All tensors of a variadic kernel, in order; tfjs passes an array, which arrives either keyed by index or as one list.
 */
export function tensorList(inputs: KernelInputs, kernel: string): [TensorMeta, ...TensorMeta[]] {
  const [first, ...rest] = Object.values(inputs)
    .flat()
    .filter((t): t is TensorMeta => t !== undefined);
  if (first === undefined) throw new Error(`${kernel}: expected at least one tensor, got none`);
  return [first, ...rest];
}

/** Non-negative axes of an attribute that is a number, a list, or null for all axes. Order and repeats are kept. */
export function axesAttribute(value: unknown, shape: readonly number[]): number[] {
  const axis =
    typeof value === 'number'
      ? value
      : Array.isArray(value)
        ? value.filter((v): v is number => typeof v === 'number')
        : undefined;
  return axis === undefined ? shape.map((_, i) => i) : util.parseAxisParam(axis, [...shape]);
}

/** One axis, non-negative. */
export function axisAttribute(value: unknown, shape: readonly number[], kernel: string): number {
  const [axis] = axesAttribute(typeof value === 'number' ? value : [], shape);
  if (axis === undefined) throw new Error(`${kernel}: expected an axis, got ${JSON.stringify(value)}`);
  return axis;
}

/** A number attribute. */
export function numberAttribute<K extends string>(attrs: AttrsOf<string>, name: AttrName<K>, kernel: K): number {
  const value = attrs[name];
  if (typeof value !== 'number')
    throw new Error(`${kernel}: expected a number as attribute ${name}, got ${JSON.stringify(value)}`);
  return value;
}

/** A list of numbers. */
export function numbersAttribute<K extends string>(attrs: AttrsOf<string>, name: AttrName<K>, kernel: K): number[] {
  const value = attrs[name];
  if (!isNumbers(value))
    throw new Error(`${kernel}: expected numbers as attribute ${name}, got ${JSON.stringify(value)}`);
  return [...value];
}

/** Pairs of numbers, one for each axis: paddings, crops. */
export function pairsAttribute<K extends string>(
  attrs: AttrsOf<string>,
  name: AttrName<K>,
  kernel: K,
): [number, number][] {
  const value = attrs[name];
  if (!Array.isArray(value))
    throw new Error(`${kernel}: expected pairs as attribute ${name}, got ${JSON.stringify(value)}`);
  return value.map((pair: unknown) => {
    if (!isNumbers(pair) || pair[0] === undefined || pair[1] === undefined)
      throw new Error(`${kernel}: expected pairs as attribute ${name}, got ${JSON.stringify(value)}`);
    return [pair[0], pair[1]];
  });
}

/** An element type that programs hold. */
export function dtypeAttribute(value: unknown, kernel: string): ProgramDType {
  if (value === 'float32' || value === 'int32' || value === 'bool') return value;
  throw new Error(`${kernel}: expected dtype float32, int32 or bool, got ${JSON.stringify(value)}`);
}

/** tfjs's type of a sum or product: bool counts as int32. */
export function summedType(dtype: ProgramDType): ProgramDType {
  return dtype === 'bool' ? 'int32' : dtype;
}

/** The type that tfjs upcasts to: float32 if any of the types is float32, else int32 if any is int32, else bool. */
export function upcast(...dtypes: readonly ProgramDType[]): ProgramDType {
  return dtypes.includes('float32') ? 'float32' : dtypes.includes('int32') ? 'int32' : 'bool';
}

/** The size of an axis. Throws if the shape has no such axis. */
export function at(shape: readonly number[], axis: number): number {
  const size = shape[axis];
  if (size === undefined) throw new RangeError(`axis ${axis} of shape [${shape.join(', ')}]`);
  return size;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((v) => typeof v === 'number');
}
