// Draws points in the plane as a picture.
import { Image } from '@forja/core';

/**
 * Points [count · 2] as dark dots on white, `edge` pixels square, showing [-1.2, 1.2]; points outside are drawn at the
 * border.
 */
export function scatter(points: Float32Array, edge = 256): Image {
  const data = new Uint8ClampedArray(edge * edge).fill(255);
  const place = (v: number | undefined): number =>
    Math.min(edge - 2, Math.max(1, Math.round((((v ?? 0) + 1.2) / 2.4) * (edge - 1))));
  for (let i = 0; i + 1 < points.length; i += 2) {
    const [x, y] = [place(points[i]), edge - 1 - place(points[i + 1])];
    for (let dy = -1; dy <= 1; dy++)
      for (let dx = -1; dx <= 1; dx++)
        data[(y + dy) * edge + x + dx] =
          dx === 0 && dy === 0 ? 0 : Math.min(data[(y + dy) * edge + x + dx] ?? 255, 110);
  }
  return new Image(edge, edge, 1, data);
}
