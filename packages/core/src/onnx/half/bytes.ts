// {@link toHalf} on encoded models: applied by a runtime before a GPU session is opened.
import { ModelFormatError } from '../../errors.js';
import { decodeModel } from '../deserialize.js';
import { internalizeModel } from '../externalize.js';
import { DATA_TYPE } from '../ir.js';
import { encodeModel } from '../serialize.js';
import { toHalf } from './index.js';

/**
 * {@link toHalf} of an encoded model, with its external data read in; undefined if none of its weights can be in half
 * precision, or the file cannot be read.
 */
export function halfModelBytes(
  model: Uint8Array,
  external: ReadonlyMap<string, Uint8Array> = new Map(),
): Uint8Array | undefined {
  try {
    const half = toHalf(internalizeModel(decodeModel(model), external));
    return half.graph?.initializers.some(({ dataType }) => dataType === DATA_TYPE.float16)
      ? encodeModel(half)
      : undefined;
  } catch (error) {
    if (error instanceof ModelFormatError) return undefined; // onnxruntime will report the error, with more detail
    throw error;
  }
}
