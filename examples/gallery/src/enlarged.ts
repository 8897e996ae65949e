// Enlarges small pictures for animations, by repeating pixels.
import { ImageBatch } from '@forja/core';

/** Maximum length of the shorter side of an enlarged picture. */
const SIDE = 168;

/**
 * Enlarges by the greatest whole factor that keeps the shorter side within 168 pixels. Pictures for which it is below 2
 * are unchanged.
 */
export function enlarged(batch: ImageBatch): ImageBatch {
  const { count, width, height, channels, data } = batch;
  const by = Math.floor(SIDE / Math.min(width, height));
  if (by < 2) return batch;
  const [w, h] = [width * by, height * by];
  const large = new Uint8ClampedArray(count * w * h * channels);
  let to = 0;
  for (let i = 0; i < count; i++)
    for (let y = 0; y < h; y++) {
      const row = (i * height + Math.floor(y / by)) * width;
      for (let x = 0; x < w; x++) {
        const from = (row + Math.floor(x / by)) * channels;
        for (let c = 0; c < channels; c++) large[to++] = data[from + c] as number; // within the batch
      }
    }
  return new ImageBatch(count, w, h, channels, large);
}
