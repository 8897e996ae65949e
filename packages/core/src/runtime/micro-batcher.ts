// Merges requests for rows (pictures) into runs, and splits large requests into several. Independent of models: a job
// fills feeds and takes outputs.
import { abortError, ForjaError } from '../errors.js';
import { platform } from '../platform.js';
import type { AbortSignalLike } from '../platform.js';
import { ARRAY_OF, sizeOf } from '../tensor.js';
import type { NamedTensors, Tensor, TypedArray } from '../tensor.js';

/** A request for `rows` rows. Jobs of one batcher feed the same inputs with rows of the same shapes. */
export interface BatchJob {
  readonly rows: number;
  readonly signal?: AbortSignalLike | undefined;
  /** Feeds for `count` rows of this job, starting at row `start`; the first dimension of each is `count`. */
  feeds(start: number, count: number): NamedTensors;
  /** Takes `count` rows from index `at` of a run's outputs; they are this job's rows from `start` on. */
  take(outputs: NamedTensors, at: number, start: number, count: number): void | Promise<void>;
}

/** Options of a {@link MicroBatcher}. */
export interface BatcherOptions {
  /** Maximum rows per run. */
  max: number;
  /** How long the first request of a run waits for others. 0: until the end of the tick. */
  delayMs: number;
  /** Rows that every run must have, for models with a fixed batch; missing rows are zeros. */
  fixed?: number | undefined;
}

interface Entry {
  readonly job: BatchJob;
  sent: number;
  over: boolean;
  finish(error?: unknown): void;
}

interface Part {
  entry: Entry;
  feeds: NamedTensors;
  start: number;
  count: number;
}

/** Errors that a retry with fewer rows cannot fix. */
const FINAL: ReadonlySet<string> = new Set(['device.lost', 'disposed', 'aborted']);

/**
 * One run at a time; requests that arrive meanwhile are merged into the next. The remainder of a request that does not
 * fit goes to the end of the queue, so that a large request delays small ones by only a run or two. If a merged run
 * fails, its requests are retried separately, so that the error reaches only the request that causes it.
 */
export class MicroBatcher {
  readonly #run: (feeds: NamedTensors, rows: number) => Promise<NamedTensors>;
  readonly #options: BatcherOptions;
  #waiting: Entry[] = [];
  #active = false;
  #wake: (() => void) | undefined;

  constructor(run: (feeds: NamedTensors, rows: number) => Promise<NamedTensors>, options: BatcherOptions) {
    this.#run = run;
    this.#options = options;
  }

  /**
   * Resolves when every row was taken. Rejects independently of other jobs, and immediately when `job.signal` aborts.
   */
  add(job: BatchJob): Promise<void> {
    const { signal } = job;
    if (signal?.aborted) return Promise.reject(abortError(signal.reason));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => entry.finish(abortError(signal?.reason));
      const entry: Entry = {
        job,
        sent: 0,
        over: false,
        finish: (error) => {
          if (entry.over) return;
          entry.over = true;
          signal?.removeEventListener('abort', onAbort);
          this.#waiting = this.#waiting.filter((other) => other !== entry);
          if (error === undefined) resolve();
          else reject(error instanceof Error ? error : new ForjaError('internal', String(error)));
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(entry);
      if (!this.#active) void this.#work();
      else if (this.#full()) this.#wake?.();
    });
  }

  async #work(): Promise<void> {
    this.#active = true;
    await this.#gather();
    while (this.#waiting.length > 0) await this.#once(this.#next());
    this.#active = false;
  }

  #gather(): Promise<void> {
    const { delayMs } = this.#options;
    if (delayMs === 0 || this.#full()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = platform().setTimeout(resolve, delayMs);
      this.#wake = () => (platform().clearTimeout(timer), resolve());
    });
  }

  #full(): boolean {
    return this.#waiting.reduce((sum, { job, sent }) => sum + job.rows - sent, 0) >= this.#options.max;
  }

  /** The parts of the next run, in order. */
  #next(): Part[] {
    this.#wake = undefined;
    const parts: Part[] = [];
    for (let room = this.#options.max; room > 0;) {
      const entry = this.#waiting.shift();
      if (!entry) break;
      const start = entry.sent;
      const count = Math.min(room, entry.job.rows - start);
      try {
        parts.push({ entry, start, count, feeds: entry.job.feeds(start, count) });
        entry.sent += count;
        room -= count;
      } catch (error) {
        entry.finish(error);
      }
    }
    return parts;
  }

  async #once(parts: readonly Part[]): Promise<void> {
    if (parts.length === 0) return;
    let outputs: NamedTensors;
    try {
      const rows = parts.reduce((sum, { count }) => sum + count, 0);
      outputs = await this.#run(joined(parts, this.#options.fixed ?? rows), rows);
    } catch (error) {
      const alone = parts.length === 1 || (error instanceof ForjaError && FINAL.has(error.code));
      if (alone) for (const { entry } of parts) entry.finish(error);
      else for (const part of parts) if (!part.entry.over) await this.#once([part]);
      return;
    }
    let at = 0;
    for (const { entry, start, count } of parts) {
      if (!entry.over) {
        try {
          await entry.job.take(outputs, at, start, count);
          if (entry.sent === entry.job.rows) entry.finish();
          else this.#waiting.push(entry);
        } catch (error) {
          entry.finish(error);
        }
      }
      at += count;
    }
  }
}

/** The feeds of all parts joined into one, padded with zeros to `rows` rows. */
function joined(parts: readonly Part[], rows: number): NamedTensors {
  const [first] = parts;
  if (!first || (parts.length === 1 && first.count === rows)) return first?.feeds ?? {};
  return Object.fromEntries(
    Object.entries(first.feeds).map(([name, { dtype, shape }]): [string, Tensor] => {
      const row = sizeOf(shape.slice(1));
      const data: TypedArray = new ARRAY_OF[dtype](rows * row);
      let at = 0;
      for (const { feeds, count } of parts) {
        // Both arrays are of `dtype`, which TypeScript cannot see.
        if (feeds[name]) (data as Uint8Array).set(feeds[name].data as Uint8Array, at);
        at += count * row;
      }
      return [name, { dtype, shape: [rows, ...shape.slice(1)], data }];
    }),
  );
}
