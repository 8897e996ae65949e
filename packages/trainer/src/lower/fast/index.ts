// The table of target `fast`: rows that replace portable ones. Measured in onnxruntime on CPU; see docs/performance.md.
import type { KernelTable } from '../contract.js';
import { fastConvKernels } from './conv.js';
import { maxPoolKernels } from './max-pool.js';
import { perChannelKernels } from './per-channel.js';
import { separableKernels } from './separable.js';

/** Rows that target `fast` uses instead of the portable ones. */
export const FAST_KERNELS: KernelTable = {
  ...fastConvKernels,
  ...perChannelKernels,
  ...separableKernels,
  ...maxPoolKernels,
};
