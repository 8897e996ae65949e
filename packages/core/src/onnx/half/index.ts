// toHalf: converts a float32 model to half precision. Operators that need float32 keep it (places.ts); each value that
// is also needed in the other precision gets one Cast.
import { ModelFormatError } from '../../errors.js';
import { optionsOf } from '../../realm.js';
import { attribute } from '../build/attributes.js';
import { Names } from '../build/names.js';
import { givenModel } from '../given.js';
import { DATA_TYPE, type Graph, type Model, type Node, type TensorProto, type ValueInfo } from '../ir.js';
import { operatorOf } from '../facts/shapes.js';
import { expandWeights } from '../stored/expand.js';
import { planOf, type Plan } from './plan.js';
import { FLOAT_INPUTS } from './places.js';
import { halved } from './weights.js';

/** Options of {@link toHalf}. */
export interface HalfOptions {
  /** Type of the graph's float inputs and outputs. Default `float32`, so that callers need no change. */
  ends?: 'float32' | 'float16';
  /** Additional nodes that stay in float32, by name or operator. */
  keep?: readonly string[];
}

/**
 * The model with convolutions, matrix products and the element-wise ops after them in half precision, and their weights
 * too. Norms, sums, softmax and the like stay in float32, as do weights and constants that half precision cannot
 * represent, unknown operators, and subgraphs. Rounds to the nearest, ties to even. The given model is not changed; for
 * one that is already in half precision, an equal model is returned.
 * @throws ModelFormatError `model.unsupported` for float weights in external files: read them in with
 * `internalizeModel` first.
 */
export function toHalf(stored: Model, options: HalfOptions = {}): Model {
  optionsOf('toHalf', options, 'ends keep');
  const model = expandWeights(givenModel('toHalf', stored)); // also finds weights that are stored in 8 bits
  const { graph } = model;
  if (graph === undefined) return model;
  const outside = graph.initializers.find(
    ({ dataType, externalData }) => dataType === DATA_TYPE.float32 && externalData.length > 0,
  );
  if (outside !== undefined)
    throw new ModelFormatError(
      'model.unsupported',
      `toHalf: expected weights in the model, got '${outside.name ?? ''}' in an external file; read it in with ` +
        'internalizeModel(model, files) first',
    );
  const plan = planOf(graph, { ends: options.ends === 'float16', keep: new Set(options.keep ?? []) });
  return { ...model, graph: new Halving(graph, plan).graph() };
}

/** Rewrites one graph according to a plan. */
class Halving {
  readonly #names = new Names();
  /** Names of the float32 and half versions of a value, where they differ from its own name. */
  readonly #float = new Map<string, string>();
  readonly #half = new Map<string, string>();
  /** Values computed in half precision. */
  readonly #made = new Set<string>();
  readonly #nodes: Node[] = [];
  /** Constants in half precision, by original name. */
  readonly #weights = new Map<string, TensorProto>();
  /** Constants that are needed in float32. */
  readonly #stays: Set<string>;

  constructor(
    private readonly source: Graph,
    private readonly plan: Plan,
  ) {
    for (const { name = '' } of [...source.inputs, ...source.initializers, ...source.nodes]) this.#names.take(name);
    for (const node of source.nodes) for (const name of node.outputs) this.#names.take(name);
    this.#stays = new Set([
      ...plan.pinned,
      ...source.nodes.flatMap((node) => node.inputs.filter((name, i) => !plan.half.has(node) || isFixed(node, i))),
    ]);
  }

  graph(): Graph {
    const { source, plan } = this;
    const typed = (list: readonly ValueInfo[], is: (name: string) => boolean): ValueInfo[] =>
      list.map((info) => (is(info.name ?? '') ? asHalf(info) : info));
    for (const { name = '' } of source.inputs) if (plan.ends.has(name)) this.#made.add(name);
    for (const node of source.nodes) this.#node(node);
    for (const { name = '' } of source.outputs)
      if (plan.ends.has(name) && !this.#made.has(name) && !this.#half.has(name))
        this.#cast(this.#asFloat(name), name, DATA_TYPE.float16);
    const replaced = (name: string): boolean => this.#weights.has(name) && !this.#stays.has(name);
    const own = new Set(source.initializers.map(({ name }) => name));
    return {
      ...source,
      nodes: this.#nodes.filter((node) => operatorOf(node) !== 'Constant' || !node.outputs.every(replaced)),
      initializers: [
        ...source.initializers.flatMap((tensor) => {
          const half = this.#weights.get(tensor.name ?? '');
          return half === undefined ? [tensor] : this.#stays.has(tensor.name ?? '') ? [tensor, half] : [half];
        }),
        ...[...this.#weights].filter(([name]) => !own.has(name)).map(([, half]) => half),
      ],
      inputs: typed(source.inputs, (name) => plan.ends.has(name)),
      outputs: typed(source.outputs, (name) => plan.ends.has(name)),
      valueInfo: typed(
        source.valueInfo,
        (name) => replaced(name) || plan.ends.has(name) || (this.#made.has(name) && !this.#half.has(name)),
      ),
    };
  }

  #node(node: Node): void {
    const { half, indifferent, ends, isFloat } = this.plan;
    if (half.has(node)) {
      const inputs = node.inputs.map((name, i) =>
        isFloat(name) && !isFixed(node, i) ? this.#asHalf(name) : this.#asFloat(name),
      );
      const outputs = node.outputs.map((name) => (isFloat(name) ? this.#makeHalf(name) : name));
      this.#nodes.push({ ...node, inputs, outputs });
      for (const [i, name] of node.outputs.entries())
        if (outputs[i] !== name) this.#cast(outputs[i] ?? '', name, DATA_TYPE.float32);
      return;
    }
    const inputs = node.inputs.map((name) =>
      indifferent.has(node) && this.#made.has(name) ? (this.#half.get(name) ?? name) : this.#asFloat(name),
    );
    // An output that must be in half precision is cast at the end; until then it has another name.
    const outputs = node.outputs.map((name) =>
      ends.has(name) ? named(this.#float, name, this.#names.unique(`${name}/float`)) : name,
    );
    this.#nodes.push({ ...node, inputs, outputs });
  }

  /** Name for the result of a node in half precision. If its original name must stay float32, a Cast produces that. */
  #makeHalf(name: string): string {
    this.#made.add(name);
    if (!this.plan.pinned.has(name)) return name;
    this.#float.set(name, name);
    return named(this.#half, name, this.#names.unique(`${name}/half`));
  }

  #asHalf(name: string): string {
    const known = this.#half.get(name) ?? (this.#made.has(name) ? name : undefined);
    if (known !== undefined) return known;
    const weight = this.plan.constants.get(name);
    const own = weight === undefined ? this.plan.ends.has(name) : !this.#stays.has(name);
    const half = named(this.#half, name, own ? name : this.#names.unique(`${name}/half`));
    if (weight === undefined) this.#cast(this.#asFloat(name), half, DATA_TYPE.float16);
    else this.#weights.set(name, halved(weight, half));
    return half;
  }

  #asFloat(name: string): string {
    const known = this.#float.get(name);
    if (known !== undefined || !this.#made.has(name)) return known ?? name;
    const float = named(this.#float, name, this.#names.unique(`${name}/float`));
    this.#cast(this.#half.get(name) ?? name, float, DATA_TYPE.float32);
    return float;
  }

  #cast(from: string, to: string, type: number): void {
    this.#nodes.push({
      name: this.#names.unique(`${to}/cast`),
      opType: 'Cast',
      inputs: [from],
      outputs: [to],
      attributes: [attribute('Cast', 'to', type)],
      metadata: [],
      deviceConfigurations: [],
    });
  }
}

/** Whether the operator requires this input in float32, whatever the precision of the node. */
function isFixed(node: Node, input: number): boolean {
  return FLOAT_INPUTS[operatorOf(node)]?.includes(input) === true;
}

function named(names: Map<string, string>, name: string, to: string): string {
  names.set(name, to);
  return to;
}

function asHalf(info: ValueInfo): ValueInfo {
  return info.type?.tensor === undefined
    ? info
    : { ...info, type: { ...info.type, tensor: { ...info.type.tensor, elemType: DATA_TYPE.float16 } } };
}
