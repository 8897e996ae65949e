// One pass over a graph: chosen convolutions become products, element-wise nodes between them use the same layout, and
// pictures change layout only where layouts meet. The same pass counts the layout changes of a choice, without making
// the products.
import type { Dim } from '../../tensor.js';
import type { Fact } from '../infer/index.js';
import type { Graph, Node, TensorProto } from '../ir.js';
import { captured } from '../passes/scope.js';
import type { PictureConvolution } from './convolution.js';
import type { Algorithm } from './price.js';
import { attributesOf, operatorOf } from '../facts/shapes.js';
import { floatsOf, sizesOf } from '../facts/tensors.js';
import { winograd } from './winograd.js';
import { Writer } from './writer.js';

/** A convolution and how to compute it. */
export interface Choice {
  conv: PictureConvolution;
  algorithm: Algorithm;
}

/** Element-wise operators whose first input is a picture and whose other inputs, if any, are scalars. */
const UNARY: ReadonlySet<string> = new Set([
  'Abs',
  'Celu',
  'Clip',
  'Elu',
  'Erf',
  'Exp',
  'Gelu',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'LeakyRelu',
  'Mish',
  'Neg',
  'Relu',
  'Selu',
  'Sigmoid',
  'Softplus',
  'Softsign',
  'Sqrt',
  'Tanh',
  'ThresholdedRelu',
]);
/** Element-wise operators over inputs that broadcast. */
const BINARY: ReadonlySet<string> = new Set(['Add', 'Div', 'Max', 'Min', 'Mul', 'PRelu', 'Pow', 'Sub', 'Sum']);

/** Writes `graph`'s nodes, replacing the convolutions in `choices`. */
export function rewrite(graph: Graph, facts: ReadonlyMap<string, Fact>, choices: ReadonlyMap<Node, Choice>): Writer {
  const walk = new Walk(graph, facts, choices, winograd);
  walk.run();
  return walk.writer;
}

/** Total floats per picture that change layout with these `choices`. */
export function crossings(graph: Graph, facts: ReadonlyMap<string, Fact>, choices: ReadonlyMap<Node, Choice>): number {
  const walk = new Walk(graph, facts, choices, (_conv, _algorithm, x) => x);
  walk.run();
  return walk.crossed;
}

class Walk {
  readonly writer: Writer;
  crossed = 0;
  readonly #initializers: ReadonlyMap<string, TensorProto>;
  /** Names of pictures in [H, W, N, C], by their name in the graph. */
  readonly #rows = new Map<string, string>();
  /** Names of pictures available in the graph's own layout. */
  readonly #plain = new Set<string>();
  constructor(
    readonly graph: Graph,
    readonly facts: ReadonlyMap<string, Fact>,
    readonly choices: ReadonlyMap<Node, Choice>,
    readonly product: typeof winograd,
  ) {
    this.writer = new Writer(graph);
    this.#initializers = new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor]));
  }

  run(): void {
    for (const node of this.graph.nodes) {
      const choice = this.choices.get(node);
      if (choice !== undefined) this.#convolve(node, choice);
      else if (!this.#follow(node)) {
        for (const name of [...node.inputs, ...captured(node)]) this.#needPlain(name);
        this.writer.copy(node, node.inputs, node.outputs);
        for (const name of node.outputs) this.#plain.add(name);
      }
    }
    for (const { name } of this.graph.outputs) this.#needPlain(name ?? '');
  }

  #convolve(node: Node, { conv, algorithm }: Choice): void {
    const [input = '', , bias = ''] = node.inputs;
    const product = this.product(conv, algorithm, this.#needRows(input), this.writer);
    this.#rows.set(node.outputs[0] ?? '', bias === '' ? product : this.writer.op('Add', [product, bias]));
  }

  /** Writes an element-wise node in the layout of its inputs; returns false if their layout must be changed for it. */
  #follow(node: Node): boolean {
    const [name = ''] = node.outputs;
    if (!node.inputs.some((input) => this.#onlyRows(input)) || node.outputs.length !== 1) return false;
    const operator = operatorOf(node);
    if (operator === 'BatchNormalization') return this.#normalise(node);
    const unary = UNARY.has(operator);
    if (!unary && !BINARY.has(operator)) return false;
    const operands = node.inputs.map((input, i) =>
      this.#rows.has(input) ? this.#rows.get(input) : unary && i > 0 ? input : this.#operand(input),
    );
    if (operands.some((operand) => operand === undefined) || !this.#alike(node)) return false;
    const output = this.writer.fresh(`fast/${operator}`);
    this.writer.copy(node, operands as string[], [output]); // checked above
    this.#rows.set(name, output);
    return true;
  }

  /** Whether all pictures that the node reads have one shape. */
  #alike(node: Node): boolean {
    const shapes = node.inputs
      .filter((input) => this.#rows.has(input))
      .map((input) => this.facts.get(input)?.shape.join());
    return shapes.every((shape) => shape !== undefined && shape === shapes[0]);
  }

  /** A constant operand for a picture in [H, W, N, C]: a scalar, or one number per channel. */
  #operand(name: string): string | undefined {
    const tensor = this.#initializers.get(name);
    const values = floatsOf(tensor);
    if (tensor === undefined || values === undefined) return undefined;
    const sizes = sizesOf(tensor);
    if (values.length === 1) return this.writer.floats([1], () => values);
    const channel = sizes.at(-3);
    return channel === values.length && (sizes.length === 3 || sizes.length === 4)
      ? this.writer.floats([values.length], () => values)
      : undefined;
  }

  #normalise(node: Node): boolean {
    const [x = '', ...names] = node.inputs;
    const [scale, bias, mean, variance] = names.map((name) => floatsOf(this.#initializers.get(name)));
    const attributes = attributesOf(node);
    const rows = this.#rows.get(x);
    if (
      rows === undefined ||
      scale === undefined ||
      bias === undefined ||
      mean === undefined ||
      variance === undefined ||
      (attributes['training_mode'] ?? 0) !== 0
    )
      return false;
    const epsilon = typeof attributes['epsilon'] === 'number' ? attributes['epsilon'] : 1e-5;
    const factor = (): Float32Array => scale.map((s, i) => s / Math.sqrt((variance[i] ?? 0) + epsilon));
    const scaled = this.writer.op('Mul', [rows, this.writer.floats([scale.length], factor)]);
    const shift = (): Float32Array => factor().map((f, i) => (bias[i] ?? 0) - f * (mean[i] ?? 0));
    this.#rows.set(node.outputs[0] ?? '', this.writer.op('Add', [scaled, this.writer.floats([scale.length], shift)]));
    return true;
  }

  #onlyRows(name: string): boolean {
    return this.#rows.has(name) && !this.#plain.has(name);
  }

  // A transpose of two axes is fast, one of four is not, so adjacent axes are merged first.
  #needRows(name: string): string {
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const [channels, height, width] = this.#sizes(name);
    const turned = this.writer.op('Transpose', [this.writer.reshape(name, [-1, height * width])], { perm: [1, 0] });
    const rows = this.writer.reshape(turned, [height, width, -1, channels]);
    this.#rows.set(name, rows);
    this.crossed += channels * height * width;
    return rows;
  }

  #needPlain(name: string): void {
    const rows = this.#rows.get(name);
    if (rows === undefined || this.#plain.has(name)) return;
    const [channels, height, width] = this.#sizes(name);
    const turned = this.writer.op('Transpose', [this.writer.reshape(rows, [height * width, -1])], { perm: [1, 0] });
    this.writer.reshape(turned, [-1, channels, height, width], name);
    this.#plain.add(name);
    this.crossed += channels * height * width;
  }

  #sizes(name: string): [number, number, number] {
    const [, ...sizes] = this.facts.get(name)?.shape ?? [];
    const [channels, height, width] = sizes.map((size: Dim) => (typeof size === 'number' ? size : 0));
    return [channels ?? 0, height ?? 0, width ?? 0];
  }
}
