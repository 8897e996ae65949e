// Measures of blur (too little fine detail) and of upsampling artefacts (a pattern with the period of a stride or a
// pixel shuffle). Use both: a grid counts as detail too.
import type { Values } from './pairs.js';

/**
 * Mean squared difference between a pixel and the mean of its four neighbours: energy of the finest detail. Divide by
 * that of the real picture; below 1 is blurred.
 */
export function highFrequency(picture: Values): number {
  let sum = 0;
  const details = detailsOf(picture);
  for (const value of details.data) sum += value ** 2;
  return sum / details.data.length;
}

/**
 * Share of the finest detail, 0 to 1, that repeats with `period` pixels in both directions: the energy of the mean tile
 * of period × period over the total energy. Compare with the share in real pictures; a checkerboard is far above it.
 */
export function patternShare(pictures: readonly Values[], period: number): number {
  let total = 0;
  const sums = new Map<number, { sum: number; count: number }>();
  for (const picture of pictures) {
    const { data, width, channels } = detailsOf(picture);
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
      const key = ((y % period) * period + (x % period)) * channels + (i % channels);
      const cell = sums.get(key) ?? { sum: 0, count: 0 };
      cell.sum += data[i]!;
      cell.count++;
      sums.set(key, cell);
      total += data[i]! ** 2;
    }
  }
  if (total === 0) return 0;
  const tile = [...sums.values()].reduce((energy, cell) => energy + (cell.sum / cell.count) ** 2 * cell.count, 0);
  return tile / total;
}

/** Each pixel minus the mean of its four neighbours, without the border. */
function detailsOf({ data, width, height, channels }: Values): { data: Float64Array; width: number; channels: number } {
  const [w, h] = [width - 2, height - 2];
  const out = new Float64Array(Math.max(0, w * h * channels));
  const line = width * channels;
  for (let i = 0; i < out.length; i++) {
    const c = i % channels;
    const at = (Math.floor(i / channels / w) + 1) * line + ((Math.floor(i / channels) % w) + 1) * channels + c;
    out[i] = data[at]! - (data[at - line]! + data[at + line]! + data[at - channels]! + data[at + channels]!) / 4;
  }
  return { data: out, width: w, channels };
}
