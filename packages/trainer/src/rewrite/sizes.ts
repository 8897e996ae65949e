// Symbolic sizes as numbers: a program of named dynamic dims at one concrete size.
import { UsageError } from '@forja/core';
import { sizeText, type Program, type Size, type SymbolicSize } from '../trace/program.js';

/** Whether an attribute's value is a symbolic size. */
export function isSymbolic(value: unknown): value is SymbolicSize {
  return typeof value === 'object' && value !== null && 'constant' in value && 'terms' in value;
}

/** The number that `size` is where the dims have these sizes. */
export function evaluate(size: Size, sizes: Readonly<Record<string, number>>): number {
  if (typeof size === 'number') return size;
  return Object.entries(size.terms).reduce((sum, [name, factor]) => {
    const value = sizes[name];
    if (value === undefined) throw new UsageError(`size ${sizeText(size)}: expected a number for '${name}', got sizes for ${Object.keys(sizes).join(', ') || 'nothing'}`);
    return sum + factor * value;
  }, size.constant);
}

/** A deep copy of an attribute with every symbolic size evaluated. */
function concrete(value: unknown, sizes: Readonly<Record<string, number>>): unknown {
  if (isSymbolic(value)) return evaluate(value, sizes);
  if (Array.isArray(value)) return value.map((v: unknown) => concrete(v, sizes));
  return value;
}

/** The program at these sizes: numbers everywhere. */
export function specialize(program: Program, sizes: Readonly<Record<string, number>>): Program {
  return {
    ...program,
    values: program.values.map(({ dtype, shape }) => ({ dtype, shape: shape.map((size) => evaluate(size, sizes)) })),
    calls: program.calls.map((call) => ({ ...call, attrs: Object.fromEntries(Object.entries(call.attrs).map(([name, value]) => [name, concrete(value, sizes)])) })),
  };
}
