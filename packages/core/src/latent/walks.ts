// Walks: sequences of latents from stop to stop, for animations.
import { UsageError } from '../errors.js';
import { checkInteger } from '../integer.js';
import { classOf, optionsOf } from '../realm.js';
import { shown } from '../shown.js';
import { lerp, slerp } from './slerp.js';

/** Maximum number of latents in a walk. */
const MOST_STEPS = 100_000;

/** Options of {@link latentWalk}. */
export interface WalkOptions {
  /** Default `slerp`. */
  mode?: 'slerp' | 'lerp';
  /**
   * Return from the last stop to the first, which is not repeated, so that the walk can be played in a loop. Default
   * false.
   */
  loop?: boolean;
}

/**
 * `steps` latents, `[steps, size]`, evenly spaced along the path through `stops` (all of the same size). Without
 * `loop`, the first and last latent are the first and last stop; with it, step k is at the fraction k/steps of the
 * closed path, so with two stops it goes there and back. Throws UsageError for fewer than two stops, for steps above
 * 100,000, and for fewer steps than stops.
 */
export function latentWalk(stops: readonly Float32Array[], steps: number, options: WalkOptions = {}): Float32Array {
  const { mode = 'slerp', loop = false } = optionsOf('latentWalk', options, 'loop mode');
  if (mode !== 'slerp' && mode !== 'lerp')
    throw new UsageError(`latentWalk.mode: expected 'slerp' or 'lerp', got ${shown(mode)}`);
  const between = { slerp, lerp }[mode];
  if (!Array.isArray(stops) || stops.some((stop) => classOf(stop) !== 'Float32Array'))
    throw new UsageError(`latentWalk.stops: expected a list of Float32Arrays, got ${shown(stops)}`, {
      code: 'input.shape',
    });
  const first = stops[0];
  if (!first || stops.length < 2)
    throw new UsageError(`latentWalk.stops: expected two latents or more, got ${stops.length}`, {
      code: 'input.shape',
    });
  checkSteps('latentWalk', steps, stops.length);
  const way = loop ? [...stops, first] : stops;
  const out = new Float32Array(steps * first.length);
  for (let k = 0; k < steps; k++) {
    const { leg, part } = placeOf(k, steps, stops.length, loop);
    // leg is below the number of legs
    out.set(between(way[leg] as Float32Array, way[leg + 1] as Float32Array, part), k * first.length);
  }
  return out;
}

/** Throws `input.range` if there are fewer steps than stops. */
export function checkSteps(where: string, steps: number, stops: number): void {
  const least = Math.max(2, stops);
  checkInteger(
    `${where}.steps`,
    steps,
    least,
    MOST_STEPS,
    least > 2 ? `; at least one for each of ${stops} stops` : '',
  );
}

/** Where step `k` of `steps` is on a path through `stops` stops: `part` (0..1) of the way from stop `leg` on. */
export function placeOf(k: number, steps: number, stops: number, loop: boolean): { leg: number; part: number } {
  const legs = loop ? stops : stops - 1;
  // Multiply before dividing, so that the last step is exactly the last stop.
  const place = (k * legs) / (loop ? steps : steps - 1);
  const leg = Math.min(Math.floor(place), legs - 1);
  return { leg, part: place - leg };
}
