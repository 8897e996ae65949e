// Tables in which some of tfjs's kernels have a row. A misspelt name does not compile.
import type { KernelName } from './names.js';

/** A table with rows for some of tfjs's kernels. */
export type KernelRows<T> = { readonly [K in KernelName]?: T };

/** The row of a kernel; undefined for a kernel without one, and for users' own kernels. */
export function rowOf<T>(table: KernelRows<T>, kernel: string): T | undefined {
  return Object.hasOwn(table, kernel) ? table[kernel as KernelName] : undefined; // own keys are names of kernels
}
