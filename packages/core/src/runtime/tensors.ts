// Copies of tensors, and the buffers that they own: what is needed to hand tensors to another thread.
import { classOf } from '../realm.js';
import { ARRAY_OF } from '../tensor.js';
import type { NamedTensors, Tensor } from '../tensor.js';

/** A copy in memory of its own, of exactly the size needed. */
export function copyOf({ dtype, shape, data }: Tensor): Tensor {
  // Not slice(): of a Buffer it is a view. `data` is of the array type of `dtype`; TypeScript does not know that they
  // go together.
  return { dtype, shape: [...shape], data: new ARRAY_OF[dtype](data as unknown as ArrayLike<never>) };
}

/** {@link copyOf} of each. */
export function copiesOf(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, copyOf(value)]));
}

/** The same memory in arrays of this realm: what a worker or native code gives may be of another. */
export function oursOf(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const array = ARRAY_OF[dtype];
      if (data instanceof array) return [name, { dtype, shape, data }];
      const length = (data as ArrayBufferView & { length: number }).length; // a typed array, by its type
      return [name, { dtype, shape, data: new array(data.buffer, data.byteOffset, length) }];
    }),
  );
}

/** The buffers that `tensors` own, each once, for a transfer. */
export function buffersOf(tensors: NamedTensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(tensors)) {
    // The class was just looked at.
    if (classOf(data.buffer) === 'ArrayBuffer' && data.byteLength === data.buffer.byteLength)
      buffers.add(data.buffer as ArrayBuffer);
  }
  return [...buffers];
}
