// Parses values of sampling options from text: seeds, truncation, classes, mixes, noise. `where` begins the errors.
import { checkTruncation, UsageError, type Mix, type SampleOptions } from '@forja/core';

/** A seed: an integer from 0 to 2⁶⁴−1, as a bigint if a number would lose digits. */
export function seedOf(where: string, text: string): number | bigint {
  const bits = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (bits === undefined || bits >= 1n << 64n)
    throw new UsageError(`${where}: expected an integer from 0 to 2^64 - 1, got '${text}'`, { code: 'input.range' });
  return bits <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bits) : bits;
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

/** A class, by name or number. It stays a text, because a class may be called by a number: the model's names decide. */
export function labelOf(where: string, text: string): string {
  if (/^[+-]?\d+$/.test(text) && (!Number.isSafeInteger(Number(text)) || Number(text) < 0))
    throw new UsageError(`${where}: expected a class, by name or by number from 0, got ${text}`, {
      code: 'input.range',
    });
  return text;
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
