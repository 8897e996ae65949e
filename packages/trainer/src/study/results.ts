// The results of a study: mean and standard deviation of each arm, gains in paired runs, and the table.
import { ARMS } from './arms.js';

/** One classifier. */
export interface StudyRun {
  /** Number of the small set. */
  readonly subset: number;
  readonly seed: number;
  readonly arm: string;
  /** Accuracy on the test set, 0 to 1. */
  readonly accuracy: number;
  /** Mean cross-entropy of the last tenth of its steps. */
  readonly loss: number;
}

/** Mean and sample standard deviation; `sd` is absent for one value. */
export interface Spread {
  readonly mean: number;
  readonly sd?: number;
}

/** Results of an arm. */
export interface ArmResult extends Spread {
  readonly arm: string;
  readonly runs: number;
  /** Differences to runs of the same small set and seed in other arms, by the arm's name. */
  readonly gains: Readonly<Record<string, Spread>>;
}

/** Arms that the others are compared with. */
const BASES = ['real', 'classical'] as const;

/** Results of all arms that have runs. */
export function armResults(runs: readonly StudyRun[]): ArmResult[] {
  return ARMS.flatMap(({ name }) => {
    const own = runs.filter(({ arm }) => arm === name);
    if (own.length === 0) return [];
    const gains = BASES.flatMap((base) => {
      const differences = own.flatMap(({ subset, seed, accuracy }) => {
        const other = runs.find((run) => run.arm === base && run.subset === subset && run.seed === seed);
        return base === name || other === undefined ? [] : [accuracy - other.accuracy];
      });
      return differences.length === 0 ? [] : [[base, spreadOf(differences)] as const];
    });
    const accuracies = own.map(({ accuracy }) => accuracy);
    return [{ arm: name, runs: own.length, ...spreadOf(accuracies), gains: Object.fromEntries(gains) }];
  });
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (values.length < 2) return { mean };
  return { mean, sd: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1)) };
}

/** The table as lines of Markdown, in percent. */
export function tableOf(results: readonly ArmResult[]): string[] {
  const percent = (spread: Spread | undefined, sign = ''): string => {
    if (spread === undefined) return '';
    const { mean, sd } = spread;
    const shown = (100 * mean).toFixed(2);
    return `${mean > 0 ? sign : ''}${shown}${sd === undefined ? '' : ` ± ${(100 * sd).toFixed(2)}`}`;
  };
  const rows = results.map(({ arm, gains, runs, ...own }) => [
    ARMS.find(({ name }) => name === arm)?.words ?? arm,
    percent(own),
    ...BASES.map((base) => percent(gains[base], '+')),
    String(runs),
  ]);
  const head = ['trained on', 'accuracy, %', ...BASES.map((base) => `against ${wordsOf(base)}`), 'runs'];
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)];
}

const wordsOf = (arm: string): string => ARMS.find(({ name }) => name === arm)?.words ?? arm;
