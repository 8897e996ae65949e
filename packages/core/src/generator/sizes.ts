// Refuses input sizes at which the exported file would run but give other results than the original network: sizes that
// are not multiples of a dim's step, or that are outside its bounds.
import { UsageError } from '../errors.js';
import type { NamedTensors } from '../tensor.js';
import type { Manifest } from '../manifest/manifest.js';

/** @throws UsageError `input.shape` for a feed with a size that its dim does not allow. */
export function checkSizes({ inputs, steps = {}, bounds = {} }: Manifest, feeds: NamedTensors): void {
  for (const { name, shape } of inputs) {
    for (const [axis, dim] of shape.entries()) {
      const size = feeds[name]?.shape[axis];
      if (size === undefined || typeof dim !== 'string') continue;
      const step = ownValue(steps, dim);
      if (step !== undefined && size % step !== 0)
        throw refusal(
          name,
          `a ${dim} that is a multiple of ${step}, got ${size}; resize or pad to ` +
            `${Math.ceil(size / step) * step}, or translate in tiles of such a size`,
        );
      const [low, high] = ownValue(bounds, dim) ?? [0, Infinity];
      if (size < low || size > high)
        throw refusal(
          name,
          `a ${dim} from ${low} to ${high}, for which the file was checked, got ${size}; split the input into ` +
            `such sizes, or export again with bounds: { ${dim}: [${Math.min(low, size)}, ${Math.max(high, size)}] }`,
        );
    }
  }
}

/** The greatest allowed size of a dim. */
export function greatest({ bounds = {} }: Manifest, dim: number | string | undefined): number {
  return typeof dim === 'string' ? (ownValue(bounds, dim)?.[1] ?? Infinity) : Infinity;
}

function ownValue<T>(of: Readonly<Record<string, T>>, dim: string): T | undefined {
  return Object.hasOwn(of, dim) ? of[dim] : undefined;
}

function refusal(input: string, why: string): UsageError {
  return new UsageError(`run.${input}: expected ${why}`, { code: 'input.shape' });
}
