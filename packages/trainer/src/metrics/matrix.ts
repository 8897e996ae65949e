// Rows of features, one per example, and functions of them that several measures share: means, covariances, distances
// and nearest neighbours, in double precision.
import { describeValue, shown, UsageError } from '@forja/core';

/** `rows` examples of `columns` features each, row-major. */
export interface Rows {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array | Float32Array;
}

/** Rows `from` … `to` − 1, without a copy. */
export function slice({ columns, data }: Rows, from: number, to: number): Rows {
  return { rows: to - from, columns, data: data.subarray(from * columns, to * columns) };
}

/** The rows with these indices. */
export function pick({ columns, data }: Rows, indices: ArrayLike<number>): Rows {
  const out = new Float64Array(indices.length * columns);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] as number) * columns; // i < length
    out.set(data.subarray(from, from + columns), i * columns);
  }
  return { rows: indices.length, columns, data: out };
}

/** Throws UsageError `input.shape` unless `given` are rows of numbers: `rows` · `columns` of them. */
export function checkRows(where: string, given: Rows): void {
  const { rows, columns, data } = Object(given) as Partial<Rows>;
  const whole = (size: unknown): boolean => Number.isInteger(size) && (size as number) >= 0;
  // checked by its tag, because instanceof is false for an array from another realm
  const floats = /^\[object Float(32|64)Array\]$/.test(Object.prototype.toString.call(data));
  if (whole(rows) && whole(columns) && floats && data?.length === (rows ?? 0) * (columns ?? 0)) return;
  const found = floats
    ? `${shown(rows)} × ${shown(columns)} with ${data?.length} numbers`
    : `data that are ${describeValue(data)}`;
  throw new UsageError(
    `${where}: expected { rows, columns, data } with a Float32Array or Float64Array of rows × columns numbers, ` +
      `got ${found}`,
    { code: 'input.shape' },
  );
}

/** Throws UsageError `input.shape` unless both have equally many columns, and at least `least` rows. */
export function checkAlike(where: string, a: Rows, b: Rows, least = 1): void {
  checkRows(where, a);
  checkRows(where, b);
  if (a.columns !== b.columns)
    throw new UsageError(`${where}: expected features of one size, got ${a.columns} and ${b.columns}`, {
      code: 'input.shape',
    });
  const fewest = Math.min(a.rows, b.rows);
  if (fewest < least)
    throw new UsageError(`${where}: expected at least ${least} examples on each side, got ${fewest}`, {
      code: 'input.shape',
    });
}

/** The mean of each column. */
export function meanOf({ rows, columns, data }: Rows): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let k = 0; k < columns; k++) mean[k]! += data[i * columns + k]!;
  return mean.map((sum) => sum / rows);
}

/** The covariance of the columns [columns · columns], divided by rows − 1, as in numpy's `cov(rowvar=False)`. */
export function covarianceOf(all: Rows, mean: Float64Array = meanOf(all)): Float64Array {
  const { rows, columns, data } = all;
  const sums = new Float64Array(columns * columns);
  const centred = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++) centred[k] = data[i * columns + k]! - mean[k]!;
    for (let a = 0; a < columns; a++) {
      const [own, at] = [centred[a]!, a * columns];
      for (let b = a; b < columns; b++) sums[at + b]! += own * centred[b]!;
    }
  }
  for (let a = 0; a < columns; a++)
    for (let b = a; b < columns; b++) {
      const value = sums[a * columns + b]! / (rows - 1);
      sums[a * columns + b] = value;
      sums[b * columns + a] = value;
    }
  return sums;
}

/** Euclidean distances of row `i` of `a` from all rows of `b`, squared, written to `into` [b.rows]. */
export function squaredDistances(a: Rows, i: number, b: Rows, into: Float64Array): void {
  const { columns } = a;
  const own = Float64Array.from(a.data.subarray(i * columns, (i + 1) * columns));
  for (let j = 0, at = 0; j < b.rows; j++) {
    let sum = 0;
    for (let k = 0; k < columns; k++, at++) {
      const d = own[k]! - b.data[at]!;
      sum += d * d;
    }
    into[j] = sum;
  }
}

/** The distance, squared, of each row from the `k`-th nearest other row: the radius of its neighbourhood. */
export function neighbourRadii(all: Rows, k: number): Float64Array {
  const distances = new Float64Array(all.rows);
  return Float64Array.from({ length: all.rows }, (_, i) => {
    squaredDistances(all, i, all, distances);
    distances[i] = Infinity; // excludes the row itself
    return kthSmallest(distances, k);
  });
}

/** The distance of each row of `a` from the nearest row of `b`. */
export function nearestDistances(a: Rows, b: Rows): Float64Array {
  const distances = new Float64Array(b.rows);
  return Float64Array.from({ length: a.rows }, (_, i) => {
    squaredDistances(a, i, b, distances);
    return Math.sqrt(kthSmallest(distances, 1));
  });
}

/** The `k`-th smallest value, by insertion into a short sorted list. */
function kthSmallest(values: Float64Array, k: number): number {
  const best = new Float64Array(k).fill(Infinity);
  for (const value of values) {
    if (value >= best[k - 1]!) continue;
    let at = k - 1;
    while (at > 0 && best[at - 1]! > value) {
      best[at] = best[at - 1]!;
      at--;
    }
    best[at] = value;
  }
  return best[k - 1]!;
}

/** The median of values. */
export function median(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
