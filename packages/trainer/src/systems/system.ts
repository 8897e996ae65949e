// The contract of a GAN system: the networks, one training step as a plain tfjs function, and what is exported. One
// system a file.
import type { TensorSpec } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { StepFunction } from '../compile/step.js';

/** Networks and step of one GAN. Everything the step updates is a tf.Variable of `variables`. */
export interface GanSystem {
  readonly name: string;
  readonly generator: tf.LayersModel;
  readonly discriminator: tf.LayersModel;
  /**
   * One update of D, then of G through the updated D, then of the average. Outputs include the scalars `loss_d` and
   * `loss_g`.
   */
  readonly step: StepFunction;
  /**
   * Inputs of the step with concrete shapes: `real` (NHWC, [-1, 1]), `z` (random normal), scalars `rate_g`, `rate_d`.
   */
  readonly inputs: Record<string, TensorSpec>;
  /** All state: weights, moving statistics, optimizer moments, EMA weights, counters. Names are unique and stable. */
  readonly variables: tf.Variable[];
  /** The generator to sample from and export: the EMA's weights and the averaged statistics, as a model of its own. */
  readonly average: tf.LayersModel;
  /** What the exported model's one output is. */
  readonly sample: { latent: number; image: { size: number; channels: number; range: [number, number] } | undefined };
  dispose(): void;
}
