// Generated from onnx.proto (IR version 14) by scripts/generate-schema.mjs: where each field of the IR lies
// on the wire. Not to be edited.
// onnx.proto is the work of the ONNX Project Contributors, under Apache-2.0 (SPDX-License-Identifier: Apache-2.0).
import type { Attribute, DeviceConfiguration, Dimension, ElementType, Graph, Model, ModelFunction, Node, NodeDeviceConfiguration, OperatorSetId, Shape, SparseTensor, StringEntry, TensorAnnotation, TensorProto, TensorType, TrainingInfo, TypeProto, ValueInfo } from '../ir.js';
import type { Table } from './table.js';

/** The newest IR version that this schema knows. */
export const IR_VERSION = 14n;

/** Message → its form in the IR. */
export interface Messages {
  'ModelProto': Model;
  'OperatorSetIdProto': OperatorSetId;
  'StringStringEntryProto': StringEntry;
  'GraphProto': Graph;
  'NodeProto': Node;
  'AttributeProto': Attribute;
  'TensorProto': TensorProto;
  'TensorProto.Segment': NonNullable<TensorProto['segment']>;
  'SparseTensorProto': SparseTensor;
  'ValueInfoProto': ValueInfo;
  'TypeProto': TypeProto;
  'TypeProto.Tensor': TensorType;
  'TypeProto.SparseTensor': TensorType;
  'TypeProto.Sequence': ElementType;
  'TypeProto.Optional': ElementType;
  'TypeProto.Map': NonNullable<TypeProto['map']>;
  'TypeProto.Opaque': NonNullable<TypeProto['opaque']>;
  'TensorShapeProto': Shape;
  'TensorShapeProto.Dimension': Dimension;
  'TensorAnnotation': TensorAnnotation;
  'TrainingInfoProto': TrainingInfo;
  'FunctionProto': ModelFunction;
  'DeviceConfigurationProto': DeviceConfiguration;
  'NodeDeviceConfigurationProto': NodeDeviceConfiguration;
}

/** Message → field of the IR → [field number, kind, trait], by field number. */
export const SCHEMA: { readonly [M in keyof Messages]: Table<Messages, Messages[M]> } = {
  'ModelProto': {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto[]'],
    metadata: [14, 'StringStringEntryProto[]'],
    trainingInfo: [20, 'TrainingInfoProto[]'],
    functions: [25, 'FunctionProto[]'],
    configuration: [26, 'DeviceConfigurationProto[]'],
  },
  'OperatorSetIdProto': {
    domain: [1, 'string'],
    version: [2, 'int64'],
  },
  'StringStringEntryProto': {
    key: [1, 'string'],
    value: [2, 'string'],
  },
  'GraphProto': {
    nodes: [1, 'NodeProto[]'],
    name: [2, 'string'],
    initializers: [5, 'TensorProto[]'],
    docString: [10, 'string'],
    inputs: [11, 'ValueInfoProto[]'],
    outputs: [12, 'ValueInfoProto[]'],
    valueInfo: [13, 'ValueInfoProto[]'],
    quantizationAnnotation: [14, 'TensorAnnotation[]'],
    sparseInitializers: [15, 'SparseTensorProto[]'],
    metadata: [16, 'StringStringEntryProto[]'],
  },
  'NodeProto': {
    inputs: [1, 'string[]'],
    outputs: [2, 'string[]'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attributes: [5, 'AttributeProto[]'],
    docString: [6, 'string'],
    domain: [7, 'string'],
    overload: [8, 'string'],
    metadata: [9, 'StringStringEntryProto[]'],
    deviceConfigurations: [10, 'NodeDeviceConfigurationProto[]'],
  },
  'AttributeProto': {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'Float32Array'],
    ints: [8, 'BigInt64Array'],
    strings: [9, 'bytes[]'],
    tensors: [10, 'TensorProto[]'],
    graphs: [11, 'GraphProto[]'],
    docString: [13, 'string'],
    tp: [14, 'TypeProto'],
    typeProtos: [15, 'TypeProto[]'],
    type: [20, 'int32'],
    refAttrName: [21, 'string'],
    sparseTensor: [22, 'SparseTensorProto'],
    sparseTensors: [23, 'SparseTensorProto[]'],
  },
  'TensorProto': {
    dims: [1, 'int64[]'],
    dataType: [2, 'int32'],
    segment: [3, 'TensorProto.Segment'],
    floatData: [4, 'Float32Array', 'packed'],
    int32Data: [5, 'Int32Array', 'packed'],
    stringData: [6, 'bytes[]'],
    int64Data: [7, 'BigInt64Array', 'packed'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    doubleData: [10, 'Float64Array', 'packed'],
    uint64Data: [11, 'BigUint64Array', 'packed'],
    docString: [12, 'string'],
    externalData: [13, 'StringStringEntryProto[]'],
    dataLocation: [14, 'int32'],
    metadata: [16, 'StringStringEntryProto[]'],
  },
  'TensorProto.Segment': {
    begin: [1, 'int64'],
    end: [2, 'int64'],
  },
  'SparseTensorProto': {
    values: [1, 'TensorProto'],
    indices: [2, 'TensorProto'],
    dims: [3, 'int64[]'],
  },
  'ValueInfoProto': {
    name: [1, 'string'],
    type: [2, 'TypeProto'],
    docString: [3, 'string'],
    metadata: [4, 'StringStringEntryProto[]'],
  },
  'TypeProto': {
    tensor: [1, 'TypeProto.Tensor', 'oneof'],
    sequence: [4, 'TypeProto.Sequence', 'oneof'],
    map: [5, 'TypeProto.Map', 'oneof'],
    denotation: [6, 'string'],
    opaque: [7, 'TypeProto.Opaque', 'oneof'],
    sparseTensor: [8, 'TypeProto.SparseTensor', 'oneof'],
    optional: [9, 'TypeProto.Optional', 'oneof'],
  },
  'TypeProto.Tensor': {
    elemType: [1, 'int32'],
    shape: [2, 'TensorShapeProto'],
  },
  'TypeProto.SparseTensor': {
    elemType: [1, 'int32'],
    shape: [2, 'TensorShapeProto'],
  },
  'TypeProto.Sequence': {
    elemType: [1, 'TypeProto'],
  },
  'TypeProto.Optional': {
    elemType: [1, 'TypeProto'],
  },
  'TypeProto.Map': {
    keyType: [1, 'int32'],
    valueType: [2, 'TypeProto'],
  },
  'TypeProto.Opaque': {
    domain: [1, 'string'],
    name: [2, 'string'],
  },
  'TensorShapeProto': {
    dims: [1, 'TensorShapeProto.Dimension[]'],
  },
  'TensorShapeProto.Dimension': {
    value: [1, 'int64', 'oneof'],
    param: [2, 'string', 'oneof'],
    denotation: [3, 'string'],
  },
  'TensorAnnotation': {
    tensorName: [1, 'string'],
    quantParameters: [2, 'StringStringEntryProto[]'],
  },
  'TrainingInfoProto': {
    initialization: [1, 'GraphProto'],
    algorithm: [2, 'GraphProto'],
    initializationBinding: [3, 'StringStringEntryProto[]'],
    updateBinding: [4, 'StringStringEntryProto[]'],
  },
  'FunctionProto': {
    name: [1, 'string'],
    inputs: [4, 'string[]'],
    outputs: [5, 'string[]'],
    attributes: [6, 'string[]'],
    nodes: [7, 'NodeProto[]'],
    docString: [8, 'string'],
    opsetImport: [9, 'OperatorSetIdProto[]'],
    domain: [10, 'string'],
    attributeProtos: [11, 'AttributeProto[]'],
    valueInfo: [12, 'ValueInfoProto[]'],
    overload: [13, 'string'],
    metadata: [14, 'StringStringEntryProto[]'],
  },
  'DeviceConfigurationProto': {
    name: [1, 'string'],
    numDevices: [2, 'int32'],
    device: [3, 'string[]'],
  },
  'NodeDeviceConfigurationProto': {
    configurationId: [1, 'string'],
    shardingSpec: [2, 'bytes[]'],
    pipelineStage: [3, 'int32'],
  },
};
