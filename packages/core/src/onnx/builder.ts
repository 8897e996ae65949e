// Builds a graph node by node, inferring types and shapes as it goes. The lowering writes through this; it knows no tfjs.
// CONTRACT (the codec work fills it in; the signatures are used by the lowering).
import type { DType, Dim, TypedArray } from '../tensor.js';
import type { Model } from './ir.js';
import type { OpAttributes, OpName } from './ops.js';

/** A value of the graph being built. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** What {@link GraphBuilder.build} writes beside the graph. */
export interface BuildOptions {
  producerName?: string;
  producerVersion?: string;
  metadata?: Record<string, string>;
}

/** See the methods. */
export declare class GraphBuilder {
  readonly opset: number;
  /** `opset` 17-22; the IR version is the lowest that the opset allows. */
  constructor(options?: { opset?: number; name?: string });
  /** Names of nodes made from now on start with this (a layer's name); '' for none. */
  scope: string;
  input(name: string, dtype: DType, shape: readonly Dim[]): Value;
  /** An initializer. Equal constants (dtype, shape, bytes) are stored once. `int64` accepts numbers. */
  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[], name?: string): Value;
  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: OpAttributes[K]): Value;
  ops<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes: OpAttributes[K] | undefined, count: number): Value[];
  /** Declares a graph output. The producing node's output is renamed where it can be (no Identity, no copy), else an Identity is added. */
  output(name: string, value: Value): void;
  build(options?: BuildOptions): Model;
}
