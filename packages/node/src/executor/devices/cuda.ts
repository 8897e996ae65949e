// CUDA on Linux. State is read from and written to CPU memory, because onnxruntime-node has no tensors in CUDA buffers.
import { inspectCuda, isSound } from '../../cuda/inspect.js';
import { loadNative } from '../ort.js';
import type { Device } from './device.js';

export const cuda: Device = {
  name: 'cuda',
  autoOn: ['linux'],
  obstacle: (auto) => {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      return `onnxruntime-node has no CUDA build for ${process.platform}-${process.arch}`;
    const report = inspectCuda();
    return report.ready || (!auto && isSound(report)) ? undefined : report.problems.join('; ');
  },
  suspects: () => inspectCuda().problems,
  load: loadNative,
  native: true,
  leavesNodes: true,
  state: 'in-place',
};
