// Shrinks pictures by a whole factor.
import type { ImageLike } from '@forja/core';

/** A picture in RGBA with sides `by` times as short: means of blocks of pixels. The sides are multiples of `by`. */
export function shrunk({ width, height, data }: ImageData, by: number): ImageLike {
  const [w, h] = [width / by, height / by];
  const small = new Uint8ClampedArray(w * h * 4);
  for (let i = 0; i < small.length; i++) {
    const [x, y] = [(i >> 2) % w, Math.floor((i >> 2) / w)];
    let sum = 0;
    for (let v = y * by; v < (y + 1) * by; v++)
      for (let u = x * by; u < (x + 1) * by; u++) sum += data[4 * (v * width + u) + (i & 3)] as number; // inside
    small[i] = sum / by ** 2;
  }
  return { width: w, height: h, data: small };
}
