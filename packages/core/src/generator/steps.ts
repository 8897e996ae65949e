// Sizes that a model takes at multiples only: its file would run other ones, and give numbers that the network does
// not.
import { UsageError } from '../errors.js';
import type { NamedTensors } from '../tensor.js';
import type { Manifest } from '../manifest/manifest.js';

/** @throws UsageError `input.shape` for a feed whose size is no multiple of its dim's step. */
export function checkSteps({ inputs, steps = {} }: Manifest, feeds: NamedTensors): void {
  for (const { name, shape } of inputs) {
    for (const [axis, dim] of shape.entries()) {
      const [size, step] = [
        feeds[name]?.shape[axis],
        typeof dim === 'string' && Object.hasOwn(steps, dim) ? steps[dim] : undefined,
      ];
      if (size === undefined || step === undefined || size % step === 0) continue;
      throw new UsageError(
        `run.${name}: expected a ${dim} that is a multiple of ${step}, got ${size}; resize or pad to ${Math.ceil(size / step) * step}, or translate in tiles of such a size`,
        { code: 'input.shape' },
      );
    }
  }
}
