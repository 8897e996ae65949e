// One axis of a convolution cut into tiles, for Winograd's algorithm. Stride s splits pixels into s·s classes, each a channel of its own, which leaves a convolution of
// stride 1 with k/s taps; that is computed by F(m, r). Padding, splitting, overlap of tiles and cropping are all in the constant matrices.
import { shortConvolution, type Matrix } from './toom-cook.js';

/** One spatial axis: y[i] = Σ_k x[stride·i + k - before] · w[k], x zero outside. `after` follows from the sizes. */
export interface Axis {
  large: number;
  small: number;
  kernel: number;
  stride: number;
  before: number;
}

/** One axis cut into tiles. Indices are (point, tile) and, on the large side, (point, tile, class). */
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

/** Tiles of `m` outputs along one axis. The kernel is a whole number of strides. */
export function tiling(axis: Axis, m: number): Tiling {
  const { large, small, kernel, stride, before } = axis;
  const taps = kernel / stride;
  const short = shortConvolution(m, taps);
  const [points, tiles] = [m + taps - 1, Math.ceil(small / m)];
  const data = Array.from({ length: points * tiles * stride }, () => new Array<number>(large).fill(0));
  const output = Array.from({ length: small }, () => new Array<number>(points * tiles).fill(0));
  for (let point = 0; point < points; point++) {
    for (let tile = 0; tile < tiles; tile++) {
      for (let i = 0; i < m; i++) {
        const row = output[tile * m + i];
        if (row !== undefined) row[point * tiles + tile] = short.output[i]?.[point] ?? 0;
      }
      for (let block = 0; block < points; block++) {
        for (let kind = 0; kind < stride; kind++) {
          const pixel = stride * (tile * m + block) + kind - before;
          const row = data[(point * tiles + tile) * stride + kind];
          if (row !== undefined && pixel >= 0 && pixel < large) row[pixel] = short.data[point]?.[block] ?? 0;
        }
      }
    }
  }
  return { points, tiles, taps, stride, data, output, filter: short.taps };
}

/** Rows (point, tile, class) of the data matrix as (point, class, tile). */
export function byClass({ data, points, tiles, stride }: Tiling): Matrix {
  const count = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  return count(points, (point) => count(stride, (kind) => count(tiles, (tile) => data[(point * tiles + tile) * stride + kind] ?? [])).flat()).flat();
}
