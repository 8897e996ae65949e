// Gradients of movement kernels whose stock gradient is wrong or missing: mirrored padding, depth to space, split,
// strided slices.
import * as tf from '@tensorflow/tfjs';
import type { AttrName, AttrsOf } from '../kernels/attributes.js';
import { at, numbers, slopesOf, unary, type GradientTable } from './tape.js';

/** A slice of one axis. */
function part(x: tf.Tensor, axis: number, begin: number, size: number): tf.Tensor {
  return tf.slice(
    x,
    x.shape.map((_, i) => (i === axis ? begin : 0)),
    x.shape.map((all, i) => (i === axis ? size : all)),
  );
}

/** Adds the gradient of a mirrored border to the cells it was copied from, axis by axis. */
function mirrorAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<'MirrorPad'>): tf.Tensor {
  const paddings: unknown = attrs['paddings'];
  const skip = attrs['mode'] === 'reflect' ? 1 : 0;
  let result = dy;
  x.shape.forEach((size, axis) => {
    const [before = 0, after = 0] = numbers(Array.isArray(paddings) ? paddings[axis] : undefined) ?? [];
    if (before === 0 && after === 0) return;
    const border = (begin: number, count: number, lead: number): tf.Tensor => {
      const mirrored = tf.reverse(part(result, axis, begin, count), axis);
      return tf.pad(
        mirrored,
        x.shape.map((_, i) => (i === axis ? [lead, size - lead - count] : [0, 0])),
      );
    };
    let sum = part(result, axis, before, size);
    if (before > 0) sum = tf.add(sum, border(0, before, skip));
    if (after > 0) sum = tf.add(sum, border(before + size, after, size - after - skip));
    result = sum;
  });
  return result;
}

/** The inverse permutation, space to depth. */
function depthToSpaceAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<'DepthToSpace'>): tf.Tensor {
  const block = Number(attrs['blockSize']);
  const last = attrs['dataFormat'] !== 'NCHW';
  const [n = 1, a = 1, b = 1, c = 1] = x.shape;
  const [h, w, channels] = last ? [a, b, c] : [b, c, a];
  const depth = channels / (block * block);
  const cells = last
    ? tf.transpose(tf.reshape(dy, [n, h, block, w, block, depth]), [0, 1, 3, 2, 4, 5])
    : tf.transpose(tf.reshape(dy, [n, depth, h, block, w, block]), [0, 3, 5, 1, 2, 4]);
  return tf.reshape(cells, x.shape);
}

/**
 * Puts elements that were taken from an axis of `size` at `first`, `first + stride`, … back in place with zeros in
 * between: each is padded to `stride` cells.
 */
export function spreadAlong(
  taken: tf.Tensor,
  axis: number,
  { size, first, stride }: { size: number; first: number; stride: number },
): tf.Tensor {
  const { shape } = taken;
  const count = shape[axis] ?? 1;
  const pad = (t: tf.Tensor, at: number, before: number, after: number): tf.Tensor =>
    tf.pad(
      t,
      t.shape.map((_, i): [number, number] => (i === at ? [before, after] : [0, 0])),
    );
  let result = taken;
  if (stride > 1) {
    const cells = tf.reshape(taken, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
    const wide = tf.reshape(
      pad(cells, axis + 1, 0, stride - 1),
      shape.map((s, i) => (i === axis ? s * stride : s)),
    );
    result = part(wide, axis, 0, (count - 1) * stride + 1);
  }
  return pad(result, axis, first, size - first - (result.shape[axis] ?? 0));
}

/** The gradient of the elements taken; zero for the others. */
function stridedSliceAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<'StridedSlice'>): tf.Tensor {
  const mask = (name: AttrName<'StridedSlice'>): number => Number(attrs[name] ?? 0);
  const list = (name: AttrName<'StridedSlice'>): number[] => numbers(attrs[name]) ?? [];
  const info = tf.slice_util.sliceInfo(
    x.shape,
    list('begin'),
    list('end'),
    list('strides'),
    mask('beginMask'),
    mask('endMask'),
    mask('ellipsisMask'),
    mask('newAxisMask'),
    mask('shrinkAxisMask'),
  );
  // The counts cover each axis of x, including those that the slice drops, but not the axes that it adds.
  const counts = x.shape.map((_, axis) =>
    Math.max(0, Math.ceil(((info.end[axis] ?? 0) - (info.begin[axis] ?? 0)) / (info.strides[axis] ?? 1))),
  );
  let result = tf.reshape(dy, counts);
  x.shape.forEach((size, axis) => {
    const [count, stride, begin] = [counts[axis] ?? 1, info.strides[axis] ?? 1, info.begin[axis] ?? 0];
    if (count === size && stride === 1) return;
    if (stride < 0) result = tf.reverse(result, axis);
    const first = stride < 0 ? begin + (count - 1) * stride : begin;
    result = spreadAlong(result, axis, { size, first, stride: Math.abs(stride) });
  });
  return result;
}

/** The diagonal of the gradient, viewed as a matrix of the flattened shape. */
function diagonalAdjoint(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const square = tf.reshape(dy, [x.size, x.size]);
  return tf.reshape(tf.sum(tf.mul(square, tf.eye(x.size)), 1), x.shape);
}

/** Gradients of movement. */
export const movementGradients: GradientTable = {
  MirrorPad: unary('x', mirrorAdjoint),
  StridedSlice: unary('x', stridedSliceAdjoint),
  DepthToSpace: unary('x', depthToSpaceAdjoint),
  Diag: unary('x', diagonalAdjoint),
  FlipLeftRight: unary('image', (dy) => tf.reverse(dy, 2)),
  // If there is one piece, stock tfjs passes a bare tensor, instead of a list, to concat and stack.
  SplitV: {
    inputs: ['x'],
    grad: (dy, saved, attrs) => {
      const pieces = slopesOf(dy);
      const axis = Number(attrs['axis'] ?? 0);
      return {
        x: () => (pieces.length === 1 ? at(pieces, 0) : tf.concat(pieces, axis < 0 ? axis + at(saved, 0).rank : axis)),
      };
    },
  },
  Unpack: {
    inputs: [],
    grad: (dy, _saved, attrs) => ({ value: () => tf.stack(slopesOf(dy), Number(attrs['axis'] ?? 0)) }),
  },
};
