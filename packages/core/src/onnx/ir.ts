// The ONNX IR: onnx.proto's messages as plain data, with int64 as bigint and every field kept. serialize.ts and
// deserialize.ts convert it to and from bytes. An undefined field was absent. `unknown` holds the bytes of fields that
// our schema lacks; they are written back after the known ones.

/** ModelProto. */
export interface Model {
  irVersion?: bigint;
  opsetImport: OperatorSetId[];
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: bigint;
  docString?: string;
  graph?: Graph;
  metadata: StringEntry[];
  trainingInfo: TrainingInfo[];
  functions: ModelFunction[];
  configuration: DeviceConfiguration[];
  unknown?: Uint8Array;
}

/** OperatorSetIdProto. */
export interface OperatorSetId {
  domain?: string;
  version?: bigint;
  unknown?: Uint8Array;
}

/** StringStringEntryProto. */
export interface StringEntry {
  key?: string;
  value?: string;
  unknown?: Uint8Array;
}

/** GraphProto. */
export interface Graph {
  name?: string;
  docString?: string;
  nodes: Node[];
  initializers: TensorProto[];
  sparseInitializers: SparseTensor[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  valueInfo: ValueInfo[];
  quantizationAnnotation: TensorAnnotation[];
  metadata: StringEntry[];
  unknown?: Uint8Array;
}

/** NodeProto. An empty text in `inputs` or `outputs` is an omitted optional one. */
export interface Node {
  name?: string;
  opType?: string;
  domain?: string;
  overload?: string;
  inputs: string[];
  outputs: string[];
  attributes: Attribute[];
  docString?: string;
  metadata: StringEntry[];
  deviceConfigurations: NodeDeviceConfiguration[];
  unknown?: Uint8Array;
}

/** AttributeProto. `type` is AttributeProto.AttributeType; exactly one of the value fields belongs to it. */
export interface Attribute {
  name?: string;
  refAttrName?: string;
  docString?: string;
  type?: number;
  f?: number;
  /**
   * The bits of `f` if it was a NaN other than 0x7fc00000, which a JavaScript number cannot hold; used only while `f`
   * is NaN.
   */
  nanBits?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: TensorProto;
  g?: Graph;
  sparseTensor?: SparseTensor;
  tp?: TypeProto;
  floats: Float32Array;
  ints: BigInt64Array;
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: Graph[];
  sparseTensors: SparseTensor[];
  typeProtos: TypeProto[];
  unknown?: Uint8Array;
}

/**
 * TensorProto, with its data in the same storage field as in the file. `dataType` is TensorProto.DataType; `rawData` is
 * little-endian.
 */
export interface TensorProto {
  name?: string;
  dims: bigint[];
  dataType?: number;
  segment?: { begin?: bigint; end?: bigint; unknown?: Uint8Array };
  rawData?: Uint8Array;
  floatData: Float32Array;
  int32Data: Int32Array;
  int64Data: BigInt64Array;
  uint64Data: BigUint64Array;
  doubleData: Float64Array;
  stringData: Uint8Array[];
  externalData: StringEntry[];
  dataLocation?: number;
  docString?: string;
  metadata: StringEntry[];
  unknown?: Uint8Array;
}

/** SparseTensorProto. */
export interface SparseTensor {
  values?: TensorProto;
  indices?: TensorProto;
  dims: bigint[];
  unknown?: Uint8Array;
}

/** ValueInfoProto. */
export interface ValueInfo {
  name?: string;
  type?: TypeProto;
  docString?: string;
  metadata: StringEntry[];
  unknown?: Uint8Array;
}

/** TypeProto: at most one of the kinds is set. */
export interface TypeProto {
  tensor?: TensorType;
  sparseTensor?: TensorType;
  sequence?: ElementType;
  optional?: ElementType;
  map?: { keyType?: number; valueType?: TypeProto; unknown?: Uint8Array };
  opaque?: { domain?: string; name?: string; unknown?: Uint8Array };
  denotation?: string;
  unknown?: Uint8Array;
}

/** TypeProto.Tensor and TypeProto.SparseTensor. Without `shape` the rank is unknown. */
export interface TensorType {
  elemType?: number;
  shape?: Shape;
  unknown?: Uint8Array;
}

/** TypeProto.Sequence and TypeProto.Optional. */
export interface ElementType {
  elemType?: TypeProto;
  unknown?: Uint8Array;
}

/** TensorShapeProto. */
export interface Shape {
  dims: Dimension[];
  unknown?: Uint8Array;
}

/** TensorShapeProto.Dimension: a size, a name, or neither. */
export interface Dimension {
  value?: bigint;
  param?: string;
  denotation?: string;
  unknown?: Uint8Array;
}

/** TensorAnnotation. */
export interface TensorAnnotation {
  tensorName?: string;
  quantParameters: StringEntry[];
  unknown?: Uint8Array;
}

/** TrainingInfoProto. */
export interface TrainingInfo {
  initialization?: Graph;
  algorithm?: Graph;
  initializationBinding: StringEntry[];
  updateBinding: StringEntry[];
  unknown?: Uint8Array;
}

/** FunctionProto. */
export interface ModelFunction {
  name?: string;
  inputs: string[];
  outputs: string[];
  attributes: string[];
  attributeProtos: Attribute[];
  nodes: Node[];
  docString?: string;
  opsetImport: OperatorSetId[];
  domain?: string;
  overload?: string;
  valueInfo: ValueInfo[];
  metadata: StringEntry[];
  unknown?: Uint8Array;
}

/** DeviceConfigurationProto. */
export interface DeviceConfiguration {
  name?: string;
  numDevices?: number;
  device: string[];
  unknown?: Uint8Array;
}

/** NodeDeviceConfigurationProto. Sharding is kept as the bytes of its fields. */
export interface NodeDeviceConfiguration {
  configurationId?: string;
  shardingSpec: Uint8Array[];
  pipelineStage?: number;
  unknown?: Uint8Array;
}

/** TensorProto.DataType; the types that Forja supports have the names of `DType`. */
export const DATA_TYPE = {
  undefined: 0,
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
  float6e2m3: 27,
  float6e3m2: 28,
} as const;

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;
