// Writes src/onnx/schema/onnx.ts from src/onnx/schema/onnx.proto: `node packages/core/scripts/generate-schema.mjs
// [--check]`. protobufjs parses the file; the table says how each field lies on the wire and in the IR. To take a newer
// onnx.proto: replace the file, run this, and add to ir.ts what the compiler then misses.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const at = (file) => fileURLToPath(new URL(`../src/onnx/schema/${file}`, import.meta.url));

/** Message → interface in ir.ts; the rest (sharding) stays bytes. */
const interfaces = {
  ModelProto: 'Model',
  OperatorSetIdProto: 'OperatorSetId',
  StringStringEntryProto: 'StringEntry',
  GraphProto: 'Graph',
  NodeProto: 'Node',
  AttributeProto: 'Attribute',
  TensorProto: 'TensorProto',
  'TensorProto.Segment': "NonNullable<TensorProto['segment']>",
  SparseTensorProto: 'SparseTensor',
  ValueInfoProto: 'ValueInfo',
  TypeProto: 'TypeProto',
  'TypeProto.Tensor': 'TensorType',
  'TypeProto.SparseTensor': 'TensorType',
  'TypeProto.Sequence': 'ElementType',
  'TypeProto.Optional': 'ElementType',
  'TypeProto.Map': "NonNullable<TypeProto['map']>",
  'TypeProto.Opaque': "NonNullable<TypeProto['opaque']>",
  TensorShapeProto: 'Shape',
  'TensorShapeProto.Dimension': 'Dimension',
  TensorAnnotation: 'TensorAnnotation',
  TrainingInfoProto: 'TrainingInfo',
  FunctionProto: 'ModelFunction',
  DeviceConfigurationProto: 'DeviceConfiguration',
  NodeDeviceConfigurationProto: 'NodeDeviceConfiguration',
};

/** Fields whose name in the IR is not the camel-cased one: plurals, and shorter forms. */
const names = {
  metadata_props: 'metadata',
  'GraphProto.node': 'nodes',
  'GraphProto.initializer': 'initializers',
  'GraphProto.sparse_initializer': 'sparseInitializers',
  'GraphProto.input': 'inputs',
  'GraphProto.output': 'outputs',
  'NodeProto.input': 'inputs',
  'NodeProto.output': 'outputs',
  'NodeProto.attribute': 'attributes',
  'FunctionProto.input': 'inputs',
  'FunctionProto.output': 'outputs',
  'FunctionProto.attribute': 'attributes',
  'FunctionProto.attribute_proto': 'attributeProtos',
  'FunctionProto.node': 'nodes',
  'TensorAnnotation.quant_parameter_tensor_names': 'quantParameters',
  'TensorShapeProto.dim': 'dims',
  'TensorShapeProto.Dimension.dim_value': 'value',
  'TensorShapeProto.Dimension.dim_param': 'param',
  'TypeProto.tensor_type': 'tensor',
  'TypeProto.sequence_type': 'sequence',
  'TypeProto.map_type': 'map',
  'TypeProto.optional_type': 'optional',
  'TypeProto.sparse_tensor_type': 'sparseTensor',
  'TypeProto.opaque_type': 'opaque',
};

const scalars = { int64: 'int64', int32: 'int32', float: 'float', string: 'string', bytes: 'bytes' };
const lists = {
  float: 'Float32Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
  uint64: 'BigUint64Array',
  double: 'Float64Array',
  string: 'string[]',
  bytes: 'bytes[]',
};

const source = readFileSync(at('onnx.proto'), 'utf8');
const { root, package: scope } = protobuf.parse(source, { keepCase: true });
root.resolveAll();
const ir = Math.max(...Object.values(root.lookupEnum(`${scope}.Version`).values));
const short = (type) => type.fullName.slice(scope.length + 2);

function kind(message, field) {
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) return 'int32';
  if (type) return `${interfaces[short(type)] ? short(type) : 'bytes'}${field.repeated ? '[]' : ''}`;
  if (field.name === 'dims') return 'int64[]'; // a handful of numbers, used one by one
  const found = (field.repeated ? lists : scalars)[field.type];
  if (!found)
    throw new Error(
      `${message}.${field.name}: expected a type that ir.ts has a form for, got ` +
        `${field.repeated ? 'repeated ' : ''}${field.type}`,
    );
  return found;
}

function row(message, field) {
  const name =
    names[`${message}.${field.name}`] ??
    names[field.name] ??
    field.name.replace(/_([a-z])/g, (_, c) => c.toUpperCase());
  const trait = field.repeated && field.packed ? ", 'packed'" : field.partOf ? ", 'oneof'" : '';
  return `    ${name}: [${field.id}, '${kind(message, field)}'${trait}],`;
}

const used = [...new Set(Object.values(interfaces).flatMap((text) => text.match(/[A-Z]\w+/g)))]
  .filter((name) => name !== 'NonNullable')
  .sort();
const text = `\
// Generated from onnx.proto (IR version ${ir}) by scripts/generate-schema.mjs: where each field of the IR lies
// on the wire. Not to be edited.
// onnx.proto is the work of the ONNX Project Contributors, under Apache-2.0 (SPDX-License-Identifier: Apache-2.0).
import type { ${used.join(', ')} } from '../ir.js';
import type { Table } from './table.js';

/** The newest IR version that this schema knows. */
export const IR_VERSION = ${ir}n;

/** Message → its form in the IR. */
export interface Messages {
${Object.entries(interfaces)
  .map(([message, type]) => `  '${message}': ${type};`)
  .join('\n')}
}

/** Message → field of the IR → [field number, kind, trait], by field number. */
export const SCHEMA: { readonly [M in keyof Messages]: Table<Messages, Messages[M]> } = {
${Object.keys(interfaces)
  .map(
    (message) =>
      `  '${message}': {\n${root
        .lookupType(`${scope}.${message}`)
        .fieldsArray.sort((a, b) => a.id - b.id)
        .map((field) => row(message, field))
        .join('\n')}\n  },`,
  )
  .join('\n')}
};
`;

if (!process.argv.includes('--check')) writeFileSync(at('onnx.ts'), text);
else if (readFileSync(at('onnx.ts'), 'utf8') !== text) {
  console.error(
    'generate-schema: expected src/onnx/schema/onnx.ts to be what onnx.proto says, got a difference: run node ' +
      'packages/core/scripts/generate-schema.mjs',
  );
  process.exit(1);
}
