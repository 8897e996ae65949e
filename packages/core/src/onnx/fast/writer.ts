// Collects the nodes of a rewritten graph and its additional constants.
import type { TypedArray } from '../../tensor.js';
import { attribute } from '../build/attributes.js';
import { littleEndian } from '../build/constants.js';
import { initializerOf } from '../build/model.js';
import { Names } from '../build/names.js';
import type { AttributeValue } from '../infer/index.js';
import type { Graph, Node, TensorProto } from '../ir.js';

/** Nodes in the order written, and constants that are computed lazily. */
export class Writer {
  readonly nodes: Node[] = [];
  readonly #constants: (() => TensorProto)[] = [];
  readonly #names = new Names();

  constructor(graph: Graph) {
    const named = [...graph.inputs, ...graph.initializers].map(({ name }) => name ?? '');
    for (const name of [...named, ...graph.nodes.flatMap((node) => node.outputs)]) this.#names.take(name);
  }

  /** The constants, now computed. */
  get constants(): TensorProto[] {
    return this.#constants.map((make) => make());
  }

  /** Writes a node of one output and returns that output's name: `output`, or a new one. */
  op(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    output?: string,
  ): string {
    return this.ops(opType, inputs, attributes, [output ?? this.#names.unique(`fast/${opType}`)])[0] ?? '';
  }

  /** Writes a node of several outputs. */
  ops(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>>,
    outputs: readonly string[] | number,
  ): readonly string[] {
    const names =
      typeof outputs === 'number'
        ? Array.from({ length: outputs }, () => this.#names.unique(`fast/${opType}`))
        : outputs;
    const written = Object.entries(attributes).map(([name, value]) => attribute(opType, name, value));
    this.nodes.push({
      name: `fast/${opType}/${this.nodes.length}`,
      opType,
      inputs: [...inputs],
      outputs: [...names],
      attributes: written,
      metadata: [],
      deviceConfigurations: [],
    });
    return names;
  }

  /** Writes a copy of a node with other inputs and outputs. */
  copy(node: Node, inputs: readonly string[], outputs: readonly string[]): void {
    this.nodes.push({ ...node, inputs: [...inputs], outputs: [...outputs] });
  }

  /** An unused name. */
  fresh(base: string): string {
    return this.#names.unique(base);
  }

  floats(shape: readonly number[], make: () => Float32Array): string {
    return this.#constant('float32', shape, make);
  }

  int64s(values: readonly number[]): string {
    return this.#constant('int64', [values.length], () => BigInt64Array.from(values, BigInt));
  }

  /** Reshapes `value`; one size may be -1. */
  reshape(value: string, sizes: readonly number[], output?: string): string {
    return this.op('Reshape', [value, this.int64s(sizes)], {}, output);
  }

  #constant(dtype: 'float32' | 'int64', shape: readonly number[], make: () => TypedArray): string {
    const name = this.#names.unique('fast/const');
    this.#constants.push(() => initializerOf({ name, dtype, shape, data: littleEndian(dtype, make()) }));
    return name;
  }
}
