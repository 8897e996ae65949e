// Transparent pictures for models without transparency, as in training data: over white.
import type { ImageLike, Manifest } from '@forja/core';

/** The picture, with transparent pixels over white unless the model's pictures have transparency too. */
export function onWhite({ width, height, channels, data }: ImageLike, { inputs }: Manifest): ImageLike {
  const pixels = width * height;
  const input = inputs.find(({ role }) => role === 'image');
  const wanted = input?.layout === 'nhwc' ? input.shape[3] : input?.shape[1];
  if (data.length !== 4 * pixels || wanted === 4) return { width, height, data, ...(channels ? { channels } : {}) };
  const flat = new Uint8ClampedArray(3 * pixels); // rounds
  for (let p = 0; p < pixels; p++)
    for (let c = 0; c < 3; c++) {
      const alpha = (data[4 * p + 3] as number) / 255;
      flat[3 * p + c] = (data[4 * p + c] as number) * alpha + 255 * (1 - alpha);
    }
  return { width, height, channels: 3, data: flat };
}
