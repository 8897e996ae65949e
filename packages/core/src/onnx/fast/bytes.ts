// From a file's bytes to a file's bytes: what runtimes do to a model before a CPU gets it.
import { ModelFormatError } from '../../errors.js';
import { decodeModel } from '../deserialize.js';
import { encodeModel } from '../serialize.js';
import { fastConvolutions } from './index.js';

/**
 * Larger files, weights included, are left as they are: reading one takes as long as the gain would save in many runs.
 */
const LARGEST = 2 ** 28;

/** A file with faster convolutions. */
export interface FastBytes {
  bytes: Uint8Array;
  /** Algorithm of each convolution that was replaced, by its node's name. */
  convolutions: Record<string, string>;
}

/**
 * {@link fastConvolutions} of an encoded model; undefined where it stays as it is: nothing to gain, too large, or not a
 * file that can be read.
 */
export function fastModelBytes(model: Uint8Array): FastBytes | undefined {
  if (model.length > LARGEST) return undefined;
  try {
    const { model: fast, convolutions } = fastConvolutions(decodeModel(model));
    return Object.keys(convolutions).length === 0 ? undefined : { bytes: encodeModel(fast), convolutions };
  } catch (error) {
    if (error instanceof ModelFormatError) return undefined; // onnxruntime says better what is wrong with it
    throw error;
  }
}
