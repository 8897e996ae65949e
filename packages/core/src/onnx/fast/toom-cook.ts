// The short convolutions from which Winograd's algorithm is built: F(m, r) computes m outputs of a correlation with r
// taps in m + r - 1 products. Its matrices are not tabulated but computed, by Toom-Cook interpolation and the
// transposition principle (Winograd 1980; Lavin and Gray 2016).

/** A matrix as a list of rows. */
export type Matrix = readonly (readonly number[])[];

/** y_i = Σ_a d_{i+a}·g_a, computed as y = O·[(G·g) ⊙ (D·d)], with O = `output`, G = `taps` and D = `data`. */
export interface ShortConvolution {
  /** m × n, applied to the products. */
  output: Matrix;
  /** n × r, applied to the taps. */
  taps: Matrix;
  /** n × n, applied to the data. */
  data: Matrix;
}

/**
 * The interpolation points other than ∞, by their number. Two and four points are pairs ±p, with p a multiple of 1/8 so
 * that powers are exact, chosen to minimise the expected rounding error (see `expectedError`). For F(4, 2), this error
 * is 0.66 times that of the points 0, 1, -1, 2, along each axis (Barabasz et al. 2020 choose points the same way).
 */
const POINTS: Readonly<Record<number, readonly number[]>> = {
  0: [],
  1: [0],
  2: [0.625, -0.625],
  3: [0, 1, -1],
  4: [1.25, -1.25, 0.375, -0.375],
  5: [0, 1, -1, 2, -2],
  6: [0, 1, -1, 2, -2, 0.5],
  7: [0, 1, -1, 2, -2, 0.5, -0.5],
};

/** F(m, r). m + r - 1 is at most 8: with more products, float32 loses too much precision. */
export function shortConvolution(m: number, r: number): ShortConvolution {
  const points = pointsOf(m, r);
  return interpolated(points, points, m, r);
}

/** A short convolution that uses some of the products of a longer one. */
export interface SharedConvolution {
  conv: ShortConvolution;
  /**
   * Indices of its products among those of the longer one, in order. The rows of `taps` of these products are the same
   * in both.
   */
  products: number[];
}

/** F(least, r) on the subset of points of F(m, r) with the least expected error. */
export function sharedConvolution(m: number, least: number, r: number): SharedConvolution {
  const all = pointsOf(m, r);
  const candidates = subsets(
    all.map((_, i) => i),
    least + r - 2,
  ).map((chosen) => ({
    conv: interpolated(
      chosen.map((i) => all[i] ?? 0),
      all,
      least,
      r,
    ),
    products: [...chosen, all.length],
  }));
  return candidates.reduce((best, other) => (expectedError(other.conv) < expectedError(best.conv) ? other : best));
}

function pointsOf(m: number, r: number): readonly number[] {
  const n = m + r - 1;
  const points = POINTS[n - 1];
  if (points === undefined) throw new RangeError(`F(${m}, ${r}): expected at most 8 products, got ${n}`);
  return points;
}

/** F(m, r) on `points` and ∞. Its taps are divided by the same numbers as those of F on `all` points. */
function interpolated(points: readonly number[], all: readonly number[], m: number, r: number): ShortConvolution {
  const taps = vandermonde(points, r);
  const inverse = invert(vandermonde(points, m + r - 1));
  // The data, which is large, is multiplied by exact numbers; the divisors are applied to the taps.
  const scale = points.map((p) => all.reduce((f, q) => (p === q ? f : f * (p - q)), 1)).concat(1);
  return {
    output: transpose(vandermonde(points, m)),
    taps: taps.map((row, k) => row.map((v) => v / (scale[k] ?? 1))),
    data: transpose(inverse).map((row, k) => row.map((v) => v * (scale[k] ?? 1))),
  };
}

/**
 * √Σ_k |D_k|²|G_k|²|O_k|², the factor by which rounding errors of the products grow. D_k and G_k are the rows of `data`
 * and `taps`, O_k the columns of `output`.
 */
function expectedError({ output, taps, data }: ShortConvolution): number {
  const squares = (row: readonly number[]): number => row.reduce((sum, v) => sum + v * v, 0);
  return Math.sqrt(
    taps.reduce(
      (sum, row, k) => sum + squares(data[k] ?? []) * squares(row) * squares(output.map((each) => each[k] ?? 0)),
      0,
    ),
  );
}

/** All subsets of `count` items, in order. */
function subsets(items: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), count - 1).map((rest) => [item, ...rest]));
}

/** A row of powers for each point, and for ∞ the row that selects the leading coefficient. */
function vandermonde(points: readonly number[], columns: number): number[][] {
  const powers = points.map((p) => Array.from({ length: columns }, (_, i) => p ** i));
  return [...powers, Array.from({ length: columns }, (_, i) => (i === columns - 1 ? 1 : 0))];
}

/** The transposed matrix. */
export function transpose(matrix: Matrix): number[][] {
  return (matrix[0] ?? []).map((_, j) => matrix.map((row) => row[j] ?? 0));
}

/** The inverse, by Gauss-Jordan elimination with the largest pivot. */
function invert(matrix: Matrix): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < n; column++) {
    const best = rows
      .slice(column)
      .reduce((k, row, i) => (Math.abs(row[column] ?? 0) > Math.abs(rows[k]?.[column] ?? 0) ? column + i : k), column);
    const [a, b] = [rows[column] ?? [], rows[best] ?? []];
    [rows[column], rows[best]] = [b, a];
    const pivot = (rows[column] ?? []).map((v) => v / (rows[column]?.[column] ?? 1));
    rows.forEach((row, i) => {
      rows[i] = i === column ? pivot : row.map((v, j) => v - (row[column] ?? 0) * (pivot[j] ?? 0));
    });
  }
  return rows.map((row) => row.slice(n));
}
