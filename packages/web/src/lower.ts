// What is done to a model before onnxruntime gets it where `lowering: 'auto'` or `precision: 'fp16'` asks for it. Built
// apart, and fetched by the worker only then: it brings the codec.
export { fastModelBytes, halfModelBytes } from '@forja/core/onnx';
