// The structural check of one attribute: the value is in the field that its type names, and in no other.
import { fail, checkSparseTensor, checkTensor } from './check-tensor.js';
import { ATTRIBUTE_TYPE, type Attribute, type Graph } from './ir.js';

type ValueField = Exclude<keyof Attribute, 'name' | 'refAttrName' | 'docString' | 'type' | 'unknown' | 'nanBits'>;

const FIELD: { readonly [T in Exclude<keyof typeof ATTRIBUTE_TYPE, 'undefined'>]: ValueField } = {
  float: 'f',
  int: 'i',
  string: 's',
  tensor: 't',
  graph: 'g',
  floats: 'floats',
  ints: 'ints',
  strings: 'strings',
  tensors: 'tensors',
  graphs: 'graphs',
  sparseTensor: 'sparseTensor',
  sparseTensors: 'sparseTensors',
  typeProto: 'tp',
  typeProtos: 'typeProtos',
};

/** Type number → its name and field. */
const BY_TYPE: ReadonlyMap<number, readonly [string, ValueField]> = new Map(
  Object.entries(FIELD).map(([name, field]) => [ATTRIBUTE_TYPE[name as keyof typeof FIELD], [name, field]]),
);

/** Message fields must be present; numbers and byte strings may be omitted if zero or empty (as proto3 writers do). */
const NEEDED: readonly ValueField[] = ['t', 'g', 'sparseTensor', 'tp'];

/**
 * Throws unless the attribute is well formed. `subgraph` checks the graphs in it; `inFunction` allows a reference to an
 * attribute of the function.
 */
export function checkAttribute(
  attribute: Attribute,
  where: string,
  inFunction: boolean,
  subgraph: (graph: Graph, where: string) => void,
): void {
  const set = Object.values(FIELD).filter((field) => {
    const value = attribute[field];
    return (
      value !== undefined && (field === 's' || typeof value !== 'object' || !('length' in value) || value.length > 0)
    );
  });
  if (attribute.refAttrName) {
    if (!inFunction) fail(where, 'a value', `a reference to '${attribute.refAttrName}' outside a function`);
    if (set.length > 0) fail(where, 'only a reference', `a value in ${set.join(' and ')}, too`);
    return;
  }
  const [name, field] =
    BY_TYPE.get(attribute.type ?? 0) ??
    fail(`${where}.type`, 'an attribute type of ONNX', attribute.type === undefined ? 'none' : String(attribute.type));
  const other = set.find((one) => one !== field);
  if (other) fail(where, `a value of type ${name} in ${field}`, `one in ${other}`);
  if (NEEDED.includes(field) && set.length === 0) fail(where, `a value of type ${name} in ${field}`, 'none');
  for (const [tensor, at] of each(attribute.t, attribute.tensors, 't', 'tensors'))
    checkTensor(tensor, `${where}.${at}`);
  for (const [sparse, at] of each(attribute.sparseTensor, attribute.sparseTensors, 'sparse_tensor', 'sparse_tensors'))
    checkSparseTensor(sparse, `${where}.${at}`);
  for (const [graph, at] of each(attribute.g, attribute.graphs, 'g', 'graphs')) subgraph(graph, `${where}.${at}`);
}

function each<T>(one: T | undefined, many: readonly T[], name: string, names: string): [T, string][] {
  return [
    ...(one === undefined ? [] : [[one, name] satisfies [T, string]]),
    ...many.map((value, i): [T, string] => [value, `${names}[${i}]`]),
  ];
}
