// Sizes of the pictures that super-resolution is trained on.
import { UsageError } from '@forja/core';
import type { FieldSpec } from '../../data/dataset.js';

/** Default edge of crops, about the 70 pixels of a patch that the discriminator sees. */
const DEFAULT_EDGE = 64;

/**
 * Edge of the crops that are trained on, and channels of the pictures.
 * @throws UsageError `config.invalid` for pictures that are smaller than the crop or have an alpha channel, and for a
 * crop that cannot be divided by the scale and by the halvings in the discriminator.
 */
export function sizesOf(
  {
    scale,
    crop,
    depthD,
    adversarial,
  }: { scale: number; crop?: number | undefined; depthD: number; adversarial: number },
  field: FieldSpec | undefined,
  from: string,
): { crop: number; channels: number } {
  const [height = 0, width = 0, channels = 0] = field?.shape ?? [];
  const refuse = (text: string): never => {
    throw new UsageError(text, { code: 'config.invalid' });
  };
  const least = Math.min(height, width);
  const halved = adversarial > 0 ? 2 ** depthD : 1;
  const step = (scale * halved) / gcd(scale, halved);
  const edge = crop ?? Math.floor(Math.min(DEFAULT_EDGE, least) / step) * step;
  if (channels > 3)
    refuse(`config.channels: expected 1 (grey) or 3 (RGB) for the system 'srgan', got ${channels} from ${from}`);
  if (edge > least || edge === 0)
    refuse(
      `config.crop: expected pictures of at least ${edge === 0 ? step : edge} pixels, got ${height} × ${width} ` +
        `from ${from}`,
    );
  if (edge % scale !== 0)
    refuse(`config.scale: expected a number that divides the crop of ${edge} pixels, got ${scale}`);
  if (edge % step !== 0)
    refuse(
      `config.crop: expected a multiple of ${step}, because the discriminator halves it ${depthD} times ` +
        `(depthD) and the scale is ${scale}, got ${edge}`,
    );
  return { crop: edge, channels };
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
