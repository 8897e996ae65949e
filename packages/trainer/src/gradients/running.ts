// Products and cumulative products along axes, without dividing by elements, which may be zero.
import * as tf from '@tensorflow/tfjs';
import type { AttrsOf } from '../kernels/attributes.js';
import { filled, numbers, unary, type GradientTable } from './tape.js';

/** Each element's gradient is the product of all others: those before it times those after it. */
function productAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<'Prod'>): tf.Tensor {
  const all = x.shape.map((_, i) => i);
  const axes = (numbers(attrs['axis']) ?? all).map((axis) => (axis < 0 ? axis + x.rank : axis));
  const order = [...all.filter((axis) => !axes.includes(axis)), ...axes];
  const moved = tf.transpose(x, order);
  const count = axes.reduce((product, axis) => product * (x.shape[axis] ?? 1), 1);
  const rows = tf.reshape(moved, [x.size / Math.max(count, 1), count]);
  const others = tf.mul(tf.cumprod(rows, 1, true, false), tf.cumprod(rows, 1, true, true));
  const slopes = tf.mul(others, tf.reshape(dy, [x.size / Math.max(count, 1), 1]));
  return tf.transpose(
    tf.reshape(slopes, moved.shape),
    all.map((axis) => order.indexOf(axis)),
  );
}

/**
 * Row i of a square matrix holds the cumulative products with element i replaced by 1, which are the derivatives with
 * respect to element i. Memory grows with the square of the axis.
 */
function runningProductAdjoint(dy: tf.Tensor, x: tf.Tensor, attrs: AttrsOf<'Cumprod'>): tf.Tensor {
  const given = Number(attrs['axis'] ?? 0);
  const axis = given < 0 ? given + x.rank : given;
  const [exclusive, reverse] = [attrs['exclusive'] === true, attrs['reverse'] === true];
  const length = x.shape[axis] ?? 1;
  const square = [...x.shape.slice(0, axis).map(() => 1), length, length, ...x.shape.slice(axis + 1).map(() => 1)];
  const table = (holds: (i: number, k: number) => boolean): tf.Tensor =>
    tf.reshape(
      filled([length, length], (at) => (holds(Math.floor(at / length), at % length) ? 1 : 0)),
      square,
    );
  const own = table((i, k) => i === k);
  const others = tf.add(
    tf.mul(
      tf.expandDims(x, axis),
      table((i, k) => i !== k),
    ),
    own,
  );
  const after = table((i, k) => (reverse ? k < i : k > i) || (!exclusive && k === i));
  const products = tf.mul(tf.cumprod(others, axis + 1, exclusive, reverse), after);
  return tf.sum(tf.mul(products, tf.expandDims(dy, axis)), axis + 1);
}

/** Gradients of products along axes. */
export const runningGradients: GradientTable = {
  Prod: unary('x', productAdjoint),
  Cumprod: unary('x', runningProductAdjoint),
};
