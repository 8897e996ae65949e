// Constant data: converts numbers or typed arrays to the little-endian bytes of an initializer, and deduplicates equal
// constants.
import { UsageError } from '../../errors.js';
import { halfOf } from '../../half.js';
import { classOf } from '../../realm.js';
import { ARRAY_OF, BYTES_OF, sizeOf, type DType, type TypedArray } from '../../tensor.js';

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Closed ranges of the integer types. */
const RANGES: Partial<Record<DType, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint8: [0, 255],
  int8: [-128, 127],
  bool: [0, 1],
};

/**
 * `data` as the typed array of `dtype`. Numbers must be exact in integer types; float16 takes bit patterns as
 * Uint16Array, or numbers to round.
 */
export function typedData(
  where: string,
  dtype: DType,
  shape: readonly number[],
  data: TypedArray | readonly number[],
): TypedArray {
  if (shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    throw new UsageError(`${where}: expected sizes, got shape [${shape.join(', ')}]`);
  if (data.length !== sizeOf(shape))
    throw new UsageError(`${where}: expected ${sizeOf(shape)} elements for [${shape.join(', ')}], got ${data.length}`);
  // Accepts the typed array of this dtype from any realm.
  if (classOf(data) === ARRAY_OF[dtype].name) return data as TypedArray;
  const numeric = Array.isArray(data) || (dtype === 'int64' && classOf(data) === 'Int32Array');
  if (!numeric)
    throw new UsageError(`${where}: expected ${ARRAY_OF[dtype].name} or numbers for ${dtype}, got ${classOf(data)}`);
  const values = Array.from(data as ArrayLike<number>); // not a BigInt64Array, which was handled above
  const range = RANGES[dtype];
  const bad = range && values.find((v) => !Number.isInteger(v) || v < range[0] || v > range[1]);
  if (bad !== undefined) throw new UsageError(`${where}: expected ${dtype} numbers, got ${bad}`);
  if (dtype === 'int64') return BigInt64Array.from(values, BigInt);
  if (dtype === 'float16') return Uint16Array.from(values, halfOf);
  // All remaining types hold plain numbers.
  return new ARRAY_OF[dtype](values as unknown as ArrayLike<never>);
}

/** A copy of the bytes, little-endian on any machine. */
export function littleEndian(dtype: DType, data: TypedArray, swap: boolean = !LITTLE_ENDIAN): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const width = BYTES_OF[dtype];
  if (swap) for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}

/** The little-endian bytes of immutable data: a view on a little-endian machine, else a copy. */
export function littleEndianView(dtype: DType, data: TypedArray): Uint8Array {
  return LITTLE_ENDIAN ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : littleEndian(dtype, data);
}

/** Finds equal constants: by type and shape first, then a sample of the bytes, then all of them. */
export class ConstantStore<T> {
  readonly #entries = new Map<string, { bytes: Uint8Array; item: T }[]>();

  /** The item stored for an equal constant, else the result of `make`, which is stored. */
  once(dtype: string, shape: readonly (number | bigint)[], bytes: Uint8Array, make: () => T): T {
    const key = `${dtype}[${shape.join()}]${sample(bytes)}`;
    const entries = this.#entries.get(key) ?? [];
    const known = entries.find((entry) => equalBytes(entry.bytes, bytes));
    if (known !== undefined) return known.item;
    const item = make();
    this.#entries.set(key, [...entries, { bytes, item }]);
    return item;
  }
}

/** FNV-1a over at most 4,096 bytes. */
function sample(bytes: Uint8Array): number {
  // Odd, so that all byte positions of a word are sampled.
  const step = Math.max(1, Math.floor(bytes.length / 4096)) | 1;
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
