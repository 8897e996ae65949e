// Infers types and shapes of a graph's values. Values of unknown operators are left out, so no model is refused.
import { UsageError } from '../../errors.js';
import type { Dim } from '../../tensor.js';
import { givenGraph } from '../given.js';
import { INFERENCE, TRACKED, type AttributeValue, type Fact } from '../infer/index.js';
import { ATTRIBUTE_TYPE, type Attribute, type Graph, type Node, type TensorProto, type ValueInfo } from '../ir.js';
import type { OpName } from '../ops.js';
import { decodeText } from '../text.js';
import { dtypeOf, int64sOf, sizesOf } from './tensors.js';

/**
 * Types and shapes of a graph's values by name, inferred under `opset` of the default domain from its inputs and
 * initializers. Values of operators that inference does not know are absent, and so are values that depend on them. A
 * dynamic size is a name or an expression of names; an unknown size is `unknown_<n>`.
 */
export function factsOf(graph: Graph, opset: number): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  const learn = (name: string | undefined, fact: Fact | undefined): void => {
    if (fact !== undefined && name !== undefined && name !== '') facts.set(name, fact);
  };
  givenGraph('factsOf', graph);
  for (const info of graph.inputs) learn(info.name, declared(info));
  for (const tensor of graph.initializers) learn(tensor.name, constant(tensor));
  let unknown = 0;
  for (const node of graph.nodes) {
    const inferred = infer(node, facts, opset, () => `unknown_${unknown++}`);
    node.outputs.forEach((name, i) => learn(name, inferred[i]));
  }
  return facts;
}

/** An attribute as inference reads it; undefined for tensors and graphs. */
export function valueOf({ type, f, i, ints, s }: Attribute): AttributeValue {
  if (type === ATTRIBUTE_TYPE.float) return f ?? 0;
  if (type === ATTRIBUTE_TYPE.int) return Number(i ?? 0n);
  if (type === ATTRIBUTE_TYPE.ints) return Array.from(ints, Number);
  return type === ATTRIBUTE_TYPE.string ? decodeText(s ?? new Uint8Array(0)) : undefined;
}

/** Attributes of a node, by name. */
export const attributesOf = (node: Node): Record<string, AttributeValue> =>
  Object.fromEntries(node.attributes.map((a) => [a.name ?? '', valueOf(a)]));

/** A node's operator if it is of the default domain, else ''. */
export const operatorOf = ({ domain = '', opType = '' }: Node): string =>
  domain === '' || domain === 'ai.onnx' ? opType : '';

function infer(
  node: Node,
  facts: ReadonlyMap<string, Fact>,
  opset: number,
  fresh: () => string,
): readonly (Fact | undefined)[] {
  const operator = operatorOf(node);
  if (operator === 'Constant') return [constantNode(node)];
  if (!Object.hasOwn(INFERENCE, operator)) return [];
  const inputs = node.inputs.map((name) => facts.get(name));
  if (node.inputs.some((name, i) => name !== '' && inputs[i] === undefined)) return [];
  const op = operator as OpName; // checked above
  try {
    const inferred = INFERENCE[op]({
      where: node.name ?? op,
      op,
      opset,
      inputs,
      attributes: attributesOf(node),
      outputs: node.outputs.length,
      fresh,
    });
    return op === 'ConstantOfShape' ? inferred.map((fact) => ofValueType(fact, node)) : inferred;
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** The result of a ConstantOfShape, with the type of its attribute `value`, which inference cannot read. */
function ofValueType(fact: Fact, { attributes }: Node): Fact | undefined {
  const value = attributes.find(({ name }) => name === 'value')?.t;
  const dtype = value === undefined ? fact.dtype : dtypeOf(value.dataType);
  return dtype === undefined ? undefined : { ...fact, dtype };
}

/** A Constant node's value: a number or list in an attribute of that type, or a tensor. */
function constantNode(node: Node): Fact | undefined {
  const [attribute] = node.attributes;
  const value = attribute === undefined ? undefined : valueOf(attribute);
  const shape = typeof value === 'object' ? [value.length] : [];
  switch (attribute?.name) {
    case 'value':
      return constant(attribute.t);
    case 'value_int':
    case 'value_ints':
      return { dtype: 'int64', shape, data: [value ?? []].flat().map(Number) };
    case 'value_float':
    case 'value_floats':
      return { dtype: 'float32', shape: attribute.name === 'value_float' ? [] : [attribute.floats.length] };
    default:
      return undefined;
  }
}

function constant(tensor: TensorProto | undefined): Fact | undefined {
  const dtype = dtypeOf(tensor?.dataType);
  if (tensor === undefined || dtype === undefined) return undefined;
  const shape = sizesOf(tensor);
  const small = shape.length <= 1 && (shape[0] ?? 1) <= TRACKED;
  return { dtype, shape, ...(small ? { data: int64sOf(tensor) } : {}) };
}

function declared({ type }: ValueInfo): Fact | undefined {
  const dtype = dtypeOf(type?.tensor?.elemType);
  const dims = type?.tensor?.shape?.dims;
  if (dtype === undefined || dims === undefined) return undefined;
  let nameless = 0;
  return {
    dtype,
    shape: dims.map(({ value, param }): Dim =>
      value !== undefined ? Number(value) : param === undefined || param === '' ? `unnamed_${nameless++}` : param,
    ),
  };
}
