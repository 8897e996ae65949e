// What is done to a model before WASM gets it where `lowering: 'auto'` asks for it. Built apart, and fetched by the worker only then: it brings the codec.
export { fastModelBytes } from '@forja/core/onnx';
