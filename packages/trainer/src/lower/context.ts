// Implements LowerContext on core's graph builder: tracks in which order each value is stored, and the conversions
// emitted so far.
import { ExportError, sizeOf, type DType, type TypedArray } from '@forja/core';
import type { GraphBuilder, OpAttributes, OpName, Value } from '@forja/core/onnx';
import {
  isStatic,
  type ConstantData,
  type KernelCall,
  type Program,
  type Size,
  type ValueId,
} from '../program/program.js';
import { ONNX_DTYPE, type BoundCall, type Logical, type LowerContext, type Perm, type Stored } from './contract.js';
import { identity, physical } from './kernels/layout.js';
import { sameSizes } from '../program/graph.js';
import { inverse, permuted } from './permute.js';
import { preferredOrders, type FilterRule } from './preferred.js';
import { dimOf, Symbols } from './symbols.js';

/** A value in the graph: its original order, and the ONNX values for all orders that it has been converted to. */
interface Placed {
  perm: Perm;
  orders: Map<string, Value>;
}

/** The size that is assumed for a dynamic dim when the sizes of values are compared. */
const TYPICAL = 64;

function isIdentity(perm: Perm): boolean {
  return perm.every((axis, i) => axis === i);
}

/** Describes a call in messages. */
export function describeCall(call: KernelCall): string {
  return [
    call.kernel,
    ...(call.layer === undefined ? [] : [`layer '${call.layer}'`]),
    ...(call.site === undefined ? [] : [`at ${call.site}`]),
  ].join(', ');
}

/** Lowering of one program into one builder. */
export class Context implements LowerContext {
  readonly opset: number;
  private readonly placed = new Map<ValueId, Placed>();
  private readonly aliases = new Map<ValueId, ValueId>();
  private readonly logicals = new Map<ValueId, Logical>();
  private readonly stateNames: Map<ValueId, string>;
  private readonly data = new Map<Value, { dtype: DType; data: TypedArray | readonly number[] }>();
  private readonly makers = new WeakMap<Value, { op: OpName; from: Value | undefined }>();
  private readonly preferred: Map<ValueId, Perm>;
  private readonly symbols: Symbols;
  private current: KernelCall | undefined;

  /** How existing state is stored, by value. */
  private readonly given: ReadonlyMap<ValueId, Stored>;

  /** `filters`: the orders in which filters are read. `stored`: how existing state is stored, by input. */
  constructor(
    private readonly builder: GraphBuilder,
    private readonly program: Program,
    { filters, stored = {} }: { filters?: FilterRule | undefined; stored?: Readonly<Record<string, Stored>> } = {},
  ) {
    this.opset = builder.opset;
    this.symbols = new Symbols(builder);
    this.given = new Map(
      program.inputs.flatMap(({ kind, name, value }) => {
        const as = kind === 'state' ? stored[name] : undefined;
        return as === undefined ? [] : [[value, as]];
      }),
    );
    this.preferred = preferredOrders(program, filters, this.ordersGiven());
    this.stateNames = new Map(program.inputs.filter((i) => i.kind === 'state').map((i) => [i.value, i.name]));
  }

  /** Declares a graph input with physical order `perm`. */
  declare(name: string, id: ValueId, perm: Perm): Value {
    const value = this.logical(id);
    const sizes = physical(value.shape, perm);
    const input = this.builder.input(name, ONNX_DTYPE[value.dtype], sizes.map(dimOf));
    this.symbols.input(input, sizes);
    this.place(id, input, perm);
    return input;
  }

  /** Declares existing state in its stored form. */
  state(name: string, id: ValueId): void {
    const [value, as] = [this.logical(id), this.given.get(id)];
    if (as === undefined) return;
    const { split = value.shape, perm } = as;
    const input = this.builder.input(name, ONNX_DTYPE[value.dtype], physical(split, perm).map(dimOf));
    if (sameSizes(split, value.shape)) return this.place(id, input, perm);
    // The state is stored with split axes for other graphs; convert it to the logical shape.
    this.place(id, this.reshape(this.turned(input, inverse(perm)), value.shape), identity(value.rank));
  }

  /** The value in the form that the state is stored in. */
  asStored(id: ValueId, { split, perm }: Stored): Value {
    const value = this.logical(id);
    if (split === undefined || sameSizes(split, value.shape)) return this.get(value, perm);
    return this.turned(this.reshape(this.get(value), split), perm);
  }

  private turned(value: Value, perm: Perm): Value {
    return isIdentity(perm) ? value : this.op('Transpose', [value], { perm: [...perm] });
  }

  /** Orders of existing state that is stored in the program's shape, not with split axes. */
  private ordersGiven(): Map<ValueId, Perm> {
    const orders = new Map<ValueId, Perm>();
    for (const [id, { split, perm }] of this.given)
      if (split === undefined || sameSizes(split, this.program.values[id]?.shape ?? [])) orders.set(id, perm);
    return orders;
  }

  /** The program value by id, as kernel rows get it. */
  logical(id: ValueId): Logical {
    const known = this.logicals.get(id);
    if (known !== undefined) return known;
    const value = this.program.values[id];
    if (value === undefined) throw new RangeError(`lower: value ${id} is not in the program`);
    const logical: Logical = { id, dtype: value.dtype, shape: value.shape, rank: value.shape.length };
    this.logicals.set(id, logical);
    return logical;
  }

  /** Starts lowering a call: binds its values, and makes it the one that messages and node names refer to. */
  enter(call: KernelCall): BoundCall {
    this.current = call;
    this.builder.scope = call.layer ?? '';
    const inputs = Object.fromEntries(
      Object.entries(call.inputs).map(([name, ids]) => [
        name,
        Array.isArray(ids) ? ids.map((id) => this.logical(id)) : this.logical(ids),
      ]),
    );
    return {
      kernel: call.kernel,
      inputs,
      attrs: call.attrs,
      outputs: call.outputs.map((id) => this.logical(id)),
      source: call,
    };
  }

  /** Ends the last call's scope. */
  leave(): void {
    this.current = undefined;
    this.builder.scope = '';
  }

  private root(id: ValueId): ValueId {
    const next = this.aliases.get(id);
    return next === undefined ? id : this.root(next);
  }

  private place(id: ValueId, value: Value, perm: Perm): void {
    this.placed.set(id, { perm, orders: new Map([[perm.join(), value]]) });
  }

  get(value: Logical, perm: Perm = identity(value.rank)): Value {
    const id = this.root(value.id);
    const key = perm.join();
    const constant = this.program.constants.get(id);
    const at = this.placed.get(id) ?? this.first(value, id, perm, constant);
    const ready = at.orders.get(key);
    if (ready !== undefined) return ready;
    const made = constant === undefined ? this.reordered(at, value, perm) : this.stored(value, constant, perm);
    at.orders.set(key, made);
    return made;
  }

  /** Stores a constant or declares a state input, in the order first asked for. */
  private first(value: Logical, id: ValueId, perm: Perm, constant: ConstantData | undefined): Placed {
    const state = this.stateNames.get(id);
    if (constant !== undefined) this.place(id, this.stored(value, constant, perm), perm);
    else if (state !== undefined) {
      const order = this.preferred.get(id) ?? perm;
      this.place(
        id,
        this.builder.input(state, ONNX_DTYPE[value.dtype], physical(value.shape, order).map(dimOf)),
        order,
      );
    } else throw new RangeError(`lower: value ${id} is used before it is defined`);
    const placed = this.placed.get(id);
    if (placed === undefined) throw new RangeError(`lower: value ${id} is not stored`);
    return placed;
  }

  private stored(value: Logical, data: ConstantData, perm: Perm): Value {
    const shape = value.shape.map((size) => (isStatic(size) ? size : this.unsupported('a constant of a dynamic size')));
    // Shared, not copied: a program's constants do not change, and the graph is written before anyone can change the
    // tensors behind them.
    return this.kept(
      ONNX_DTYPE[value.dtype],
      perm.map((axis) => shape[axis] ?? 1),
      permuted(data, shape, perm),
      true,
    );
  }

  private reordered(at: Placed, value: Logical, perm: Perm): Value {
    const from = at.orders.get(at.perm.join());
    if (from === undefined) throw new RangeError(`lower: value ${value.id} is not stored`);
    const moving = (order: Perm): string => order.filter((axis) => value.shape[axis] !== 1).join();
    // Axes of size 1 hold no data: moving them is a Reshape.
    if (moving(at.perm) === moving(perm)) return this.reshape(from, physical(value.shape, perm));
    return this.op('Transpose', [from], { perm: perm.map((axis) => at.perm.indexOf(axis)) });
  }

  layoutOf(value: Logical): Perm | undefined {
    const id = this.root(value.id);
    return (
      this.placed.get(id)?.perm ??
      (this.program.constants.has(id) || this.stateNames.has(id) ? this.preferred.get(id) : undefined)
    );
  }

  set(output: Logical, value: Value, perm: Perm = identity(output.rank)): void {
    if (perm.length !== output.rank || identity(output.rank).some((axis) => !perm.includes(axis)))
      throw new RangeError(`${this.here()}: order [${perm.join(', ')}] for a value of rank ${output.rank}`);
    if (value.dtype !== ONNX_DTYPE[output.dtype])
      throw new RangeError(
        `${this.here()}: expected ${ONNX_DTYPE[output.dtype]} nodes for a ${output.dtype} result, got ${value.dtype}`,
      );
    this.place(output.id, value, perm);
  }

  alias(output: Logical, input: Logical): void {
    this.aliases.set(output.id, this.root(input.id));
  }

  commonLayout(inputs: readonly Logical[], rank: number): Perm {
    let best: { perm: Perm; count: number } | undefined;
    const full = inputs.filter((value) => value.rank === rank);
    for (const value of full) {
      const placed = this.placed.get(this.root(value.id));
      if (placed === undefined) continue;
      const count = value.shape.reduce<number>((n, size) => n * (isStatic(size) ? size : TYPICAL), 1);
      // For equal sizes, prefer the order that is not tfjs's own: values made by convolutions will be read by
      // convolutions.
      const better =
        best === undefined ||
        count > best.count ||
        (count === best.count && isIdentity(best.perm) && !isIdentity(placed.perm));
      if (better) best = { perm: placed.perm, count };
    }
    if (best !== undefined) return best.perm;
    for (const value of full) {
      const perm = this.layoutOf(value);
      if (perm !== undefined) return perm;
    }
    return identity(rank);
  }

  broadcast(value: Logical, rank: number, perm: Perm): Value {
    if (value.rank === rank) return this.get(value, perm);
    const missing = rank - value.rank;
    const axes = perm.filter((axis) => axis >= missing).map((axis) => axis - missing);
    const sizes = perm.map((axis) => (axis < missing ? 1 : (value.shape[axis - missing] ?? 1)));
    // Leading 1s can be omitted: ONNX broadcasting adds them.
    const start = perm.findIndex((axis) => axis >= missing);
    return this.reshape(this.get(value, axes), start === -1 ? [] : sizes.slice(start));
  }

  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: OpAttributes[K]): Value {
    const made = this.builder.op(op, inputs, attributes);
    this.makers.set(made, { op, from: inputs[0] });
    return made;
  }

  ops<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: OpAttributes[K] | undefined,
    count: number,
  ): Value[] {
    return this.builder.ops(op, inputs, attributes, count);
  }

  comesFrom(value: Value, op: OpName): boolean {
    const maker = this.makers.get(value);
    return (
      maker?.op === op || (maker?.op === 'Transpose' && maker.from !== undefined && this.comesFrom(maker.from, op))
    );
  }

  constant(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[]): Value {
    return this.kept(dtype, shape, data, false);
  }

  private kept(dtype: DType, shape: readonly number[], data: TypedArray | readonly number[], shared: boolean): Value {
    const value = this.builder.constant(dtype, shape, data, undefined, shared);
    this.data.set(value, { dtype, data });
    return value;
  }

  scalar(value: number): Value {
    return this.constant('float32', [], [value]);
  }

  int64s(values: readonly number[]): Value {
    return this.symbols.int64s(values);
  }

  sizes(sizes: readonly Size[]): Value {
    return this.symbols.sizes(sizes);
  }

  reshape(value: Value, sizes: readonly Size[]): Value {
    const known = this.data.get(value);
    if (known !== undefined && sizes.every(isStatic) && sizeOf(sizes) === known.data.length)
      return this.constant(known.dtype, sizes, known.data);
    return this.symbols.reshape(value, sizes);
  }

  constantOf(value: Logical): ArrayLike<number> | undefined {
    return this.program.constants.get(this.root(value.id));
  }

  unsupported(why: string): never {
    throw new ExportError('export.unsupported', `${this.here()}: ${why}`);
  }

  private here(): string {
    return this.current === undefined ? 'lower' : describeCall(this.current);
  }
}
