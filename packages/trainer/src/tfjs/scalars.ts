// Checks that losses and penalties of users return scalars. A vector would first fail inside tfjs's gradients, where
// nothing names the loss that returned it.
import { describeValue, UsageError } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';

function scalarOf(where: string, value: unknown): tf.Scalar {
  const { shape } = (value ?? {}) as { shape?: readonly number[] };
  if (Array.isArray(shape) && shape.length === 0) return value as tf.Scalar;
  const got = Array.isArray(shape) ? `shape [${shape.join(', ')}]; take its mean` : describeValue(value);
  throw new UsageError(`${where}: expected a scalar tensor, got ${got}`, { code: 'config.invalid' });
}

/** `part`, whose `methods` throw a UsageError `config.invalid` if they return something other than a scalar. */
export function returningScalars<T extends object>(part: T, where: string, methods: readonly (keyof T & string)[]): T {
  return Object.create(Object.getPrototypeOf(part) as object | null, {
    ...Object.getOwnPropertyDescriptors(part),
    ...Object.fromEntries(
      methods.map((name) => [
        name,
        {
          enumerable: true,
          value: (...given: unknown[]): tf.Scalar =>
            scalarOf(`${where}.${name}`, (part[name] as (...all: unknown[]) => unknown).apply(part, given)),
        },
      ]),
    ),
  }) as T;
}
