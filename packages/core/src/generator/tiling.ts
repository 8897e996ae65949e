// Cuts pictures into tiles and blends the results: where tiles overlap, a tile's weight falls towards its own edge.
import { ModelFormatError, UsageError } from '../errors.js';
import type { ImageLike } from '../image/from-images.js';
import { sizeOf } from '../tensor.js';
import type { Tensor, TypedArray } from '../tensor.js';
import { fromHalf } from '../half.js';

/** Maximum count of numbers in a result: 1 GiB as bytes, and four times that as floats while the tiles are blended. */
const LARGEST = 2 ** 30;

/** Where a tile lies in its picture. */
export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Sizes of a picture. */
export interface Sides {
  width: number;
  height: number;
}

/** A tile, the size given to the model (padded by repeating edges if the model's size is fixed), and its result. */
export interface Piece {
  place: Place;
  given: Sides;
  result: Tensor;
}

/** Ratio of the side of a result to that of its input, as the fraction `by / per`. One of the two is 1. */
interface Scale {
  by: number;
  per: number;
}

/**
 * Tiles must begin at multiples of this along a side, so that the model's strides hit the same pixels as in the whole
 * picture.
 */
export interface Grid {
  x: number;
  y: number;
}

/**
 * Tiles of side `tile` that overlap by at least `overlap` pixels (if `grid` allows it) and cover the picture. The last
 * tile of a row or column ends at the picture's edge, and may be longer by less than a step of the grid.
 */
export function tilesOf({ width, height }: Sides, tile: number, overlap: number, grid: Grid = { x: 1, y: 1 }): Place[] {
  return sidesOf(height, tile, overlap, grid.y).flatMap(([y, down]) =>
    sidesOf(width, tile, overlap, grid.x).map(([x, across]) => ({ x, y, width: across, height: down })),
  );
}

/** Starts and lengths along one side. */
function sidesOf(size: number, tile: number, overlap: number, step: number): [start: number, length: number][] {
  if (size <= tile) return [[0, size]];
  const stride = Math.max(step, Math.floor((tile - overlap) / step) * step);
  const last = Math.floor((size - tile) / step) * step;
  const sides: [number, number][] = [];
  for (let at = 0; at < last; at += stride) sides.push([at, tile]);
  return [...sides, [last, size - last]];
}

/** The tile's pixels, padded up to `least` by repeating the picture's last row and column. */
export function cut({ width, height, data }: ImageLike, place: Place, least: Partial<Sides>): ImageLike {
  const to = { width: Math.max(place.width, least.width ?? 0), height: Math.max(place.height, least.height ?? 0) };
  const channels = data.length / (width * height);
  const pixels = new Uint8ClampedArray(to.width * to.height * channels);
  for (let y = 0; y < to.height; y++) {
    const row = Math.min(place.y + Math.min(y, place.height - 1), height - 1) * width;
    for (let x = 0; x < to.width; x++) {
      const from = (row + Math.min(place.x + Math.min(x, place.width - 1), width - 1)) * channels;
      for (let c = 0; c < channels; c++) pixels[(y * to.width + x) * channels + c] = data[from + c] ?? 0;
    }
  }
  return { ...to, data: pixels };
}

/**
 * The pieces of one picture as a float32 tensor `[1, …]` in the model's layout. Throws `model.unsupported` if the model
 * does not scale all of them by the same factor.
 */
export function blendTiles(pieces: readonly Piece[], picture: Sides, overlap: number, layout: 'nchw' | 'nhwc'): Tensor {
  const [first] = pieces;
  if (!first) throw new ModelFormatError('model.format', 'translate: expected a picture, got none');
  const [across, down] = [scaleAlong('width', pieces, layout), scaleAlong('height', pieces, layout)];
  const { channels } = sizesOf(first.result, layout);
  const [width, height] = [scaled(picture.width, across), scaled(picture.height, down)];
  if (channels * width * height > LARGEST)
    throw new UsageError(
      `translate: expected a result of at most ${LARGEST} numbers, got ${width} × ${height} × ${channels}; cut ` +
        'the picture into parts',
      { code: 'input.range' },
    );
  const sums = new Float32Array(channels * height * width);
  const weights = new Float32Array(height * width);
  for (const { place, result } of pieces) {
    const size = sizesOf(result, layout);
    const values = floatsOf(result);
    const [x0, y0] = [scaled(place.x, across), scaled(place.y, down)];
    const [w, h] = [
      Math.min(scaled(place.width, across), width - x0),
      Math.min(scaled(place.height, down), height - y0),
    ];
    const columns = ramp(w, place.x > 0, place.x + place.width < picture.width, lengthOf(overlap, across));
    const rows = ramp(h, place.y > 0, place.y + place.height < picture.height, lengthOf(overlap, down));
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const weight = (columns[x] ?? 0) * (rows[y] ?? 0);
        const to = (y0 + y) * width + x0 + x;
        weights[to] = (weights[to] ?? 0) + weight;
        for (let c = 0; c < channels; c++) {
          const from = layout === 'nchw' ? (c * size.height + y) * size.width + x : (y * size.width + x) * channels + c;
          const at = layout === 'nchw' ? c * height * width + to : to * channels + c;
          sums[at] = (sums[at] ?? 0) + weight * (values[from] ?? 0);
        }
      }
    }
  }
  for (let at = 0; at < sums.length; at++) {
    const pixel = layout === 'nchw' ? at % (height * width) : Math.floor(at / channels);
    sums[at] = (sums[at] ?? 0) / (weights[pixel] ?? 1);
  }
  return {
    dtype: 'float32',
    shape: layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels],
    data: sums,
  };
}

/**
 * Weights along one side. Near a tile's edge that is inside the picture, the model lacks context, so the outer quarter
 * of the overlap has weight 0: if the model's receptive field reaches no further, the result equals that of the whole
 * picture. Over the middle half, tiles are blended.
 */
function ramp(length: number, before: boolean, after: boolean, feather: number): Float32Array {
  const rise = (distance: number): number =>
    feather === 0 ? 1 : Math.min(1, Math.max(0, (distance + 0.5 - feather / 4) / (feather / 2)));
  return Float32Array.from({ length }, (_, i) => Math.min(before ? rise(i) : 1, after ? rise(length - 1 - i) : 1));
}

function sizesOf({ shape }: Tensor, layout: 'nchw' | 'nhwc'): Sides & { channels: number } {
  const [, a = 0, b = 0, c = 0] = shape; // four dimensions, as checked by `translate`
  return layout === 'nchw' ? { channels: a, height: b, width: c } : { height: a, width: b, channels: c };
}

/**
 * The common scale of all pieces along a side. With several pieces, it must be a whole number: the size of a shrunk
 * piece does not show whether the model divided its size or cropped it.
 */
function scaleAlong(side: keyof Sides, pieces: readonly Piece[], layout: 'nchw' | 'nhwc'): Scale {
  let scale: Scale | undefined;
  for (const { given, result } of pieces) {
    const [from, to] = [given[side], sizesOf(result, layout)[side]];
    const here = to % from === 0 ? { by: to / from, per: 1 } : { by: 1, per: from / to };
    scale ??= here;
    if (here.by !== scale.by || !(Number.isInteger(here.per) && (here.per === 1 || pieces.length === 1)))
      throw new ModelFormatError(
        'model.unsupported',
        `translate.tile: expected a model that multiplies the ${side} of every tile by one whole number, ` +
          `got ${from} → ${to}; leave out tile to run the whole picture`,
      );
  }
  return scale ?? { by: 1, per: 1 };
}

function scaled(size: number, scale: Scale): number {
  return Math.ceil(lengthOf(size, scale));
}

function lengthOf(size: number, { by, per }: Scale): number {
  return (size * by) / per;
}

function floatsOf({ dtype, shape, data }: Tensor): Float32Array {
  if (dtype === 'float32') return data as Float32Array; // the typed array of float32
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, fromHalf);
  if (dtype === 'uint8') return Float32Array.from((data as TypedArray & Uint8Array).subarray(0, sizeOf(shape)));
  throw new ModelFormatError('model.unsupported', `translate: expected float32, float16 or uint8, got ${dtype}`);
}
