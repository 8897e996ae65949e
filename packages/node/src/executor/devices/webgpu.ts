// WebGPU through Dawn. Only on request, because its adapter may be software.
import { loadNative } from '../ort.js';
import type { Device } from './device.js';

export const webgpu: Device = {
  name: 'webgpu',
  load: loadNative,
  native: true,
  leavesNodes: true,
  state: 'gpu-buffer',
};
