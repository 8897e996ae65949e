// Parses values of command-line options. Every error names the command and the option.
import { checkTruncation, UsageError, type CliOption } from '@forja/core';
import { seedOf } from '../sample-values.js';

/** The parser of an option's type in commander's form: (text, previous value of a repeated option) => value. */
export function parserOf(command: string, option: CliOption): ((text: string, before: unknown) => unknown) | undefined {
  const name = /--(?:no-)?([\w-]+)/.exec(option.flags)?.[1] ?? option.flags;
  const refuse = (wanted: string, text: string): never => {
    throw new UsageError(`${command} --${name}: expected ${wanted}, got '${text}'`);
  };
  const within = (value: number): number => {
    const [least, greatest] = option.range ?? [-Infinity, Infinity];
    if (value >= least && value <= greatest) return value;
    const what = option.type === 'integer' ? 'an integer' : 'a number';
    const to = greatest === Infinity ? `of at least ${least}` : `from ${least} to ${greatest}`;
    throw new UsageError(`${command} --${name}: expected ${what} ${to}, got ${value}`, { code: 'input.range' });
  };
  const parsers: Readonly<
    Record<NonNullable<CliOption['type']>, ((text: string, before: unknown) => unknown) | undefined>
  > = {
    string: undefined,
    integer: (text) =>
      /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? within(Number(text)) : refuse('an integer', text),
    number: (text) =>
      text.trim() !== '' && Number.isFinite(Number(text)) ? within(Number(text)) : refuse('a number', text),
    // `-` means standard output in other tools, but here standard output has the command's messages.
    path: (text) => (text === '-' ? refuse('a file or folder to write to (./- if it is called -)', text) : text),
    list: (text, before) => [...(Array.isArray(before) ? (before as unknown[]) : []), text],
  };
  const parse = parsers[option.type ?? 'string'];
  const { choices } = option;
  if (!choices) return parse;
  return (text, before) =>
    choices.includes(text) ? (parse ? parse(text, before) : text) : refuse(`one of ${choices.join(', ')}`, text);
}

/** Maximum number of seeds in a list. */
const MOST_SEEDS = 10_000;

/** Seeds and ranges of them, both ends included: `0-15,20`. */
export function seedsOf(where: string, text: string): (number | bigint)[] {
  const seeds: (number | bigint)[] = [];
  for (const part of text.split(',')) {
    const [, low = '', high = low] = /^\s*(\d{1,20})(?:-(\d{1,20}))?\s*$/.exec(part) ?? [];
    if (low === '') throw new UsageError(`${where}: expected seeds such as 0-15,20, got '${text}'`);
    const [first, last] = [BigInt(seedOf(where, low)), BigInt(seedOf(where, high))];
    if (last < first || last - first >= BigInt(MOST_SEEDS - seeds.length))
      throw new UsageError(
        `${where}: expected ranges from a lower to a higher seed, of at most ${MOST_SEEDS} in all, got ` +
          `'${part.trim()}'`,
        { code: 'input.range' },
      );
    for (let seed = first; seed <= last; seed++) seeds.push(seedOf(where, String(seed)));
  }
  return seeds;
}

/** `0.7`, or the two ends of `0.3..1`. */
export function endsOf(where: string, text: string): { from: number; to: number | undefined } {
  const [from, to, ...more] = text.split('..').map((end) => (end.trim() === '' ? NaN : Number(end)));
  if (from === undefined || more.length > 0 || Number.isNaN(from) || Number.isNaN(to ?? 0))
    throw new UsageError(`${where}: expected a number such as 0.7, or two such as 0.3..1, got '${text}'`);
  for (const psi of [from, to]) if (psi !== undefined) checkTruncation(where, { psi });
  return { from, to };
}
