// Decides which nodes of a graph are computed in half precision, and in which precision each value is.
import { DATA_TYPE, type Graph, type Node, type TensorProto } from '../ir.js';
import { attributesOf, operatorOf } from '../facts/shapes.js';
import { captured } from '../passes/scope.js';
import { FLOAT_INPUTS, placeOf, type Place } from './places.js';
import { typesOf } from './types.js';
import { fitOf, type Fit } from './weights.js';

/** The decisions for a graph. */
export interface Plan {
  /** Nodes in half precision. */
  half: ReadonlySet<Node>;
  /** Nodes that read their inputs in either precision. */
  indifferent: ReadonlySet<Node>;
  /** Float constants, by name: initializers, and tensors of Constant nodes. */
  constants: ReadonlyMap<string, TensorProto>;
  /**
   * Names that must stay float32: outputs, unless these are in half precision, and names that subgraphs and annotations
   * use.
   */
  pinned: ReadonlySet<string>;
  /** Graph inputs and outputs that are in half precision. */
  ends: ReadonlySet<string>;
  isFloat(name: string): boolean;
}

/** Options of {@link planOf}. */
export interface PlanOptions {
  /** Whether the graph's inputs and outputs are in half precision too. */
  ends: boolean;
  /** Nodes that stay in float32, by name or operator. */
  keep: ReadonlySet<string>;
}

/**
 * The inputs of a node that take the node's precision: those of type float32 that the operator does not require in
 * float32.
 */
function floatInputs(node: Node, isFloat: (name: string) => boolean): string[] {
  const fixed = FLOAT_INPUTS[operatorOf(node)] ?? [];
  return node.inputs.filter((name, i) => isFloat(name) && !fixed.includes(i));
}

/** The plan for one graph. */
export function planOf(graph: Graph, { ends: halfEnds, keep }: PlanOptions): Plan {
  const types = typesOf(graph, (operator) => placeOf(operator) !== undefined);
  const isFloat = (name: string): boolean => types.get(name) === DATA_TYPE.float32;
  const constants = constantsOf(graph);
  const fits = new Map<string, Fit | undefined>();
  const fit = (name: string): Fit | undefined => {
    const tensor = constants.get(name);
    if (!fits.has(name)) fits.set(name, tensor === undefined ? undefined : fitOf(tensor));
    return fits.get(name);
  };
  const used = new Set([
    ...graph.quantizationAnnotation.flatMap(({ tensorName, quantParameters }) => [
      tensorName ?? '',
      ...quantParameters.map(({ value }) => value ?? ''),
    ]),
    ...graph.nodes.flatMap(captured),
  ]);
  const both = [...graph.inputs, ...graph.outputs].map(({ name }) => name ?? '');
  const ends = new Set(halfEnds ? both.filter((name) => isFloat(name) && !used.has(name) && !constants.has(name)) : []);
  const pinned = new Set([...used, ...graph.outputs.map(({ name }) => name ?? '').filter((name) => !ends.has(name))]);

  const places = new Map<Node, Place | undefined>();
  const half = new Set<Node>();
  /** Values computed in half precision. */
  const halves = new Set(graph.inputs.map(({ name }) => name ?? '').filter((name) => ends.has(name)));
  for (const node of graph.nodes) {
    const operator = operatorOf(node);
    const kept =
      keep.has(operator) ||
      (node.name !== undefined && node.name !== '' && keep.has(node.name)) ||
      node.inputs.some((name) => name !== '' && !types.has(name));
    const place = kept ? undefined : resolve(placeOf(operator), node, types, constants);
    places.set(node, place);
    if (place === undefined || !inHalf(place, node, isFloat, constants, fit, halves)) continue;
    half.add(node);
    for (const name of node.outputs) if (isFloat(name)) halves.add(name);
  }
  keepExact(graph, { places, half, isFloat, constants, pinned, ends });
  return {
    half,
    indifferent: new Set(graph.nodes.filter((node) => places.get(node) === 'any')),
    constants,
    pinned,
    ends,
    isFloat,
  };
}

/** Resolves places that depend on this node's inputs. */
function resolve(
  place: Place | undefined,
  node: Node,
  types: ReadonlyMap<string, number>,
  constants: ReadonlyMap<string, TensorProto>,
): Place | undefined {
  const [a = '', b = ''] = node.inputs;
  if (place === 'square') return a === b ? 'float' : 'point';
  if (place === 'divide') return constants.has(b) ? 'point' : 'float';
  if (place === 'scatter') return (attributesOf(node)['reduction'] ?? 'none') === 'none' ? 'follow' : 'float';
  if (place === 'cast') return types.get(node.outputs[0] ?? '') === DATA_TYPE.float32 ? 'float' : 'exact';
  return place;
}

function inHalf(
  place: Place,
  node: Node,
  isFloat: (name: string) => boolean,
  constants: ReadonlyMap<string, TensorProto>,
  fit: (name: string) => Fit | undefined,
  halves: ReadonlySet<string>,
): boolean {
  if (place !== 'half' && place !== 'follow' && place !== 'point') return false;
  const inputs = floatInputs(node, isFloat);
  const held = inputs.every((name) => {
    if (!constants.has(name)) return true;
    const how = fit(name);
    return how !== undefined && how.range && (place !== 'point' || how.small) && (place !== 'half' || how.scale);
  });
  if (inputs.length === 0 || !held) return false;
  const moving = inputs.filter((name) => !constants.has(name));
  if (place === 'half') return true;
  // A node that reads only constants is in half precision if it looks up or moves a weight (`follow`), such as a table;
  // other constants are small.
  if (moving.length === 0) return place === 'follow';
  return moving.every((name) => halves.has(name));
}

/** Constants by name. An initializer that is also an input may be replaced by the caller, so it does not count. */
function constantsOf(graph: Graph): Map<string, TensorProto> {
  const inputs = new Set(graph.inputs.map(({ name }) => name ?? ''));
  const constants = new Map(
    graph.initializers
      .filter(({ name, dataType }) => dataType === DATA_TYPE.float32 && !inputs.has(name ?? ''))
      .map((tensor) => [tensor.name ?? '', tensor]),
  );
  for (const node of graph.nodes) {
    const value = operatorOf(node) === 'Constant' ? node.attributes.find(({ name }) => name === 'value')?.t : undefined;
    const [output] = node.outputs;
    if (value?.dataType === DATA_TYPE.float32 && output !== undefined) constants.set(output, value);
  }
  return constants;
}

interface Tail extends Pick<Plan, 'constants' | 'pinned' | 'ends' | 'isFloat'> {
  places: ReadonlyMap<Node, Place | undefined>;
  half: Set<Node>;
}

/** Operators that only move numbers, so that a Cast may be on either side. */
const MOVES: ReadonlySet<string> = new Set([
  'DepthToSpace',
  'Flatten',
  'Identity',
  'Reshape',
  'SpaceToDepth',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/**
 * Moves back to float32 the nodes that have one non-constant input, return no more numbers than they read, and lead
 * only to the graph's outputs or to nodes that must be exact. A Cast is then done before such a node instead of after
 * it; none is added.
 */
function keepExact(graph: Graph, { places, half, isFloat, constants, pinned, ends }: Tail): void {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) {
      const known = readers.get(name);
      if (known === undefined) readers.set(name, [node]);
      else known.push(node);
    }
  }
  const outputs = new Set(graph.outputs.map(({ name }) => name ?? '').filter((name) => !ends.has(name)));
  const exact = new Set<Node>([...places].filter(([, place]) => place === 'exact').map(([node]) => node));
  for (const node of [...graph.nodes].reverse()) {
    if (!half.has(node) || !(places.get(node) === 'point' || MOVES.has(operatorOf(node)))) continue;
    const moving = new Set(floatInputs(node, isFloat).filter((name) => !constants.has(name)));
    const wanted = node.outputs.every((name) => {
      const all = readers.get(name) ?? [];
      return (outputs.has(name) || (all.length > 0 && !pinned.has(name))) && all.every((reader) => exact.has(reader));
    });
    if (moving.size !== 1 || !wanted) continue;
    half.delete(node);
    exact.add(node);
  }
}
