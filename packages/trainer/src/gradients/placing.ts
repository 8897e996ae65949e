// Gradients of kernels that read or write elements at computed indices: gather, scatter, segment sum, top k. Indices
// have no gradient.
import * as tf from '@tensorflow/tfjs';
import type { AttrsOf } from '../kernels/attributes.js';
import { at, constant, slopesOf, type GradientTable } from './tape.js';

/**
 * Adds the gradients of gathered slices at the indices they were read from. Indices are offset per batch (the first
 * `batchDims` axes) so that batches stay separate.
 */
function gatherAdjoint(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor, attrs: AttrsOf<'GatherV2'>): tf.Tensor {
  const [given, batch] = [Number(attrs['axis'] ?? 0), Number(attrs['batchDims'] ?? 0)];
  const axis = given < 0 ? given + x.rank : given;
  const batchDims = batch < 0 ? batch + indices.rank : batch;
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  const batches = size(x.shape.slice(0, batchDims));
  const outer = size(x.shape.slice(batchDims, axis));
  const inner = size(x.shape.slice(axis + 1));
  const length = x.shape[axis] ?? 1;
  const each = indices.size / batches;
  const offsets = tf.tensor(
    Int32Array.from({ length: batches }, (_, i) => i * length),
    [batches, 1],
    'int32',
  );
  const flatIndices = tf.reshape(indices, [batches, each]);
  const places = tf.reshape(batches === 1 ? flatIndices : tf.add(flatIndices, offsets), [batches * each]);
  const swap = (t: tf.Tensor): tf.Tensor => (outer === 1 ? t : tf.transpose(t, [0, 2, 1, 3]));
  const values = tf.reshape(swap(tf.reshape(dy, [batches, outer, each, inner])), [batches * each, outer * inner]);
  const summed = tf.unsortedSegmentSum(values, places as tf.Tensor1D, batches * length);
  return tf.reshape(swap(tf.reshape(summed, [batches, length, outer, inner])), x.shape);
}

/** Each slice gets the gradient of its segment; zero for an id of no segment, whose slice is left out of the sums. */
function segmentAdjoint(dy: tf.Tensor, segments: tf.Tensor): tf.Tensor {
  const last = tf.scalar((dy.shape[0] ?? 1) - 1, 'int32');
  const known = constant(() => tf.minimum(tf.maximum(segments, tf.scalar(0, 'int32')), last));
  const slopes = tf.gather(dy, known as tf.Tensor1D);
  const there = constant(() =>
    tf.reshape(tf.cast(tf.equal(segments, known), 'float32'), [
      ...segments.shape,
      ...new Array<number>(slopes.rank - segments.rank).fill(1),
    ]),
  );
  return tf.mul(slopes, there);
}

/** The shape of the slices at `indices`. */
function updatesShape(whole: tf.Tensor, indices: tf.Tensor): number[] {
  return [...indices.shape.slice(0, -1), ...whole.shape.slice(indices.shape.at(-1) ?? 0)];
}

/** 1 for the updates that are seen in the result, 0 for those that a later one of the same place overwrites. */
function lasting(whole: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  const places = indices.shape.slice(0, -1);
  const slices = whole.shape.slice(indices.shape.at(-1) ?? 0);
  const numbers = tf.reshape(
    tf.range(
      0,
      places.reduce((a, b) => a * b, 1),
    ),
    places,
  );
  const written = tf.tensorScatterUpdate(
    tf.fill(whole.shape.slice(0, indices.shape.at(-1) ?? 0), -1),
    indices,
    numbers,
  );
  const last = tf.cast(tf.equal(tf.gatherND(written, indices), numbers), 'float32');
  return tf.reshape(last, [...places, ...slices.map(() => 1)]);
}

/** Gradients of reading and writing at indices. */
export const placingGradients: GradientTable = {
  GatherV2: {
    inputs: ['x', 'indices'],
    grad: (dy, saved, attrs) => {
      const [x, indices] = [at(saved, 0), at(saved, 1)];
      return { x: () => gatherAdjoint(dy, x, indices, attrs), indices: () => tf.zeros(indices.shape) };
    },
  },
  GatherNd: {
    inputs: ['params', 'indices'],
    grad: (dy, saved) => {
      const [params, indices] = [at(saved, 0), at(saved, 1)];
      return {
        params: () => tf.scatterND(indices, dy, params.shape),
        indices: () => tf.zeros(indices.shape),
      };
    },
  },
  ScatterNd: {
    inputs: ['indices'],
    grad: (dy, saved) => {
      const indices = at(saved, 0);
      return { updates: () => tf.gatherND(dy, indices), indices: () => tf.zeros(indices.shape) };
    },
  },
  TensorScatterUpdate: {
    inputs: ['indices'],
    grad: (dy, saved) => {
      const indices = at(saved, 0);
      // Does not use the kernel itself, because on tfjs's cpu backend it overwrites its input.
      const kept = (): tf.Tensor =>
        constant(() =>
          tf.cast(tf.equal(tf.scatterND(indices, tf.ones(updatesShape(dy, indices)), dy.shape), 0), 'float32'),
        );
      return {
        tensor: () => tf.mul(dy, kept()),
        updates: () =>
          tf.mul(
            tf.gatherND(dy, indices),
            constant(() => lasting(dy, indices)),
          ),
        indices: () => tf.zeros(indices.shape),
      };
    },
  },
  UnsortedSegmentSum: {
    inputs: ['segmentIds'],
    grad: (dy, saved) => {
      const segments = at(saved, 0);
      return { x: () => segmentAdjoint(dy, segments), segmentIds: () => tf.zeros(segments.shape) };
    },
  },
  TopK: {
    inputs: ['x'],
    grad: (dy, saved, attrs) => ({
      x: () => {
        const x = at(saved, 0);
        // one-hot rows of the elements taken
        const taken = constant(() => {
          const { indices } = tf.topk(x, Number(attrs['k']), attrs['sorted'] === true);
          const places = tf.range(0, x.shape.at(-1) ?? 1, 1, 'int32');
          return tf.cast(tf.equal(tf.expandDims(indices, -1), places), 'float32');
        });
        return tf.sum(tf.mul(taken, tf.expandDims(at(slopesOf(dy), 0), -1)), -2);
      },
    }),
  },
};
