// Converts between our tensors and onnxruntime's. Ours never share memory with WebAssembly.
import { dtypeOf } from '@forja/core';
import type { Tensor, TypedArray } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-web/wasm';
import type { Ort } from './ort.js';

/** An onnxruntime tensor with the data of ours, in CPU memory; each run copies it into WebAssembly. */
export function toOrt(ort: Ort, tensor: Tensor): OrtTensor {
  // The constructor is overloaded by type name; our types are a subset of its names, with the same arrays.
  return new (ort.Tensor as new (type: string, data: ArrayBufferView, dims: readonly number[]) => OrtTensor)(
    tensor.dtype,
    tensor.data,
    tensor.shape,
  );
}

/**
 * Our tensor with the data of onnxruntime's. Data on the GPU is read back, and its buffer is freed if `release` is
 * true.
 */
export async function fromOrt(tensor: OrtTensor, release = true): Promise<Tensor> {
  const dtype = dtypeOf(tensor.type, 'output');
  const data = (tensor.location === 'cpu' ? tensor.data : await tensor.getData(release)) as TypedArray;
  // Newer JavaScript engines return a Float16Array; our float16 tensors have the bit patterns in a Uint16Array.
  const plain =
    dtype === 'float16' && !(data instanceof Uint16Array)
      ? new Uint16Array(
          (data as ArrayBufferView).buffer as ArrayBuffer,
          (data as ArrayBufferView).byteOffset,
          (data as { length: number }).length,
        )
      : data;
  return { dtype, shape: [...tensor.dims], data: plain };
}
