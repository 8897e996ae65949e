// Convolutions of any model as products of transformed tiles, where that is faster on a CPU: chosen by price, over the batch sizes that the model may see.
import type { Graph, Model, Node } from '../ir.js';
import { removeDead } from '../passes/remove-dead.js';
import type { Fact } from '../infer/index.js';
import { describe, type PictureConvolution } from './convolution.js';
import { algorithmsFor, BATCHES, nameOf, plainPrice, winogradPrice, type Algorithm } from './price.js';
import { crossingPrice, rewrite, type Choice } from './rewrite.js';
import { factsOf } from './shapes.js';

/** A model whose convolutions may be others than its file says. */
export interface FastModel {
  model: Model;
  /** Algorithm of each convolution that was replaced, by its node's name. */
  convolutions: Record<string, string>;
}

/** Opsets whose nodes inference and this rewriting know. */
const OPSETS = { least: 13n, most: 22n };

/** Only what is clearly cheaper is taken. */
const GAIN = 0.93;

/**
 * The model with convolutions of fixed sizes and constant weights computed by Winograd's algorithm, in standard operators, where a price fitted to onnxruntime's CPU
 * kernels says that it pays. Inputs, outputs and names are the same; pictures differ by rounding (below 1e-5 of their range in what was tried) and do not depend on the
 * batch they are made in any more than before. The model itself when there is nothing to gain, and for operators of other opsets.
 */
export function fastConvolutions(model: Model): FastModel {
  const opset = model.opsetImport.find(({ domain }) => domain === undefined || domain === '' || domain === 'ai.onnx')?.version ?? 0n;
  const { graph } = model;
  if (graph === undefined || opset < OPSETS.least || opset > OPSETS.most) return { model, convolutions: {} };
  const facts = factsOf(graph, Number(opset));
  const choices = choose(graph, facts);
  if (choices.size === 0) return { model, convolutions: {} };
  const { writer } = rewrite(graph, facts, choices);
  const rewritten = removeDead({ ...graph, nodes: writer.nodes, initializers: [...graph.initializers, ...writer.constants], valueInfo: [] });
  return { model: { ...model, graph: rewritten }, convolutions: Object.fromEntries([...choices].map(([node, { conv, algorithm }]) => [node.name ?? node.outputs[0] ?? '', nameOf(conv, algorithm)])) };
}

/** The choice of lowest price: the best algorithm for each, then without those that cost more in changes of layout than they gain. */
function choose(graph: Graph, facts: ReadonlyMap<string, Fact>): Map<Node, Choice> {
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

  const choices = new Map<Node, Choice>();
  for (const conv of convolutions) {
    const best = algorithmsFor(conv).reduce<Algorithm | undefined>((a, b) => (a === undefined || fast(conv, b) < fast(conv, a) ? b : a), undefined);
    if (best !== undefined && fast(conv, best) < plain(conv)) choices.set(conv.node, { conv, algorithm: best });
  }
  const price = (chosen: ReadonlyMap<Node, Choice>): number => {
    const walked = rewrite(graph, facts, chosen);
    const gained = [...chosen.values()].reduce((sum, { conv, algorithm }) => sum + plain(conv) - fast(conv, algorithm), 0);
    return whole - gained + score((batch) => crossingPrice(walked, batch));
  };
  let least = price(choices);
  for (const [node, choice] of [...choices]) {
    choices.delete(node);
    const without = price(choices);
    if (without < least) least = without;
    else choices.set(node, choice);
  }
  return least < GAIN * whole ? choices : new Map();
}
