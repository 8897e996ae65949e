// onnxruntime's CPU kernels.
import { loadNative } from '../ort.js';
import type { Device } from './device.js';

export const cpu: Device = {
  name: 'cpu',
  load: loadNative,
  native: true,
  leavesNodes: false,
  final: true,
  withoutHalf: 'the CPU computes in float32',
  lowers: true,
  state: 'in-place',
};
