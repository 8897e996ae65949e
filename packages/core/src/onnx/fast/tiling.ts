// Splits one axis of a convolution into tiles, for Winograd's algorithm. With stride s, the pixels are split into s·s
// classes, which are treated as channels. This leaves a convolution of stride 1 with r = k/s taps along the axis, which
// F(m, r) of toom-cook.ts computes. Padding, splitting, overlap of tiles and cropping are all part of the constant
// matrices.
import { sharedConvolution, shortConvolution, type Matrix, type SharedConvolution } from './toom-cook.js';

/**
 * One spatial axis: y[i] = Σ_k x[stride·i + k - before] · w[k], where x is zero outside. The padding at the end follows
 * from the sizes.
 */
export interface Axis {
  large: number;
  small: number;
  kernel: number;
  stride: number;
  before: number;
}

/**
 * One axis cut into tiles. The transformed side of the matrices is indexed by (point, tile) and, for `data`, by (point,
 * tile, class).
 */
export interface Tiling {
  points: number;
  tiles: number;
  taps: number;
  stride: number;
  /** [points·tiles·stride, large] */
  data: Matrix;
  /** [small, points·tiles] */
  output: Matrix;
  /** [points, taps] */
  filter: Matrix;
}

/** Tiles of `m` outputs along one axis; the last may extend beyond it. The kernel must be a multiple of the stride. */
export function tiling(axis: Axis, m: number): Tiling {
  const short = shortConvolution(m, axis.kernel / axis.stride);
  const every = short.taps.map((_, i) => i);
  return part(
    axis,
    m,
    Array.from({ length: Math.ceil(axis.small / m) }, () => ({ conv: short, products: every })),
    every,
  );
}

/** Number of products that {@link tilings} needs along the axis. */
export function productsAlong({ small, kernel, stride }: Axis, m: number): number {
  const [whole, left, rest] = [Math.floor(small / m), small % m, kernel / stride - 1];
  return whole * (m + rest) + (left > 0 ? left + rest : 0);
}

/**
 * Tiles of `m` outputs and, if they do not fit, a smaller last one, which needs fewer products. Returns one tiling if
 * all tiles have the same size, else two whose results are added: one with the products that all tiles share, and one
 * with the additional products of the whole tiles.
 */
export function tilings(axis: Axis, m: number): Tiling[] {
  const taps = axis.kernel / axis.stride;
  const [whole, left] = [Math.floor(axis.small / m), axis.small % m];
  if (left === 0 || whole === 0) return [tiling(axis, whole === 0 ? left : m)];
  const short = shortConvolution(m, taps);
  const every = short.taps.map((_, i) => i);
  const last = sharedConvolution(m, left, taps);
  const tiles: SharedConvolution[] = [...Array.from({ length: whole }, () => ({ conv: short, products: every })), last];
  return [
    part(axis, m, tiles, last.products),
    part(
      axis,
      m,
      tiles.slice(0, whole),
      every.filter((i) => !last.products.includes(i)),
    ),
  ];
}

/** The tiling that computes `products` of all `tiles`; a tile starts at every `m`-th output. */
function part(
  { large, small, kernel, stride, before }: Axis,
  m: number,
  tiles: readonly SharedConvolution[],
  products: readonly number[],
): Tiling {
  const taps = kernel / stride;
  const [points, count] = [products.length, tiles.length];
  const data = Array.from({ length: points * count * stride }, () => new Array<number>(large).fill(0));
  const output = Array.from({ length: small }, () => new Array<number>(points * count).fill(0));
  products.forEach((product, point) => {
    tiles.forEach(({ conv, products: own }, tile) => {
      const at = own.indexOf(product);
      conv.output.forEach((weights, i) => {
        const row = output[tile * m + i];
        if (row !== undefined) row[point * count + tile] = weights[at] ?? 0;
      });
      for (const [block, weight] of (conv.data[at] ?? []).entries()) {
        for (let kind = 0; kind < stride; kind++) {
          const pixel = stride * (tile * m + block) + kind - before;
          const row = data[(point * count + tile) * stride + kind];
          if (row !== undefined && pixel >= 0 && pixel < large) row[pixel] = weight;
        }
      }
    });
  });
  // the first tile is whole: it has all products, in order
  const filter = products.map((product) => tiles[0]?.conv.taps[product] ?? []);
  return { points, tiles: count, taps, stride, data, output, filter };
}

/** The data matrix with its rows reordered from (point, tile, class) to (point, class, tile). */
export function byClass({ data, points, tiles, stride }: Tiling): Matrix {
  const count = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  return count(points, (point) =>
    count(stride, (kind) => count(tiles, (tile) => data[(point * tiles + tile) * stride + kind] ?? [])).flat(),
  ).flat();
}
