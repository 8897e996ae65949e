// What the methods of Generator take. Plain types and the checks that need no model.
import { UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import type { AbortSignalLike } from '../platform.js';
import type { Truncation } from '../latent/truncation.js';

/** How concurrent requests share runs. */
export interface BatchOptions {
  /**
   * Pictures a run, at most; fewer where they are so large that the output of a run would be above 256 MiB. Default 64.
   */
  max?: number;
  /**
   * Milliseconds that the first request of a run waits for others. Default 0: those of the same tick, and those that
   * come during a run, share the next.
   */
  delayMs?: number;
  /** Requests that may be waiting or running at once; one more is refused with `overloaded`. Default 1024. */
  queue?: number;
}

/** What a picture is drawn from, beside its number. */
export interface DrawOptions {
  /**
   * An integer from 0 to 2⁶⁴−1. Default 0. Picture i of a seed is the same whatever the count, the batch and the
   * machine.
   */
  seed?: number | bigint;
  /**
   * t: latent entries with |z| > t are drawn again. `{ psi }`: every entry times psi, towards the mean; of models with
   * styles every style, towards the mean style.
   */
  truncation?: Truncation;
  /** Index or name of a class, for models that take one. Default: picture i is of class i modulo their number. */
  label?: number | string;
  /** Layers from one on are styled by a second latent, for models that can mix styles. */
  mix?: Mix;
  signal?: AbortSignalLike;
}

/** A second latent, and where it begins. */
export interface Mix {
  /** Picture i takes latent i of this seed. */
  seed: number | bigint;
  /** First layer that it styles, from 0 (all) to the model's number of layers (none): coarse shapes come first. */
  from: number;
  /** Every picture takes this latent of the seed instead. */
  index?: number;
}

/** Options of `Generator.sample`. */
export interface SampleOptions extends DrawOptions {
  /** 1 to 100,000. Default 1, or as many as `latents` holds. */
  count?: number;
  /** Latents to use instead of the seed's, `[count, size]`. */
  latents?: Float32Array;
}

/** Options of `Generator.stream`. */
export interface StreamOptions extends DrawOptions {
  /** Number of the first picture. Default 0. */
  start?: number;
  /** Pictures to give. Default: without end. */
  count?: number;
}

/** Options of `Generator.interpolate`: a walk from the first latent of seed `from` to that of seed `to`. */
export interface InterpolateOptions extends Omit<DrawOptions, 'seed'> {
  from: number | bigint;
  to: number | bigint;
  /** Pictures, 2 to 100,000. */
  steps: number;
  /** Default `slerp` for normal latents, `lerp` for uniform ones. */
  mode?: 'slerp' | 'lerp';
  /** There and back, without a seam when played over and over. */
  loop?: boolean;
}

/** Options of `Generator.translate`. */
export interface TranslateOptions {
  /** Side of square tiles, in pixels of the input. Without it each picture is run whole. */
  tile?: number;
  /**
   * Pixels that neighbouring tiles share, at least. A model that looks at most a quarter of that around a pixel gives
   * what it gives whole; for others the middle half is blended. Default an eighth of `tile`.
   */
  overlap?: number;
  onProgress?: (progress: { done: number; total: number }) => void;
  signal?: AbortSignalLike;
}

/** Pictures that one call may ask for. */
export const MOST = 100_000;

/** {@link BatchOptions} with defaults, checked. */
export function batchOf({ max = 64, delayMs = 0, queue = 1024 }: BatchOptions = {}): Required<BatchOptions> {
  checkInteger('batch.max', max, 1, MOST);
  checkInteger('batch.queue', queue, 1, Number.MAX_SAFE_INTEGER);
  if (!(delayMs >= 0 && delayMs <= 60_000))
    throw new UsageError(`batch.delayMs: expected milliseconds from 0 to 60000, got ${delayMs}`, {
      code: 'input.range',
    });
  return { max, delayMs, queue };
}
