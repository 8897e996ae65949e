// Initial weights from the counter-based generator: they depend on the seed alone, not on the engine or on tfjs.
import { philoxNormal, sizeOf, streamOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { shuffledBy } from './layers/pixel-shuffle.js';

/** How to initialise. */
export interface InitialiseOptions {
  seed: number | bigint;
  /** Standard deviation of a kernel or of a table of embeddings, from its shape. */
  deviation: (shape: readonly number[]) => number;
  /** `orthogonal`: filters of a kernel are orthonormal, or its rows if those are fewer. Default `normal`. */
  kernels?: 'normal' | 'orthogonal';
}

/**
 * Standard deviation of weights, by the last part of their names. Weights that are not in this table keep the values
 * that their layer gave them.
 */
const DRAWN: Readonly<Record<string, (shape: readonly number[], options: InitialiseOptions) => number>> = {
  kernel: (shape, { deviation }) => deviation(shape),
  embeddings: (shape, { deviation }) => deviation(shape),
  // the picture that StyleGAN's generator starts from
  constant: () => 1,
  // deviation 1, like the latent that word vectors are concatenated with
  words: () => 1,
  // the power iteration of spectral normalisation may start anywhere
  u: () => 1,
};

/**
 * Draws every `kernel` and `embeddings` from N(0, deviation²), by the weight's name, so that adding a layer does not
 * change the weights of others. Other weights keep the values that their layer gave them: biases and offsets 0, scales
 * 1. The kernel before a pixel shuffle is the same for all pixels of a block, so that pictures start without a grid
 * (ICNR, Aitken et al. 2017).
 */
export function initialise(model: tf.LayersModel, options: InitialiseOptions): void {
  const blocks = shuffledBy(model);
  for (const weight of model.weights) {
    const name = weight.originalName;
    const shape = weight.shape.map(Number);
    const scale = DRAWN[name.slice(name.lastIndexOf('/') + 1)]?.(shape, options);
    if (scale === undefined) continue;
    // Weights are drawn only once, so the position's `step` is free for a second hash of the name: collisions of 48
    // bits are unlikely.
    const at = { seed: options.seed, stream: streamOf(`weights/${name}`), step: streamOf(name) };
    const times = blocks.get(name) ?? 1;
    const columns = (shape.at(-1) ?? 1) / times;
    const normals = philoxNormal(at, sizeOf(shape) / times);
    const drawn =
      options.kernels === 'orthogonal' && name.endsWith('/kernel')
        ? orthonormal(normals, columns)
        : normals.map((x) => x * scale);
    const values = repeated(drawn, columns, times);
    tf.tidy(() => void weight.write(tf.tensor(values, shape)));
  }
}

/** Rows of `length` numbers, each repeated `times` times. */
function repeated(values: Float32Array, length: number, times: number): Float32Array {
  if (times === 1) return values;
  const made = new Float32Array(values.length * times);
  for (let at = 0; at < values.length; at += length)
    for (let i = 0; i < times; i++) made.set(values.subarray(at, at + length), at * times + i * length);
  return made;
}

/**
 * Makes a matrix [rows, columns] orthonormal along its shorter side, by Gram-Schmidt in double precision (Saxe et al.
 * 2014). From normal numbers, the result is uniform over such matrices. A kernel's columns are its last axis.
 */
export function orthonormal(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const tall = rows >= columns;
  const [count, length] = tall ? [columns, rows] : [rows, columns];
  const at = (vector: number, i: number): number => (tall ? i * columns + vector : vector * columns + i);
  const basis = Array.from({ length: count }, (_, v) =>
    Float64Array.from({ length }, (__, i) => values[at(v, i)] ?? NaN),
  );
  const made = new Float32Array(values.length);
  basis.forEach((vector, v) => {
    for (const before of basis.slice(0, v)) {
      const along = vector.reduce((sum, x, i) => sum + x * (before[i] ?? NaN), 0);
      for (let i = 0; i < length; i++) vector[i] = (vector[i] ?? NaN) - along * (before[i] ?? NaN);
    }
    const size = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    for (let i = 0; i < length; i++) made[at(v, i)] = vector[i] = (vector[i] ?? NaN) / size;
  });
  return made;
}

/** N(0, 0.02), as in DCGAN (Radford et al. 2016, section 4). */
export const dcganDeviation = (): number => 0.02;

/** √(2 / fan-in), for ReLU networks (He et al. 2015). */
export const heDeviation = (shape: readonly number[]): number => Math.sqrt(2 / sizeOf(shape.slice(0, -1)));
