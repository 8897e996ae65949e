// {@link fastConvolutions} on encoded models, which runtimes apply for sessions on the CPU.
import { ModelFormatError } from '../../errors.js';
import { decodeModel } from '../deserialize.js';
import { givenBytes } from '../given.js';
import { encodeModel } from '../serialize.js';
import { fastConvolutions } from './index.js';

/** Larger files, weights included, are not changed: decoding one would cost more than many runs would save. */
const LARGEST = 2 ** 28;

/** A file with faster convolutions. */
export interface FastBytes {
  bytes: Uint8Array;
  /** Algorithm of each convolution that was replaced, by its node's name. */
  convolutions: Record<string, string>;
  /** The smallest batch size at which the file is estimated to be no slower than the original. */
  from: number;
}

/**
 * {@link fastConvolutions} of an encoded model; undefined if it is not changed, because there is nothing to gain, it is
 * too large, or it cannot be read.
 */
export function fastModelBytes(model: Uint8Array): FastBytes | undefined {
  if (givenBytes('fastModelBytes', model).length > LARGEST) return undefined;
  try {
    const { model: fast, convolutions, from } = fastConvolutions(decodeModel(model));
    return Object.keys(convolutions).length === 0 ? undefined : { bytes: encodeModel(fast), convolutions, from };
  } catch (error) {
    if (error instanceof ModelFormatError) return undefined; // onnxruntime will report the error, with more detail
    throw error;
  }
}
