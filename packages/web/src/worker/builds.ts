// The builds of onnxruntime-web that a worker may need; each is fetched when it is. Never the bare package name: that
// is the deprecated JSEP build.
import type { Builds } from './ort.js';

/** All of them. */
export const BUILDS: Required<Builds> = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
  jspi: () => import('onnxruntime-web/jspi'),
};
