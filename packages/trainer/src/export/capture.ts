// Tracing for an export: at sizes that tell the dynamic dims apart, once more at another size as a check, and twice at one size to find frozen random numbers.
import { ForjaError, type Dim } from '@forja/core';
import { align, type SizedProgram } from '../rewrite/align.js';
import { hasWholeParts, sameAt } from '../rewrite/sizes.js';
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
  /** Dims that the program holds for at multiples of a number only, with that number. */
  steps: Sizes;
  /** Sizes of the traces that it was solved from. */
  traced: Sizes[];
  /** Sizes that were not traced, of the same kind: the least that the function takes, and others, odd and even, no two dims alike. One entry of no sizes where nothing is dynamic. */
  untraced: Sizes[];
}

/**
 * Networks that halve a picture and join the halves again take sizes divisible by a power of two only, others by one of three or five. The batch is never multiplied.
 * At 1, all sizes are tried, the odd ones too.
 */
const STEPS = [1, 2, 4, 8, 16, 32, 64, 3, 6, 12, 24, 48, 5, 10, 20, 40];

/** Sizes of the batch, of which the last two are for checks. */
const BATCHES = [3, 5, 7, 4];

/** Sizes of dim number `i`, the last two for checks: odd ones and even ones, and such as leave 0, 1 or the most when they are divided by 2, 4, 8 or 16. */
function tracedSizes(dim: string, i: number, step: number): number[] {
  if (dim === 'batch') return BATCHES;
  if (step > 1) return [7 + 5 * i, 9 + 8 * i, 15 + 9 * i, 20 + 13 * i].map((n) => n * step);
  const start = 16 * (2 + i);
  return [start - 3, start + 16 * (1 + i), 2 * start + 15, 3 * start + 1];
}

/** The program of a function at one size. Variables are constants. `sites`: of traces that are compared with another, the first's call sites are enough. */
export function traceAt(subject: Subject, sizes: Sizes, sites = true): Trace {
  const inputs = subject.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape: shape.map((dim) => sizeAt(dim, sizes)) }));
  return trace(subject.apply, { inputs, variables: 'constant', share: true, sites });
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
  for (const step of spatial ? STEPS : [1]) {
    try {
      return captureAt(subject, dims, step);
    } catch (error) {
      if (isAbort(error)) throw error;
      // The first failure is the one that the caller understands.
      failure ??= error;
    }
  }
  throw failure;
}

function captureAt(subject: Subject, dims: readonly string[], step: number): Capture {
  const choices = dims.map((dim, i) => [dim, tracedSizes(dim, i, step)] as const);
  const all = (which: number): Sizes => Object.fromEntries(choices.map(([dim, sizes]) => [dim, sizes[which] ?? 1]));
  const base = all(0);
  const traced: Sizes[] = [base, ...choices.map(([dim, sizes]) => ({ ...base, [dim]: sizes[1] ?? 1 })), ...(dims.length > 0 ? [all(2), all(3)] : [])];
  const steps: Sizes = step === 1 ? {} : Object.fromEntries(dims.filter((dim) => dim !== 'batch').map((dim) => [dim, step]));

  const first = traceAt(subject, base);
  refuseBakedRandomness(first, traceAt(subject, base, false));
  const programs = traced.map((sizes, i) => ({ sizes, program: i === 0 ? first.program : traceAt(subject, sizes, false).program }));
  const checks = untracedAt(subject, dims, step);
  let program = align(programs, steps);
  // What rounds may round otherwise at sizes not seen: then these are looked at too.
  for (const check of hasWholeParts(program) ? [...checks, ...residues(subject, base, steps)] : []) {
    if (sameAt(program, check.program, check.sizes) !== false) continue;
    programs.push(check);
    program = align(programs, steps);
  }
  return { program, dims: [...dims], steps, traced: programs.map(({ sizes }) => sizes), untraced: checks.map(({ sizes }) => sizes) };
}

/** Sizes of dims other than the batch that are tried in turn as the least. */
const LEAST = [1, 2, 3, 5, 7, 10, 14, 20];

/** An odd and an even size beside the least. */
const OTHERS = [9, 18];

/** Traces that were not aligned, at sizes of the same kind. */
function untracedAt(subject: Subject, dims: readonly string[], step: number): SizedProgram[] {
  if (dims.length === 0) return [{ sizes: {}, program: { values: [], inputs: [], constants: new Map(), calls: [], outputs: [] } }];
  const at = (batch: number, of: (i: number) => number): Sizes => Object.fromEntries(dims.map((dim, i) => [dim, dim === 'batch' ? batch : of(i) * step]));
  if (dims.every((dim) => dim === 'batch')) return [1, 2, 9].map((batch) => ({ sizes: { batch }, program: traceAt(subject, { batch }, false).program }));
  const [first, least] = LEAST.reduce<[SizedProgram | undefined, number]>(([found, at1], n) => (found === undefined ? [traceIfFits(subject, at(1, () => n)), n] : [found, at1]), [undefined, 0]);
  // Beside the first, sizes go from wide to high, so that what is exchanged shows.
  const others = OTHERS.map((n, k) => traceIfFits(subject, at(2 + k, (i) => least + n + (k === 0 ? 4 * i : -3 * i))));
  return [first, ...others].filter((one) => one !== undefined);
}

/** Traces at sizes that leave every remainder of small divisors. */
function residues(subject: Subject, base: Sizes, steps: Sizes): SizedProgram[] {
  return [1, 2, 3, 4, 5, 7].flatMap((n) => {
    const sizes = Object.fromEntries(Object.entries(base).map(([dim, size], i) => [dim, dim === 'batch' ? size : size + (n + 6 * i) * (steps[dim] ?? 1)]));
    return traceIfFits(subject, sizes) ?? [];
  });
}

/** tfjs takes windows that do not fit, and tells sizes below nothing. */
function traceIfFits(subject: Subject, sizes: Sizes): SizedProgram | undefined {
  try {
    const { program } = traceAt(subject, sizes, false);
    return program.values.every(({ shape }) => shape.every((size) => Number(size) > 0)) ? { program, sizes } : undefined;
  } catch (error) {
    if (isAbort(error)) throw error;
    return undefined;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof ForjaError && error.code === 'aborted';
}
