// Tracing for an export: at sizes that tell the dynamic dims apart, once more at another size as a check, and twice at one size to find frozen random numbers.
import { ExportError, type Dim } from '@forja/core';
import { align } from '../rewrite/align.js';
import { refuseBakedRandomness } from '../trace/baked.js';
import type { Program } from '../trace/program.js';
import { trace, type Trace } from '../trace/trace.js';
import type { Subject } from './subject.js';

/** Sizes of the dynamic dims by name. */
export type Sizes = Record<string, number>;

/** A captured forward function. */
export interface Capture {
  /** For all sizes; not optimized. */
  program: Program;
  /** Names of the dynamic dims. */
  dims: string[];
  /** Sizes it was traced at. */
  traced: Sizes[];
  /** Sizes that were not traced, of the same kind. */
  untraced: Sizes;
}

/** Primes that meet nothing by chance; the first are for the check, and each dim takes its own. */
const PRIMES = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79];

/** Networks that halve a picture want sizes divisible by a power of two. The batch is never multiplied. */
const MULTIPLES = [1, 2, 4, 8, 16, 32, 64];

/** The program of a function at one size. Variables are constants. */
export function traceAt(subject: Subject, sizes: Sizes): Trace {
  const inputs = subject.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape: shape.map((dim) => sizeAt(dim, sizes)) }));
  return trace(subject.apply, { inputs, variables: 'constant' });
}

/** The number of a dim. */
export function sizeAt(dim: Dim, sizes: Sizes): number {
  if (typeof dim === 'number') return dim;
  const size = sizes[dim];
  if (size === undefined) throw new RangeError(`no size for ${dim}`);
  return size;
}

/**
 * @throws ExportError `export.unsupported` where the function does different things at different sizes, or draws random numbers that would be frozen.
 */
export function capture(subject: Subject): Capture {
  const dims = [...new Set(subject.inputs.flatMap(({ shape }) => shape.filter((dim): dim is string => typeof dim === 'string')))];
  const spatial = dims.some((dim) => dim !== 'batch');
  let failure: unknown;
  for (const multiple of spatial ? MULTIPLES : [1]) {
    try {
      return captureAt(subject, dims, multiple);
    } catch (error) {
      // The first failure is the one that the caller understands.
      failure ??= error;
      if (error instanceof ExportError && multiple === 1 && !spatial) throw error;
    }
  }
  throw failure;
}

function captureAt(subject: Subject, dims: readonly string[], multiple: number): Capture {
  const sizeOf = (dim: string, index: number): number => (PRIMES[index % PRIMES.length] ?? 3) * (dim === 'batch' ? 1 : multiple);
  // Dims other than the batch start where windows of common sizes fit.
  const start = (dim: string, i: number): number => (dim === 'batch' ? 0 : 3 + 3 * i);
  const base: Sizes = Object.fromEntries(dims.map((dim, i) => [dim, sizeOf(dim, start(dim, i))]));
  const traced: Sizes[] = [base, ...dims.map((dim, i) => ({ ...base, [dim]: sizeOf(dim, start(dim, i) + 1) }))];
  // The check: every dim at a third size.
  if (dims.length > 0) traced.push(Object.fromEntries(dims.map((dim, i) => [dim, sizeOf(dim, start(dim, i) + 2)])));

  const first = traceAt(subject, base);
  refuseBakedRandomness(first, traceAt(subject, base));
  const programs = traced.map((sizes, i) => ({ sizes, program: i === 0 ? first.program : traceAt(subject, sizes).program }));
  const untraced = Object.fromEntries(dims.map((dim) => [dim, dim === 'batch' ? 4 : (base[dim] ?? 1) + multiple]));
  return { program: align(programs), dims: [...dims], traced, untraced };
}
