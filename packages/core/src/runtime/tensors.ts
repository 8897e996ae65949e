// Copies of tensors and lists of their buffers, for passing tensors to another thread.
import { classOf } from '../realm.js';
import { ARRAY_OF } from '../tensor.js';
import type { NamedTensors, Tensor } from '../tensor.js';

/** A copy in new memory of exactly the needed size. */
export function copyOf({ dtype, shape, data }: Tensor): Tensor {
  // Not slice(), which on a Buffer gives a view. TypeScript cannot see that `data` is of the array type of `dtype`.
  return { dtype, shape: [...shape], data: new ARRAY_OF[dtype](data as unknown as ArrayLike<never>) };
}

/** {@link copyOf} each tensor. */
export function copiesOf(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, copyOf(value)]));
}

/** The same memory in arrays of this realm: arrays from a worker or native code may be of another realm. */
export function inThisRealm(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const array = ARRAY_OF[dtype];
      if (data instanceof array) return [name, { dtype, shape, data }];
      const length = (data as ArrayBufferView & { length: number }).length; // every tensor's data is a typed array
      return [name, { dtype, shape, data: new array(data.buffer, data.byteOffset, length) }];
    }),
  );
}

/** The buffers that `tensors` use entirely, each listed once, for a transfer. */
export function buffersOf(tensors: NamedTensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(tensors)) {
    // The class check makes the cast below safe.
    if (classOf(data.buffer) === 'ArrayBuffer' && data.byteLength === data.buffer.byteLength)
      buffers.add(data.buffer as ArrayBuffer);
  }
  return [...buffers];
}
