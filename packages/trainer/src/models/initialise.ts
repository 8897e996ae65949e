// Weights from the counter-based generator: the same for a seed in every engine, whatever tfjs drew before.
import { philoxNormal, sizeOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';

/** Streams of a step's random inputs count from 0; those of initial weights from here. */
const FIRST_STREAM = 1 << 20;

/** How to initialise. */
export interface InitialiseOptions {
  seed: number | bigint;
  /** Standard deviation of a kernel, from its shape. */
  deviation: (shape: readonly number[]) => number;
  /** Added to the stream, so that two networks of one seed differ. Default 0. */
  offset?: number;
}

/**
 * Draws every `kernel` from N(0, deviation²), in order; other weights keep what their layer gives: biases and offsets
 * 0, scales 1.
 */
export function initialise(model: tf.LayersModel, { seed, deviation, offset = 0 }: InitialiseOptions): void {
  model.weights.forEach((weight, i) => {
    if (!weight.originalName.endsWith('/kernel')) return;
    const shape = weight.shape.map(Number);
    const scale = deviation(shape);
    const values = philoxNormal({ seed, stream: FIRST_STREAM + offset + i, step: 0 }, sizeOf(shape)).map(
      (x) => x * scale,
    );
    tf.tidy(() => void weight.write(tf.tensor(values, shape)));
  });
}

/** N(0, 0.02), as DCGAN has it (Radford et al. 2016, section 4). */
export const dcganDeviation = (): number => 0.02;

/** √(2 / fan-in), for ReLU networks (He et al. 2015). */
export const heDeviation = (shape: readonly number[]): number => Math.sqrt(2 / sizeOf(shape.slice(0, -1)));
