// Average and max pooling. The gradient of average pooling uses kernels that are correct at borders; that of max
// pooling goes to the first maximum of each window, at both orders.
import * as tf from '@tensorflow/tfjs';
import type { SharedAttrs } from '../kernels/attributes.js';
import { at, filled, kernel, slopesOf, unary, type GradientTable } from './tape.js';

type Attributes = SharedAttrs<'AvgPool' | 'MaxPool' | 'MaxPoolWithArgmax'>;

type Quad = [number, number, number, number];
type Pair = [number, number];
type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

function poolInfo(xShape: readonly number[], attrs: Attributes): PoolInfo {
  // The forward kernel has checked the attributes with the same function.
  const [filterSize, strides, pad, mode] = [
    attrs['filterSize'] as Pair,
    attrs['strides'] as Pair,
    attrs['pad'] as 'same',
    attrs['dimRoundingMode'] as 'floor' | undefined,
  ];
  return tf.backend_util.computePool2DInfo(xShape as Quad, filterSize, strides, 1, pad, mode);
}

/** Whether windows tile the picture without overlap, gaps or padding (a remainder at the end may stay uncovered). */
function tiles(info: PoolInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  return (
    top + bottom + left + right === 0 &&
    info.filterHeight === info.strideHeight &&
    info.filterWidth === info.strideWidth &&
    info.outHeight * info.strideHeight <= info.inHeight &&
    info.outWidth * info.strideWidth <= info.inWidth
  );
}

const padEnd = (x: tf.Tensor, height: number, width: number): tf.Tensor => {
  const [, h = 0, w = 0] = x.shape;
  return h === height && w === width
    ? x
    : tf.pad(x, [
        [0, 0],
        [0, height - h],
        [0, width - w],
        [0, 0],
      ]);
};

/** Spreads each window's gradient, divided by the number of cells it averaged, over those cells. */
function averageAdjoint(dy: tf.Tensor, xShape: number[], attrs: Attributes): tf.Tensor {
  const info = poolInfo(xShape, attrs);
  const { filterHeight, filterWidth, outHeight, outWidth, inHeight, inWidth, padInfo } = info;
  if (tiles(info)) {
    const share = tf.mul(dy, 1 / (filterHeight * filterWidth));
    const size: Pair = [outHeight * filterHeight, outWidth * filterWidth];
    return padEnd(
      kernel('ResizeNearestNeighbor', { images: share }, { alignCorners: false, halfPixelCenters: false, size }),
      inHeight,
      inWidth,
    );
  }
  const count = (i: number, stride: number, before: number, extent: number, size: number): number =>
    Math.min(size, i * stride - before + extent) - Math.max(0, i * stride - before);
  const shares = filled([1, outHeight, outWidth, 1], (cell) => {
    const [r, c] = [Math.floor(cell / outWidth), cell % outWidth];
    return (
      1 /
      (count(r, info.strideHeight, padInfo.top, filterHeight, inHeight) *
        count(c, info.strideWidth, padInfo.left, filterWidth, inWidth))
    );
  });
  const ones = filled([filterHeight, filterWidth, xShape[3] ?? 1, 1], () => 1);
  const { strides, pad, dimRoundingMode } = attrs;
  return kernel(
    'DepthwiseConv2dNativeBackpropInput',
    { dy: tf.mul(dy, shares), filter: ones },
    { strides, pad, dimRoundingMode, dilations: [1, 1], inputShape: xShape },
  );
}

/** Scatters each window's gradient to the cell of its maximum. Linear in `dy`; its adjoint is {@link pick}. */
function scatter(dy: tf.Tensor, x: tf.Tensor, attrs: Attributes): tf.Tensor {
  return tf.customGrad((slopes) => {
    if (!(slopes instanceof tf.Tensor)) throw new Error('max pool gradient: expected a tensor');
    const value = kernel('MaxPoolGrad', { dy: slopes, input: x, output: kernel('MaxPool', { x }, attrs) }, attrs);
    return { value, gradFunc: (ddx: tf.Tensor) => pick(ddx, x, attrs) };
  })(dy);
}

/** For each window, the value of `ddx` at the cell where `x` had its maximum. */
function pick(ddx: tf.Tensor, x: tf.Tensor, attrs: Attributes): tf.Tensor {
  return tf.customGrad((cells) => {
    if (!(cells instanceof tf.Tensor)) throw new Error('max pool gradient: expected a tensor');
    return { value: pickValue(cells, x, attrs), gradFunc: (dy: tf.Tensor) => scatter(dy, x, attrs) };
  })(ddx);
}

function pickValue(cells: tf.Tensor, x: tf.Tensor, attrs: Attributes): tf.Tensor {
  const info = poolInfo(x.shape, attrs);
  const { filterHeight, filterWidth, strideHeight, strideWidth, outHeight, outWidth, inHeight, inWidth } = info;
  const pooled = kernel('MaxPool', { x }, attrs);
  if (tiles(info)) {
    const hits = kernel('MaxPoolGrad', { dy: filled(pooled.shape, () => 1), input: x, output: pooled }, attrs);
    return tf.mul(kernel('AvgPool', { x: tf.mul(cells, hits) }, attrs), filterHeight * filterWidth);
  }
  const { top, left } = info.padInfo;
  const bottom = Math.max(0, (outHeight - 1) * strideHeight + filterHeight - inHeight - top);
  const right = Math.max(0, (outWidth - 1) * strideWidth + filterWidth - inWidth - left);
  const pads: [Pair, Pair, Pair, Pair] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const [source, slopes] = [tf.pad(x, pads, -3.4e38), tf.pad(cells, pads)];
  const tap = (t: tf.Tensor, i: number, j: number): tf.Tensor => {
    const end = [
      t.shape[0] ?? 1,
      i + (outHeight - 1) * strideHeight + 1,
      j + (outWidth - 1) * strideWidth + 1,
      t.shape[3] ?? 1,
    ];
    return tf.stridedSlice(t, [0, i, j, 0], end, [1, strideHeight, strideWidth, 1]);
  };
  let free: tf.Tensor = tf.onesLike(pooled);
  let sum: tf.Tensor | undefined;
  for (let i = 0; i < filterHeight; i++) {
    for (let j = 0; j < filterWidth; j++) {
      const hit = tf.mul(tf.cast(tf.equal(tap(source, i, j), pooled), 'float32'), free);
      const term = tf.mul(tap(slopes, i, j), hit);
      sum = sum === undefined ? term : tf.add(sum, term);
      free = tf.sub(free, hit);
    }
  }
  return sum ?? tf.zerosLike(pooled);
}

/** Gradients of pooling. */
export const poolingGradients: GradientTable = {
  AvgPool: unary('x', (dy, x, attrs) => averageAdjoint(dy, x.shape, attrs)),
  MaxPool: unary('x', (dy, x, attrs) => scatter(dy, x, attrs)),
  MaxPoolWithArgmax: unary('x', (dy, x, attrs) => scatter(at(slopesOf(dy), 0), x, attrs)),
};
