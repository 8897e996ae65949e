// What a convolution costs as the node it is and by Winograd's algorithm, in the time of a million multiply-adds of a
// large matrix product. Fitted to onnxruntime's CPU kernels over the twenty layers of bench/convolutions.mjs at batch
// 1, 16 and 64; see docs/performance.md.
import type { PictureConvolution } from './convolution.js';
import type { Axis } from './tiling.js';

/**
 * How a convolution is computed: tiles of m outputs along both axes, and whether each point has a product of its own,
 * whose weights onnxruntime packs beforehand.
 */
export interface Algorithm {
  tile: number;
  packed: boolean;
}

/**
 * Batch sizes that a model of unknown use is priced at, and how much each counts. One algorithm serves them all, so
 * that a picture does not depend on its batch.
 */
export const BATCHES: readonly { batch: number; weight: number }[] = [
  { batch: 1, weight: 0.25 },
  { batch: 16, weight: 1 },
  { batch: 64, weight: 1 },
];

/** Of a float that a transform reads or writes, or that changes its place. */
const MOVE = 15;
/** Of a float copied once more, where products are cut apart and joined. */
const COPY = 6;
/** Of a float that an element-wise node reads and writes. */
const PASS = 30;
/** Of a float that changes between channels first and channels last. */
const CROSSING = 50;
/** Of a product's patch that onnxruntime's ConvTranspose scatters into the picture. */
const SCATTER = 23;
/** Of a multiply-add of the constant matrices, which are small. */
const TRANSFORM = 1.5;
/** Rows below which a product waits for its weights. */
const FEWEST_ROWS = 6;
/** Of one weight that is packed in each run, in rows; less where a product's weights stay in the nearest cache. */
const PACKING = { small: 8.5, large: 14, from: 20_000 };
/**
 * Of a convolution's node, of the nodes beside the products, and of a product of its own, in millions: what waking the
 * threads costs.
 */
const NODE = { plain: 3.7, winograd: 3.7, product: 0.4 };
/** Products and their transforms in float32: with more points a picture loses a digit. */
const MOST_POINTS = 5;

const product = ({ height, width }: PictureConvolution, of: (axis: Axis) => number): number => of(height) * of(width);

/** Price of the node itself. */
export function plainPrice(conv: PictureConvolution, batch: number): number {
  const { transposed, large, small } = conv;
  const patches = batch * product(conv, (axis) => axis.small * axis.kernel) * large;
  return (patches * small + (transposed ? SCATTER * patches : 0)) / 1e6 + NODE.plain;
}

/** Price of `algorithm`, its output transformed, with bias. */
export function winogradPrice(conv: PictureConvolution, { tile, packed }: Algorithm, batch: number): number {
  const { transposed, large, small } = conv;
  const points = (axis: Axis): number => tile + axis.kernel / axis.stride - 1;
  const tiles = (axis: Axis): number => Math.ceil(axis.small / tile);
  const classes = product(conv, (axis) => axis.stride);
  const count = product(conv, points);
  const weights = count * classes * large * small;
  const rows = batch * product(conv, tiles);
  const block = (transposed ? 1 : classes) * large * small; // of one product
  const cut = batch * product(conv, (axis) => points(axis) * tiles(axis));
  const [largeCut, smallCut] = [cut * classes * large, cut * small];
  const result =
    batch * (transposed ? product(conv, (axis) => axis.large) * large : product(conv, (axis) => axis.small) * small);
  const products =
    weights * (Math.max(rows, FEWEST_ROWS) + (packed ? 0 : block <= PACKING.from ? PACKING.small : PACKING.large));
  const moved = MOVE * (largeCut + smallCut + result) + (packed ? COPY * (largeCut + smallCut) : 0) + PASS * result;
  return (
    (products + TRANSFORM * transforms(conv, points, tiles, batch) + moved) / 1e6 +
    NODE.winograd +
    (packed ? NODE.product * count : 0)
  );
}

/** Price of floats that change layout, so many a picture. */
export const crossingPrice = (crossed: number, batch: number): number => (CROSSING * crossed * batch) / 1e6;

/** Multiply-adds of the constant matrices along both axes, on both sides. */
function transforms(
  { large, small, height: h, width: w }: PictureConvolution,
  points: (axis: Axis) => number,
  tiles: (axis: Axis) => number,
  batch: number,
): number {
  const [ph, pw] = [points(h) * tiles(h), points(w) * tiles(w)];
  const both = (fromH: number, fromW: number, toH: number, toW: number): number =>
    toH * fromH * fromW + toH * toW * fromW;
  // Which side is cut and which is joined makes no difference to squares, and little to others.
  return (
    batch * (large * both(h.large, w.large, ph * h.stride, pw * w.stride) + small * both(h.small, w.small, ph, pw))
  );
}

/** Largest side whose constant matrices are worth their size. */
const LARGEST_SIDE = 128;

const fits = ({ kernel, stride, large, small }: Axis): boolean =>
  kernel % stride === 0 && Math.min(large, small) >= 1 && Math.max(large, small) <= LARGEST_SIDE;

/** Every algorithm that can compute the convolution. Thin pictures are better off as they are. */
export function algorithmsFor(conv: PictureConvolution): Algorithm[] {
  const { large, small, height: h, width: w } = conv;
  if (Math.min(large, small) < 8 || !fits(h) || !fits(w)) return [];
  const taps = [h.kernel / h.stride, w.kernel / w.stride];
  if (Math.max(...taps) < 2) return [];
  // A single tile would make products of one row at batch 1, which onnxruntime sums in another order than those of
  // more: the picture would depend on its batch.
  const tiles = [2, 3, 4].filter(
    (tile) => Math.max(...taps) + tile - 1 <= MOST_POINTS && product(conv, (axis) => Math.ceil(axis.small / tile)) > 1,
  );
  return tiles.flatMap((tile) => [
    { tile, packed: false },
    { tile, packed: true },
  ]);
}

/** The name that reports give it. */
export const nameOf = ({ height: h, width: w }: PictureConvolution, { tile, packed }: Algorithm): string => {
  const text = (axis: Axis): string => `F(${tile}, ${axis.kernel / axis.stride})`;
  return `winograd ${text(h)}${text(h) === text(w) ? '' : ` × ${text(w)}`}${packed ? ', packed' : ''}`;
};
