// Which sizes of traced tensors the user's own code reads: a function may branch on what it reads, and a comparison
// of numbers cannot be seen in JavaScript.
import * as tf from '@tensorflow/tfjs';
import { callerOf, type Caller } from '../tfjs/call-site.js';
import type { ValueId } from '../program/program.js';

/** A size that was read. */
export interface SizeRead {
  value: ValueId;
  axis: number;
  /** Where, `file:line:column`. */
  site?: string;
}

/** Notes that an axis was read, or the number of all elements, or the strides. */
type Note = (axes: readonly number[], caller: Caller) => void;

/** Fields of a tensor that tell its sizes. */
const FIELDS = ['shape', 'size', 'strides'] as const;

/**
 * From now on `note` hears what anybody but tfjs and Forja reads of the tensor's sizes. The fields stay what they were
 * in every other way.
 */
export function watchSizes(tensor: tf.Tensor, note: Note): void {
  const axes = tensor.shape.map((_, axis) => axis);
  for (const field of FIELDS) {
    let value: unknown = tensor[field];
    const get = function (): unknown {
      const caller = callerOf(get);
      if (caller.who === 'library' || (caller.who === 'bundle' && isInsideTfjs())) return value;
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

/** A list of numbers like this one, each of which is told of when it is read. */
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

/** Whether tfjs runs one of its ops, which read shapes all the time. */
function isInsideTfjs(): boolean {
  return tf.engine().state.scopeStack.some(({ name }) => name.endsWith('__op'));
}
