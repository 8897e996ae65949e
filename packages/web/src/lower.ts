// Rewrites a model before onnxruntime loads it, for `lowering: 'auto'` or `precision: 'fp16'`. Built separately and
// fetched by the worker only then, because it includes the codec.
export { fastModelBytes, halfModelBytes } from '@forja/core/onnx';
