// Rewrites a model before onnxruntime loads it: for the CPU, convolutions of fixed sizes become matrix products if the
// cost model estimates these to be faster; for a GPU, weights are converted to half precision if asked. The rewriting
// code is imported only if needed.
import type { FastBytes } from '@forja/core/onnx';

/** The model with faster convolutions, or undefined if it is not changed. */
export async function lowerForCpu(model: Uint8Array): Promise<FastBytes | undefined> {
  const { fastModelBytes } = await import('@forja/core/onnx');
  return fastModelBytes(model);
}

/** The model in half precision, or undefined if none of its weights can be converted. */
export async function halfOf(
  model: Uint8Array,
  external: ReadonlyMap<string, Uint8Array> | undefined,
): Promise<Uint8Array | undefined> {
  const { halfModelBytes } = await import('@forja/core/onnx');
  return halfModelBytes(model, external);
}
