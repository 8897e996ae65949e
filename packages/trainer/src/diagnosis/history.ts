// The input of diagnoses: the log as blocks of equal length, each the mean of its lines, and the measures. It depends
// only on the run's records, so a resumed run gets the same diagnoses.
import type { LogLine, MeasureLine } from '../records/store.js';

/** Steps of a block, if every step is logged. */
const BLOCK = 100;

/** Steps of a block: a multiple of `logEvery`. The probe runs once per block. */
export function blockLength(logEvery: number): number {
  return logEvery * Math.ceil(BLOCK / logEvery);
}

/** Means of the scalars over the lines of a block. */
export interface Block {
  /** Its last step. */
  readonly step: number;
  readonly scalars: Readonly<Record<string, number>>;
}

/** The record of a run so far. */
export class History {
  readonly blocks: Block[] = [];
  readonly measures: MeasureLine[] = [];
  /** Scalars of the first line. */
  start: Readonly<Record<string, number>> = {};
  readonly #length: number;
  #sums: Record<string, { sum: number; count: number }> = {};

  constructor(logEvery: number) {
    this.#length = blockLength(logEvery);
  }

  /** Adds a line, in order of steps; true if it ends a block. */
  observe({ step, scalars }: LogLine): boolean {
    if (this.blocks.length === 0 && Object.keys(this.#sums).length === 0) this.start = scalars;
    for (const [name, value] of Object.entries(scalars)) {
      const { sum, count } = this.#sums[name] ?? { sum: 0, count: 0 };
      this.#sums[name] = { sum: sum + value, count: count + 1 };
    }
    if (step % this.#length !== 0) return false;
    const means = Object.entries(this.#sums).map(([name, { sum, count }]) => [name, sum / count]);
    this.blocks.push({ step, scalars: Object.fromEntries(means) as Record<string, number> });
    this.#sums = {};
    return true;
  }
}
