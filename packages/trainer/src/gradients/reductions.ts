// Sum, mean, maximum and minimum along axes, and Tile, which is how tfjs broadcasts. Gradients are broadcast, not
// multiplied by tensors of ones.
import * as tf from '@tensorflow/tfjs';
import type { AttrName, SharedAttrs } from '../kernels/attributes.js';
import { at, constant, numbers, unary, type GradientTable, type KernelGradient } from './tape.js';

/** Axes of a reduction as non-negative numbers; none given means all. */
function axesOf(value: unknown, rank: number): number[] {
  const axes = numbers(value) ?? Array.from({ length: rank }, (_, i) => i);
  return axes.map((axis) => (axis < 0 ? axis + rank : axis));
}

function keptShape(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.map((size, i) => (axes.includes(i) ? 1 : size));
}

function spread(dy: tf.Tensor, x: tf.Tensor, axes: readonly number[], factor: number): tf.Tensor {
  const kept = tf.reshape(dy, keptShape(x.shape, axes));
  return tf.broadcastTo(factor === 1 ? kept : tf.mul(kept, factor), x.shape);
}

/** The gradient goes to the extreme elements, divided evenly among ties. */
function extremum(
  attribute: AttrName<'Max' | 'Min'>,
  reduce: (x: tf.Tensor, axes: number[]) => tf.Tensor,
): KernelGradient<'Max' | 'Min'> {
  return unary('x', (dy, x, attrs: SharedAttrs<'Max' | 'Min'>) => {
    const axes = axesOf(attrs[attribute], x.rank);
    const shares = constant(() => {
      const hits = tf.cast(tf.equal(x, reduce(x, axes)), 'float32');
      return tf.div(hits, tf.sum(hits, axes, true));
    });
    return tf.mul(shares, tf.reshape(dy, keptShape(x.shape, axes)));
  });
}

/** Gradients of reductions. */
export const reductionGradients: GradientTable = {
  Sum: unary('x', (dy, x, attrs) => spread(dy, x, axesOf(attrs['axis'], x.rank), 1)),
  Mean: unary('x', (dy, x, attrs) => {
    const axes = axesOf(attrs['axis'], x.rank);
    return spread(
      dy,
      x,
      axes,
      axes.reduce((count, axis) => count / (x.shape[axis] ?? 1), 1),
    );
  }),
  Max: extremum('reductionIndices', (x, axes) => tf.max(x, axes, true)),
  Min: extremum('axis', (x, axes) => tf.min(x, axes, true)),
  Cumsum: unary('x', (dy, x, attrs) => {
    const [axis = 0] = axesOf(attrs['axis'] ?? 0, x.rank);
    return tf.cumsum(dy, axis, attrs['exclusive'] === true, attrs['reverse'] !== true);
  }),
  Tile: {
    inputs: ['x'],
    grad: (dy, saved, attrs) => ({
      x: () => {
        const x = at(saved, 0);
        const reps = numbers(attrs['reps']) ?? [];
        // Axes of size 1 are merged with their repetition, so that broadcasting adds no axes.
        const shape: number[] = [];
        const axes: number[] = [];
        x.shape.forEach((size, i) => {
          const rep = reps[i] ?? 1;
          if (rep !== 1) {
            axes.push(shape.length);
            shape.push(rep);
          }
          if (size !== 1 || rep === 1) shape.push(size);
        });
        const summed = axes.length === 0 ? dy : tf.sum(tf.reshape(dy, shape), axes);
        return tf.reshape(summed, x.shape);
      },
    }),
  },
};
