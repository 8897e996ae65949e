// How near a picture is to its target: PSNR and SSIM, of plain arrays. They reward what is right on average, so a
// blurred picture scores well; use them together with a measure of how real a picture looks.
import { decibels, optionsOf, UsageError } from '@forja/core';

/** A picture's values, row by row, channels last. */
export interface Values {
  data: ArrayLike<number>;
  width: number;
  height: number;
  channels: number;
}

/**
 * Peak signal-to-noise ratio in decibels: 10·log₁₀(range² / mean squared difference), over all values; Infinity for
 * equal ones. `range`: from the darkest to the brightest value, 255 for bytes.
 * @throws UsageError `input.shape` for pictures of different sizes.
 */
export function psnr(got: Values, wanted: Values, range = 255): number {
  checkAlike(got, wanted);
  return decibels(got.data, wanted.data, range);
}

/** Radius of the window in pixels, and its standard deviation. */
const [REACH, DEVIATION] = [5, 1.5];

/**
 * Structural similarity, −1 to 1: means, deviations and covariance in a Gaussian window of 11 × 11 pixels (σ 1.5),
 * averaged over windows inside the picture, and over channels. Wang et al. 2004, equation 13, K = 0.01 and 0.03.
 * @throws UsageError `input.shape` for pictures of different sizes, or smaller than the window.
 */
export function ssim(got: Values, wanted: Values, range = 255): number {
  checkAlike(got, wanted);
  const { width, height, channels } = wanted;
  const window = 2 * REACH + 1;
  if (width < window || height < window)
    throw new UsageError(`ssim: expected pictures of at least ${window} × ${window} pixels, got ${width} × ${height}`, {
      code: 'input.shape',
    });
  const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2];
  let total = 0;
  for (let c = 0; c < channels; c++) {
    const [x, y] = [channelOf(got, c), channelOf(wanted, c)];
    const mean = (f: (i: number) => number): Float64Array =>
      blurred(
        Float64Array.from(x, (_, i) => f(i)),
        width,
        height,
      );
    const [mx, my] = [mean((i) => x[i]!), mean((i) => y[i]!)];
    const [xx, yy, xy] = [mean((i) => x[i]! ** 2), mean((i) => y[i]! ** 2), mean((i) => x[i]! * y[i]!)];
    for (let i = 0; i < mx.length; i++) {
      const [a, b] = [mx[i]!, my[i]!];
      const [vx, vy, cov] = [xx[i]! - a * a, yy[i]! - b * b, xy[i]! - a * b];
      total += ((2 * a * b + c1) * (2 * cov + c2)) / ((a * a + b * b + c1) * (vx + vy + c2) * mx.length);
    }
  }
  return total / channels;
}

/** Weights of the window along one axis. */
const WINDOW = ((): number[] => {
  const raw = Array.from({ length: 2 * REACH + 1 }, (_, i) => Math.exp(-((i - REACH) ** 2) / (2 * DEVIATION ** 2)));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / sum);
})();

/** Means over all windows inside the picture: [height − 10, width − 10]. */
function blurred(values: Float64Array, width: number, height: number): Float64Array {
  const [w, h] = [width - 2 * REACH, height - 2 * REACH];
  const narrow = new Float64Array(height * w);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < w; x++)
      narrow[y * w + x] = WINDOW.reduce((sum, weight, k) => sum + weight * values[y * width + x + k]!, 0);
  const out = new Float64Array(h * w);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      out[y * w + x] = WINDOW.reduce((sum, weight, k) => sum + weight * narrow[(y + k) * w + x]!, 0);
  return out;
}

const channelOf = ({ data, width, height, channels }: Values, c: number): Float64Array =>
  Float64Array.from({ length: width * height }, (_, i) => data[i * channels + c]!);

function checkAlike(got: Values, wanted: Values): void {
  for (const side of [got, wanted])
    if (typeof (Object(optionsOf('pictures', side).data) as ArrayLike<number>).length !== 'number')
      throw new UsageError('pictures: expected pixels as an array of numbers, got none', { code: 'input.shape' });
  for (const side of ['width', 'height', 'channels'] as const)
    if (got[side] !== wanted[side])
      throw new UsageError(`pictures: expected the ${side} ${wanted[side]}, got ${got[side]}`, { code: 'input.shape' });
  for (const { data, width, height, channels } of [got, wanted])
    if (data.length !== width * height * channels)
      throw new UsageError(`pictures: expected ${width * height * channels} values, got ${data.length}`, {
        code: 'input.shape',
      });
}
