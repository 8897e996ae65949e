// The builds of onnxruntime-web that a worker may use, each fetched on first use. Never the bare package name, which is
// the deprecated JSEP build.
import type { Builds } from './ort.js';

/** All builds. */
export const BUILDS: Required<Builds> = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
  jspi: () => import('onnxruntime-web/jspi'),
};
