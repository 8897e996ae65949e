// Builds a graph node by node, inferring types and shapes as it goes. The conversion of tfjs programs in @forja/trainer
// uses it, but it does not depend on tfjs itself.
import { UsageError } from '../errors.js';
import { optionsOf } from '../realm.js';
import type { DType, Dim, TypedArray } from '../tensor.js';
import { attribute } from './build/attributes.js';
import { ConstantStore, littleEndian, littleEndianView, typedData } from './build/constants.js';
import { modelOf, OPSETS, type EmittedNode } from './build/model.js';
import { Names } from './build/names.js';
import { adapt } from './build/variants.js';
import { INFERENCE, TRACKED, type AttributeValue, type Fact } from './infer/index.js';
import type { Model } from './ir.js';
import type { OpAttributes, OpName } from './ops.js';

/** A value of the graph being built. `name` may change when the value becomes an output. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes, or names of sizes: expressions such as `2*batch` where inference knows them, else `unk_0`, ... */
  readonly shape: readonly Dim[];
}

/** What {@link GraphBuilder.build} writes in addition to the graph. */
export interface BuildOptions {
  /** Default `forja`. */
  producerName?: string;
  producerVersion?: string;
  metadata?: Record<string, string>;
  /** Also writes the types and shapes of inner values. Default false: they cost file size and runtimes infer them. */
  valueInfo?: boolean;
}

/** A value with its inferred facts. */
class GraphValue implements Value {
  constructor(
    public name: string,
    readonly kind: 'input' | 'constant' | 'node',
    readonly fact: Fact,
    readonly bytes?: Uint8Array,
  ) {}
  get dtype(): DType {
    return this.fact.dtype;
  }
  get shape(): readonly Dim[] {
    return this.fact.shape;
  }
  get data(): Uint8Array | undefined {
    return this.bytes;
  }
}

/**
 * Builds one graph. The same calls give the same model. Every method throws {@link UsageError} for a call that would
 * make an invalid graph, naming the node.
 */
export class GraphBuilder {
  readonly opset: number;
  /** Prefix of the names of new nodes (a layer's name); '' for none. */
  scope = '';
  readonly #name: string;
  readonly #valueNames = new Names();
  readonly #nodeNames = new Names();
  readonly #dims = new Names();
  readonly #inputs: GraphValue[] = [];
  readonly #constants: GraphValue[] = [];
  readonly #nodes: EmittedNode<GraphValue>[] = [];
  readonly #outputs: GraphValue[] = [];
  readonly #all = new Map<string, GraphValue>();
  readonly #store = new ConstantStore<GraphValue>();
  #unknown = 0;

  /** `opset` 17-22, default 21; the IR version is the lowest that the opset allows. */
  constructor(options: { opset?: number; name?: string } = {}) {
    optionsOf('GraphBuilder', options, 'name opset');
    this.opset = options.opset ?? 21;
    this.#name = options.name ?? 'graph';
    if (!OPSETS.includes(this.opset))
      throw new UsageError(`opset: expected ${OPSETS[0]}-${OPSETS.at(-1)}, got ${this.opset}`);
  }

  /** A graph input. Names in `shape` are dynamic sizes, equal wherever the name recurs. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const bad = shape.find((dim) =>
      typeof dim === 'number' ? !Number.isSafeInteger(dim) || dim < 0 : !/^(?:\d+\*)?[^\d\s-]/.test(dim),
    );
    if (bad !== undefined)
      throw new UsageError(`input ${name}: expected sizes or names of sizes, got ${JSON.stringify(bad)}`);
    this.#claim(`input ${name}`, name);
    for (const dim of shape) if (typeof dim === 'string') this.#dims.take(dim);
    return this.#add(new GraphValue(name, 'input', { dtype, shape: [...shape] }), this.#inputs);
  }

  /**
   * An initializer. Equal constants (dtype, shape, bytes) are stored once, under the name of the first. `data` is
   * copied, unless `shared`: then the caller must not change it until the model is written. `int64` accepts numbers,
   * `float16` bit patterns (Uint16Array) or numbers to round.
   */
  constant(
    dtype: DType,
    shape: readonly number[],
    data: TypedArray | readonly number[],
    name?: string,
    shared = false,
  ): Value {
    const typed = typedData(`constant ${name ?? this.#scoped('const')}`, dtype, shape, data);
    const bytes = shared ? littleEndianView(dtype, typed) : littleEndian(dtype, typed);
    return this.#store.once(dtype, shape, bytes, () => {
      const known =
        typed.length <= TRACKED && dtype !== 'float16'
          ? Array.from(typed as ArrayLike<number | bigint>, Number)
          : undefined;
      const exact = known?.every((n) => dtype === 'float32' || Number.isSafeInteger(n)) === true ? known : undefined;
      const fact: Fact = { dtype, shape: [...shape], data: exact };
      return this.#add(
        new GraphValue(this.#valueNames.unique(name ?? this.#scoped('const')), 'constant', fact, bytes),
        this.#constants,
      );
    });
  }

  /** Emits a node with one output. */
  op<K extends OpName>(op: K, inputs: readonly (Value | undefined)[], attributes?: OpAttributes[K]): Value {
    const [value] = this.ops(op, inputs, attributes, 1);
    return value ?? this.#fail(op, 'expected an output');
  }

  /** Emits a node with `count` outputs. Absent optional inputs are undefined. */
  ops<K extends OpName>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attributes: OpAttributes[K] | undefined,
    count: number,
  ): Value[] {
    const where = `${this.#scoped(op)} (${op})`;
    const call = adapt<GraphValue>(
      {
        op,
        inputs: inputs.map((value, i) => (value === undefined ? undefined : this.#own(`${where}: input ${i}`, value))),
        attributes: { ...attributes },
        outputs: count,
      },
      {
        opset: this.opset,
        where,
        numbersOf: ({ fact, kind }) =>
          kind === 'constant' && fact.data?.every((d) => typeof d === 'number') ? fact.data : undefined,
        int64s: (values) => this.#own(where, this.constant('int64', [values.length], values)),
        sizeOf: ({ shape }, axis) => {
          const dim = shape.at(axis);
          return typeof dim === 'number' ? dim : undefined;
        },
      },
    );
    const given = Object.entries(call.attributes).filter(
      (entry): entry is [string, Exclude<AttributeValue, undefined>] => entry[1] !== undefined,
    );
    const written = given.map(([name, value]) => attribute(where, name, value));
    const facts = INFERENCE[op]({
      where,
      op,
      opset: this.opset,
      inputs: call.inputs.map((value) => value?.fact),
      attributes: call.attributes,
      outputs: count,
      fresh: () => this.#fresh(),
    });
    if (facts.length < count)
      this.#fail(op, `expected ${count} outputs, got ${facts.length}; some need an attribute such as training_mode`);
    const name = this.#nodeNames.unique(this.#scoped(op));
    const outputs = facts
      .slice(0, count)
      .map((fact, i) =>
        this.#add(new GraphValue(this.#valueNames.unique(count === 1 ? name : `${name}/${i}`), 'node', fact)),
      );
    this.#nodes.push({ name, op, inputs: call.inputs, outputs, attributes: written });
    return outputs;
  }

  /**
   * Declares a graph output. Renames the producing node's output; adds an Identity only where that is impossible: for
   * inputs, initializers, and values that are an output already.
   */
  output(name: string, value: Value): void {
    const own = this.#own(`output ${name}`, value);
    if (own.kind !== 'node' || this.#outputs.includes(own)) {
      this.#claim(`output ${name}`, name);
      this.#valueNames.free(name);
      return this.output(name, this.op('Identity', [own]));
    }
    if (own.name !== name) {
      this.#claim(`output ${name}`, name);
      this.#valueNames.free(own.name);
      this.#rename(own, name);
    }
    this.#outputs.push(own);
  }

  /** The model so far: inputs, outputs, and the nodes and initializers that the outputs need. May be called again. */
  build(options: BuildOptions = {}): Model {
    if (this.#outputs.length === 0)
      throw new UsageError(`graph ${this.#name}: expected an output, got none; call output(name, value)`);
    return modelOf(
      {
        name: this.#name,
        opset: this.opset,
        inputs: this.#inputs,
        constants: this.#constants,
        nodes: this.#nodes,
        outputs: this.#outputs,
      },
      options,
    );
  }

  /** Frees `name` for an input or output: an inner value with that name is renamed. */
  #claim(where: string, name: string): void {
    if (name === '') throw new UsageError(`${where}: expected a name, got ''`);
    const holder = this.#all.get(name);
    if (holder !== undefined && (holder.kind === 'input' || this.#outputs.includes(holder))) {
      throw new UsageError(
        `${where}: expected a unique name, got '${name}', which ` +
          `${holder.kind === 'input' ? 'an input' : 'another output'} has`,
      );
    }
    this.#valueNames.take(name);
    if (holder !== undefined) this.#rename(holder, this.#valueNames.unique(name));
  }

  #rename(value: GraphValue, name: string): void {
    if (this.#all.get(value.name) === value) this.#all.delete(value.name);
    value.name = name;
    this.#all.set(name, value);
  }

  #add(value: GraphValue, list?: GraphValue[]): GraphValue {
    list?.push(value);
    this.#all.set(value.name, value);
    return value;
  }

  #own(where: string, value: Value): GraphValue {
    if (value instanceof GraphValue && this.#all.get(value.name) === value) return value;
    throw new UsageError(
      `${where}: expected a value of this graph, got '${value.name}'; pass what input, constant, op or ops returned`,
    );
  }

  #scoped(name: string): string {
    return this.scope === '' ? name : `${this.scope}/${name}`;
  }

  /** A name for an unknown size. */
  #fresh(): string {
    let name = `unk_${this.#unknown++}`;
    while (this.#dims.has(name)) name = `unk_${this.#unknown++}`;
    return name;
  }

  #fail(op: OpName, message: string): never {
    throw new UsageError(`${this.#scoped(op)} (${op}): ${message}`);
  }
}
