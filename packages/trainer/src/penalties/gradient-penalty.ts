// The gradient penalty of WGAN-GP: gradient norm k on lines between real and fake examples. Gulrajani et al. 2017,
// equation 3; one-sided: Petzka et al. 2018 (WGAN-LP).
import { optionsOf, shown, UsageError } from '@forja/core';
import type { Penalty } from './penalty.js';
import { interpolates, offTarget } from './slope.js';

/** Options of {@link gradientPenalty}. */
export interface GradientPenaltyOptions {
  /** Target of the gradient norm. Default 1. */
  k?: number;
  /** `two` penalises norms on both sides of k, `one` only larger ones. Default `two`. */
  sided?: 'one' | 'two';
}

/**
 * E(‖∇D(x̂)‖ − k)² at x̂ = ε·x + (1 − ε)·G(z).
 * @throws UsageError `config.invalid` for k below 0.
 */
export function gradientPenalty(options: GradientPenaltyOptions = {}): Penalty {
  const { k = 1, sided = 'two' } = optionsOf('gradient-penalty', options, 'k sided');
  if (sided !== 'one' && sided !== 'two')
    throw new UsageError(`gradient-penalty.sided: expected 'one' or 'two', got ${shown(sided)}`, {
      code: 'config.invalid',
    });
  if (!(k >= 0))
    throw new UsageError(`gradient-penalty.k: expected a number ≥ 0, got ${shown(k)}`, { code: 'config.invalid' });
  return { name: 'gradient-penalty', of: (at) => offTarget(at.judge, interpolates(at), k, sided) };
}
