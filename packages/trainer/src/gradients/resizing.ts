// Bilinear and nearest-neighbour resizing are linear: their gradients are products with the transposed interpolation
// matrices, or sums over blocks.
import * as tf from '@tensorflow/tfjs';
import type { SharedAttrs } from '../kernels/attributes.js';
import { interpolationMatrix, type Interpolation } from './interpolation.js';
import { kernel, unary, type GradientTable } from './tape.js';

/** Sums of `height` × `width` blocks. */
function blockSums(dy: tf.Tensor, height: number, width: number): tf.Tensor {
  const window = [height, width];
  return tf.mul(kernel('AvgPool', { x: dy }, { filterSize: window, strides: window, pad: 'valid' }), height * width);
}

/** Mᵀ along rows or columns of an NHWC picture. Returns `dy` if the size does not change. */
function backAlong(axis: 1 | 2, dy: tf.Tensor, options: Interpolation): tf.Tensor {
  if (options.from === options.to) return dy;
  const [n = 1, h = 1, w = 1, c = 1] = dy.shape;
  const matrix = tf.tensor3d(interpolationMatrix(options), [1, options.to, options.from]);
  const flat = tf.reshape(dy, axis === 1 ? [n, h, w * c] : [n * h, w, c]);
  return tf.reshape(
    tf.matMul(matrix, flat, true, false),
    axis === 1 ? [n, options.from, w, c] : [n, h, options.from, c],
  );
}

function resizeAdjoint(
  method: Interpolation['method'],
): (dy: tf.Tensor, x: tf.Tensor, attrs: SharedAttrs<'ResizeBilinear' | 'ResizeNearestNeighbor'>) => tf.Tensor {
  return (dy, x, attrs) => {
    const [, fromH = 1, fromW = 1] = x.shape;
    const [, toH = 1, toW = 1] = dy.shape;
    const alignCorners = attrs['alignCorners'] === true;
    const halfPixelCenters = attrs['halfPixelCenters'] === true;
    if (method === 'nearest' && !alignCorners && toH % fromH === 0 && toW % fromW === 0)
      return blockSums(dy, toH / fromH, toW / fromW);
    const rows = backAlong(1, dy, { method, from: fromH, to: toH, alignCorners, halfPixelCenters });
    return backAlong(2, rows, { method, from: fromW, to: toW, alignCorners, halfPixelCenters });
  };
}

/** Gradients of resizing. */
export const resizingGradients: GradientTable = {
  ResizeBilinear: unary('images', resizeAdjoint('bilinear')),
  ResizeNearestNeighbor: unary('images', resizeAdjoint('nearest')),
};
