// Subpath `@forja/core/onnx`: the ONNX codec, IR, builder, inference and checks. Needs the protobuf schema; pages that only sample do not import it.
export { GraphBuilder } from './onnx/builder.js';
export type { BuildOptions, Value } from './onnx/builder.js';
export type { OpAttributes, OpName } from './onnx/ops.js';
