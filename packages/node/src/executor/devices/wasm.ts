// onnxruntime-web's CPU kernels as WebAssembly, in one thread: the fallback if onnxruntime-node cannot be loaded.
import { loadWasm } from '../ort.js';
import type { Device } from './device.js';

export const wasm: Device = {
  name: 'wasm',
  load: loadWasm,
  native: false,
  leavesNodes: false,
  withoutHalf: 'WASM computes in float32',
  state: 'copied',
};
