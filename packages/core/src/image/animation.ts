// What GIF and APNG animations share: timing.
import { UsageError } from '../errors.js';

/** Options of `toGIF` and `toAPNG`. */
export interface AnimationOptions {
  /** Milliseconds a frame is shown, 10..60,000; default 50. GIF keeps hundredths of a second, and browsers slow anything below 20 down. */
  delayMs?: number;
  /** How often it plays; 0, the default, is for ever. */
  plays?: number;
}

/** Defaults filled in. Throws UsageError (`input.range`) for times outside the range, or a batch without frames. */
export function timing(where: string, count: number, { delayMs = 50, plays = 0 }: AnimationOptions = {}): Required<AnimationOptions> {
  if (count < 1) throw new UsageError(`${where}: expected one picture or more, got none`, { code: 'input.shape' });
  if (!(delayMs >= 10 && delayMs <= 60_000)) throw new UsageError(`${where}.delayMs: expected 10 to 60000 milliseconds, got ${String(delayMs)}`, { code: 'input.range' });
  if (!Number.isInteger(plays) || plays < 0 || plays > 65_535) throw new UsageError(`${where}.plays: expected an integer from 0 (for ever) to 65535, got ${String(plays)}`, { code: 'input.range' });
  return { delayMs, plays };
}
