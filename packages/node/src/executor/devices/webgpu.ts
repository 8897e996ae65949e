// WebGPU through Dawn. Used only on request, because its adapter may be a software renderer.
import { loadNative } from '../ort.js';
import type { Device } from './device.js';

export const webgpu: Device = {
  name: 'webgpu',
  load: loadNative,
  native: true,
  leavesNodes: true,
  state: 'gpu-buffer',
};
