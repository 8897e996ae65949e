// From 8-bit pictures to a model's tensors. Separate from convert.ts, so that pages that only sample latents do not
// load it.
import { UsageError } from '../errors.js';
import { halfOf } from '../half.js';
import { classOf, oneOf, optionsOf } from '../realm.js';
import { shapeError } from '../shape-error.js';
import { shown } from '../shown.js';
import type { Tensor } from '../tensor.js';
import type { Channels } from './pixels.js';
import { checkLayout, checkRange, defaultRange, type ImageTensorOptions } from './range.js';

/**
 * Any 8-bit picture: an {@link Image}, the DOM's ImageData, or a decoder's result. If `channels` is missing, it is
 * computed from the length of `data`.
 */
export interface ImageLike {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** 1, 3 or 4. */
  readonly channels?: number;
  /** Bytes 0 to 255: rows from the top, channels interleaved. */
  readonly data: ArrayLike<number>;
}

/**
 * The tensor of pictures of one size: for the range [a, b], byte v becomes a + v·(b − a)/255. `channels` (default: the
 * first picture's) may differ from the pictures': grey is repeated, colour becomes grey by Rec. 601 luma, alpha is
 * dropped or set to opaque. Throws UsageError: `input.shape` for no pictures, or for sizes that differ; `input.range`
 * for data that are not bytes.
 */
export function fromImages(
  images: readonly ImageLike[],
  options: ImageTensorOptions & { channels?: Channels; dtype?: 'float32' | 'float16' | 'uint8' },
): Tensor {
  optionsOf('fromImages', options, 'channels dtype layout range');
  if (!Array.isArray(images)) throw new UsageError(`fromImages: expected a list of pictures, got ${shown(images)}`);
  for (const image of images as readonly ImageLike[]) optionsOf('fromImages.image', image);
  const [first] = images;
  if (!first) throw shapeError('fromImages: expected one picture or more, got none');
  const { layout, dtype = 'float32', range = defaultRange(dtype), channels = channelsOf(first) } = options;
  const { width, height } = first;
  checkLayout('fromImages', layout);
  checkRange('fromImages', range);
  oneOf('fromImages.dtype', dtype, ['float32', 'float16', 'uint8']);
  if (![1, 3, 4].includes(channels))
    throw shapeError(`fromImages.channels: expected 1, 3 or 4, got ${shown(channels)}`);
  const scale = (range[1] - range[0]) / 255;
  const plane = width * height;
  const data = new { float32: Float32Array, float16: Uint16Array, uint8: Uint8ClampedArray }[dtype](
    images.length * channels * plane,
  );
  images.forEach((image, i) => {
    if (image.width !== width || image.height !== height)
      throw shapeError(
        `fromImages: expected every picture to be ${width} × ${height}, got ${image.width} × ${image.height} at ${i}`,
      );
    const have = channelsOf(image);
    checkBytes(`fromImages.${i}`, image);
    for (let p = 0; p < plane; p++) {
      for (let ch = 0; ch < channels; ch++) {
        const v = range[0] + channelOf(image.data, p * have, have, ch, channels) * scale;
        data[layout === 'nhwc' ? (i * plane + p) * channels + ch : (i * channels + ch) * plane + p] =
          dtype === 'float16' ? halfOf(v) : v;
      }
    }
  });
  const shape = layout === 'nchw' ? [images.length, channels, height, width] : [images.length, height, width, channels];
  return { dtype, shape, data: dtype === 'uint8' ? new Uint8Array(data.buffer) : data };
}

function channelOf(data: ArrayLike<number>, at: number, have: Channels, wanted: number, channels: Channels): number {
  const byte = (c: number): number => data[at + c] as number; // in range: channelsOf checked the length
  if (wanted === 3) return have === 4 ? byte(3) : 255;
  if (have === 1) return byte(0);
  return channels === 1 ? 0.299 * byte(0) + 0.587 * byte(1) + 0.114 * byte(2) : byte(wanted);
}

function channelsOf({ width, height, channels, data }: ImageLike): Channels {
  const { length } = Object(data) as ArrayLike<number>; // untyped callers may give none
  const found = length / (width * height);
  if ((found === 1 || found === 3 || found === 4) && (channels === undefined || channels === found)) return found;
  throw shapeError(
    `fromImages: expected ${width} × ${height} pixels of ${channels ?? '1, 3 or 4'} bytes, got ${length} bytes`,
  );
}

/**
 * Throws UsageError `input.range` unless every value is a byte. Decoders of 16 bits return Uint16Arrays, tensors have
 * floats: taken for bytes, they would make a white or a black picture.
 */
export function checkBytes(where: string, { data }: ImageLike): void {
  if (/^Uint8(Clamped)?Array$/.test(classOf(data))) return;
  for (let i = 0; i < data.length; i++) {
    const value: unknown = data[i];
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) continue;
    throw new UsageError(
      `${where}.data: expected bytes, whole numbers from 0 to 255, got ${shown(value)} in ${classOf(data)}; ` +
        'scale samples of 16 bits by 1 / 257 and floats from 0 to 1 by 255, and round them',
      { code: 'input.range' },
    );
  }
}
