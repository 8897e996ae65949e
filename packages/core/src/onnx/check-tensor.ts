// The structural check of one tensor: its data type, its dims, and whether it holds the number of bytes they imply.
import { ModelFormatError } from '../errors.js';
import { externalDataOf } from './external-data.js';
import { DATA_TYPE, type SparseTensor, type TensorProto } from './ir.js';

type Store = 'floatData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'doubleData' | 'stringData';

/**
 * How each data type is stored, as documented in onnx.proto: the bits of an element in `rawData`, the typed field, and
 * how many entries of that field an element takes.
 */
const STORAGE: ReadonlyMap<number, readonly [name: string, bits: number, store: Store, entries: number]> = new Map(
  (
    [
      ['float32', 32, 'floatData', 1],
      ['uint8', 8, 'int32Data', 1],
      ['int8', 8, 'int32Data', 1],
      ['uint16', 16, 'int32Data', 1],
      ['int16', 16, 'int32Data', 1],
      ['int32', 32, 'int32Data', 1],
      ['int64', 64, 'int64Data', 1],
      ['string', 0, 'stringData', 1],
      ['bool', 8, 'int32Data', 1],
      ['float16', 16, 'int32Data', 1],
      ['float64', 64, 'doubleData', 1],
      ['uint32', 32, 'uint64Data', 1],
      ['uint64', 64, 'uint64Data', 1],
      ['complex64', 64, 'floatData', 2],
      ['complex128', 128, 'doubleData', 2],
      ['bfloat16', 16, 'int32Data', 1],
      ['float8e4m3fn', 8, 'int32Data', 1],
      ['float8e4m3fnuz', 8, 'int32Data', 1],
      ['float8e5m2', 8, 'int32Data', 1],
      ['float8e5m2fnuz', 8, 'int32Data', 1],
      ['uint4', 4, 'int32Data', 1 / 2],
      ['int4', 4, 'int32Data', 1 / 2],
      ['float4e2m1', 4, 'int32Data', 1 / 2],
      ['float8e8m0', 8, 'int32Data', 1],
      ['uint2', 2, 'int32Data', 1 / 4],
      ['int2', 2, 'int32Data', 1 / 4],
      ['float6e2m3', 6, 'int32Data', 1],
      ['float6e3m2', 6, 'int32Data', 1],
    ] as const satisfies readonly (readonly [Exclude<keyof typeof DATA_TYPE, 'undefined'>, number, Store, number])[]
  ).map((row) => [DATA_TYPE[row[0]], row]),
);

/** Throws `model.format` with the place, what was expected and what was found. */
export function fail(where: string, expected: string, got: string): never {
  throw new ModelFormatError('model.format', `${where}: expected ${expected}, got ${got}`);
}

/** Throws unless `type` is a TensorProto.DataType. */
export function checkDataType(type: number | undefined, where: string): void {
  if (!STORAGE.has(type ?? 0)) fail(where, 'a data type of ONNX', type === undefined ? 'none' : String(type));
}

/** The number of elements. Throws unless every size is at least 0 and the product is exact in a double. */
export function checkSizes(dims: readonly bigint[], where: string): number {
  // Other sizes must not overflow even if one is zero, because readers multiply from the left.
  let size = 1n;
  let zero = false;
  for (const [i, dim] of dims.entries()) {
    if (dim < 0n) fail(`${where}.dims[${i}]`, 'a size of at least 0', String(dim));
    if (dim === 0n) zero = true;
    else size *= dim;
    if (size > BigInt(Number.MAX_SAFE_INTEGER))
      fail(
        `${where}.dims`,
        'at most 2^53 - 1 elements',
        `[${dims.slice(0, 8).join(', ')}${dims.length > 8 ? ', …' : ''}]`,
      );
  }
  return zero ? 0 : Number(size);
}

/**
 * Throws unless the tensor holds exactly the data that its type and dims imply, in one field allowed for the type, or
 * in an allowed external file.
 */
export function checkTensor(tensor: TensorProto, where: string): void {
  checkDataType(tensor.dataType, `${where}.data_type`);
  const [name, bits, store, entries] = STORAGE.get(tensor.dataType ?? 0)!; // checkDataType has checked it
  const size = checkSizes(tensor.dims, where);
  const bytes = Math.ceil((size * bits) / 8);
  const stores = (['floatData', 'int32Data', 'int64Data', 'uint64Data', 'doubleData', 'stringData'] as const).filter(
    (key) => tensor[key].length > 0,
  );
  const external = externalDataOf(tensor);
  if (typeof external === 'string') throw new ModelFormatError('model.format', `${where}.external_data: ${external}`);
  if (external) {
    if (stores.length > 0 || (tensor.rawData?.length ?? 0) > 0)
      fail(where, 'data in an external file only', 'some in the model too');
    if (name === 'string') fail(where, 'texts in the model', 'an external file');
    if (external.length !== undefined && external.length !== bytes)
      fail(`${where}.external_data`, `${bytes} bytes for ${describe(tensor, name)}`, String(external.length));
    return;
  }
  if (tensor.segment) return; // the data is a part of a tensor, but dims are those of the whole
  const [first, second] = stores;
  if (second || (first && (tensor.rawData?.length ?? 0) > 0))
    fail(where, 'data in one field', `${first} and ${second ?? 'rawData'}`);
  if (first) {
    const length = Math.ceil(size * entries);
    if (first !== store) fail(where, `${name} in ${store} or rawData`, first);
    if (tensor[first].length !== length)
      fail(`${where}.${first}`, `${length} numbers for ${describe(tensor, name)}`, String(tensor[first].length));
  } else if (name === 'string') {
    if (tensor.rawData || size > 0) fail(where, `${size} texts in stringData`, tensor.rawData ? 'rawData' : 'none');
  } else if ((tensor.rawData?.length ?? 0) !== bytes) {
    fail(
      tensor.rawData ? `${where}.raw_data` : where,
      `${bytes} bytes for ${describe(tensor, name)}`,
      String(tensor.rawData?.length ?? 'none'),
    );
  }
}

/**
 * Throws unless values and indices are valid tensors whose shapes match each other and the rank. The indices themselves
 * are not checked.
 */
export function checkSparseTensor(sparse: SparseTensor, where: string): void {
  const { values, indices, dims } = sparse;
  if (!values || !indices) fail(where, 'values and indices', values ? 'no indices' : 'no values');
  checkTensor(values, `${where}.values`);
  checkTensor(indices, `${where}.indices`);
  checkSizes(dims, where);
  if (indices.dataType !== DATA_TYPE.int64) fail(`${where}.indices`, 'int64', String(indices.dataType));
  const [count, rank] = indices.dims;
  const fits =
    values.dims.length === 1 &&
    count === values.dims[0] &&
    (indices.dims.length === 1 || (indices.dims.length === 2 && rank === BigInt(dims.length)));
  if (!fits)
    fail(
      `${where}.indices`,
      `dims [${values.dims.join(', ')}] or [${values.dims.join(', ')}, ${dims.length}]`,
      `[${indices.dims.join(', ')}]`,
    );
}

function describe(tensor: TensorProto, name: string): string {
  return `${name} [${tensor.dims.join(', ')}]`;
}
