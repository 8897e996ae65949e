// Records which sizes of traced tensors the user's own code reads: the function may branch on them, and JavaScript
// gives no way to observe a comparison of numbers.
import type * as tf from '@tensorflow/tfjs';
import { callerOf, type Caller } from '../tfjs/call-site.js';
import { insideOp } from '../tfjs/scopes.js';
import type { ValueId } from '../program/program.js';

/** A size that was read. */
export interface SizeRead {
  value: ValueId;
  axis: number;
  /** Where, `file:line:column`. */
  site?: string;
}

/** Called when an axis, the element count or the strides are read. */
type Note = (axes: readonly number[], caller: Caller) => void;

/** Fields of a tensor that reveal its sizes. */
const FIELDS = ['shape', 'size', 'strides'] as const;

/** Calls `note` whenever code other than tfjs's and Forja's reads the tensor's sizes. */
export function watchSizes(tensor: tf.Tensor, note: Note): void {
  const axes = tensor.shape.map((_, axis) => axis);
  for (const field of FIELDS) {
    let value: unknown = tensor[field];
    const get = function (): unknown {
      const caller = callerOf(get);
      if (caller.who === 'library' || (caller.who === 'bundle' && insideOp())) return value;
      if (field === 'shape' && Array.isArray(value)) return watched(value as number[], (axis) => note([axis], caller));
      note(axes, caller);
      return value;
    };
    Object.defineProperty(tensor, field, {
      get,
      set: (next: unknown) => {
        value = next;
      },
      configurable: true,
      enumerable: true,
    });
  }
}

/** A copy of the list that reports each element read. */
function watched(sizes: readonly number[], read: (axis: number) => void): number[] {
  const list = [...sizes];
  for (const [axis, size] of sizes.entries()) {
    let value = size;
    Object.defineProperty(list, axis, {
      get: () => {
        read(axis);
        return value;
      },
      set: (next: number) => {
        value = next;
      },
      configurable: true,
      enumerable: true,
    });
  }
  return list;
}
