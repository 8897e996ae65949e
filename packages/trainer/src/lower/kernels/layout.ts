// Shared by element-wise, reduction and movement rows: physical orders, casts, and attributes that may be symbolic.
import type { DType } from '@forja/core';
import type { Value } from '@forja/core/onnx';
import { isStatic, type ProgramDType, type Size } from '../../program/program.js';
import type { AttrName } from '../../kernels/attributes.js';
import type { BoundCall, Logical, LowerContext, Perm } from '../contract.js';

/** Codes of ONNX element types for Cast (TensorProto.DataType). */
const TYPE_CODE: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** Logical order. */
export function identity(rank: number): Perm {
  return Array.from({ length: rank }, (_, i) => i);
}

/** The order that a value is stored in; logical order if it is not stored yet. */
export function orderOf(value: Logical, ctx: LowerContext): Perm {
  return ctx.layoutOf(value) ?? identity(value.rank);
}

/** Sizes of logical axes, in physical order. */
export function physical(shape: readonly Size[], perm: Perm): Size[] {
  return perm.map((axis) => sizeAt(shape, axis));
}

/** The size of an axis; throws if there is no such axis. */
export function sizeAt(shape: readonly Size[], axis: number): Size {
  const size = shape[axis];
  if (size === undefined) throw new RangeError(`axis ${axis} of rank ${shape.length}`);
  return size;
}

/** The order without the dropped logical axes, renumbered. */
export function without(perm: Perm, dropped: readonly number[]): Perm {
  const kept = [...perm].filter((axis) => !dropped.includes(axis));
  const sorted = [...kept].sort((a, b) => a - b);
  return kept.map((axis) => sorted.indexOf(axis));
}

/** The order with a new logical axis, stored just before the axis that follows it logically, and its position. */
export function withAxis(perm: Perm, axis: number): { perm: Perm; position: number } {
  const next = perm.indexOf(axis);
  const position = next === -1 ? perm.length : next;
  const renumbered = perm.map((a) => (a >= axis ? a + 1 : a));
  return { perm: [...renumbered.slice(0, position), axis, ...renumbered.slice(position)], position };
}

/** The value cast to an element type; emits nothing if it has that type. */
export function as(value: Value, dtype: DType, ctx: LowerContext): Value {
  if (value.dtype === dtype) return value;
  const given = value.dtype === 'float32' && dtype === 'int32' ? finite(value, ctx) : value;
  return ctx.op('Cast', [given], { to: TYPE_CODE[dtype] });
}

/**
 * Floats with 0 in place of those that no int32 can hold. For NaN and infinity, tfjs's integers are 0 too; a runtime's
 * are any.
 */
function finite(value: Value, ctx: LowerContext): Value {
  const held = ctx.op('LessOrEqual', [ctx.op('Abs', [value]), ctx.scalar(2 ** 31)]);
  return ctx.op('Where', [held, value, ctx.scalar(0)]);
}

/** A scalar of any type. */
export function scalar(value: number, dtype: DType, ctx: LowerContext): Value {
  return dtype === 'float32' ? ctx.scalar(value) : ctx.constant(dtype, [], [value]);
}

/** The type that tfjs upcasts to: float32 if any value is float32, else int32 if any is int32, else bool. */
export function upcast(values: readonly Logical[]): ProgramDType {
  const types = values.map((v) => v.dtype);
  return types.includes('float32') ? 'float32' : types.includes('int32') ? 'int32' : 'bool';
}

/** The type to compute in: onnxruntime's arithmetic has no bool. */
export function arithmeticType(dtype: ProgramDType): 'float32' | 'int32' {
  return dtype === 'bool' ? 'int32' : dtype;
}

/** All tensor inputs in order, for kernels that take a list. */
export function inputList(call: BoundCall): Logical[] {
  return Object.values(call.inputs)
    .flat()
    .filter((v): v is Logical => v !== undefined);
}

/** An axis counted from the front. */
export function axisOf(value: unknown, rank: number, ctx: LowerContext): number {
  if (typeof value !== 'number' || value < -rank || value >= rank)
    return ctx.unsupported(`axis ${JSON.stringify(value)} of rank ${rank}`);
  return value < 0 ? value + rank : value;
}

/** Axes of an attribute that is a number, a list, or null for all. */
export function axesOf(value: unknown, rank: number, ctx: LowerContext): number[] {
  if (value === undefined || value === null) return [...identity(rank)];
  return (Array.isArray(value) ? value : [value]).map((axis: unknown) => axisOf(axis, rank, ctx));
}

/** Whether an attribute value is a size: a number or a symbolic size. */
export function isSize(value: unknown): value is Size {
  return (
    typeof value === 'number' ||
    (typeof value === 'object' && value !== null && 'constant' in value && 'terms' in value)
  );
}

/** A list of sizes. */
export function sizesAttribute<K extends string>(call: BoundCall<K>, name: AttrName<K>, ctx: LowerContext): Size[] {
  const value = (call as BoundCall).attrs[name];
  return Array.isArray(value) && value.every(isSize)
    ? [...value]
    : ctx.unsupported(`attribute ${name} must be a list of sizes, got ${JSON.stringify(value)}`);
}

/** A list of pairs of sizes, one per axis: paddings or crops. */
export function pairsAttribute<K extends string>(
  call: BoundCall<K>,
  name: AttrName<K>,
  ctx: LowerContext,
): [Size, Size][] {
  const value = (call as BoundCall).attrs[name];
  if (!Array.isArray(value))
    return ctx.unsupported(`attribute ${name} must be a list of pairs, got ${JSON.stringify(value)}`);
  return value.map((pair: unknown) => {
    if (Array.isArray(pair) && isSize(pair[0]) && isSize(pair[1])) return [pair[0], pair[1]];
    return ctx.unsupported(`attribute ${name} must be a list of pairs, got ${JSON.stringify(value)}`);
  });
}

/** A number attribute that may not depend on a dynamic dim. */
export function numberAttribute<K extends string>(call: BoundCall<K>, name: AttrName<K>, ctx: LowerContext): number {
  const value = (call as BoundCall).attrs[name];
  return typeof value === 'number'
    ? value
    : ctx.unsupported(`attribute ${name} must be a fixed number, got ${JSON.stringify(value)}`);
}

/** A size attribute, which may depend on a dynamic dim. */
export function sizeAttribute<K extends string>(call: BoundCall<K>, name: AttrName<K>, ctx: LowerContext): Size {
  const value = (call as BoundCall).attrs[name];
  return isSize(value) ? value : ctx.unsupported(`attribute ${name} must be a number, got ${JSON.stringify(value)}`);
}

/** A size as a scalar value. */
export function sizeScalar(size: Size, dtype: 'float32' | 'int32' | 'int64', ctx: LowerContext): Value {
  return isStatic(size)
    ? scalar(size, dtype, ctx)
    : as(ctx.op('Squeeze', [ctx.sizes([size]), ctx.int64s([0])]), dtype, ctx);
}

/** The numbers 0, 1, … below a size. */
export function counted(size: Size, dtype: 'float32' | 'int32' | 'int64', ctx: LowerContext): Value {
  if (isStatic(size))
    return ctx.constant(
      dtype,
      [size],
      Array.from({ length: size }, (_, i) => i),
    );
  return as(
    ctx.op('Range', [scalar(0, 'int64', ctx), sizeScalar(size, 'int64', ctx), scalar(1, 'int64', ctx)]),
    dtype,
    ctx,
  );
}

/** Whether two sizes are equal for every value of the dynamic dims. */
export function sameSize(a: Size, b: Size): boolean {
  if (isStatic(a) || isStatic(b)) return a === b;
  const names = new Set([...Object.keys(a.terms), ...Object.keys(b.terms)]);
  return a.constant === b.constant && [...names].every((name) => (a.terms[name] ?? 0) === (b.terms[name] ?? 0));
}

/** {@link sameSize} of all axes. */
export function sameShape(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every((size, i) => sameSize(size, sizeAt(b, i)));
}

/** A tensor of the given physical sizes filled with `value`. */
export function filled(value: number, dtype: DType, sizes: readonly Size[], ctx: LowerContext): Value {
  const one = scalar(value, dtype, ctx);
  return sizes.length === 0 ? one : ctx.op('Expand', [one, ctx.sizes(sizes)]);
}
