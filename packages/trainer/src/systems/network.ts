// A network of a system: the user's own, or a new one with weights drawn from the seed.
import { messageOf, UsageError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import { variablesOf } from '../tfjs/variables.js';
import { initialise } from '../models/initialise.js';
import type { Circumstances } from './kind.js';

/**
 * The network of a role: the user's own, unchanged, or else the result of `build()`, with kernels that are drawn with
 * the given standard deviation or are orthogonal.
 */
export function networkOf(
  { networks, seed }: Circumstances,
  role: string,
  build: () => tf.LayersModel,
  deviation: (shape: readonly number[]) => number,
  kernels: 'normal' | 'orthogonal' = 'normal',
): tf.LayersModel {
  const own = networks[role];
  const model = build();
  if (own !== undefined) {
    checkLike(own, model, role);
    model.dispose();
    return own;
  }
  initialise(model, { seed, deviation, kernels });
  return model;
}

type Shape = readonly (number | null)[];

/**
 * @throws UsageError `config.invalid` for a user's network that was disposed, or whose inputs and outputs do not fit in
 * the place of `ready`. Sizes that one of them leaves open fit. Discriminators may return maps of logits.
 */
function checkLike(own: tf.LayersModel, ready: tf.LayersModel, role: string): void {
  const refuse = (expected: string, got: string): UsageError =>
    new UsageError(`train.host.networks.${role}: expected ${expected}, got ${got}`, { code: 'config.invalid' });
  try {
    variablesOf(own.weights);
  } catch (cause) {
    throw refuse('a network with its weights', `one that cannot be used: ${messageOf(cause)}`);
  }
  for (const side of ['inputs', 'outputs'] as const) {
    const [wanted, found] = [ready[side], own[side]].map((list) => list.map(({ shape }): Shape => shape.slice(1)));
    const fits = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => alike(d, b[i] ?? null));
    const judges = side === 'outputs' && role.startsWith('d');
    const logits = (a: Shape, b: Shape): boolean => judges && a.at(-1) === 1 && b.at(-1) === 1;
    const each = wanted?.every((a, i) => fits(a, found?.[i] ?? []) || logits(a, found?.[i] ?? []));
    if (wanted?.length !== found?.length || !each)
      throw refuse(`${side} of ${textOf(wanted)}, as the system's own network has`, textOf(found));
  }
}

const alike = (a: number | null, b: number | null): boolean => a === null || b === null || a === b;

const textOf = (shapes: readonly Shape[] = []): string =>
  shapes.map((shape) => `[${['batch', ...shape.map((d) => d ?? 'any')].join(', ')}]`).join(' and ') || 'none';

/** Disposes a system's variables except those of the user's own networks. */
export function disposeOwn(variables: readonly tf.Variable[], { networks }: Circumstances): void {
  const borrowed = new Set(Object.values(networks).flatMap(({ weights }) => variablesOf(weights)));
  for (const variable of variables) if (!borrowed.has(variable)) variable.dispose();
}
