// Subpath `@forja/core/onnx`: the ONNX codec, IR, builder, inference and checks. Needs the protobuf schema; pages that
// only sample do not import it.
export { GraphBuilder } from './onnx/builder.js';
export { OPSETS } from './onnx/build/model.js';
export type { BuildOptions, Value } from './onnx/builder.js';
export type { OpAttributes, OpName } from './onnx/ops.js';
export { decodeModel } from './onnx/deserialize.js';
export { checkModel } from './onnx/check.js';
export { sealModel } from './manifest/seal.js';
export { encodeModel } from './onnx/serialize.js';
export { ATTRIBUTE_TYPE, DATA_TYPE } from './onnx/ir.js';
export type {
  Attribute,
  DeviceConfiguration,
  Dimension,
  ElementType,
  Graph,
  Model,
  ModelFunction,
  Node,
  NodeDeviceConfiguration,
  OperatorSetId,
  Shape,
  SparseTensor,
  StringEntry,
  TensorAnnotation,
  TensorProto,
  TensorType,
  TrainingInfo,
  TypeProto,
  ValueInfo,
} from './onnx/ir.js';
export { factsOf } from './onnx/facts/shapes.js';
export type { Fact } from './onnx/infer/fact.js';
export { optimizeModel } from './onnx/passes/index.js';
export type { Pass } from './onnx/passes/index.js';
export { isSafeLocation } from './onnx/external-data.js';
export { externalizeModel, internalizeModel, weightBytes } from './onnx/externalize.js';
export type { ExternalizeOptions, ExternalModel } from './onnx/externalize.js';
export { expandWeights } from './onnx/stored/expand.js';
export { STORED_PSNR, storedMismatch } from './onnx/stored/judge.js';
export type { StoredMismatch } from './onnx/stored/judge.js';
export { storeWeights, WEIGHT_STORAGES } from './onnx/stored/store.js';
export type { StoredModel, StoredWeight, StoreOptions, WeightStorage } from './onnx/stored/store.js';
export { fromHalf, halfOf } from './half.js';
export { toHalf } from './onnx/half/index.js';
export { halfModelBytes } from './onnx/half/bytes.js';
export { roundedTwin } from './onnx/half/twin.js';
export type { HalfOptions } from './onnx/half/index.js';
export { fastModelBytes } from './onnx/fast/bytes.js';
export type { FastBytes } from './onnx/fast/bytes.js';
export { explainConvolutions, fastConvolutions } from './onnx/fast/index.js';
export type { ConvolutionPrices, FastModel, FastOptions } from './onnx/fast/index.js';
export { byClass, productsAlong, tiling, tilings } from './onnx/fast/tiling.js';
export type { Axis, Tiling } from './onnx/fast/tiling.js';
export { shortConvolution, transpose } from './onnx/fast/toom-cook.js';
export type { Matrix, ShortConvolution } from './onnx/fast/toom-cook.js';
