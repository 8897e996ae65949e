// Parses values of command-line options. Every error names the command and the option.
import { checkTruncation, UsageError, type CliOption, type Mix, type SampleOptions } from '@forja/core';

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

/** A seed: an integer from 0 to 2⁶⁴−1, as a bigint if a number would lose digits. */
export function seedOf(where: string, text: string): number | bigint {
  const bits = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (bits === undefined || bits >= 1n << 64n)
    throw new UsageError(`${where}: expected an integer from 0 to 2^64 - 1, got '${text}'`, { code: 'input.range' });
  return bits <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bits) : bits;
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

/** `0.7` redraws larger entries; `psi:0.7` scales. */
export function truncationOf(where: string, text: string): number | { psi: number } {
  const [, psi, digits = ''] = /^(psi[:=])?(.*)$/.exec(text) ?? [];
  const value = digits.trim() === '' ? NaN : Number(digits);
  if (Number.isNaN(value)) throw new UsageError(`${where}: expected a number such as 0.7, or psi:0.7, got '${text}'`);
  const truncation = psi === undefined ? value : { psi: value };
  checkTruncation(where, truncation);
  return truncation;
}

/** A class: a number if the text is one, else a name. */
export function labelOf(where: string, text: string): number | string {
  if (!/^[+-]?\d+$/.test(text)) return text;
  if (!Number.isSafeInteger(Number(text)) || Number(text) < 0)
    throw new UsageError(`${where}: expected a class, by name or by number from 0, got ${text}`, {
      code: 'input.range',
    });
  return Number(text);
}

/** `7:4`: the styles of seed 7 from layer 4 on. */
export function mixOf(where: string, text: string): Mix {
  const [, seed, from] = /^(\d+):(\d{1,9})$/.exec(text) ?? [];
  if (seed === undefined || from === undefined)
    throw new UsageError(`${where}: expected <seed>:<first layer>, such as 7:4, got '${text}'`);
  return { seed: seedOf(where, seed), from: Number(from) };
}

/** `none`, or the seed of the noise. */
export function noiseOf(where: string, text: string): NonNullable<SampleOptions['noise']> {
  if (text === 'none') return text;
  if (!/^\d+$/.test(text)) throw new UsageError(`${where}: expected a seed, or none, got '${text}'`);
  return { seed: seedOf(where, text) };
}
