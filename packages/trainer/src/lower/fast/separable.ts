// Average pools, resizes and their gradients. They are linear along height and along width, so each is two constant
// matrices applied to a picture with height and width outermost.
import { transpose, type Axis, type Matrix } from '@forja/core/onnx';
import { interpolationMatrix, type Interpolation } from '../../gradients/interpolation.js';
import type { SharedAttrs } from '../../kernels/attributes.js';
import { rowOf, type KernelRows } from '../../kernels/rows.js';
import type { Size } from '../../program/program.js';
import type { KernelLowering, KernelRow, KernelTable } from '../contract.js';
import { poolKernels } from '../kernels/pool.js';
import { resizeKernels } from '../kernels/resize.js';
import { input, output } from '../kernels/spatial.js';
import { alongBoth, alongBothBack } from './apply.js';
import { otherwise } from './contract.js';
import { fixedPicture, poolAxes, stored } from './pictures.js';

type Attrs = SharedAttrs<'AvgPool' | 'ResizeBilinear' | 'ResizeNearestNeighbor'>;
type Shape = readonly Size[];

/** Matrices [to, from] along height and along width. */
type Maps = readonly [Matrix, Matrix];

/**
 * A separable kernel. `source` is the input that is mapped; kernels with `adjoint` are gradients, and apply the
 * transposed maps of the forward kernel.
 */
interface Separable {
  source: string;
  /** In gradients: the input with the shape of the forward kernel's source. */
  adjoint?: string;
  maps: (attrs: Attrs, from: Shape, to: Shape) => Maps | undefined;
}

/** Means over the cells of each window that are inside the picture. */
function average(attrs: Attrs, from: Shape, to: Shape): Maps | undefined {
  const axes = poolAxes(attrs, from, to)?.map(averageAlong);
  return axes?.[0] === undefined || axes[1] === undefined ? undefined : [axes[0], axes[1]];
}

function averageAlong({ large, small, kernel, stride, before }: Axis): Matrix | undefined {
  const rows = Array.from({ length: small }, (_, i) => {
    const inside = (p: number): boolean => p >= stride * i - before && p < stride * i - before + kernel;
    const cells = Array.from({ length: large }, (_unused, p) => (inside(p) ? 1 : 0));
    const count = cells.reduce<number>((sum, cell) => sum + cell, 0);
    return count === 0 ? undefined : cells.map((cell) => cell / count);
  });
  return rows.every((row) => row !== undefined) ? rows : undefined; // a window that covers only padding has no mean
}

const resized =
  (method: Interpolation['method']) =>
  (attrs: Attrs, from: Shape, to: Shape): Maps | undefined => {
    const [source, target] = [fixedPicture(from), fixedPicture(to)];
    if (source === undefined || target === undefined) return undefined;
    const along = (axis: 1 | 2): Matrix => {
      const [columns, rows] = [source[axis] ?? 1, target[axis] ?? 1];
      const data = interpolationMatrix({
        method,
        from: columns,
        to: rows,
        alignCorners: attrs['alignCorners'] === true,
        halfPixelCenters: attrs['halfPixelCenters'] === true,
      });
      return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
    };
    return [along(1), along(2)];
  };

/** Kernels that are separable. */
export const SEPARABLE: KernelRows<Separable> = {
  AvgPool: { source: 'x', maps: average },
  AvgPoolGrad: { source: 'dy', adjoint: 'input', maps: average },
  ResizeBilinear: { source: 'images', maps: resized('bilinear') },
  ResizeBilinearGrad: { source: 'dy', adjoint: 'images', maps: resized('bilinear') },
  ResizeNearestNeighbor: { source: 'images', maps: resized('nearest') },
  ResizeNearestNeighborGrad: { source: 'dy', adjoint: 'images', maps: resized('nearest') },
};

/** The maps that a call applies to its source. */
export function mapsOf(
  kernel: string,
  attrs: Attrs,
  shapeOf: (name: string) => Shape,
  result: Shape,
): Maps | undefined {
  const row = rowOf(SEPARABLE, kernel);
  if (row === undefined) return undefined;
  if (row.adjoint === undefined) return row.maps(attrs, shapeOf(row.source), result);
  const maps = row.maps(attrs, shapeOf(row.adjoint), shapeOf(row.source));
  return maps === undefined ? undefined : [transpose(maps[0]), transpose(maps[1])];
}

function separable(kernel: string, portable: KernelRow | undefined): KernelLowering {
  return (call, ctx) => {
    const y = output(call, ctx);
    const source = input(call, rowOf(SEPARABLE, kernel)?.source ?? '', ctx);
    const maps =
      source.dtype === 'float32' && y.dtype === 'float32'
        ? mapsOf(kernel, call.attrs, (name) => input(call, name, ctx).shape, y.shape)
        : undefined;
    if (maps === undefined) return otherwise(portable)(call, ctx);
    const { value, perm, rest } = stored(source, ctx);
    const [rows, columns] = maps;
    const apply = rows.length < (rows[0]?.length ?? 0) ? alongBothBack : alongBoth;
    const sizes = perm.map((axis) => Number(y.shape[axis])); // static, as mapsOf has checked
    return ctx.set(y, ctx.reshape(apply(value, rows, columns, rest, ctx), sizes), perm);
  };
}

const PORTABLE: KernelTable = { ...poolKernels, ...resizeKernels };

/** Rows of the `fast` target. */
export const separableKernels: KernelTable = Object.fromEntries(
  Object.keys(SEPARABLE).map((kernel) => [kernel, separable(kernel, rowOf(PORTABLE, kernel))]),
);
