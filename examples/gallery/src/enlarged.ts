// Enlarges small pictures for animations, by repeating pixels.
import { ImageBatch } from '@forja/core';

/** Pictures with a longer shorter side are not enlarged. */
const SIDE = 168;

/** Repeats each pixel so that the shorter side has about 168 pixels. Larger pictures are unchanged. */
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
