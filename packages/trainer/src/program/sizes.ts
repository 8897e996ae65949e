// Evaluates symbolic sizes: turns a program with named dynamic dims into one with concrete sizes.
import { UsageError } from '@forja/core';
import type { Program } from './program.js';
import { evaluateSize, isMeasure, MEASURES, namesOf, sizeText, type Size, type SymbolicSize } from './size.js';

/** Whether an attribute's value is a symbolic size. */
export function isSymbolic(value: unknown): value is SymbolicSize {
  return typeof value === 'object' && value !== null && 'constant' in value && 'terms' in value;
}

/** Evaluates `size` for these dims. @throws UsageError if a dim is missing or not a multiple of its step. */
export function evaluate(size: Size, sizes: Readonly<Record<string, number>>): number {
  const value = evaluateSize(size, sizes);
  if (value !== undefined) return value;
  const missing = namesOf(size).find((name) => !Object.hasOwn(sizes, name));
  const given =
    Object.entries(sizes)
      .map(([name, one]) => `${name} ${one}`)
      .join(', ') || 'nothing';
  throw new UsageError(
    `size ${sizeText(size)}: expected ` +
      `${missing === undefined ? 'multiples of the step' : `a number for '${missing}'`}, got sizes for ${given}`,
  );
}

/** A deep copy of an attribute with every symbolic size and measure evaluated. */
export function concrete(value: unknown, sizes: Readonly<Record<string, number>>): unknown {
  if (isSymbolic(value)) return evaluate(value, sizes);
  if (isMeasure(value))
    return value.scale * MEASURES[value.of](evaluate(value.above, sizes) / evaluate(value.below, sizes));
  if (Array.isArray(value)) return value.map((v: unknown) => concrete(v, sizes));
  return value;
}

/** The program at these sizes, with every symbolic size evaluated. */
export function specialize(program: Program, sizes: Readonly<Record<string, number>>): Program {
  return {
    ...program,
    values: program.values.map(({ dtype, shape }) => ({ dtype, shape: shape.map((size) => evaluate(size, sizes)) })),
    calls: program.calls.map((call) => ({
      ...call,
      attrs: Object.fromEntries(Object.entries(call.attrs).map(([name, value]) => [name, concrete(value, sizes)])),
    })),
  };
}

/** Whether some size of the program contains a floor or a maximum. */
export function hasWholeParts(program: Program): boolean {
  const rounded = (value: unknown): boolean =>
    isSymbolic(value)
      ? Object.keys(value.terms).some((key) => key.includes('('))
      : isMeasure(value)
        ? rounded(value.above) || rounded(value.below)
        : Array.isArray(value) && value.some(rounded);
  return (
    program.values.some(({ shape }) => rounded(shape)) ||
    program.calls.some(({ attrs }) => Object.values(attrs).some(rounded))
  );
}
