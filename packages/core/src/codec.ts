// What the main entry has of the ONNX codec. Built as a file of its own (tsup.config.ts), which index.ts imports:
// unused, bundlers drop it whole, and protobufjs with it.
export { checkModel } from './onnx/check.js';
export { decodeModel } from './onnx/deserialize.js';
export { encodeModel } from './onnx/serialize.js';
