// Pictures of one size, as a generator returns them.
import { UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { AnimationOptions, EncoderTools } from './animation.js';
import { gridOf, type GridOptions } from './grid.js';
import { checkPixels, Image, rgbaOf } from './image.js';
import type { Channels } from './pixels.js';

const TOOLS: EncoderTools = { rgbaOf, UsageError, optionsOf, shown };

/** `count` pictures of one size and kind, one after the other in `data`. Iterating gives each as an {@link Image}. */
export class ImageBatch implements Iterable<Image> {
  /** Number of pictures. */
  readonly count: number;
  /** Width of each picture, in pixels. */
  readonly width: number;
  /** Height of each picture, in pixels. */
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA. */
  readonly channels: Channels;
  /** `count · height · width · channels` bytes; not copied. */
  readonly data: Uint8ClampedArray;

  /**
   * Throws UsageError (`input.shape`) when the length of `data` does not fit, or for other channels than 1, 3 and 4.
   */
  constructor(count: number, width: number, height: number, channels: number, data: Uint8ClampedArray) {
    this.channels = checkPixels('ImageBatch', count, width, height, channels, data);
    this.count = count;
    this.width = width;
    this.height = height;
    this.data = data;
  }

  /** Picture `i`, a view of this batch's data. Throws UsageError outside 0..count−1. */
  at(i: number): Image {
    checkInteger('ImageBatch.at', i, 0, this.count - 1);
    const size = this.width * this.height * this.channels;
    return new Image(this.width, this.height, this.channels, this.data.subarray(i * size, (i + 1) * size));
  }

  /** Each picture in turn, a view. */
  *[Symbol.iterator](): Iterator<Image> {
    for (let i = 0; i < this.count; i++) yield this.at(i);
  }

  /**
   * All pictures in one, row by row; default of `columns`: ⌈√count⌉, nearly square. Cells without a picture, and
   * `padding` pixels between pictures, have the background.
   */
  grid(columns?: number, options?: GridOptions): Image {
    return gridOf(this, columns, options);
  }

  /**
   * The pictures as frames of an animated GIF, at most 256 colours (grey is exact; transparent pixels are blended with
   * white). The encoder (gifenc) is imported on first use.
   */
  async toGIF(options?: AnimationOptions): Promise<Uint8Array> {
    const { encodeGIF } = await import('./gif.js');
    return encodeGIF(this, TOOLS, options);
  }

  /** The pictures as frames of an animated PNG: lossless. Encoders are imported on first use. */
  async toAPNG(options?: AnimationOptions): Promise<Uint8Array> {
    const { encodeAPNG } = await import('./apng.js');
    return encodeAPNG(this, TOOLS, options);
  }
}
