// Between our tensors and onnxruntime's. No data is copied here.
import { ARRAY_OF, ModelFormatError } from '@forja/core';
import type { DType, Tensor, TensorSpec } from '@forja/core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

/** The module, as loaded by {@link loadOrt}. */
export type Ort = typeof import('onnxruntime-node');

/** onnxruntime's tensor over our data. */
export function toOrt(ort: Ort, { dtype, shape, data }: Tensor): OrtTensor {
  // Its constructor is overloaded by type name; our names are a subset with the same arrays.
  return new (ort.Tensor as unknown as new (type: string, data: ArrayBufferView, dims: readonly number[]) => OrtTensor)(
    dtype,
    data,
    shape,
  );
}

/** Our tensor over the data of onnxruntime's, which is on the CPU. */
export function fromOrt(tensor: OrtTensor): Tensor {
  const dtype = dtypeOf(tensor.type, 'output');
  const data = tensor.data as unknown as ArrayBufferView & { length: number }; // never strings: `dtypeOf` refused them
  const Expected = ARRAY_OF[dtype];
  // Newer engines give Float16Array; we carry bit patterns.
  return {
    dtype,
    shape: [...tensor.dims],
    data: data instanceof Expected ? data : new Expected(data.buffer, data.byteOffset, data.length),
  };
}

/** Specs of a session's inputs or outputs; a dynamic dim without a name gets one. */
export function specsOf(metadata: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
  return metadata.map((value) => {
    if (!value.isTensor)
      throw new ModelFormatError(
        'model.unsupported',
        `${value.name}: expected a tensor, got a sequence, map or optional`,
      );
    return {
      name: value.name,
      dtype: dtypeOf(value.type, value.name),
      shape: value.shape.map((dim, i) => (dim === '' ? `${value.name}_dim_${i}` : dim)),
    };
  });
}

function dtypeOf(type: string, where: string): DType {
  if (Object.hasOwn(ARRAY_OF, type)) return type as DType; // just looked up
  throw new ModelFormatError(
    'model.unsupported',
    `${where}: expected a tensor of ${Object.keys(ARRAY_OF).join(', ')}, got ${type}`,
  );
}
