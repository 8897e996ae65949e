// What GIF and APNG animations share: timing, and the functions that ImageBatch passes in. If they were imported here,
// bundlers would put them into chunks that every page loads.
import type { UsageError } from '../errors.js';
import type { optionsOf } from '../realm.js';
import type { shown } from '../shown.js';
import type { rgbaOf } from './image.js';

/** Functions that an encoder's caller passes in. */
export interface EncoderTools {
  rgbaOf: typeof rgbaOf;
  UsageError: typeof UsageError;
  optionsOf: typeof optionsOf;
  shown: typeof shown;
}

/** Options of `toGIF` and `toAPNG`. */
export interface AnimationOptions {
  /**
   * Milliseconds a frame is shown, 10..60,000; default 50. GIF stores hundredths of a second, and browsers slow down
   * anything below 20 ms.
   */
  delayMs?: number;
  /** How often it plays; 0, the default, loops for ever. */
  plays?: number;
}

/**
 * The options with defaults filled in. Throws UsageError: `input.range` for numbers outside their ranges, `input.shape`
 * for a batch without frames.
 */
export function timing(
  where: string,
  { UsageError, optionsOf, shown }: Omit<EncoderTools, 'rgbaOf'>,
  count: number,
  options: AnimationOptions = {},
): Required<AnimationOptions> {
  const { delayMs = 50, plays = 0 } = optionsOf(where, options, 'delayMs plays');
  if (count < 1) throw new UsageError(`${where}: expected one picture or more, got none`, { code: 'input.shape' });
  if (!(typeof delayMs === 'number' && delayMs >= 10 && delayMs <= 60_000))
    throw new UsageError(`${where}.delayMs: expected 10 to 60000 milliseconds, got ${shown(delayMs)}`, {
      code: 'input.range',
    });
  if (!Number.isInteger(plays) || plays < 0 || plays > 65_535)
    throw new UsageError(`${where}.plays: expected an integer from 0 (for ever) to 65535, got ${shown(plays)}`, {
      code: 'input.range',
    });
  return { delayMs, plays };
}
