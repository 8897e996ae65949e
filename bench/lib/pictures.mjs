// Shared by the peers of bench:peers in Node and in pages (in Python: ../python/generator.py): the latents, and the
// distance of pictures from onnxruntime's.
export const LATENT = 100;

/** The same latents for every peer, [batch, 100]. */
export const latents = (batch) => Float32Array.from({ length: batch * LATENT }, (_, i) => Math.sin(i * 12.9898));

/**
 * Largest difference over the largest magnitude. `expected` is NCHW; `dims`: the pictures' own [n, h, w, c], if NHWC.
 */
export function distance(pictures, expected, dims) {
  if (pictures.length !== expected.length)
    throw new Error(`bench: expected pictures with ${expected.length} values in all, got ${pictures.length}`);
  const [, h, w, c] = dims ?? [];
  const at = (i) => {
    if (dims === undefined) return i;
    const [x, y, channel] = [i % w, Math.floor(i / w) % h, Math.floor(i / (w * h)) % c];
    return ((Math.floor(i / (c * w * h)) * h + y) * w + x) * c + channel;
  };
  let [differs, largest] = [0, 0];
  for (const [i, value] of expected.entries()) {
    differs = Math.max(differs, Math.abs(pictures[at(i)] - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return differs / largest;
}
