// The log of a run as columns of numbers, kept while the log grows, and averaged to as many points as a chart shows.
import type { LogLine } from '../records/store.js';

/** A log as columns, averaged. */
export interface Columns {
  /** The last step of each averaged part of the log. */
  step: number[];
  /** Scalars, rates, speed, memory by name; null where a part has no values, as of a phase that runs seldom. */
  values: Record<string, (number | null)[]>;
}

/** A growing log, with 8 bytes per number. */
export class LogTable {
  readonly #steps: number[] = [];
  /** By name, in the order in which they were first seen. NaN, which no log contains, marks lines without the value. */
  readonly #columns = new Map<string, number[]>();

  constructor(lines: Iterable<LogLine> = []) {
    for (const line of lines) this.add(line);
  }

  /** Adds a line. Existing lines of its step and of later ones, which are from before a rollback, are dropped. */
  add({ step, scalars, rates, images_per_s, peak_mb }: LogLine): void {
    this.dropAfter(step - 1);
    const row = this.#steps.push(step) - 1;
    const memory = peak_mb === undefined ? {} : { peak_mb };
    for (const [name, value] of Object.entries({ ...scalars, ...rates, images_per_s, ...memory })) {
      const column = this.#columns.get(name) ?? [];
      this.#columns.set(name, column);
      while (column.length < row) column.push(NaN);
      column.push(Number.isFinite(value) ? value : NaN);
    }
  }

  /** Drops the lines after a step. */
  dropAfter(step: number): void {
    while ((this.#steps.at(-1) ?? -Infinity) > step) this.#steps.pop();
    for (const column of this.#columns.values())
      if (column.length > this.#steps.length) column.length = this.#steps.length;
  }

  /** The log averaged in equal parts, to at most `most` points. */
  thin(most: number): Columns {
    const lines = this.#steps.length;
    const count = Math.min(most, lines);
    const cuts = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * lines) / Math.max(1, count)));
    const parts = cuts.slice(0, -1).map((from, i) => [from, cuts[i + 1] ?? from] as const);
    const filled = [...this.#columns].filter(([, column]) => column.some((value) => !Number.isNaN(value)));
    return {
      step: parts.map(([, end]) => this.#steps[end - 1] ?? 0),
      values: Object.fromEntries(
        filled.map(([name, column]) => [name, parts.map(([from, end]) => mean(column, from, end))]),
      ),
    };
  }
}

/** The mean of the values in a part of a column; null if there are none. */
function mean(column: readonly number[], from: number, end: number): number | null {
  let [sum, count] = [0, 0];
  for (let i = from; i < end; i++) {
    const value = column[i] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? null : sum / count;
}
