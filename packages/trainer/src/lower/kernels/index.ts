// The table of lowerings: tfjs kernel → ONNX nodes, or the reason why there are none. It has a row for every kernel
// name of tfjs-core.
import type { KernelName } from '../../kernels/names.js';
import type { KernelRow } from '../contract.js';
import { activationKernels } from './activations.js';
import { binaryKernels } from './binary.js';
import { convKernels } from './conv.js';
import { creationKernels } from './creation.js';
import { depthwiseKernels } from './depthwise.js';
import { unaryKernels } from './elementwise.js';
import { fusedKernels } from './fused.js';
import { matmulKernels } from './matmul.js';
import { morphologyKernels } from './morphology.js';
import { movementKernels } from './movement.js';
import { normKernels } from './norm.js';
import { poolKernels } from './pool.js';
import { reductionKernels } from './reduction.js';
import { refusedKernels } from './refused.js';
import { resizeKernels } from './resize.js';
import { searchKernels } from './search.js';
import { volumeKernels } from './volume.js';
import { warpKernels } from './warp.js';

/** Target `portable`: plain, widely supported ops. */
export const PORTABLE_KERNELS: Readonly<Record<KernelName, KernelRow>> = {
  ...refusedKernels,
  ...unaryKernels,
  ...activationKernels,
  ...binaryKernels,
  ...reductionKernels,
  ...movementKernels,
  ...creationKernels,
  ...volumeKernels,
  ...warpKernels,
  ...morphologyKernels,
  ...searchKernels,
  ...convKernels,
  ...depthwiseKernels,
  ...fusedKernels,
  ...matmulKernels,
  ...normKernels,
  ...poolKernels,
  ...resizeKernels,
};
