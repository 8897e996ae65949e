// DirectML on Windows.
import { loadNative } from '../ort.js';
import type { Device } from './device.js';

export const dml: Device = {
  name: 'dml',
  autoOn: ['win32'],
  obstacle: () => (process.platform === 'win32' ? undefined : 'DirectML is only on Windows'),
  load: loadNative,
  native: true,
  leavesNodes: true,
  state: 'in-place',
};
