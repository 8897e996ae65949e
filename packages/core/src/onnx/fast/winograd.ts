// Writes nodes that compute a convolution as products of transformed tiles (Winograd 1980; Lavin and Gray 2016).
// Pictures are [H, W, N, C] (height, width, pictures, channels), so that a row is contiguous and N may be dynamic. With
// stride s, the pixels fall into s·s classes by their position modulo s (tiling.ts), each of which is treated as extra
// channels. The weights are transformed here, once. A transposed convolution is the adjoint: it has the same products,
// with transposed matrices before and after them.
import type { PictureConvolution } from './convolution.js';
import type { Algorithm } from './price.js';
import { floatsOf } from '../facts/tensors.js';
import { byClass, tiling, type Tiling } from './tiling.js';
import { transpose, type Matrix } from './toom-cook.js';
import type { Writer } from './writer.js';

/** Writes the convolution of `x`, [H, W, N, C], without its bias, and returns its result, [H, W, N, C]. */
export function winograd(conv: PictureConvolution, { tile, packed }: Algorithm, x: string, writer: Writer): string {
  const [h, w] = [tiling(conv.height, tile), tiling(conv.width, tile)];
  return (conv.transposed ? adjoint : forward)({ conv, h, w, packed, writer }, x);
}

interface Emission {
  conv: PictureConvolution;
  h: Tiling;
  w: Tiling;
  packed: boolean;
  writer: Writer;
}

function forward({ conv, h, w, packed, writer }: Emission, x: string): string {
  const { large, small, height, width } = conv;
  const cut = writer.reshape(along(x, h.data, w.data, writer), [
    h.points,
    h.tiles,
    h.stride,
    w.points,
    w.tiles,
    w.stride,
    -1,
    large,
  ]);
  const grouped = writer.op('Transpose', [cut], { perm: [0, 3, 1, 4, 6, 2, 5, 7] });
  const inner = h.stride * w.stride * large;
  const weights = (): Float32Array => transformed(conv, h, w, 'large');
  const rows = packed
    ? split(grouped, h.points * w.points, inner, small, weights, writer)
    : writer.op('MatMul', [
        writer.reshape(grouped, [h.points, w.points, -1, inner]),
        writer.floats([h.points, w.points, inner, small], weights),
      ]);
  const tiles = writer.op('Transpose', [writer.reshape(rows, [h.points, w.points, h.tiles, -1])], {
    perm: [0, 2, 1, 3],
  });
  return writer.reshape(along(tiles, h.output, w.output, writer), [height.small, width.small, -1, small]);
}

function adjoint({ conv, h, w, packed, writer }: Emission, y: string): string {
  const { large, small, height, width } = conv;
  const cut = along(y, transpose(h.output), transpose(w.output), writer);
  const points = writer.op('Transpose', [writer.reshape(cut, [h.points, h.tiles, w.points, -1])], {
    perm: [0, 2, 1, 3],
  });
  const tiles = packed ? columnsByClass() : productsByClass();
  const x = along(tiles, transpose(byClass(h)), transpose(byClass(w)), writer);
  return writer.reshape(x, [height.large, width.large, -1, large]);

  // The classes are side by side in the same product: there are fewer and wider products, whose results are reordered
  // in blocks of C numbers, the channels of one class.
  function columnsByClass(): string {
    const products = split(
      points,
      h.points * w.points,
      small,
      h.stride * w.stride * large,
      () => transformed(conv, h, w, 'small'),
      writer,
    );
    const parts = writer.reshape(products, [h.points, w.points, h.tiles, w.tiles, -1, h.stride, w.stride, large]);
    return writer.op('Transpose', [parts], { perm: [0, 5, 2, 1, 6, 3, 4, 7] });
  }

  // One product per class, with the class placed after the point along each axis. Then only two axes have to be
  // swapped, which onnxruntime does with all threads, in blocks of N·C; it runs a general Transpose in one thread.
  function productsByClass(): string {
    const rows = writer.reshape(points, [h.points, 1, w.points, 1, -1, small]);
    const products = writer.op('MatMul', [
      rows,
      writer.floats([h.points, h.stride, w.points, w.stride, small, large], () => transformed(conv, h, w, 'class')),
    ]);
    return writer.op('Transpose', [writer.reshape(products, [h.points * h.stride, w.points * w.stride, h.tiles, -1])], {
      perm: [0, 2, 1, 3],
    });
  }
}

/**
 * Multiplies the two outermost axes of `value` by constant matrices: rows · value · columnsᵀ, as [rows, columns, …].
 */
function along(value: string, rows: Matrix, columns: Matrix, writer: Writer): string {
  const [height, width] = [rows[0]?.length ?? 0, columns[0]?.length ?? 0];
  const tall = writer.op('MatMul', [constantMatrix(rows, writer), writer.reshape(value, [height, -1])]);
  return writer.op('MatMul', [constantMatrix(columns, writer), writer.reshape(tall, [rows.length, width, -1])]);
}

const constantMatrix = (matrix: Matrix, writer: Writer): string =>
  writer.floats([matrix.length, matrix[0]?.length ?? 0], () => Float32Array.from(matrix.flat()));

/**
 * [count, rows, inner] times [count, inner, outer], with one MatMul node for each of `count`: onnxruntime packs the
 * weights of a two-dimensional product when it loads them.
 */
function split(
  value: string,
  count: number,
  inner: number,
  outer: number,
  make: () => Float32Array,
  writer: Writer,
): string {
  const pieces = writer.ops(
    'Split',
    [writer.reshape(value, [count, -1, inner]), writer.int64s(new Array<number>(count).fill(1))],
    { axis: 0 },
    count,
  );
  let all: Float32Array | undefined;
  const weights = (i: number): Float32Array => (all ??= make()).slice(i * inner * outer, (i + 1) * inner * outer);
  const products = pieces.map((piece, i) =>
    writer.op('MatMul', [writer.reshape(piece, [-1, inner]), writer.floats([inner, outer], () => weights(i))]),
  );
  return writer.op(
    'Concat',
    products.map((each) => writer.op('Unsqueeze', [each, writer.int64s([0])])),
    { axis: 0 },
  );
}

/**
 * Order of the axes of transformed weights: 'large' is (point, point, class, large, small), 'small' (point, point,
 * small, class, large), and 'class' (point, class, point, class, small, large), where each point is followed by the
 * class along its axis.
 */
type Order = 'large' | 'class' | 'small';

/**
 * The weights at each pair of points: Σ_ab g_h[point, a] · g_w[point, b] · w[small, large, s·a + class, s·b + class].
 */
function transformed(
  { weights, large, small, height, width }: PictureConvolution,
  h: Tiling,
  w: Tiling,
  order: Order,
): Float32Array {
  const source = floatsOf(weights) ?? new Float32Array(0);
  const classes = h.stride * w.stride;
  const [forClass, forLarge, forSmall] = {
    large: [large * small, small, 1],
    class: [small * large, 1, large],
    small: [large, 1, classes * large],
  }[order] as [number, number, number]; // three numbers each
  const block = classes * large * small;
  const startOf = (point: number, kind: number): number => {
    if (order !== 'class') return point * block + kind * forClass;
    const [across, down] = [point % w.points, Math.floor(point / w.points)];
    const row = (down * h.stride + Math.floor(kind / w.stride)) * w.points + across;
    return (row * w.stride + (kind % w.stride)) * forClass;
  };
  const result = new Float32Array(h.points * w.points * block);
  const taps = Array.from({ length: h.taps * w.taps }, (_, i) => [Math.floor(i / w.taps), i % w.taps] as const);
  for (let point = 0; point < h.points * w.points; point++) {
    const used = taps.flatMap(([a, b]) => {
      const factor = (h.filter[Math.floor(point / w.points)]?.[a] ?? 0) * (w.filter[point % w.points]?.[b] ?? 0);
      return factor === 0 ? [] : [{ factor, at: h.stride * a * width.kernel + w.stride * b }];
    });
    for (let kind = 0; kind < classes; kind++) {
      const corner = Math.floor(kind / w.stride) * width.kernel + (kind % w.stride);
      const start = startOf(point, kind);
      for (let s = 0; s < small; s++) {
        for (let l = 0; l < large; l++) {
          const from = (s * large + l) * height.kernel * width.kernel + corner;
          let sum = 0;
          for (const { factor, at } of used) sum += factor * (source[from + at] ?? 0);
          result[start + l * forLarge + s * forSmall] = sum;
        }
      }
    }
  }
  return result;
}
