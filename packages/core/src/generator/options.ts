// Options of Generator's methods: types, and the checks that need no model.
import { UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import type { AbortSignalLike } from '../platform.js';
import { optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import type { Truncation } from '../latent/truncation.js';
import type { Manifest } from '../manifest/manifest.js';
import type { NamedTensors } from '../tensor.js';

/** How concurrent requests share runs. */
export interface BatchOptions {
  /** Maximum pictures per run; fewer if a run's output would exceed 256 MiB. Default 64. */
  max?: number;
  /**
   * Milliseconds that the first request of a run waits for others. Default 0: requests of the same tick, and those that
   * arrive during a run, share the next.
   */
  delayMs?: number;
  /** Maximum requests waiting or running at once; further ones are refused with `overloaded`. Default 1024. */
  queue?: number;
}

/** Options of how pictures are drawn. */
export interface DrawOptions {
  /**
   * An integer from 0 to 2⁶⁴−1. Default 0. Picture i of a seed does not depend on the count, the batch or the machine.
   */
  seed?: number | bigint;
  /**
   * t: latent entries with |z| > t are redrawn. `{ psi }`: every entry is multiplied by psi, towards the mean; in
   * models with styles, every style is scaled towards the mean style instead.
   */
  truncation?: Truncation;
  /**
   * Index or name of a class, for models that take one. Default: picture i is of class i modulo the number of classes.
   * A text of digits is the name of a class if one is called so, else an index.
   */
  label?: number | string;
  /**
   * Description of the picture, in words of the model's vocabulary, for models that take a text. With several texts,
   * picture i takes text i modulo the number of texts.
   */
  text?: string | readonly string[];
  /** Style mixing: a second latent styles the layers from a given one on, for models that support it. */
  mix?: Mix;
  /**
   * For models that take noise: picture i uses noise i of this seed, or zeros for `none`. Default: noise of the
   * picture's own seed.
   */
  noise?: { seed: number | bigint } | 'none';
  /** When aborted, the request is removed from the queue and the call rejects with `aborted`. */
  signal?: AbortSignalLike;
}

/** A second latent, and the first layer that it styles. */
export interface Mix {
  /** Picture i uses latent i of this seed. */
  seed: number | bigint;
  /** First layer that it styles, from 0 (all) to the model's number of layers (none): coarse shapes come first. */
  from: number;
  /** Every picture uses this latent of the seed instead. */
  index?: number;
}

/** Options of `Generator.sample`. */
export interface SampleOptions extends DrawOptions {
  /** Number of pictures, 1 to 100,000. Default: the number of `latents` or of texts, if given, else 1. */
  count?: number;
  /** Latents to use instead of the seed's, `[count, size]`. */
  latents?: Float32Array;
}

/** Options of `Generator.stream`. */
export interface StreamOptions extends DrawOptions {
  /** Index of the first picture. Default 0. */
  start?: number;
  /** Number of pictures. Default: endless. */
  count?: number;
}

/**
 * Options of `Generator.interpolate`: a walk through the first latents of several seeds, given as `seeds` or as `from`
 * and `to`. Of seeds, classes and texts, give one for all stops or one for each stop.
 */
export interface InterpolateOptions extends Omit<DrawOptions, 'seed' | 'label'> {
  /** Seed of the first picture, 0 to 2⁶⁴−1. */
  from?: number | bigint;
  /** Seed of the last one, 0 to 2⁶⁴−1. */
  to?: number | bigint;
  /** Seeds of all stops, in order, each 0 to 2⁶⁴−1; instead of `from` and `to`. */
  seeds?: readonly (number | bigint)[];
  /** Index or name of a class, default 0. Pictures between stops of two classes are cross-faded from both. */
  label?: number | string | readonly (number | string)[];
  /** Descriptions of the pictures. Pictures between stops of two texts are cross-faded from both. */
  text?: string | readonly string[];
  /** Number of pictures, 2 to 100,000. */
  steps: number;
  /** Default `slerp` for normal latents, `lerp` for uniform ones and for styles. */
  mode?: 'slerp' | 'lerp';
  /**
   * Walk in w: interpolate the styles that the generator returns for the stops; this second model makes pictures from
   * them.
   */
  synthesis?: Synthesis;
  /** Return to the start, so that the walk can be played in a loop. */
  loop?: boolean;
}

/** The second model of a walk in w: a loaded `synthesis.onnx`. */
export interface Synthesis {
  readonly manifest: Manifest;
  run(feeds: NamedTensors, options?: { signal?: AbortSignalLike }): Promise<NamedTensors>;
}

/** Options of `Generator.translate`. */
export interface TranslateOptions {
  /** Side of square tiles, in input pixels. Default: each picture is run whole. */
  tile?: number;
  /**
   * Minimum overlap of neighbouring tiles, in pixels. If the model's receptive field reaches at most a quarter of it,
   * the result equals that of the whole picture; the middle half of the overlap is blended. Default: an eighth of
   * `tile`.
   */
  overlap?: number;
  /** Called after each tile or picture, with how many of them are done. */
  onProgress?: (progress: { done: number; total: number }) => unknown;
  /** When aborted, no further tiles and pictures are run, and the call rejects with `aborted`. */
  signal?: AbortSignalLike;
}

/** Options of `Generator.score`. */
export interface ScoreOptions {
  /** Index or name of the class that a picture is judged as, for models that take one; one, or one per picture. */
  label?: number | string | readonly (number | string)[];
  /** The text that a picture is judged with, for models that take one; one, or one per picture. */
  text?: string | readonly string[];
  signal?: AbortSignalLike;
}

/** Maximum pictures per call. */
export const MOST = 100_000;

/** {@link BatchOptions} with defaults, checked. */
export function batchOf(batch: BatchOptions = {}): Required<BatchOptions> {
  const { max = 64, delayMs = 0, queue = 1024 } = optionsOf('batch', batch, 'delayMs max queue');
  checkInteger('batch.max', max, 1, MOST);
  checkInteger('batch.queue', queue, 1, Number.MAX_SAFE_INTEGER);
  if (!(typeof delayMs === 'number' && delayMs >= 0 && delayMs <= 60_000))
    throw new UsageError(`batch.delayMs: expected milliseconds from 0 to 60000, got ${shown(delayMs)}`, {
      code: 'input.range',
    });
  return { max, delayMs, queue };
}
