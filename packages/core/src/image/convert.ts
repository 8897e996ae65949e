// From a model's tensors to 8-bit pictures.
import { UsageError } from '../errors.js';
import { shapeError } from '../shape-error.js';
import { fromHalf } from '../half.js';
import { classOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { sizeOf, type Tensor } from '../tensor.js';
import { ImageBatch } from './batch.js';
import { checkLayout, checkRange, defaultRange, type ImageLayout, type ImageTensorOptions } from './range.js';

/**
 * Pictures of a tensor `[n, c, h, w]` or `[n, h, w, c]`, where c is 1, 3 or 4, and n may be left out for one picture. A
 * value v in the range [a, b] becomes ⌊255·(v − a)/(b − a) + ½⌋, clamped to 0..255; for [−1, 1] that is ⌊127.5·v +
 * 128⌋. Throws UsageError for another shape (`input.shape`) or for NaN (`input.range`).
 */
export function toBatch(tensor: Tensor, options: ImageTensorOptions): ImageBatch {
  optionsOf('toBatch', options, 'layout range');
  checkLayout('toBatch', options.layout);
  const { shape, data } = optionsOf('toBatch', tensor);
  if (!Array.isArray(shape) || !ArrayBuffer.isView(data))
    throw shapeError(`toBatch: expected a tensor, got ${shown(tensor)}`);
  const { count, width, height, channels } = sizesOf(tensor, options.layout);
  const pixels = new Uint8ClampedArray(count * width * height * channels);
  fillPixels(pixels, 0, tensor, options);
  return new ImageBatch(count, width, height, channels, pixels);
}

/** Sizes of the pictures in a tensor. Throws UsageError `input.shape`. */
export function sizesOf(
  { shape, data }: Tensor,
  layout: ImageLayout,
): { count: number; width: number; height: number; channels: number } {
  const [count, a, b, c] = shape.length === 3 ? [1, ...shape] : shape;
  if (a === undefined || b === undefined || c === undefined || count === undefined || shape.length > 4)
    throw shapeError(`toBatch: expected a tensor of 3 or 4 dimensions, ${layout}, got [${shape.join(', ')}]`);
  const [channels, height, width] = layout === 'nchw' ? [a, b, c] : [c, a, b];
  const { length } = data as unknown as ArrayLike<unknown>; // true of every typed array that a Tensor may hold
  if (length !== sizeOf(shape))
    throw shapeError(`toBatch: expected ${sizeOf(shape)} values for [${shape.join(', ')}], got ${length}`);
  return { count, width, height, channels };
}

/** {@link toBatch} into `pixels`, from its element `at` on. */
export function fillPixels(
  pixels: Uint8ClampedArray,
  at: number,
  tensor: Tensor,
  { layout, range = defaultRange(tensor.dtype) }: ImageTensorOptions,
): void {
  const { count, width, height, channels } = sizesOf(tensor, layout);
  checkRange('toBatch', range);
  const { dtype, data } = tensor;
  const scale = 255 / (range[1] - range[0]);
  const offset = 0.5 - range[0] * scale;
  // A row is a contiguous run of values: one channel of one picture for NCHW, the whole tensor for NHWC.
  const [rows, step] = layout === 'nchw' ? [count * channels, channels] : [1, 1];
  const length = (count * channels * width * height) / rows;
  const floats = classOf(data) === 'Float32Array' ? (data as Float32Array) : undefined;
  const others = data as unknown as ArrayLike<number | bigint>; // true of every typed array that a Tensor may hold
  for (let row = 0; row < rows; row++) {
    const to = at + (layout === 'nchw' ? Math.floor(row / channels) * channels * length + (row % channels) : 0);
    const good = floats
      ? fillRow(pixels, to, step, floats, row * length, length, scale, offset)
      : fillOther(pixels, to, step, others, row * length, length, scale, offset, dtype === 'float16');
    if (!good)
      throw new UsageError(
        'toBatch: expected numbers, got NaN in picture ' +
          `${layout === 'nchw' ? Math.floor(row / channels) : firstNaN(others, dtype, width * height * channels)}; ` +
          "the model's weights or its input may hold NaN",
        { code: 'input.range' },
      );
  }
}

/**
 * Converts one row of floats. This is the hot loop, kept simple so that engines compile it well. Returns false for NaN.
 */
function fillRow(
  pixels: Uint8ClampedArray,
  to: number,
  step: number,
  values: Float32Array,
  from: number,
  length: number,
  scale: number,
  offset: number,
): boolean {
  let good = true;
  for (let i = 0; i < length; i++) {
    const v = values[from + i] as number; // in range: sizesOf checked the length
    good &&= v === v;
    pixels[to + i * step] = Math.floor(v * scale + offset);
  }
  return good;
}

function fillOther(
  pixels: Uint8ClampedArray,
  to: number,
  step: number,
  values: ArrayLike<number | bigint>,
  from: number,
  length: number,
  scale: number,
  offset: number,
  half: boolean,
): boolean {
  for (let i = 0; i < length; i++) {
    const raw = Number(values[from + i]);
    const v = half ? fromHalf(raw) : raw;
    if (Number.isNaN(v)) return false;
    pixels[to + i * step] = Math.floor(v * scale + offset);
  }
  return true;
}

function firstNaN(values: ArrayLike<number | bigint>, dtype: Tensor['dtype'], size: number): number {
  for (let i = 0; i < values.length; i++)
    if (Number.isNaN(dtype === 'float16' ? fromHalf(Number(values[i])) : Number(values[i])))
      return Math.floor(i / size);
  return 0;
}
