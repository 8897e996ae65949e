// Converts pictures for an extractor: its size, number of channels, range and axis order.
import { UsageError } from '@forja/core';
import { weights } from '../../data/fit.js';
import type { RawExamples } from './extractor.js';

/** The input of an extractor. Without sizes, pictures are not resized. */
export interface PictureInput {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  readonly channels?: number | undefined;
  readonly layout: 'nchw' | 'nhwc';
  readonly range: readonly [number, number];
}

/** Describes the resizing. Shrinking: the mean of the area; enlarging: linear between pixels. */
export function resizeText([height = 0, width = 0]: readonly number[], to: PictureInput): string {
  const [h, w] = [to.height ?? height, to.width ?? width];
  if (h === height && w === width) return 'none';
  const size = (a: number, b: number): string => (a === b ? String(a) : `${a} × ${b}`);
  return `${h <= height && w <= width ? 'area' : 'bilinear'} ${size(height, width)} → ${size(h, w)}`;
}

const LUMA = [0.299, 0.587, 0.114] as const;

/** Pictures [count, height, width, channels] in `range`, converted to the input's format, with its shape. */
export function fitted({ count, shape, values, range }: RawExamples, to: PictureInput): Float32Array {
  const [height = 0, width = 0, channels = 0] = shape;
  const [h, w, c] = [to.height ?? height, to.width ?? width, to.channels ?? channels];
  if (shape.length !== 3 || !(c === channels || (c === 3 && channels === 1) || (c === 1 && channels === 3)))
    throw new UsageError(
      `features: expected pictures of ${c === 1 || c === 3 ? '1 or 3' : c} channels, as the extractor takes ` +
        `them, got [${shape.join(', ')}]`,
      { code: 'input.shape' },
    );
  const scale = (to.range[1] - to.range[0]) / (range[1] - range[0]);
  const out = new Float32Array(count * h * w * c);
  const at =
    to.layout === 'nchw'
      ? (i: number, y: number, x: number, k: number) => ((i * c + k) * h + y) * w + x
      : (i: number, y: number, x: number, k: number) => ((i * h + y) * w + x) * c + k;
  const size = height * width * channels;
  for (let i = 0; i < count; i++) {
    const own = values.subarray(i * size, (i + 1) * size);
    const resized = h === height && w === width ? own : resize(own, [height, width, channels], h, w);
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const from = (y * w + x) * channels;
        for (let k = 0; k < c; k++) {
          const value =
            c === channels
              ? resized[from + k]!
              : c === 3
                ? resized[from]!
                : LUMA[0] * resized[from]! + LUMA[1] * resized[from + 1]! + LUMA[2] * resized[from + 2]!;
          out[at(i, y, x, k)] = to.range[0] + (value - range[0]) * scale;
        }
      }
  }
  return out;
}

/** Resizes one picture: first its width, then its height. */
function resize(
  picture: Float32Array,
  [height = 0, width = 0, channels = 0]: readonly number[],
  h: number,
  w: number,
): Float32Array {
  const narrow = new Float32Array(height * w * channels);
  spread(width, w, (from, to, weight) => {
    for (let y = 0; y < height; y++)
      for (let k = 0; k < channels; k++)
        narrow[(y * w + to) * channels + k]! += weight * picture[(y * width + from) * channels + k]!;
  });
  const out = new Float32Array(h * w * channels);
  const row = w * channels;
  spread(height, h, (from, to, weight) => {
    for (let k = 0; k < row; k++) out[to * row + k]! += weight * narrow[from * row + k]!;
  });
  return out;
}

/** Calls `add` with every pair of source and target positions whose weight is not 0. */
function spread(n: number, m: number, add: (from: number, to: number, weight: number) => void): void {
  const { start, out, weight } = weights(n, m);
  for (let x = 0; x < n; x++) for (let k = start[x]!; k < start[x + 1]!; k++) add(x, out[k]!, weight[k]!);
}
