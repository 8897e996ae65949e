// The contract of lowering: what a row of the kernel → ONNX table receives and must do. `LowerContext` is implemented
// in context.ts.
import type { DType, TypedArray } from '@forja/core';
import type { OpAttributes, OpName, Value } from '@forja/core/onnx';
import type { AttrsOf } from '../kernels/attributes.js';
import type { KernelRows } from '../kernels/rows.js';
import type { KernelCall, ProgramDType, Size, ValueId } from '../program/program.js';
import type { Measure } from '../program/size.js';

/**
 * Physical axis order of a stored value: `perm[i]` is the logical axis at physical position i. A picture (logical
 * N,H,W,C) stored NCHW has perm [0, 3, 1, 2]; a filter (logical H,W,I,O) stored OIHW has [3, 2, 0, 1].
 */
export type Perm = readonly number[];

/**
 * How state is stored: physical axis i is axis perm[i] of `split` if given (the logical shape with some axes split,
 * same elements in the same order), else of the logical shape.
 */
export interface Stored {
  split?: readonly number[];
  perm: Perm;
}

/** A program value during lowering. `id` identifies it; shape and dtype are logical. */
export interface Logical {
  readonly id: ValueId;
  readonly dtype: ProgramDType;
  readonly shape: readonly Size[];
  readonly rank: number;
}

/** A kernel call whose inputs and outputs are {@link Logical} values. */
export interface BoundCall<K extends string = string> {
  readonly kernel: string;
  readonly inputs: Record<string, Logical | Logical[] | undefined>;
  readonly attrs: AttrsOf<K, Size | Measure>;
  readonly outputs: readonly Logical[];
  readonly source: KernelCall;
}

/**
 * Operations available to a lowering. All `Value`s are ONNX values in some physical order; shapes of ONNX ops are
 * physical.
 */
export interface LowerContext {
  readonly opset: number;
  /**
   * The value in physical order `perm` (default: logical order). Emits at most one Transpose per value and order;
   * constants and state are stored in the order first asked for.
   */
  get(value: Logical, perm?: Perm): Value;
  /**
   * The order that the value is stored in, which costs nothing to get. Undefined for constants and state that are not
   * stored yet: any order is free.
   */
  layoutOf(value: Logical): Perm | undefined;
  /** Defines an output, given in physical order `perm` (default: logical order). */
  set(output: Logical, value: Value, perm?: Perm): void;
  /** Makes `output` the same value as `input` (Identity, no-op casts). */
  alias(output: Logical, input: Logical): void;
  /**
   * The order in which an element-wise op on these inputs moves the least data: that of the largest stored input of
   * full rank.
   */
  commonLayout(inputs: readonly Logical[], rank: number): Perm;
  /**
   * The value, ready to broadcast against values of rank `rank` stored in `perm`. Lower ranks get leading 1s first, as
   * in tfjs.
   */
  broadcast(value: Logical, rank: number, perm: Perm): Value;
  /** Emits a node with one output. */
  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: OpAttributes[K]): Value;
  /** Emits a node with several outputs. */
  ops<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: OpAttributes[K] | undefined,
    count: number,
  ): Value[];
  /** Whether an `op` node made the value, ignoring transposes after it. */
  comesFrom(value: Value, op: OpName): boolean;
  /** An initializer; equal ones are stored once. */
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[]): Value;
  /** A float32 scalar initializer. */
  scalar(value: number): Value;
  /** A one-dimensional int64 initializer. */
  int64s(values: readonly number[]): Value;
  /**
   * Sizes as a one-dimensional int64 value: an initializer when all are numbers, else computed from the shapes of the
   * graph's inputs.
   */
  sizes(sizes: readonly Size[]): Value;
  /** Reshape to `sizes` (physical), with -1 or a computed shape where they are symbolic. */
  reshape(value: Value, sizes: readonly Size[]): Value;
  /** The constant data of a value, in logical order, if it is known at lowering time. */
  constantOf(value: Logical): ArrayLike<number> | undefined;
  /** Throws ExportError `export.unsupported` naming kernel, layer and call site. */
  unsupported(why: string): never;
}

/** Declared as a method, whose parameters are bivariant, so that the row of one kernel fits into the table of all. */
interface Row<K extends string> {
  lower(call: BoundCall<K>, ctx: LowerContext): void;
}

/** A row of the table: emits the ONNX nodes of a call of kernel `K` and defines each of its outputs with `ctx.set`. */
export type KernelLowering<K extends string = string> = Row<K>['lower'];

/** A row for a kernel that cannot be lowered, with the reason. */
export interface UnsupportedKernel {
  unsupported: string;
}

/** A row of the table. */
export type KernelRow = KernelLowering | UnsupportedKernel;

/** Rows of one target: tfjs kernel name → lowering. */
export type KernelTable = KernelRows<KernelRow>;

/** ONNX element types by program dtype. */
export const ONNX_DTYPE: Readonly<Record<ProgramDType, DType>> = { float32: 'float32', int32: 'int32', bool: 'bool' };
