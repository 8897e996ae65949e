// Installs Forja's gradient functions in tfjs's process-wide registry, permanently or while a function runs. They are
// used both eagerly and in traces.
import * as tf from '@tensorflow/tfjs';
import { kernelsThat, traitsOf } from '../kernels/traits.js';
import { setGradient } from '../tfjs/engine.js';
import { mendKernels } from '../tfjs/mended.js';
import { synchronous } from '../tfjs/promises.js';
import { activationGradients } from './activations.js';
import { leaveOutAbsent } from './optional.js';
import { replaceComposites } from './composites.js';
import { convolutionGradients } from './convolution.js';
import { elementwiseGradients } from './elementwise.js';
import { movementGradients } from './movement.js';
import { normalizationGradients } from './normalization.js';
import { placingGradients } from './placing.js';
import { poolingGradients } from './pooling.js';
import { productGradients } from './products.js';
import { reductionGradients } from './reductions.js';
import { refuseUnproven } from './refusals.js';
import { resizingGradients } from './resizing.js';
import { runningGradients } from './running.js';
import { safeDivision } from './safe-division.js';
import { flat, type GradientTable, type KernelGradient } from './tape.js';
import { volumeGradients } from './volume.js';
import { zeroSlopes } from './zero-slopes.js';

export { provenGradients, type ProvenGradient } from './proven.js';

/** Gradients of the kernels that are piecewise constant. */
const flatGradients: GradientTable = Object.fromEntries(
  kernelsThat((traits) => traits.flat).map((kernel) => [kernel, flat(...(traitsOf(kernel).flat ?? []))]),
);

/** Every gradient function that Forja replaces or adds, by tfjs kernel name. */
export const gradientTable: GradientTable = {
  ...activationGradients,
  ...elementwiseGradients,
  ...reductionGradients,
  ...convolutionGradients,
  ...poolingGradients,
  ...resizingGradients,
  ...movementGradients,
  ...productGradients,
  ...normalizationGradients,
  ...placingGradients,
  ...runningGradients,
  ...volumeGradients,
  ...flatGradients,
};

function toConfig(kernelName: string, gradient: KernelGradient): tf.GradConfig {
  const { inputs, all } = gradient;
  return {
    kernelName,
    ...(all === true ? { saveAllInputs: true } : { inputsToSave: [...inputs] }),
    // tfjs passes one tensor, or a list for kernels with several outputs; the rows of those kernels expect the list.
    gradFunc: (dy, saved, attrs) => ownTensors(gradient.grad(dy as tf.Tensor, saved, attrs), dy),
  };
}

/** tfjs disposes a gradient once it has been added to another, so a row must not return `dy` itself. */
function ownTensors(grads: ReturnType<KernelGradient['grad']>, dy: tf.Tensor | tf.Tensor[]): typeof grads {
  return Object.fromEntries(
    Object.entries(grads).map(([name, make]) => [
      name,
      () => {
        const made = make();
        return made === dy || (Array.isArray(dy) && dy.includes(made)) ? tf.clone(made) : made;
      },
    ]),
  );
}

const configs = Object.entries(gradientTable).map(([name, gradient]) => toConfig(name, gradient));

let depth = 0;
let replaced: Map<string, tf.GradConfig | undefined> | undefined;
let restoreEngine: () => void = () => undefined;

/** The registered gradient, if any; tfjs's type claims that there always is one. */
function currentGradient(name: string): tf.GradConfig | undefined {
  return tf.getGradient(name);
}

function install(): void {
  if (replaced !== undefined) return;
  replaced = new Map();
  for (const config of configs) {
    replaced.set(config.kernelName, currentGradient(config.kernelName));
    setGradient(config.kernelName, config);
  }
  const undo = [mendKernels(), leaveOutAbsent(), replaceComposites(), refuseUnproven(), safeDivision(), zeroSlopes()];
  restoreEngine = () => {
    for (const step of undo.reverse()) step();
  };
}

function restore(): void {
  for (const [name, config] of replaced ?? []) setGradient(name, config);
  replaced = undefined;
  restoreEngine();
}

/**
 * Replaces tfjs's gradient functions with correct, twice-differentiable ones, permanently and for the whole process.
 * Idempotent. Stock tfjs is silently wrong in places (nearest resize of a batch, average pooling with padding, mirrored
 * padding; second order through tanh, sigmoid, softmax) and throws in others. A gradient through a kernel that {@link
 * provenGradients} does not name is refused, and a gradient that is zero everywhere is a tensor of zeros. Tracing and
 * training install them temporarily without this call.
 */
export function installGradients(): void {
  depth++;
  install();
}

/**
 * Runs `fn` with Forja's gradient functions installed and then restores the previous ones, unless {@link
 * installGradients} was called. May be nested. Throws UsageError if `fn` is asynchronous.
 */
export function withGradients<T>(fn: () => T): T {
  depth++;
  install();
  try {
    return synchronous('withGradients', fn());
  } finally {
    depth--;
    if (depth === 0) restore();
  }
}
