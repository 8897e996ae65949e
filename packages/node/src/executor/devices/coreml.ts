// Core ML on macOS.
import { loadNative } from '../ort.js';
import type { Device } from './device.js';

export const coreml: Device = {
  name: 'coreml',
  autoOn: ['darwin'],
  obstacle: () => (process.platform === 'darwin' ? undefined : 'Core ML is only on macOS'),
  load: loadNative,
  native: true,
  leavesNodes: true,
  state: 'in-place',
};
