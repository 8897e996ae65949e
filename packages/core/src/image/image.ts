// One 8-bit picture.
import { shapeError } from '../shape-error.js';
import { classOf } from '../realm.js';
import { shown } from '../shown.js';
import type { Channels } from './pixels.js';

/** A picture: rows from the top, pixels from the left, channels interleaved, 8 bits each (straight alpha). */
export class Image {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA. */
  readonly channels: Channels;
  /** `width · height · channels` bytes; not copied. */
  readonly data: Uint8ClampedArray;

  /**
   * Throws UsageError (`input.shape`) when the length of `data` does not fit, or for other channels than 1, 3 and 4.
   */
  constructor(width: number, height: number, channels: number, data: Uint8ClampedArray) {
    this.channels = checkPixels('Image', 1, width, height, channels, data);
    this.width = width;
    this.height = height;
    this.data = data;
  }

  /** The picture as RGBA, as in a canvas's ImageData: `width · height · 4` bytes, a new array. */
  toRGBA(): Uint8ClampedArray {
    return rgbaOf(this.data, this.channels);
  }

  /**
   * The picture as a PNG file: 8 bits, grey, RGB or RGBA, no metadata. The encoder (fast-png) is imported on first use.
   */
  async toPNG(): Promise<Uint8Array> {
    const { encodePNG } = await import('./png.js');
    return encodePNG(this);
  }
}

/** Interleaved pixels of any {@link Channels} as RGBA. */
export function rgbaOf(data: Uint8ClampedArray, channels: Channels): Uint8ClampedArray {
  if (channels === 4) return data.slice();
  const rgba = new Uint8ClampedArray((data.length / channels) * 4).fill(255);
  for (let from = 0, to = 0; from < data.length; from += channels, to += 4) {
    // in range: the constructors checked the length
    for (let c = 0; c < 3; c++) rgba[to + c] = data[channels === 1 ? from : from + c] as number;
  }
  return rgba;
}

/** Throws UsageError unless `data` holds `count` pictures; returns the channels. */
export function checkPixels(
  where: string,
  count: number,
  width: number,
  height: number,
  channels: number,
  data: Uint8ClampedArray,
): Channels {
  for (const [name, value, least] of [
    ['count', count, 0],
    ['width', width, 1],
    ['height', height, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw shapeError(`${where}.${name}: expected an integer of at least ${least}, got ${shown(value)}`);
  }
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw shapeError(`${where}.channels: expected 1 (grey), 3 (RGB) or 4 (RGBA), got ${shown(channels)}`);
  if (classOf(data) !== 'Uint8ClampedArray' || data.length !== count * width * height * channels) {
    const got = classOf(data) === 'Uint8ClampedArray' ? `${data.length}` : shown(data);
    throw shapeError(
      `${where}.data: expected a Uint8ClampedArray of ${count * width * height * channels} for ${count} × ` +
        `${width} × ${height} × ${channels}, got ${got}`,
    );
  }
  return channels;
}
