// Kernel lookup: rows that users registered, else Forja's own.
import { shown, UsageError } from '@forja/core';
import { rowOf } from '../kernels/rows.js';
import type { KernelLowering, KernelRow } from './contract.js';
import { FAST_KERNELS } from './fast/index.js';
import { PORTABLE_KERNELS } from './kernels/index.js';

const registered = new Map<string, KernelLowering>();

/**
 * Registers the lowering of a kernel for exports and compiled steps: `lower` emits its ONNX nodes (see {@link
 * KernelLowering}). It replaces an existing row until another lowering is registered for the kernel, or until the
 * returned function removes it.
 * @throws UsageError for an empty name or something that is not a function.
 */
export function registerKernelExport(kernelName: string, lower: KernelLowering): () => void {
  if (typeof kernelName !== 'string' || kernelName === '')
    throw new UsageError(`registerKernelExport: expected the name of a tfjs kernel, got ${shown(kernelName)}`);
  if (typeof lower !== 'function')
    throw new UsageError(
      `registerKernelExport('${kernelName}'): expected a function (call, context), got ${typeof lower}`,
    );
  registered.set(kernelName, lower);
  return () => {
    if (registered.get(kernelName) === lower) registered.delete(kernelName);
  };
}

/**
 * The row of a kernel, if there is one. Target `fast` has rows for some kernels, and uses the portable ones for the
 * others.
 */
export function lookUp(kernel: string, target: 'portable' | 'fast' = 'portable'): KernelRow | undefined {
  const fast = target === 'fast' ? rowOf(FAST_KERNELS, kernel) : undefined;
  return registered.get(kernel) ?? fast ?? rowOf(PORTABLE_KERNELS, kernel);
}
