// What is done to a model before the CPU gets it: convolutions of fixed sizes become the products that a price says are faster. Loaded only where it is asked for.
import { ModelFormatError } from '@forja/core';

/** Larger files, weights included, are left as they are: reading one takes as long as the gain would save in many runs. */
const LARGEST = 2 ** 28;

/** A model for the CPU. */
export interface Lowered {
  bytes: Uint8Array;
  /** Algorithm of each convolution that was replaced, by its node's name. */
  convolutions: Record<string, string>;
}

/** The model with faster convolutions, or undefined where it stays as it is: nothing to gain, or not a file that can be read. */
export async function lowerForCpu(model: Uint8Array): Promise<Lowered | undefined> {
  if (model.length > LARGEST) return undefined;
  const { decodeModel, encodeModel, fastConvolutions } = await import('@forja/core/onnx');
  try {
    const { model: fast, convolutions } = fastConvolutions(decodeModel(model));
    return Object.keys(convolutions).length === 0 ? undefined : { bytes: encodeModel(fast), convolutions };
  } catch (error) {
    if (error instanceof ModelFormatError) return undefined; // onnxruntime says better what is wrong with it
    throw error;
  }
}
