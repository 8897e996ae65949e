// What is done to a model before onnxruntime gets it: on the CPU, convolutions of fixed sizes become the products that
// a price says are faster; on a GPU, half precision. Loaded only where it is asked for.
import type { FastBytes } from '@forja/core/onnx';

/** The model with faster convolutions, or undefined where it stays as it is. */
export async function lowerForCpu(model: Uint8Array): Promise<FastBytes | undefined> {
  const { fastModelBytes } = await import('@forja/core/onnx');
  return fastModelBytes(model);
}

/** The model in half precision, or undefined where none of its weights can be. */
export async function halfOf(
  model: Uint8Array,
  external: ReadonlyMap<string, Uint8Array> | undefined,
): Promise<Uint8Array | undefined> {
  const { halfModelBytes } = await import('@forja/core/onnx');
  return halfModelBytes(model, external);
}
