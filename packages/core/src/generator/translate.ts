// Pictures to pictures: image-to-image and super-resolution, whole or in blended tiles. Imported on first use.
import { abortError, ForjaError, ModelFormatError, UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import { optionsOf } from '../realm.js';
import type { ImageBatch } from '../image/batch.js';
import { checkBytes, fromImages, type ImageLike } from '../image/from-images.js';
import { ARRAY_OF, rowsOf, sizeOf } from '../tensor.js';
import type { NamedTensors, Tensor, TypedArray } from '../tensor.js';
import type { Manifest, ManifestInput, ManifestOutput } from '../manifest/manifest.js';
import type { RunOptions } from '../runtime/session.js';
import type { TranslateOptions } from './options.js';
import type { encodingOf, PictureBuffer } from './picture-buffer.js';
import { blendTiles, cut, tilesOf } from './tiling.js';
import type { Grid, Piece, Sides } from './tiling.js';

/** Runs a model once; the statistics count it as `images` pictures. */
export type RunOnce = (feeds: NamedTensors, options: RunOptions, images: number) => Promise<NamedTensors>;

/**
 * Functions that the caller passes in. If they were imported here, bundlers would put them into a chunk that every page
 * loads, even one that only samples latents.
 */
export interface PictureTools {
  encodingOf: typeof encodingOf;
  buffer(count: number, spec: ManifestOutput): PictureBuffer;
}

/** See `Generator.translate`. */
export async function translate(
  manifest: Manifest,
  given: ImageLike | readonly ImageLike[],
  options: TranslateOptions,
  run: RunOnce,
  tools: PictureTools,
): Promise<ImageBatch> {
  // isArray does not narrow readonly arrays
  const images = Array.isArray(given) ? (given as readonly ImageLike[]) : [given as ImageLike];
  for (const one of images) optionsOf('translate.image', one);
  const { signal, onProgress } = optionsOf('translate', options, 'onProgress overlap signal tile');
  const { input, output } = endsOf(manifest);
  const [first] = images;
  if (!first) throw new UsageError('translate: expected a picture or several, got none', { code: 'input.shape' });
  for (const image of images) checkImage('translate', image, first);
  const fixed = fixedSize(input);
  const { tile, overlap } = tilingOf(options, fixed);
  if (tile === undefined) checkWhole('translate', first, fixed);
  // Whole pictures are run at their own size; tiles may extend beyond the picture if the model accepts only sizes
  // that are multiples of a step.
  const grid = tile === undefined ? undefined : gridOf(manifest, input, tile, overlap);
  const covered = grid ? { width: upTo(first.width, grid.steps.x), height: upTo(first.height, grid.steps.y) } : first;
  const tiles = tilesOf(covered, tile ?? Math.max(first.width, first.height), overlap, grid?.places);
  const total = tiles.length * images.length;
  const pictures = tools.buffer(images.length, { ...output, shape: [] });
  let done = 0;
  for (const [i, image] of images.entries()) {
    const pieces: Piece[] = [];
    for (const place of tiles) {
      if (signal?.aborted) throw abortError(signal.reason);
      const part = cut(image, place, fixed);
      const feed = fromImages([part], {
        ...tools.encodingOf(input),
        channels: channelsOf('translate', input, first),
        dtype: dtypeOf('translate', input),
      });
      const outputs = await run(
        { [input.name]: padded(feed, input.shape[0]) },
        signal ? { signal } : {},
        done % tiles.length === tiles.length - 1 ? 1 : 0,
      );
      const result = outputs[output.name];
      if (!result)
        throw new ForjaError(
          'internal',
          `translate: expected an output '${output.name}', got ${Object.keys(outputs).join(', ')}`,
        );
      if (result.shape.length !== 4)
        throw new ModelFormatError(
          'model.format',
          'translate: expected the model to return a picture with four dimensions, ' +
            `got shape [${result.shape.join(', ')}]`,
        );
      if (sizeOf(result.shape) === 0)
        throw new UsageError(
          `translate: expected pictures large enough for the model, got ${part.width} × ${part.height}, ` +
            `for which it returns [${result.shape.join(', ')}]`,
          { code: 'input.shape' },
        );
      pieces.push({ place, given: { width: part.width, height: part.height }, result });
      await onProgress?.({ done: ++done, total });
    }
    await pictures.take(joined(pieces, first, overlap, output.layout ?? 'nchw'), 0, i, 1);
  }
  return pictures.batch();
}

/** The model's result for a picture: returned directly if one piece covered exactly the picture, else blended. */
function joined(pieces: readonly Piece[], picture: ImageLike, overlap: number, layout: 'nchw' | 'nhwc'): Tensor {
  const [piece, second] = pieces;
  if (piece && !second && piece.given.width === picture.width && piece.given.height === picture.height)
    return rowsOf(piece.result, 0, 1);
  // blendTiles returns float32 whatever the model's type, but does not rescale the values.
  return blendTiles(pieces, picture, overlap, layout);
}

export function checkWhole(where: string, { width, height }: ImageLike, fixed: Partial<Sides>): void {
  if ((fixed.width ?? width) === width && (fixed.height ?? height) === height) return;
  const way =
    where === 'translate' && fixed.width !== undefined && fixed.width === fixed.height
      ? `; { tile: ${fixed.width} } runs other sizes in tiles`
      : '; resize them';
  throw new UsageError(
    `${where}: expected pictures of ${fixed.width ?? 'any width'} × ${fixed.height ?? 'any height'}, ` +
      `got ${width} × ${height}${way}`,
    { code: 'input.shape' },
  );
}

const OTHERWISE = "run(feeds) works with any model; the option 'manifest' describes a model that has no manifest";

function endsOf({ kind, inputs, outputs }: Manifest): { input: ManifestInput; output: ManifestOutput } {
  const [input, second] = inputs;
  const output = outputs.find(({ role }) => role === 'image');
  if (
    (kind !== 'image-to-image' && kind !== 'super-resolution') ||
    !input ||
    input.role !== 'image' ||
    second ||
    !output
  ) {
    const way = kind === 'latent' ? 'sample() makes pictures with it' : OTHERWISE;
    throw new ModelFormatError(
      'model.notGenerator',
      `translate: expected a model that maps a picture to a picture, got kind '${kind}' with inputs ` +
        `${inputs.map(({ name }) => name).join(', ')}; ${way}`,
    );
  }
  return { input, output };
}

export function checkImage(where: string, image: ImageLike, { width, height }: ImageLike): void {
  checkInteger(`${where}.image.width`, image.width, 1, 2 ** 16);
  checkInteger(`${where}.image.height`, image.height, 1, 2 ** 16);
  const { length } = Object(image.data) as ArrayLike<number>; // undefined if an untyped caller gives no data
  const allowed = [1, 3, 4].filter((channels) => (image.channels ?? channels) === channels);
  if (!allowed.some((channels) => length === channels * image.width * image.height)) {
    throw new UsageError(
      `${where}.image.data: expected ${image.channels ?? '1, 3 or 4'} × ${image.width} × ${image.height} bytes, ` +
        `got ${length}`,
      { code: 'input.shape' },
    );
  }
  checkBytes(`${where}.image`, image);
  if (image.width !== width || image.height !== height) {
    throw new UsageError(
      `${where}: expected pictures of one size, got ${width} × ${height} and ${image.width} × ` +
        `${image.height}; call it once for each size`,
      { code: 'input.shape' },
    );
  }
}

/** Width and height, where the model fixes them. */
export function fixedSize({ shape, layout }: ManifestInput): Partial<Sides> {
  const [height, width] = layout === 'nhwc' ? [shape[1], shape[2]] : [shape[2], shape[3]];
  return {
    ...(typeof width === 'number' ? { width } : {}),
    ...(typeof height === 'number' ? { height } : {}),
  };
}

export function dtypeOf(where: string, { name, dtype }: ManifestInput): 'float32' | 'float16' | 'uint8' {
  if (dtype === 'float32' || dtype === 'float16' || dtype === 'uint8') return dtype;
  throw new ModelFormatError(
    'model.unsupported',
    `${where}: expected pictures as float32, float16 or uint8, got ${dtype} for '${name}'`,
  );
}

export function channelsOf(
  where: string,
  { shape, layout }: ManifestInput,
  { data, width, height }: ImageLike,
): 1 | 3 | 4 {
  const named = layout === 'nhwc' ? shape[3] : shape[1];
  const channels = typeof named === 'number' ? named : data.length / (width * height);
  if (channels === 1 || channels === 3 || channels === 4) return channels;
  throw new ModelFormatError(
    'model.unsupported',
    `${where}: expected a model of pictures with 1, 3 or 4 channels, got ${channels}`,
  );
}

function tilingOf(
  { tile, overlap }: TranslateOptions,
  { width, height }: Partial<Sides>,
): { tile: number | undefined; overlap: number } {
  if (tile === undefined) {
    if (overlap !== undefined) throw new UsageError('translate.overlap: expected `tile` as well, got none');
    return { tile, overlap: 0 };
  }
  checkInteger('translate.tile', tile, 8, 2 ** 16);
  const shared = overlap ?? Math.floor(tile / 8);
  checkInteger('translate.overlap', shared, 0, Math.floor(tile / 2));
  if ((width ?? tile) !== tile || (height ?? tile) !== tile)
    throw new UsageError(
      `translate.tile: expected the model's own size, ${width ?? 'any width'} × ${height ?? 'any height'}, got ${tile}`,
    );
  return { tile, overlap: shared };
}

/** Grid for the tiles of a model whose strides are unknown: most models halve a picture at most three times. */
const USUAL_STEP = 8;

const ownOf = (of: Readonly<Record<string, number>>, dim: number | string | undefined): number | undefined =>
  typeof dim === 'string' && Object.hasOwn(of, dim) ? of[dim] : undefined;

/** `steps`: tile sizes must be multiples of these. `places`: tiles must start at multiples of these. */
function gridOf(
  { steps = {}, strides = {} }: Manifest,
  { name, shape, layout }: ManifestInput,
  tile: number,
  overlap: number,
): { steps: Grid; places: Grid } {
  const [height, width] = layout === 'nhwc' ? [shape[1], shape[2]] : [shape[2], shape[3]];
  const [x, y] = [ownOf(steps, width), ownOf(steps, height)];
  for (const step of [x, y]) {
    if (step !== undefined && tile % step !== 0)
      throw new UsageError(
        `translate.tile: expected a multiple of ${step}, as '${name}' takes such sizes only, got ${tile}`,
        { code: 'input.range' },
      );
  }
  // A stride above tile − overlap cannot be kept: such a network sees further than a quarter of the overlap anyway.
  const within = (by: number | undefined): by is number => by !== undefined && by > 0 && by <= tile - overlap;
  const placesOf = (step: number | undefined, dim: number | string | undefined): number => {
    const stride = ownOf(strides, dim);
    if (within(stride) && stride % (step ?? 1) === 0) return stride;
    return step ?? (typeof dim === 'string' && within(USUAL_STEP) ? USUAL_STEP : 1);
  };
  return {
    steps: { x: x ?? 1, y: y ?? 1 },
    places: { x: placesOf(x, width), y: placesOf(y, height) },
  };
}

function upTo(size: number, step: number): number {
  return Math.ceil(size / step) * step;
}

/** The rows, padded with zero rows if the model's batch is fixed. */
export function padded({ dtype, shape, data }: Tensor, batch: number | string | undefined): Tensor {
  if (typeof batch !== 'number' || batch === shape[0]) return { dtype, shape, data };
  const all = [batch, ...shape.slice(1)];
  const rows: TypedArray = new ARRAY_OF[dtype](sizeOf(all));
  // The same array type: both are of `dtype`.
  (rows as Uint8Array).set(data as Uint8Array);
  return { dtype, shape: all, data: rows };
}
