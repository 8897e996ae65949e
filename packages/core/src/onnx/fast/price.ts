// Cost model of a convolution, for the plain node and for Winograd's algorithm; unit: the time of a million
// multiply-adds of a large matrix product. Fitted to onnxruntime's CPU kernels on the twenty layers of
// bench/convolutions.mjs at batch 1, 16 and 64; see docs/performance.md.
import type { PictureConvolution } from './convolution.js';
import type { Axis } from './tiling.js';

/**
 * How a convolution is computed: tiles of m outputs along both axes, and whether each point is a separate MatMul, whose
 * weights onnxruntime packs at load time.
 */
export interface Algorithm {
  tile: number;
  packed: boolean;
}

/**
 * Batch sizes assumed for a model with a dynamic batch, and their weights. One algorithm is used for all, so that a
 * picture does not depend on its batch.
 */
export const BATCHES: readonly { batch: number; weight: number }[] = [
  { batch: 1, weight: 0.25 },
  { batch: 16, weight: 1 },
  { batch: 64, weight: 1 },
];

/**
 * Cost of a float that a transform reads or writes, or that is moved. The costs from here to TRANSFORM are in
 * multiply-adds.
 */
const MOVE = 15;
/** Cost of an additional copy of a float, for products that are split and joined. */
const COPY = 6;
/** Cost of a float that an element-wise node reads and writes. */
const PASS = 30;
/** Cost of a float that changes between channels-first and channels-last. */
const CROSSING = 50;
/** Cost of a float that onnxruntime's ConvTranspose scatters into the picture. */
const SCATTER = 23;
/** Cost of a multiply-add with the small constant matrices. */
const TRANSFORM = 1.5;
/** Below this many rows, a product is bound by loading its weights. */
const FEWEST_ROWS = 6;
/**
 * Cost of packing a weight in each run, in rows of the product; `small` for products of at most `from` weights, which
 * fit into the nearest cache.
 */
const PACKING = { small: 8.5, large: 14, from: 20_000 };
/**
 * Fixed costs, in millions of multiply-adds: of a convolution's node, of Winograd's nodes other than the products, and
 * of each separate product, which has to wake the threads.
 */
const NODE = { plain: 3.7, winograd: 3.7, product: 0.4 };
/** Maximum interpolation points: with more, a picture loses a decimal digit of precision in float32. */
const MOST_POINTS = 5;

const product = ({ height, width }: PictureConvolution, of: (axis: Axis) => number): number => of(height) * of(width);

/** Cost of the plain node. */
export function plainPrice(conv: PictureConvolution, batch: number): number {
  const { transposed, large, small } = conv;
  const patches = batch * product(conv, (axis) => axis.small * axis.kernel) * large;
  return (patches * small + (transposed ? SCATTER * patches : 0)) / 1e6 + NODE.plain;
}

/** Cost of `algorithm`, including transforms and bias. */
export function winogradPrice(conv: PictureConvolution, { tile, packed }: Algorithm, batch: number): number {
  const { transposed, large, small } = conv;
  const points = (axis: Axis): number => tile + axis.kernel / axis.stride - 1;
  const tiles = (axis: Axis): number => Math.ceil(axis.small / tile);
  const classes = product(conv, (axis) => axis.stride);
  const count = product(conv, points);
  const weights = count * classes * large * small;
  const rows = batch * product(conv, tiles);
  const block = (transposed ? 1 : classes) * large * small; // weights of one product
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

/** Cost of changing the layout of `crossed` floats per picture. */
export const crossingPrice = (crossed: number, batch: number): number => (CROSSING * crossed * batch) / 1e6;

/** Multiply-adds with the constant matrices along both axes, for input and output. */
function transforms(
  { large, small, height: h, width: w }: PictureConvolution,
  points: (axis: Axis) => number,
  tiles: (axis: Axis) => number,
  batch: number,
): number {
  const [ph, pw] = [points(h) * tiles(h), points(w) * tiles(w)];
  const both = (fromH: number, fromW: number, toH: number, toW: number): number =>
    toH * fromH * fromW + toH * toW * fromW;
  // Swapping the sides makes no difference for square kernels, and little for others.
  return (
    batch * (large * both(h.large, w.large, ph * h.stride, pw * w.stride) + small * both(h.small, w.small, ph, pw))
  );
}

/** Largest side of a picture for which the constant matrices are worth their size. */
const LARGEST_SIDE = 128;

const fits = ({ kernel, stride, large, small }: Axis): boolean =>
  kernel % stride === 0 && Math.min(large, small) >= 1 && Math.max(large, small) <= LARGEST_SIDE;

/** Every algorithm that can compute the convolution; none for pictures of few channels, which would not gain. */
export function algorithmsFor(conv: PictureConvolution): Algorithm[] {
  const { large, small, height: h, width: w } = conv;
  if (Math.min(large, small) < 8 || !fits(h) || !fits(w)) return [];
  const taps = [h.kernel / h.stride, w.kernel / w.stride];
  if (Math.max(...taps) < 2) return [];
  // A single tile would give products of one row at batch 1, which onnxruntime sums in another order than larger ones,
  // so the picture would depend on its batch.
  const tiles = [2, 3, 4].filter(
    (tile) => Math.max(...taps) + tile - 1 <= MOST_POINTS && product(conv, (axis) => Math.ceil(axis.small / tile)) > 1,
  );
  return tiles.flatMap((tile) => [
    { tile, packed: false },
    { tile, packed: true },
  ]);
}

/** An algorithm's name in reports. */
export const nameOf = ({ height: h, width: w }: PictureConvolution, { tile, packed }: Algorithm): string => {
  const text = (axis: Axis): string => `F(${tile}, ${axis.kernel / axis.stride})`;
  return `winograd ${text(h)}${text(h) === text(w) ? '' : ` × ${text(w)}`}${packed ? ', packed' : ''}`;
};
