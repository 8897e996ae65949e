// Cost of pools and resizes in both targets, in units of a million multiply-adds of a large matrix product. Fitted to a
// DCGAN whose discriminator pools (28×28, 32 channels, batch 64).
import { rowOf, type KernelRows } from '../../kernels/rows.js';
import { countOf, inputOf, outputOf, shapeOf } from '../../program/graph.js';
import type { KernelCall, Program, Size } from '../../program/program.js';
import { productsIn } from './apply.js';
import { tilesOf } from './max-pool.js';
import { mapsOf, SEPARABLE } from './separable.js';

/** Cost of a call in both targets. */
export interface PicturePrice {
  fast: number;
  portable: number;
}

/** Cost per float of the larger picture. */
const PER_FLOAT: KernelRows<{ fast: number; portable: number }> = {
  MaxPool: { fast: 30, portable: 12 },
  MaxPoolGrad: { fast: 85, portable: 260 },
  AvgPool: { fast: 0, portable: 12 },
  AvgPoolGrad: { fast: 0, portable: 18 },
  ResizeBilinear: { fast: 0, portable: 30 },
  ResizeNearestNeighbor: { fast: 0, portable: 18 },
  ResizeBilinearGrad: { fast: 0, portable: 60 },
  ResizeNearestNeighborGrad: { fast: 0, portable: 60 },
};

/** Cost of a pool or resize that the `fast` rows compute; undefined for others. */
export function pricePicture(program: Program, call: KernelCall): PicturePrice | undefined {
  const each = rowOf(PER_FLOAT, call.kernel);
  if (each === undefined) return undefined;
  const shape = (name: string): readonly Size[] => shapeOf(program, inputOf(call, name) ?? -1);
  const result = shapeOf(program, outputOf(call));
  const larger =
    Math.max(countOf(result) ?? 0, ...Object.keys(call.inputs).map((name) => countOf(shape(name)) ?? 0)) / 1e6;
  const products = Object.hasOwn(SEPARABLE, call.kernel)
    ? productsOf(call, shape, result)
    : tiled(call, shape, result)
      ? 0
      : undefined;
  return products === undefined ? undefined : { fast: each.fast * larger + products, portable: each.portable * larger };
}

/** Whether the windows of a max pool, or of its gradient, tile the picture. */
function tiled(
  { kernel, attrs }: KernelCall,
  shape: (name: string) => readonly Size[],
  result: readonly Size[],
): boolean {
  return (
    (kernel === 'MaxPool' ? tilesOf(attrs, shape('x'), result) : tilesOf(attrs, shape('input'), shape('dy'))) !==
    undefined
  );
}

/**
 * Multiply-adds of both maps, in millions. As in the kernel's row (separable.ts), the width is mapped first if the
 * height shrinks, else last.
 */
function productsOf(
  call: KernelCall,
  shape: (name: string) => readonly Size[],
  result: readonly Size[],
): number | undefined {
  const maps = mapsOf(call.kernel, call.attrs, shape, result);
  if (maps === undefined) return undefined;
  const [rows, columns] = maps;
  const [h, fromH, fromW] = [rows.length, rows[0]?.length ?? 0, columns[0]?.length ?? 0];
  const [tall, wide] = [productsIn(rows), productsIn(columns)];
  const rest = Number(result[0]) * Number(result[3]);
  return (rest * (h < fromH ? fromH * wide + columns.length * tall : tall * fromW + h * wide)) / 1e6;
}
