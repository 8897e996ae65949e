// The part of the ONNX codec that the main entry re-exports. Built as a separate file (tsup.config.ts), so that
// bundlers drop it, and protobufjs, if unused.
export { checkModel } from './onnx/check.js';
export { decodeModel } from './onnx/deserialize.js';
export { encodeModel } from './onnx/serialize.js';
