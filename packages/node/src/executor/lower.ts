// What is done to a model before the CPU gets it: convolutions of fixed sizes become the products that a price says are
// faster. Loaded only where it is asked for.
import type { FastBytes } from '@forja/core/onnx';

/** The model with faster convolutions, or undefined where it stays as it is. */
export async function lowerForCpu(model: Uint8Array): Promise<FastBytes | undefined> {
  const { fastModelBytes } = await import('@forja/core/onnx');
  return fastModelBytes(model);
}
