// `stream`: pictures one by one, generated one run ahead of the consumer.
import type { ImageBatch } from '../image/batch.js';
import type { Image } from '../image/image.js';
import { checkInteger } from '../integer.js';
import { optionsOf } from '../realm.js';
import type { Draw } from './latent-model.js';
import type { StreamOptions } from './options.js';

/** Pictures per run, unless fewer are left or the model takes fewer. */
const STREAM_RUN = 16;

/** Pictures of `draw` in order, at most `max` per run. Leaving the loop ends it. */
export async function* streamed(
  options: StreamOptions,
  max: number,
  draw: (of: Draw, count: number) => Promise<ImageBatch>,
): AsyncGenerator<Image, void, undefined> {
  const { start = 0, count = Infinity } = optionsOf(
    'stream',
    options,
    'count label mix noise seed signal start text truncation',
  );
  checkInteger('stream.start', start, 0, Number.MAX_SAFE_INTEGER);
  if (count !== Infinity) checkInteger('stream.count', count, 1, Number.MAX_SAFE_INTEGER);
  const most = Math.min(STREAM_RUN, max);
  const from = (at: number): Promise<ImageBatch> | undefined => {
    if (at >= count) return undefined;
    const next = draw({ ...options, start: start + at }, Math.min(most, count - at));
    next.catch(() => undefined); // no unhandled rejection if the caller leaves the loop before awaiting it
    return next;
  };
  let at = 0;
  for (let next = from(0); next;) {
    const batch = await next;
    at += batch.count;
    next = from(at);
    for (let i = 0; i < batch.count; i++) yield batch.at(i);
  }
}
