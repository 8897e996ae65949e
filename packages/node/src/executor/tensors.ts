// Converts between our tensors and onnxruntime's, without copying data.
import { ARRAY_OF, dtypeOf, sizeOf } from '@forja/core';
import type { DType, Tensor } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-node';

/** The module of onnxruntime-node, or another build with the same interface. */
export type Ort = typeof import('onnxruntime-node');

/**
 * The constructor of onnxruntime's Tensor is overloaded by type name. Our names are a subset, with the same array
 * types.
 */
type NewTensor = new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;

/** An onnxruntime tensor that shares the memory of our data. */
export function toOrt(ort: Ort, { dtype, shape, data }: Tensor): OrtTensor {
  return new (ort.Tensor as unknown as NewTensor)(dtype, inRealmOf(ort, dtype, data, sizeOf(shape)), shape);
}

/** Bytes as onnxruntime accepts them. */
export function bytesFor(ort: Ort, bytes: Uint8Array): Uint8Array {
  return inRealmOf(ort, 'uint8', bytes, bytes.length);
}

/** The same memory in an array of onnxruntime's realm, which differs from ours inside a vm context. */
function inRealmOf<T extends ArrayBufferView>(ort: Ort, dtype: DType, data: T, length: number): T {
  const theirs = realms.get(ort) ?? new Map<DType, unknown>();
  realms.set(ort, theirs);
  if (!theirs.has(dtype)) {
    const empty = new (ort.Tensor as unknown as NewTensor)(dtype === 'float16' ? 'uint16' : dtype, [], [0]).data;
    theirs.set(dtype, empty.constructor);
  }
  // The cast: `theirs` has the array type of each `dtype`.
  const Theirs = theirs.get(dtype) as new (buffer: ArrayBufferLike, offset: number, length: number) => T;
  return data instanceof Theirs ? data : new Theirs(data.buffer, data.byteOffset, length);
}

/** Array types of onnxruntime's realm. */
const realms = new WeakMap<Ort, Map<DType, unknown>>();

/** Our tensor that shares the memory of onnxruntime's tensor, which must be on the CPU. */
export function fromOrt(tensor: OrtTensor): Tensor {
  const dtype = dtypeOf(tensor.type, 'output');
  const data = tensor.data as unknown as ArrayBufferView & { length: number }; // never strings: `dtypeOf` refused them
  const Expected = ARRAY_OF[dtype];
  // Newer JavaScript engines return a Float16Array; our float16 tensors have the bit patterns in a Uint16Array.
  return {
    dtype,
    shape: [...tensor.dims],
    data: data instanceof Expected ? data : new Expected(data.buffer, data.byteOffset, data.length),
  };
}
