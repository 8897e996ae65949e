// Bilinear and nearest-neighbour resizing as ONNX Resize; their gradients as products with the transposed interpolation
// matrices.
import type { OpAttributes, Value } from '@forja/core/onnx';
import type { SharedAttrs } from '../../kernels/attributes.js';
import type { ResizeKernel } from '../../kernels/names.js';
import type { KernelLowering, LowerContext } from '../contract.js';
import { interpolationMatrix, type Interpolation } from '../../gradients/interpolation.js';
import { as } from './layout.js';
import { dim, fixed, input, output, pictureAxes } from './spatial.js';
import { isStatic, type Size } from '../../program/program.js';

const AXES = pictureAxes('NHWC');

/** tfjs's placement of sample points as ONNX attributes. tfjs rounds half up with alignCorners and floors otherwise. */
function resizeAttributes(
  method: 'nearest' | 'linear',
  attrs: SharedAttrs<'ResizeBilinear' | 'ResizeNearestNeighbor'>,
): OpAttributes['Resize'] {
  const mode =
    attrs['alignCorners'] === true ? 'align_corners' : attrs['halfPixelCenters'] === true ? 'half_pixel' : 'asymmetric';
  if (method === 'linear') return { mode: 'linear', coordinate_transformation_mode: mode };
  // floor((i+½)·r) is half_pixel's (i+½)·r−½ rounded half up.
  return {
    mode: 'nearest',
    coordinate_transformation_mode: mode,
    nearest_mode: mode === 'asymmetric' ? 'floor' : 'round_prefer_ceil',
  };
}

/** The factor between two sizes if it is an integer or the inverse of one. */
function factor(from: Size, to: Size): number | undefined {
  if (isStatic(from) && isStatic(to)) return to % from === 0 ? to / from : from % to === 0 ? to / from : undefined;
  if (isStatic(from) || isStatic(to)) return undefined;
  const names = new Set([...Object.keys(from.terms), ...Object.keys(to.terms)]);
  const ratios = [...names].map((name) => (to.terms[name] ?? 0) / (from.terms[name] ?? 0));
  const [ratio] = ratios;
  if (
    ratio === undefined ||
    !Number.isInteger(ratio) ||
    ratios.some((r) => r !== ratio) ||
    to.constant !== ratio * from.constant
  )
    return undefined;
  return ratio;
}

function resize(method: 'nearest' | 'linear'): KernelLowering<'ResizeBilinear' | 'ResizeNearestNeighbor'> {
  return (call, ctx) => {
    const [x, y] = [input(call, 'images', ctx), output(call, ctx)];
    const [h, w] = [factor(dim(x, 1), dim(y, 1)), factor(dim(x, 2), dim(y, 2))];
    // Bilinear results are floats, also for integers.
    const stored = ctx.get(x, AXES.nchw);
    const picture = method === 'linear' ? as(stored, 'float32', ctx) : stored;
    let attributes = resizeAttributes(method, call.attrs);
    // For integer factors use a constant scale, because sizes would have to be computed from a dynamic batch.
    if (h !== undefined && w !== undefined && attributes.coordinate_transformation_mode !== 'align_corners') {
      if (h === 1 && w === 1) return x.dtype === y.dtype ? ctx.alias(y, x) : ctx.set(y, picture, AXES.nchw);
      // Nearest by an integer factor reads the same cell in either mode; asymmetric is the most widely supported.
      if (method === 'nearest' && h >= 1 && w >= 1)
        attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
      return ctx.set(
        y,
        ctx.op('Resize', [picture, undefined, ctx.constant('float32', [4], [1, 1, h, w])], attributes),
        AXES.nchw,
      );
    }
    const sizes = ctx.sizes(AXES.nchw.map((axis) => dim(y, axis)));
    return ctx.set(y, ctx.op('Resize', [picture, undefined, undefined, sizes], attributes), AXES.nchw);
  };
}

function resizeGradient(
  method: Interpolation['method'],
): KernelLowering<'ResizeBilinearGrad' | 'ResizeNearestNeighborGrad'> {
  return (call, ctx) => {
    const [dy, x, dx] = [input(call, 'dy', ctx), input(call, 'images', ctx), output(call, ctx)];
    const matrix = (axis: 1 | 2): { data: Float32Array; rows: number; columns: number } => {
      const [rows, columns] = [fixed(dim(dy, axis), 'resized size', ctx), fixed(dim(x, axis), 'size', ctx)];
      const data = interpolationMatrix({
        method,
        from: columns,
        to: rows,
        alignCorners: call.attrs['alignCorners'] === true,
        halfPixelCenters: call.attrs['halfPixelCenters'] === true,
      });
      return { data, rows, columns };
    };
    const [h, w] = [matrix(1), matrix(2)];
    const right = ctx.constant('float32', [w.rows, w.columns], w.data);
    const left = ctx.constant('float32', [h.columns, h.rows], transpose(h.data, h.rows, h.columns));
    ctx.set(dx, product(left, ctx.get(dy, AXES.nchw), right, ctx), AXES.nchw);
  };
}

function product(left: Value, middle: Value, right: Value, ctx: LowerContext): Value {
  return ctx.op('MatMul', [left, ctx.op('MatMul', [middle, right])]);
}

function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(
    { length: rows * columns },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
}

/** Lowerings of the resizing kernels, by name. */
export const resizeKernels: Record<ResizeKernel, KernelLowering> = {
  ResizeBilinear: resize('linear'),
  ResizeNearestNeighbor: resize('nearest'),
  ResizeBilinearGrad: resizeGradient('bilinear'),
  ResizeNearestNeighborGrad: resizeGradient('nearest'),
};
