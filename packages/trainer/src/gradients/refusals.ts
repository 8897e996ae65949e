// Refuses kernels whose gradient is not checked, with an error that names the user's line: with a wrong gradient,
// training runs but goes badly.
import { ExportError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { rowOf, type KernelRows } from '../kernels/rows.js';
import { callSite } from '../tfjs/call-site.js';
import { watchTape } from '../tfjs/engine.js';

/** Kernels whose tfjs gradient is not used, with the reason. */
export const refusedGradients: KernelRows<string> = {
  ComplexAbs: 'complex numbers are not differentiated; compute with real and imaginary parts as separate tensors',
  BroadcastTo: 'tf.broadcastTo runs Tile instead',
  LogSoftmax: 'tf.logSoftmax runs other kernels instead',
  Dilation2D: "tfjs's cannot be differentiated twice",
};

/**
 * tfjs's own gradients of these kernels. They are compared with the registry, because gradients that the user has
 * registered since are accepted.
 */
const stock = new Map(Object.keys(refusedGradients).map((name) => [name, tf.getGradient(name)]));

/** Why a kernel's gradient is refused, or undefined. */
function refusal(kernel: string): string | undefined {
  const config = tf.getGradient(kernel) as tf.GradConfig | undefined; // tfjs's type claims that there always is one
  if (config === undefined) return rowOf(refusedGradients, kernel) ?? 'neither tfjs nor Forja has one';
  return config === stock.get(kernel) ? rowOf(refusedGradients, kernel) : undefined;
}

/**
 * Makes tfjs throw when a gradient is taken through a kernel without a proven gradient. Returns a function that undoes
 * it.
 */
export function refuseUnproven(): () => void {
  return watchTape((node, { kernel, inputs, gradient }) => {
    // Accept an op's own gradient, the user's in tf.customGrad, and kernels without inputs.
    if (typeof gradient === 'function' || Object.keys(inputs).length === 0) return;
    const reason = refusal(kernel);
    if (reason === undefined) return;
    const site = callSite();
    node.gradient = () => {
      throw new ExportError(
        'gradient.unproven',
        `gradient${site === undefined ? '' : `, at ${site}`}: expected kernels with a proven gradient in ` +
          `what is differentiated, got ${kernel}: ${reason}. Compute that part with other ops, or register one ` +
          'with tf.registerGradient',
      );
    };
  });
}
