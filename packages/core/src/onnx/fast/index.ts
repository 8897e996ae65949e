// Replaces convolutions of any model with products of transformed tiles (Winograd) where the cost model says that this
// is faster on a CPU, over the batch sizes that the model may be run with.
import { UsageError } from '../../errors.js';
import { optionsOf } from '../../realm.js';
import { givenModel } from '../given.js';
import type { Graph, Model, Node } from '../ir.js';
import { removeDead } from '../passes/remove-dead.js';
import type { Fact } from '../infer/index.js';
import { describe, type PictureConvolution } from './convolution.js';
import { algorithmsFor, BATCHES, crossingPrice, nameOf, plainPrice, winogradPrice, type Algorithm } from './price.js';
import { crossings, rewrite, type Choice } from './rewrite.js';
import { expandWeights } from '../stored/expand.js';
import { factsOf } from '../facts/shapes.js';

/** A model in which some convolutions were replaced. */
export interface FastModel {
  model: Model;
  /** Algorithm of each convolution that was replaced, by its node's name. */
  convolutions: Record<string, string>;
  /**
   * The smallest batch size, of powers of two up to 64, at which the model is estimated to be no slower than the
   * original; Infinity if there is none.
   */
  from: number;
}

/** Options of {@link fastConvolutions}. */
export interface FastOptions {
  /** Algorithms by node name, as in `convolutions`, or `portable`; other convolutions get the cheapest. */
  algorithms?: Readonly<Record<string, string>>;
}

/** Opsets that inference and this rewrite support. */
const OPSETS = { least: 13n, most: 22n };

/** With the chosen algorithms, the model's convolutions must cost less than this fraction of their cost in the file. */
const GAIN = 0.97;

/**
 * The model with convolutions of fixed sizes and constant weights computed by Winograd's algorithm, in standard
 * operators, where a cost model fitted to onnxruntime's CPU kernels says that this is faster. Inputs, outputs and names
 * are the same; pictures differ by rounding (below 1e-5 of their range in tests) and depend on the batch size no more
 * than before. Returns the same model if there is nothing to gain, or for other opsets.
 * @throws UsageError for an algorithm that cannot compute its convolution.
 */
export function fastConvolutions(stored: Model, options: FastOptions = {}): FastModel {
  const { algorithms = {} } = optionsOf('fastConvolutions', options, 'algorithms');
  const model = expandWeights(givenModel('fastConvolutions', stored)); // so that 8- and 16-bit weights are found too
  const opset = opsetOf(model);
  const { graph } = model;
  if (graph === undefined || opset === undefined) return { model: stored, convolutions: {}, from: 1 };
  const facts = factsOf(graph, opset);
  const choices = choose(graph, facts, algorithms);
  if (choices.size === 0) return { model: stored, convolutions: {}, from: 1 };
  const writer = rewrite(graph, facts, choices);
  const rewritten = removeDead({
    ...graph,
    nodes: writer.nodes,
    initializers: [...graph.initializers, ...writer.constants],
    valueInfo: [],
  });
  return {
    model: { ...model, graph: rewritten },
    convolutions: Object.fromEntries(
      [...choices].map(([node, { conv, algorithm }]) => [idOf(node), nameOf(conv, algorithm)]),
    ),
    from: paysFrom([...choices.values()], crossings(graph, facts, choices)),
  };
}

/** See {@link FastModel.from}. `crossed`: the number of floats per picture that change layout. */
function paysFrom(choices: readonly Choice[], crossed: number): number {
  const gain = (batch: number): number =>
    choices.reduce(
      (sum, { conv, algorithm }) => sum + plainPrice(conv, batch) - winogradPrice(conv, algorithm, batch),
      -crossingPrice(crossed, batch),
    );
  return [1, 2, 4, 8, 16, 32, 64].find((batch) => gain(batch) >= 0) ?? Infinity;
}

/**
 * Estimated cost of one convolution with each algorithm; unit: the time of a million multiply-adds of a large matrix
 * product.
 */
export interface ConvolutionPrices {
  /** The node's name. */
  node: string;
  /** A description, such as `64 → 128 channels, 14×14 → 7×7, kernel 4×4, stride 2`. */
  what: string;
  /** Batch sizes of the estimates. */
  batches: number[];
  /** By algorithm; `portable` is the node itself. */
  prices: Record<string, number[]>;
  /** The algorithm that is chosen. */
  taken: string;
}

/**
 * The cost estimates from which {@link fastConvolutions} chooses, and its choice, for each convolution that another
 * algorithm could compute. Layout changes cost extra, so the cheapest algorithm is not always chosen.
 */
export function explainConvolutions(stored: Model): ConvolutionPrices[] {
  const model = expandWeights(givenModel('explainConvolutions', stored));
  const { graph } = model;
  const opset = opsetOf(model);
  if (graph === undefined || opset === undefined) return [];
  const facts = factsOf(graph, opset);
  const taken = choose(graph, facts, {});
  return convolutionsOf(graph, facts).flatMap((conv) => {
    const algorithms = algorithmsFor(conv);
    if (algorithms.length === 0) return [];
    const batches = batchesOf(conv).map(({ batch }) => batch);
    const prices = Object.fromEntries([
      ['portable', batches.map((batch) => plainPrice(conv, batch))],
      ...algorithms.map(
        (algorithm) =>
          [nameOf(conv, algorithm), batches.map((batch) => winogradPrice(conv, algorithm, batch))] as const,
      ),
    ]);
    const chosen = taken.get(conv.node);
    return [
      {
        node: idOf(conv.node),
        what: whatOf(conv),
        batches,
        prices,
        taken: chosen === undefined ? 'portable' : nameOf(conv, chosen.algorithm),
      },
    ];
  });
}

function whatOf({ transposed, large, small, height: h, width: w }: PictureConvolution): string {
  const [from, to] = transposed ? [small, large] : [large, small];
  const size = (axis: 'large' | 'small'): string => `${h[axis]}×${w[axis]}`;
  const stride = h.stride === w.stride ? String(h.stride) : `${h.stride}×${w.stride}`;
  return (
    `${from} → ${to} channels, ${size(transposed ? 'small' : 'large')} → ${size(transposed ? 'large' : 'small')}, ` +
    `kernel ${h.kernel}×${w.kernel}, stride ${stride}`
  );
}

const convolutionsOf = (graph: Graph, facts: ReadonlyMap<string, Fact>): PictureConvolution[] => {
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor]));
  return graph.nodes.flatMap((node) => describe(node, facts, initializers) ?? []);
};

/** Batch sizes for which a convolution's cost is estimated: the graph's own if fixed. */
const batchesOf = (conv: PictureConvolution | undefined): typeof BATCHES =>
  conv?.batch === undefined ? BATCHES : [{ batch: conv.batch, weight: 1 }];

/** The opset of the default domain, if inference and this rewrite support it. */
function opsetOf({ opsetImport }: Model): number | undefined {
  const opset =
    opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx')?.version ?? 0n;
  return opset < OPSETS.least || opset > OPSETS.most ? undefined : Number(opset);
}

/**
 * The cheapest choices: the best algorithm for each convolution, except where the layout changes would cost more than
 * it gains. Algorithms in `given` are kept.
 */
function choose(
  graph: Graph,
  facts: ReadonlyMap<string, Fact>,
  given: Readonly<Record<string, string>>,
): Map<Node, Choice> {
  const convolutions = convolutionsOf(graph, facts);
  const batches = batchesOf(convolutions[0]);
  const total = batches.map(({ batch }) => convolutions.reduce((sum, conv) => sum + plainPrice(conv, batch), 0));
  // Relative to the cost of the file's own convolutions at each batch size.
  const score = (price: (batch: number) => number): number =>
    batches.reduce((sum, { batch, weight }, i) => sum + (weight * price(batch)) / (total[i] ?? 1), 0);
  const plain = (conv: PictureConvolution): number => score((batch) => plainPrice(conv, batch));
  const fast = (conv: PictureConvolution, algorithm: Algorithm): number =>
    score((batch) => winogradPrice(conv, algorithm, batch));
  const whole = batches.reduce((sum, { weight }) => sum + weight, 0);

  const forced = new Map(
    convolutions.flatMap((conv) => {
      const name = given[idOf(conv.node)];
      return name === undefined || name === 'portable'
        ? []
        : [[conv.node, { conv, algorithm: named(conv, name) }] as const];
    }),
  );
  const choices = new Map<Node, Choice>(forced);
  for (const conv of convolutions) {
    if (given[idOf(conv.node)] !== undefined) continue;
    const best = algorithmsFor(conv).reduce<Algorithm | undefined>(
      (a, b) => (a === undefined || fast(conv, b) < fast(conv, a) ? b : a),
      undefined,
    );
    if (best !== undefined && fast(conv, best) < plain(conv)) choices.set(conv.node, { conv, algorithm: best });
  }
  const price = (chosen: ReadonlyMap<Node, Choice>): number => {
    const crossed = crossings(graph, facts, chosen);
    const gained = [...chosen.values()].reduce(
      (sum, { conv, algorithm }) => sum + plain(conv) - fast(conv, algorithm),
      0,
    );
    return whole - gained + score((batch) => crossingPrice(crossed, batch));
  };
  let least = price(choices);
  for (const [node, choice] of [...choices]) {
    if (forced.has(node)) continue;
    choices.delete(node);
    const without = price(choices);
    if (without < least) least = without;
    else choices.set(node, choice);
  }
  return least < GAIN * whole ? choices : forced;
}

const idOf = (node: Node): string => node.name ?? node.outputs[0] ?? '';

function named(conv: PictureConvolution, name: string): Algorithm {
  const known = algorithmsFor(conv);
  const algorithm = known.find((each) => nameOf(conv, each) === name);
  if (algorithm === undefined)
    throw new UsageError(
      `fastConvolutions.algorithms['${idOf(conv.node)}']: expected ` +
        `${['portable', ...known.map((each) => nameOf(conv, each))].join(' | ')}, got '${name}'`,
    );
  return algorithm;
}
