// Numbers of constants, from initializers and Constant nodes.
import { ARRAY_OF, type DType } from '../../tensor.js';
import { DATA_TYPE, type TensorProto } from '../ir.js';

const DTYPE_OF: ReadonlyMap<number, DType> = new Map(
  (Object.keys(ARRAY_OF) as DType[]).map((name) => [DATA_TYPE[name], name]),
); // ARRAY_OF has a row for each type

/**
 * The float32 numbers of a tensor in the file; undefined for other types, for external data, and if their count does
 * not match the shape.
 */
export function floatsOf(tensor: TensorProto | undefined): Float32Array | undefined {
  if (
    tensor === undefined ||
    tensor.dataType !== DATA_TYPE.float32 ||
    tensor.externalData.length > 0 ||
    tensor.segment !== undefined
  )
    return undefined;
  const count = tensor.dims.reduce((product, dim) => product * dim, 1n);
  if (tensor.rawData === undefined)
    return tensor.floatData.length > 0 && BigInt(tensor.floatData.length) === count ? tensor.floatData : undefined;
  const { byteLength } = tensor.rawData;
  if (BigInt(byteLength) !== 4n * count) return undefined;
  const values = new Float32Array(byteLength / 4);
  const view = new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset, byteLength);
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(4 * i, true);
  return values;
}

/** The whole numbers of a small int64 tensor; undefined for others. */
export function int64sOf(tensor: TensorProto): number[] | undefined {
  if (tensor.dataType !== DATA_TYPE.int64 || tensor.externalData.length > 0) return undefined;
  if (tensor.rawData === undefined) return Array.from(tensor.int64Data, Number);
  const view = new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset, tensor.rawData.byteLength);
  return Array.from({ length: tensor.rawData.byteLength >> 3 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

/** Sizes of a tensor. */
export const sizesOf = (tensor: TensorProto): number[] => tensor.dims.map(Number);

/** Our dtype for an element type; undefined if we have none. */
export const dtypeOf = (elementType: number | undefined): DType | undefined => DTYPE_OF.get(elementType ?? 0);
