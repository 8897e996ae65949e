// Passes that merge a Transpose of a Transpose, turn a Transpose that moves nothing into an Identity, and remove pairs
// that cancel across element-wise ops.
import { attribute } from '../build/attributes.js';
import type { Graph, Node } from '../ir.js';
import { isOp, reading, scopeOf, withNodes, type Scope } from './scope.js';

/** Operators whose result at an index depends only on the inputs' elements at that index. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  'Abs',
  'Acos',
  'Acosh',
  'Add',
  'And',
  'Asin',
  'Asinh',
  'Atan',
  'Atanh',
  'BitwiseAnd',
  'BitwiseNot',
  'BitwiseOr',
  'BitwiseXor',
  'Cast',
  'Ceil',
  'Celu',
  'Clip',
  'Cos',
  'Cosh',
  'Div',
  'Elu',
  'Equal',
  'Erf',
  'Exp',
  'Floor',
  'Gelu',
  'Greater',
  'GreaterOrEqual',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'IsInf',
  'IsNaN',
  'LeakyRelu',
  'Less',
  'LessOrEqual',
  'Log',
  'Max',
  'Mean',
  'Min',
  'Mish',
  'Mod',
  'Mul',
  'Neg',
  'Not',
  'Or',
  'PRelu',
  'Pow',
  'Reciprocal',
  'Relu',
  'Round',
  'Selu',
  'Sigmoid',
  'Sign',
  'Sin',
  'Sinh',
  'Softplus',
  'Softsign',
  'Sqrt',
  'Sub',
  'Sum',
  'Tan',
  'Tanh',
  'ThresholdedRelu',
  'Where',
  'Xor',
]);

type Perm = readonly number[];

/** The `perm` of a Transpose; `rank` is needed for the default, which reverses the axes. */
function permOf(node: Node, rank?: number): Perm | undefined {
  const given = node.attributes.find(({ name }) => name === 'perm');
  // A reference to a function's attribute has no value here.
  if (given !== undefined)
    return given.refAttrName === undefined || given.refAttrName === '' ? Array.from(given.ints, Number) : undefined;
  return rank === undefined ? undefined : Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

const isIdentity = (perm: Perm): boolean => perm.every((axis, i) => axis === i);
const inverse = (perm: Perm): Perm => perm.map((_, i) => perm.indexOf(i));

function transposing(node: Node, source: string, perm: Perm): Node {
  const attributes = isIdentity(perm) ? [] : [attribute('Transpose', 'perm', perm)];
  return { ...node, opType: isIdentity(perm) ? 'Identity' : 'Transpose', inputs: [source], attributes };
}

/**
 * The second of two Transposes reads the first one's input. The first is removed as a dead node if nothing else reads
 * it.
 */
export function mergeTransposes(graph: Graph): Graph {
  const made = new Map<string, Node>();
  const nodes = graph.nodes.map((node) => {
    const [source, target] = [node.inputs[0], node.outputs[0]];
    if (!isOp(node, 'Transpose') || source === undefined || target === undefined) return node;
    const before = made.get(source);
    const merged = before === undefined ? alone(node, source) : merge(before, node);
    if (isOp(merged, 'Transpose')) made.set(target, merged);
    return merged;
  });
  return nodes.every((node, i) => node === graph.nodes[i]) ? graph : withNodes(graph, nodes);
}

function alone(node: Node, source: string): Node {
  const perm = permOf(node);
  return perm !== undefined && perm.length > 0 && isIdentity(perm) ? transposing(node, source, perm) : node;
}

function merge(first: Node, second: Node): Node {
  const source = first.inputs[0] ?? '';
  const reversed = (node: Node): boolean => !node.attributes.some(({ name }) => name === 'perm');
  if (reversed(first) && reversed(second)) return transposing(second, source, []);
  const rank = (permOf(first) ?? permOf(second))?.length;
  const [p, q] = [permOf(first, rank), permOf(second, rank)];
  if (p === undefined || q === undefined || p.length !== q.length) return second;
  return transposing(
    second,
    source,
    q.map((axis) => p[axis] ?? axis),
  );
}

/** Nodes between Transposes with one `perm` (`starts`) and Transposes with the inverse `perm` (`ends`). */
interface Region {
  starts: Set<Node>;
  inner: Set<Node>;
  ends: Set<Node>;
}

/**
 * Removes Transposes whose every path leads through element-wise ops to their inverse: the ops then run on the
 * untransposed values.
 */
export function cancelAcrossElementwise(graph: Graph): Graph {
  const scope = scopeOf(graph);
  for (const node of graph.nodes) {
    const perm = isOp(node, 'Transpose') ? permOf(node) : undefined;
    const region = perm === undefined || isIdentity(perm) ? undefined : regionOf(node, perm, scope);
    if (region === undefined || region.inner.size === 0) continue;
    const { starts, inner, ends } = region;
    const untransposed = new Map([...starts].map((start) => [start.outputs[0] ?? '', start.inputs[0] ?? '']));
    const changed = new Set([...inner].flatMap(({ outputs }) => outputs));
    const nodes = graph.nodes.map((n) =>
      inner.has(n)
        ? reading(n, untransposed)
        : ends.has(n)
          ? reading(transposing(n, n.inputs[0] ?? '', []), untransposed)
          : n,
    );
    // One region at a time; the next call finds the next.
    return withNodes(graph, nodes, changed);
  }
  return graph;
}

/**
 * The region around the Transpose `first`. Undefined if the transposed values are outputs, are read by other nodes than
 * element-wise ones and inverse Transposes, or are mixed with values in another order.
 */
function regionOf(
  first: Node,
  perm: Perm,
  { producers, readers, outputs, initializers, inputs, pinned }: Scope,
): Region | undefined {
  const region: Region = { starts: new Set(), inner: new Set(), ends: new Set() };
  const transposes = (node: Node, by: Perm): boolean => isOp(node, 'Transpose') && permOf(node)?.join() === by.join();
  const elementwise = (node: Node): boolean => ELEMENTWISE.has(node.opType ?? '') && isOp(node, node.opType ?? '');
  // An input that does not depend on the order of axes: absent, or a constant of one element.
  const indifferent = (name: string): boolean => {
    const producer = producers.get(name);
    const tensor =
      initializers.get(name) ??
      (isOp(producer, 'Constant') ? producer.attributes.find((attribute) => attribute.name === 'value')?.t : undefined);
    return (
      name === '' ||
      (tensor !== undefined &&
        !inputs.has(name) &&
        tensor.dims.length <= perm.length &&
        tensor.dims.every((dim) => dim === 1n))
    );
  };
  const moved = new Set<string>();
  const open: Node[] = [first];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const start = transposes(node, perm);
    if (region.starts.has(node) || region.inner.has(node)) continue;
    if (!start && !elementwise(node)) return undefined;
    (start ? region.starts : region.inner).add(node);
    if (node.outputs.some((name) => outputs.has(name) || pinned.has(name))) return undefined;
    for (const name of node.outputs) moved.add(name);
    for (const reader of node.outputs.flatMap((name) => readers.get(name) ?? [])) {
      if (transposes(reader, inverse(perm))) region.ends.add(reader);
      else open.push(reader);
    }
    if (start) continue;
    for (const name of node.inputs) {
      if (indifferent(name) || moved.has(name)) continue;
      const producer = producers.get(name);
      if (producer === undefined) return undefined;
      open.push(producer);
    }
  }
  // A self-inverse Transpose may both end and start the region: then it is not a border.
  const border = region.ends.size > 0 && ![...region.ends].some((end) => region.starts.has(end));
  return border ? region : undefined;
}
