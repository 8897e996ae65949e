// ONNX messages for tests, written by hand rather than by the table of fields: empty except for the given fields. Not
// part of the package.
import type { Attribute, Graph, Model, Node, TensorProto } from '../ir.js';

export const tensor = (fields: Partial<TensorProto> = {}): TensorProto => ({
  dims: [],
  floatData: new Float32Array(0),
  int32Data: new Int32Array(0),
  int64Data: new BigInt64Array(0),
  uint64Data: new BigUint64Array(0),
  doubleData: new Float64Array(0),
  stringData: [],
  externalData: [],
  metadata: [],
  ...fields,
});

export const attribute = (fields: Partial<Attribute>): Attribute => ({
  floats: new Float32Array(0),
  ints: new BigInt64Array(0),
  strings: [],
  tensors: [],
  graphs: [],
  sparseTensors: [],
  typeProtos: [],
  ...fields,
});

export const node = (fields: Partial<Node>): Node => ({
  inputs: [],
  outputs: [],
  attributes: [],
  metadata: [],
  deviceConfigurations: [],
  ...fields,
});

export const graph = (fields: Partial<Graph> = {}): Graph => ({
  nodes: [],
  initializers: [],
  sparseInitializers: [],
  inputs: [],
  outputs: [],
  valueInfo: [],
  quantizationAnnotation: [],
  metadata: [],
  ...fields,
});

export const model = (fields: Partial<Model> = {}): Model => ({
  opsetImport: [],
  metadata: [],
  trainingInfo: [],
  functions: [],
  configuration: [],
  graph: graph(),
  ...fields,
});
