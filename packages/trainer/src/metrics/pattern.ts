// What blur and artefacts of upsampling do to a picture: too little fine detail, or a pattern with the period of a
// stride or a pixel shuffle. A network that paints a grid wins on detail alone, so the two belong together.
import type { Values } from './pairs.js';

/**
 * Mean square of what a pixel differs from the mean of its four neighbours by: energy of the finest detail. Divide by
 * the truth's; below 1 is blurred.
 */
export function highFrequency(picture: Values): number {
  let sum = 0;
  const details = detailsOf(picture);
  for (const value of details.data) sum += value ** 2;
  return sum / details.data.length;
}

/**
 * Share of the finest detail, 0 to 1, that repeats with `period` pixels in both directions: the energy of the mean tile
 * of period × period over that of all. The truth's own share is what chance gives; a checkerboard is far above it.
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

/** Each pixel less the mean of its neighbours above, below, left and right, without the border. */
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
