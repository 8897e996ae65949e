// AdamW: Adam with weight decay apart from the gradient, Loshchilov and Hutter 2019, algorithm 2, in the form of
// PyTorch: the rate scales the decay too.
import { optionsOf, shown, UsageError } from '@forja/core';
import { decoupled, type AdamOptions } from './adam.js';
import type { Optimizer } from './optimizer.js';

/** Options of {@link adamw}. */
export interface AdamwOptions extends AdamOptions {
  /** Share of a weight that a step at rate 1 would take away. Default 0.01. */
  weightDecay?: number;
}

/**
 * θ ← (1 − rate·decay)·θ, then Adam's step on the gradient alone. The state is the same as Adam's.
 * @throws UsageError `input.range` for a decay below 0.
 */
export function adamw(options: AdamwOptions = {}): Optimizer {
  const {
    weightDecay = 0.01,
    name = 'adamw',
    ...rest
  } = optionsOf('adamw', options, 'beta1 beta2 epsilon name weightDecay');
  if (!(Number.isFinite(weightDecay) && weightDecay >= 0))
    throw new UsageError(`adamw.weightDecay: expected a finite number ≥ 0, got ${shown(weightDecay)}`, {
      code: 'input.range',
    });
  return decoupled({ ...rest, name }, weightDecay);
}
