// Finds a few things in an ONNX file by skipping through its protobuf, without decoding it. Not a full reader; that is
// in @forja/core/onnx.
import { platform } from '../platform.js';
import { ownBytes } from '../realm.js';
import { fieldsOf as fields, varint } from '../onnx/model-bytes.js';

/** Number of nodes of the main graph; 0 if the bytes cannot be parsed. */
export function countNodes(model: Uint8Array): number {
  let nodes = 0;
  for (const graph of fields(ownBytes('countNodes', model), 7)) for (const _ of fields(graph, 1)) nodes++;
  return nodes;
}

/** Distinct locations of external data named by any tensor, including those in subgraphs, attributes and functions. */
export function externalLocations(model: Uint8Array): string[] {
  return [...externalFiles(model).keys()];
}

/** The same locations, each with the minimum length in bytes that its tensors need. */
export function externalFiles(model: Uint8Array): Map<string, number> {
  const found = new Map<string, number>();
  for (const tensor of tensors(ownBytes('externalFiles', model))) {
    const entries = new Map<string | undefined, string | undefined>();
    for (const entry of fields(tensor, 13)) {
      const key = text(entry, 1);
      const value = text(entry, 2);
      if (key === 'location' && value !== undefined) found.set(value, found.get(value) ?? 0);
      entries.set(key, value);
    }
    const location = entries.get('location');
    if (location === undefined) continue;
    const end =
      Number(entries.get('offset') ?? 0) +
      (entries.has('length') ? Number(entries.get('length')) : sizeOfTensor(tensor));
    if (end > (found.get(location) ?? 0)) found.set(location, end);
  }
  return found;
}

/** Size of a tensor's data in bytes, from its type and dims; NaN if the type is unknown. */
function sizeOfTensor(tensor: Uint8Array): number {
  const dims = [...fields(tensor, 1, undefined, 0), ...[...fields(tensor, 1)].flatMap(packed)];
  return Math.ceil(dims.reduce((size, dim) => size * dim, BITS[number(tensor, 2) ?? 0] ?? NaN) / 8);
}

/** Bits of an element by TensorProto.DataType. */
const BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
};

function packed(bytes: Uint8Array): number[] {
  const values: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const read = varint(bytes, at);
    if (!read) break;
    values.push(read.value);
    at = read.next;
  }
  return values;
}

/**
 * Shapes of the inputs and outputs as declared in the file: undefined for a value without a shape, `''` for an unnamed
 * dynamic size.
 */
export function declaredShapes(model: Uint8Array): Map<string, (number | string)[] | undefined> {
  const found = new Map<string, (number | string)[] | undefined>();
  for (const graph of fields(ownBytes('declaredShapes', model), 7)) {
    for (const field of [11, 12])
      for (const value of fields(graph, field)) {
        const tensor = [...fields(value, 2)].flatMap((type) => [...fields(type, 1)]);
        const shape = tensor.flatMap((type) => [...fields(type, 2)]).at(-1);
        found.set(text(value, 1) ?? '', shape && [...fields(shape, 1)].map(sizeIn));
      }
  }
  return found;
}

/**
 * The size in a TensorShapeProto.Dimension. Negative sizes, which are read as very large numbers here, also mean a
 * dynamic size.
 */
function sizeIn(dimension: Uint8Array): number | string {
  const size = number(dimension, 1);
  return size === undefined || size > Number.MAX_SAFE_INTEGER ? (text(dimension, 2) ?? '') : size;
}

/**
 * Precision in which weights are used: fp16 if the main graph has a float16 initializer that is used as such, not only
 * stored and then converted by a Cast.
 */
export function weightPrecision(model: Uint8Array): 'fp32' | 'fp16' {
  for (const graph of fields(ownBytes('weightPrecision', model), 7)) {
    const halves = new Set<string | undefined>();
    for (const initializer of fields(graph, 5))
      if (number(initializer, 2) === FLOAT16) halves.add(text(initializer, 8));
    if (halves.size === 0) continue;
    for (const node of fields(graph, 1))
      if (text(node, 4) === 'Cast') for (const input of fields(node, 1)) halves.delete(decoded(input));
    if (halves.size > 0) return 'fp16';
  }
  return 'fp32';
}

/** TensorProto.DataType.FLOAT16. */
const FLOAT16 = 10;
/** Deeper nesting is not followed; onnxruntime refuses it too. */
const DEPTH = 32;

/** Every TensorProto of a model: in its graph and in the nodes of its functions. */
function* tensors(model: Uint8Array): Generator<Uint8Array> {
  for (const graph of fields(model, 7)) yield* inGraph(graph, DEPTH);
  for (const fn of fields(model, 25)) for (const node of fields(fn, 7)) yield* inNode(node, DEPTH);
}

function* inGraph(graph: Uint8Array, depth: number): Generator<Uint8Array> {
  yield* fields(graph, 5);
  for (const sparse of fields(graph, 15)) yield* inSparse(sparse);
  for (const node of fields(graph, 1)) yield* inNode(node, depth);
}

function* inNode(node: Uint8Array, depth: number): Generator<Uint8Array> {
  if (depth === 0) return;
  for (const attribute of fields(node, 5)) {
    for (const field of [5, 10]) yield* fields(attribute, field);
    for (const field of [22, 23]) for (const sparse of fields(attribute, field)) yield* inSparse(sparse);
    for (const field of [6, 11]) for (const graph of fields(attribute, field)) yield* inGraph(graph, depth - 1);
  }
}

function* inSparse(sparse: Uint8Array): Generator<Uint8Array> {
  for (const field of [1, 2]) yield* fields(sparse, field);
}

/** The last value of a field wins, as in any protobuf reader, so that this agrees with onnxruntime. */
function text(bytes: Uint8Array, field: number): string | undefined {
  const content = [...fields(bytes, field)].at(-1);
  return content && decoded(content);
}

const decoded = (bytes: Uint8Array): string => new (platform().TextDecoder)().decode(bytes);

function number(bytes: Uint8Array, field: number): number | undefined {
  return [...fields(bytes, field, undefined, 0)].at(-1);
}
