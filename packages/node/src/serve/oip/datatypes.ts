// Maps between datatypes of the Open Inference Protocol and ours. Our models have none of the protocol's other types.
import { UsageError, type DType } from '@forja/core';

/** The protocol's name of each type. */
export const DATATYPE: Readonly<Record<DType, string>> = {
  float32: 'FP32',
  float16: 'FP16',
  int32: 'INT32',
  int64: 'INT64',
  uint8: 'UINT8',
  int8: 'INT8',
  bool: 'BOOL',
};

const DTYPE: ReadonlyMap<string, DType> = new Map(
  Object.entries(DATATYPE).map(([dtype, name]) => [name, dtype as DType]),
); // keys of DATATYPE

/** Our type. Throws `input.shape` for a type that our models do not have. */
export function dtypeOf(where: string, datatype: string): DType {
  const dtype = DTYPE.get(datatype);
  if (!dtype)
    throw new UsageError(
      `${where}.datatype: expected one of ${[...DTYPE.keys()].join(', ')}, got '${datatype.slice(0, 32)}'`,
      { code: 'input.shape' },
    );
  return dtype;
}
