// Many pictures in one.
import { UsageError } from '../errors.js';
import { shapeError } from '../shape-error.js';
import { checkInteger } from '../integer.js';
import { optionsOf } from '../realm.js';
import { Image } from './image.js';
import type { Channels } from './pixels.js';

/** Options of a grid. */
export interface GridOptions {
  /** Pixels between neighbours; default 0. */
  padding?: number;
  /** Value of every channel where there is no picture, 0..255; default 0. Alpha, if any, is 255 there. */
  background?: number;
}

interface Pictures {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly data: Uint8ClampedArray;
}

const MOST_PIXELS = 2 ** 28;

/**
 * Lays pictures out row by row in `columns`, by default ⌈√count⌉. Throws UsageError: `input.shape` for no pictures,
 * `input.range` for columns below 1 and for more than 2²⁸ pixels.
 */
export function gridOf(
  pictures: Pictures,
  columns: number = Math.ceil(Math.sqrt(pictures.count)),
  options: GridOptions = {},
): Image {
  const { count, width, height, channels, data } = pictures;
  const { padding = 0, background = 0 } = optionsOf('grid', options, 'background padding');
  if (count < 1) throw shapeError('grid: expected one picture or more, got none');
  for (const [name, value, least, most] of [
    ['columns', columns, 1, 1e6],
    ['padding', padding, 0, 1e4],
    ['background', background, 0, 255],
  ] as const) {
    checkInteger(`grid.${name}`, value, least, most);
  }
  const rows = Math.ceil(count / columns);
  const wide = columns * (width + padding) - padding;
  const high = rows * (height + padding) - padding;
  if (wide * high > MOST_PIXELS)
    throw new UsageError(`grid: expected at most ${MOST_PIXELS} pixels, got ${wide} × ${high}`, {
      code: 'input.range',
    });
  const out = new Uint8ClampedArray(wide * high * channels).fill(background);
  if (channels === 4) for (let alpha = 3; alpha < out.length; alpha += 4) out[alpha] = 255;
  for (let i = 0; i < count; i++) {
    const left = (i % columns) * (width + padding);
    const top = Math.floor(i / columns) * (height + padding);
    for (let y = 0; y < height; y++) {
      const from = (i * height + y) * width * channels;
      out.set(data.subarray(from, from + width * channels), ((top + y) * wide + left) * channels);
    }
  }
  return new Image(wide, high, channels, out);
}
