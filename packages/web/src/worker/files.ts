// Names of onnxruntime-web's files.

/** The WebAssembly of the plain build. */
export const WASM_FILE = 'ort-wasm-simd-threaded.wasm';
