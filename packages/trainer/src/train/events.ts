// Events of a training run, for its host.
import type { ResolvedConfig } from './config.js';
import type { Diagnosis, LogLine, MeasureLine } from '../records/store.js';

/** One event. A listener may return a promise: the loop waits for it. */
export type TrainEvent =
  /** Before the start, in Node, with `watch`: the address of the page. */
  | { type: 'watching'; url: string }
  /** Before the start, in Node: files of a folder are decoded, or found in the cache. */
  | { type: 'data'; done: number; total: number }
  | {
      type: 'start';
      config: ResolvedConfig;
      step: number;
      device: string;
      examples: number;
      where: string;
      /** Weights of each network, by role. */
      parameters: Readonly<Record<string, number>>;
    }
  /** After every step. `left`: estimated seconds to the end, at the speed of the last steps. */
  | ({ type: 'step'; steps: number; left: number } & LogLine)
  | { type: 'sample'; step: number }
  | { type: 'checkpoint'; step: number; bytes: number }
  /** The generator was measured; `best`: the best so far in this run. */
  | ({ type: 'measure'; best: boolean } & MeasureLine)
  /** `diagnosis`: a problem of the training and a remedy, reported once per run. */
  | { type: 'warning'; message: string; diagnosis?: Diagnosis }
  /** A generator was exported and compared with tfjs. */
  | { type: 'export'; file: string; bytes: number }
  | { type: 'end'; step: number; reason: 'finished' | 'interrupted' };
