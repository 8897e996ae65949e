// Pooling over three axes. Both gradients use valid windows on a padded volume, so they are right for any padding;
// tfjs's own kernels count the padding, and use wrong indices in windows that are not cubes.
import * as tf from '@tensorflow/tfjs';
import type { SharedAttrs } from '../kernels/attributes.js';
import { spreadAlong } from './movement.js';
import { constant, filled, kernel, unary, type GradientTable } from './tape.js';

type Attributes = SharedAttrs<'AvgPool3D' | 'MaxPool3D'>;

type Triple = [number, number, number];

/** A pool's windows along one axis. */
interface Along {
  size: number;
  before: number;
  window: number;
  stride: number;
  count: number;
  /** Number of cells that the windows span, counted from the first padded one. */
  reach: number;
}

const AXES = [1, 2, 3] as const;

function windowsOf(x: tf.Tensor, attrs: Attributes): Along[] {
  // The forward kernel has checked the attributes with the same function.
  const info = tf.backend_util.computePool3DInfo(
    x.shape as [number, number, number, number, number],
    attrs['filterSize'] as Triple,
    attrs['strides'] as Triple,
    1,
    attrs['pad'] as 'same',
    attrs['dimRoundingMode'] as 'floor' | undefined,
  );
  const { padInfo } = info;
  const along = (size: number, before: number, window: number, stride: number, count: number): Along => ({
    size,
    before,
    window,
    stride,
    count,
    reach: (count - 1) * stride + window,
  });
  return [
    along(info.inDepth, padInfo.front, info.filterDepth, info.strideDepth, info.outDepth),
    along(info.inHeight, padInfo.top, info.filterHeight, info.strideHeight, info.outHeight),
    along(info.inWidth, padInfo.left, info.filterWidth, info.strideWidth, info.outWidth),
  ];
}

/**
 * Converts from the span of the windows to the volume: crops the padding and adds zeros where no window reached. (If
 * the stride exceeds the window, tfjs's `same` has negative padding: it skips cells at the front too.)
 */
function unpadded(reached: tf.Tensor, windows: readonly Along[]): tf.Tensor {
  const padded = tf.pad(reached, [
    [0, 0],
    ...windows.map((w): [number, number] => [Math.max(0, -w.before), Math.max(0, w.before + w.size - w.reach)]),
    [0, 0],
  ]);
  const [n = 1, , , , c = 1] = reached.shape;
  return tf.slice(padded, [0, ...windows.map((w) => Math.max(0, w.before)), 0], [n, ...windows.map((w) => w.size), c]);
}

/**
 * Spreads each window's gradient, divided by the number of cells it averaged, over those cells. Channels are moved into
 * the batch, so that one filter serves all of them.
 */
function averageAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: Attributes): tf.Tensor {
  const windows = windowsOf(x, attrs);
  const [n = 1, , , , c = 1] = x.shape;
  const counts = windows.map((w) =>
    Array.from({ length: w.count }, (_, i) => {
      const begin = i * w.stride - w.before;
      return Math.min(w.size, begin + w.window) - Math.max(0, begin);
    }),
  );
  const [deep = [], high = [], wide = []] = counts;
  const shares = filled([1, deep.length, high.length, wide.length, 1], (at) => {
    const [i, j, k] = [
      Math.floor(at / (high.length * wide.length)),
      Math.floor(at / wide.length) % high.length,
      at % wide.length,
    ];
    return 1 / ((deep[i] ?? 1) * (high[j] ?? 1) * (wide[k] ?? 1));
  });
  const reach = windows.map((w) => w.reach);
  const single = tf.reshape(tf.transpose(tf.mul(dy, shares), [0, 4, 1, 2, 3]), [
    n * c,
    ...windows.map((w) => w.count),
    1,
  ]);
  const filter = filled([...windows.map((w) => w.window), 1, 1], () => 1);
  const spread = kernel(
    'Conv3DBackpropInputV2',
    { dy: single, filter },
    { strides: windows.map((w) => w.stride), pad: 'valid', inputShape: [n * c, ...reach, 1] },
  );
  return unpadded(tf.transpose(tf.reshape(spread, [n, c, ...reach]), [0, 2, 3, 4, 1]), windows);
}

/** Scatters each window's gradient to the first cell that holds its maximum, one window offset at a time. */
function maximumAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: Attributes): tf.Tensor {
  const windows = windowsOf(x, attrs);
  const [n = 1, , , , c = 1] = x.shape;
  const pooled = constant(() => kernel('MaxPool3D', { x }, attrs));
  const padded = constant(() =>
    tf.pad(
      x,
      [
        [0, 0],
        ...windows.map((w): [number, number] => [Math.max(0, w.before), Math.max(0, w.reach - w.size - w.before)]),
        [0, 0],
      ],
      -3.4e38,
    ),
  );
  let free: tf.Tensor = tf.onesLike(pooled);
  let sum: tf.Tensor | undefined;
  const [d = 1, h = 1, w = 1] = windows.map((one) => one.window);
  for (let place = 0; place < d * h * w; place++) {
    const first = [Math.floor(place / (h * w)), Math.floor(place / w) % h, place % w];
    const begin = windows.map((one, i) => (first[i] ?? 0) + Math.max(0, -one.before));
    const cells = constant(() =>
      tf.stridedSlice(
        padded,
        [0, ...begin, 0],
        [n, ...windows.map((one, i) => (begin[i] ?? 0) + (one.count - 1) * one.stride + 1), c],
        [1, ...windows.map((one) => one.stride), 1],
      ),
    );
    const before = free;
    const hits = constant(() => tf.mul(tf.cast(tf.equal(cells, pooled), 'float32'), before));
    free = constant(() => tf.sub(before, hits));
    const placed = AXES.reduce(
      (slopes, axis, i) => {
        const one = windows[i];
        return one === undefined
          ? slopes
          : spreadAlong(slopes, axis, { size: one.reach, first: first[i] ?? 0, stride: one.stride });
      },
      tf.mul(dy, hits),
    );
    sum = sum === undefined ? placed : tf.add(sum, placed);
  }
  return unpadded(sum ?? tf.zeros([n, ...windows.map((one) => one.reach), c]), windows);
}

/** Gradients of pooling over three axes. */
export const volumeGradients: GradientTable = {
  AvgPool3D: unary('x', averageAdjoint),
  MaxPool3D: unary('x', maximumAdjoint),
};
