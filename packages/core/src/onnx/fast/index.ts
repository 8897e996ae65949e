// Convolutions of any model as products of transformed tiles, where that is faster on a CPU: chosen by price, over the batch sizes that the model may see.
import { UsageError } from '../../errors.js';
import type { Graph, Model, Node } from '../ir.js';
import { removeDead } from '../passes/remove-dead.js';
import type { Fact } from '../infer/index.js';
import { describe, type PictureConvolution } from './convolution.js';
import { algorithmsFor, BATCHES, crossingPrice, nameOf, plainPrice, winogradPrice, type Algorithm } from './price.js';
import { crossings, rewrite, type Choice } from './rewrite.js';
import { factsOf } from '../facts/shapes.js';

/** A model whose convolutions may be others than its file says. */
export interface FastModel {
  model: Model;
  /** Algorithm of each convolution that was replaced, by its node's name. */
  convolutions: Record<string, string>;
}

/** What {@link fastConvolutions} does of its own accord otherwise. */
export interface FastOptions {
  /** Algorithms by node name, as `convolutions` names them, or `portable`; other convolutions are chosen by price. */
  algorithms?: Readonly<Record<string, string>>;
}

/** Opsets whose nodes inference and this rewriting know. */
const OPSETS = { least: 13n, most: 22n };

/** Only what is clearly cheaper is taken. */
const GAIN = 0.97;

/**
 * The model with convolutions of fixed sizes and constant weights computed by Winograd's algorithm, in standard operators, where a price fitted to onnxruntime's CPU
 * kernels says that it pays. Inputs, outputs and names are the same; pictures differ by rounding (below 1e-5 of their range in what was tried) and do not depend on the
 * batch they are made in any more than before. The model itself when there is nothing to gain, and for operators of other opsets.
 * @throws UsageError for an algorithm that cannot compute the convolution it is meant for.
 */
export function fastConvolutions(model: Model, { algorithms = {} }: FastOptions = {}): FastModel {
  const opset = model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx')?.version ?? 0n;
  const { graph } = model;
  if (graph === undefined || opset < OPSETS.least || opset > OPSETS.most) return { model, convolutions: {} };
  const facts = factsOf(graph, Number(opset));
  const choices = choose(graph, facts, algorithms);
  if (choices.size === 0) return { model, convolutions: {} };
  const writer = rewrite(graph, facts, choices);
  const rewritten = removeDead({ ...graph, nodes: writer.nodes, initializers: [...graph.initializers, ...writer.constants], valueInfo: [] });
  return { model: { ...model, graph: rewritten }, convolutions: Object.fromEntries([...choices].map(([node, { conv, algorithm }]) => [idOf(node), nameOf(conv, algorithm)])) };
}

/** The choice of lowest price: the best algorithm for each, then without those that cost more in changes of layout than they gain. `given` ones stay. */
function choose(graph: Graph, facts: ReadonlyMap<string, Fact>, given: Readonly<Record<string, string>>): Map<Node, Choice> {
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name ?? '', tensor]));
  const convolutions = graph.nodes.flatMap((node) => describe(node, facts, initializers) ?? []);
  const fixed = convolutions[0]?.batch;
  const batches = fixed === undefined ? BATCHES : [{ batch: fixed, weight: 1 }];
  const total = batches.map(({ batch }) => convolutions.reduce((sum, conv) => sum + plainPrice(conv, batch), 0));
  // In shares of what the convolutions of the file cost at each batch size.
  const score = (price: (batch: number) => number): number => batches.reduce((sum, { batch, weight }, i) => sum + (weight * price(batch)) / (total[i] ?? 1), 0);
  const plain = (conv: PictureConvolution): number => score((batch) => plainPrice(conv, batch));
  const fast = (conv: PictureConvolution, algorithm: Algorithm): number => score((batch) => winogradPrice(conv, algorithm, batch));
  const whole = batches.reduce((sum, { weight }) => sum + weight, 0);

  const forced = new Map(convolutions.flatMap((conv) => {
    const name = given[idOf(conv.node)];
    return name === undefined || name === 'portable' ? [] : [[conv.node, { conv, algorithm: named(conv, name) }] as const];
  }));
  const choices = new Map<Node, Choice>(forced);
  for (const conv of convolutions) {
    if (given[idOf(conv.node)] !== undefined) continue;
    const best = algorithmsFor(conv).reduce<Algorithm | undefined>((a, b) => (a === undefined || fast(conv, b) < fast(conv, a) ? b : a), undefined);
    if (best !== undefined && fast(conv, best) < plain(conv)) choices.set(conv.node, { conv, algorithm: best });
  }
  const price = (chosen: ReadonlyMap<Node, Choice>): number => {
    const crossed = crossings(graph, facts, chosen);
    const gained = [...chosen.values()].reduce((sum, { conv, algorithm }) => sum + plain(conv) - fast(conv, algorithm), 0);
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
  if (algorithm === undefined) throw new UsageError(`fastConvolutions.algorithms['${idOf(conv.node)}']: expected ${['portable', ...known.map((each) => nameOf(conv, each))].join(' | ')}, got '${name}'`);
  return algorithm;
}
