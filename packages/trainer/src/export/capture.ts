// Tracing for an export: at sizes that tell the dynamic dims apart, once more at another size as a check, and twice at
// one size to find frozen random numbers.
import { ExportError, ForjaError, type Dim } from '@forja/core';
import { align, branchOf, isHopeless, isWhole, type SizedProgram } from '../rewrite/align.js';
import { sameAt } from '../rewrite/same.js';
import { hasWholeParts } from '../program/sizes.js';
import { refuseBakedRandomness } from '../trace/baked.js';
import { siteOf } from '../tfjs/call-site.js';
import type { Program } from '../program/program.js';
import { trace, type Trace } from '../trace/trace.js';
import { refuseOddConstants } from './constants.js';
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
  /**
   * Sizes that were not traced, of the same kind: the least that the function takes, and others, odd and even, no two
   * dims alike. One entry of no sizes where nothing is dynamic.
   */
  untraced: Sizes[];
  /**
   * Sizes among these at which the function calls other kernels, and which: the file does not, and passes there only if
   * its numbers are the same.
   */
  branches: { sizes: Sizes; why: string }[];
}

/**
 * Networks that halve a picture and join the halves again take sizes divisible by a power of two only, others by one of
 * three or five. At 1, all sizes are tried, the odd ones too.
 */
const STEPS = [1, 2, 4, 8, 16, 32, 64, 3, 6, 12, 24, 48, 5, 10, 20, 40];

/** Statistics over groups of a batch take multiples of the group. Tried where no step of the other dims helps. */
const BATCH_STEPS = [2, 4, 8, 16, 3];

/** Sizes of the batch, of which the last two are for checks. */
const BATCHES = [3, 5, 7, 4];

/**
 * Sizes of dim number `i`, the last two for checks: odd ones and even ones, and such as leave 0, 1 or the most when
 * they are divided by 2, 4, 8 or 16.
 */
function tracedSizes(dim: string, i: number, step: number): number[] {
  if (dim === 'batch') return BATCHES.map((n) => n * step);
  const start = 16 * (2 + i);
  const sizes = [start - 3, start + 16 * (1 + i), 2 * start + 15, 3 * start + 1];
  const least = [7 + 5 * i, 9 + 8 * i, 15 + 9 * i, 20 + 13 * i];
  return step === 1 ? sizes : sizes.map((size, k) => step * Math.max(least[k] ?? 1, Math.ceil(size / step)));
}

/**
 * The program of a function at one size. Variables are constants. `sites`: of traces that are compared with another,
 * the first's call sites are enough.
 */
export function traceAt(subject: Subject, sizes: Sizes, sites = true): Trace {
  const inputs = subject.inputs.map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape: shape.map((dim) => sizeAt(dim, sizes)),
  }));
  try {
    return trace(subject.apply, { inputs, variables: 'constant', share: true, sites });
  } catch (cause) {
    if (cause instanceof ForjaError) throw cause;
    const site = siteOf((cause instanceof Error ? cause.stack : undefined) ?? '');
    const at = Object.entries(sizes)
      .map(([dim, size]) => ` ${dim} ${size}`)
      .join(',');
    throw new ExportError(
      'export.unsupported',
      `trace${site === undefined ? '' : `, at ${site}`}: expected a function that runs${at === '' ? '' : ` at${at}`}, got an error of its own: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** The number of a dim. */
export function sizeAt(dim: Dim, sizes: Sizes): number {
  if (typeof dim === 'number') return dim;
  const size = sizes[dim];
  if (size === undefined) throw new RangeError(`no size for ${dim}`);
  return size;
}

/**
 * @throws ExportError `export.unsupported` where the function does different things at different sizes, or draws random
 * numbers that would be frozen.
 */
export function capture(subject: Subject): Capture {
  const dims = [
    ...new Set(subject.inputs.flatMap(({ shape }) => shape.filter((dim): dim is string => typeof dim === 'string'))),
  ];
  const spatial = dims.filter((dim) => dim !== 'batch');
  const choices = (spatial.length > 0 ? STEPS : [1]).map((step) => stepsOf(spatial, step));
  if (dims.includes('batch')) choices.push(...BATCH_STEPS.map((step) => stepsOf(['batch'], step)));
  let failure: unknown;
  for (const steps of choices) {
    // What fails at some batches, or divides them, may take multiples. What branches on the batch is not cured so.
    if ('batch' in steps && isWhole(failure)) break;
    try {
      return captureAt(subject, dims, steps);
    } catch (error) {
      if (isAbort(error)) throw error;
      // The first failure is the one that the caller understands.
      failure ??= error;
      if (isHopeless(error)) break;
    }
  }
  throw failure;
}

function stepsOf(dims: readonly string[], step: number): Sizes {
  return step === 1 ? {} : Object.fromEntries(dims.map((dim) => [dim, step]));
}

function captureAt(subject: Subject, dims: readonly string[], steps: Sizes): Capture {
  const places = dims.filter((dim) => dim !== 'batch');
  const choices = dims.map((dim) => [dim, tracedSizes(dim, places.indexOf(dim), steps[dim] ?? 1)] as const);
  const all = (which: number): Sizes => Object.fromEntries(choices.map(([dim, sizes]) => [dim, sizes[which] ?? 1]));
  const base = all(0);
  const traced: Sizes[] = [
    base,
    ...choices.map(([dim, sizes]) => ({ ...base, [dim]: sizes[1] ?? 1 })),
    ...(dims.length > 0 ? [all(2), all(3)] : []),
  ];

  const first = traceAt(subject, base);
  refuseOddConstants(first);
  refuseBakedRandomness(first, traceAt(subject, base, false));
  const programs = traced.map((sizes, i) => ({
    sizes,
    program: i === 0 ? first.program : traceAt(subject, sizes, false).program,
  }));
  const checks = untracedAt(subject, dims, steps);
  let program = align(programs, steps);
  // What rounds, or takes the greater of two, may do otherwise at sizes not seen: then more are looked at.
  const large = largeAt(subject, base, steps);
  const candidates = [...checks, ...large];
  let [round, sure] = [0, true];
  const look = (): void => {
    candidates.push(...others(subject, round++, base, checks[0]?.sizes ?? base, steps));
    sure = true;
  };
  const wrongs = (): SizedProgram[] =>
    candidates.filter((one) => !programs.includes(one) && sameAt(program, one.program, one.sizes) === false);
  for (;;) {
    const [wrong] = wrongs();
    if (wrong === undefined) {
      // What was only just learnt is held against sizes that it was not learnt from.
      if (round < ROUNDS && (round === 0 ? hasWholeParts(program) : !sure)) look();
      else break;
      continue;
    }
    // Where one size more was not foreseen, all are needed to tell what else there is.
    if (round === 0) look();
    programs.push(...(programs.length === traced.length ? wrongs() : [wrong]));
    program = align(programs, steps);
    sure = false;
  }
  if (!sure)
    throw new ExportError(
      'export.unsupported',
      `trace: expected sizes that arithmetic on ${dims.join(', ')} gives, got others at each size tried; fix ${dims.length === 1 ? 'that dim' : 'those dims'}`,
    );
  // At the least sizes tfjs leaves some calls out; at large ones only the function itself can choose others.
  const other = large.find((one) => sameAt(program, one.program, one.sizes) === undefined);
  if (other !== undefined) throw new ExportError('export.unsupported', branchOf(first.program, other.program));
  // One that was needed stays, above all the least, which breaks most; another takes its place.
  const untraced = [
    ...checks.map(({ sizes }) => sizes),
    ...checks.filter((check) => programs.includes(check)).map(({ sizes }) => moved(sizes, steps)),
  ];
  const branches = checks.flatMap((check) =>
    sameAt(program, check.program, check.sizes) === undefined
      ? [{ sizes: check.sizes, why: branchOf(first.program, check.program) }]
      : [],
  );
  return { program, dims: [...dims], steps, traced: programs.map(({ sizes }) => sizes), untraced, branches };
}

/** Sizes a little larger. */
function moved(sizes: Sizes, steps: Sizes): Sizes {
  return Object.fromEntries(
    Object.entries(sizes).map(([dim, size], i) => [dim, size + (dim === 'batch' ? 0 : 4 + i) * (steps[dim] ?? 1)]),
  );
}

/** Sizes of dims other than the batch that are tried in turn as the least. */
const LEAST = [1, 2, 3, 5, 7, 10, 14, 20];

/** An odd and an even size beside the least. */
const OTHERS = [9, 18];

/** Traces that were not aligned, at sizes of the same kind. */
function untracedAt(subject: Subject, dims: readonly string[], steps: Sizes): SizedProgram[] {
  if (dims.length === 0)
    return [{ sizes: {}, program: { values: [], inputs: [], constants: new Map(), calls: [], outputs: [] } }];
  const at = (batch: number, of: (i: number) => number): Sizes =>
    Object.fromEntries(dims.map((dim, i) => [dim, (dim === 'batch' ? batch : of(i)) * (steps[dim] ?? 1)]));
  if (dims.every((dim) => dim === 'batch'))
    return [1, 2, 9].flatMap(
      (batch) =>
        traceIfFits(
          subject,
          at(batch, () => 1),
        ) ?? [],
    );
  const [first, least] = LEAST.reduce<[SizedProgram | undefined, number]>(
    ([found, at1], n) =>
      found === undefined
        ? [
            traceIfFits(
              subject,
              at(1, () => n),
            ),
            n,
          ]
        : [found, at1],
    [undefined, 0],
  );
  // Beside the first, sizes go from wide to high, so that what is exchanged shows.
  const others = OTHERS.map((n, k) =>
    traceIfFits(
      subject,
      at(2 + k, (i) => least + n + (k === 0 ? 4 * i : -3 * i)),
    ),
  );
  return [first, ...others].filter((one) => one !== undefined);
}

/** Beyond the bounds that functions set: a picture's side, and a batch. */
const LARGE = { side: 331, batch: 67 };

/** Traces with one dim large. */
function largeAt(subject: Subject, base: Sizes, steps: Sizes): SizedProgram[] {
  return Object.keys(base).flatMap(
    (dim) =>
      traceIfFits(subject, { ...base, [dim]: (dim === 'batch' ? LARGE.batch : LARGE.side) * (steps[dim] ?? 1) }) ?? [],
  );
}

/** Multiples of what pictures are padded to. */
const ROUND = [128, 300];

/** How often more sizes are looked at. */
const ROUNDS = 4;

/**
 * Traces at more sizes: first such as leave every remainder of small divisors, near the first and near the least, and
 * none of larger ones; in later rounds some of each kind.
 */
function others(subject: Subject, round: number, base: Sizes, least: Sizes, steps: Sizes): SizedProgram[] {
  const near = (from: Sizes, n: number, apart: number): Sizes =>
    Object.fromEntries(
      Object.entries(from).map(([dim, size], i) => [
        dim,
        size + (dim === 'batch' ? (round === 0 ? 0 : n) : n + apart * i) * (steps[dim] ?? 1),
      ]),
    );
  const multiples = Object.keys(base)
    .filter((dim) => dim !== 'batch')
    .flatMap((dim) => ROUND.map((n, k) => ({ ...near(base, k, 6), [dim]: multipleOf(n, steps[dim] ?? 1) })));
  const sizes =
    round === 0
      ? [
          ...[1, 2, 3, 4, 5, 7].map((n) => near(base, n, 6)),
          ...[1, 2, 3, 5, 8].map((n) => near(least, n, 0)),
          ...multiples,
        ]
      : [
          near(base, 8 * round + 3, 11),
          near(base, 13 * round + 41, -5),
          near(least, 4 * round + 2, 3),
          near(least, 7 * round + 5, -2),
        ];
  return sizes.flatMap((one) =>
    Object.values(one).every((size) => size > 0) ? (traceIfFits(subject, one) ?? []) : [],
  );
}

/** The least common multiple. */
function multipleOf(a: number, b: number): number {
  const common = (x: number, y: number): number => (y === 0 ? x : common(y, x % y));
  return (a / common(a, b)) * b;
}

/** tfjs takes windows that do not fit, and tells sizes below nothing. */
function traceIfFits(subject: Subject, sizes: Sizes): SizedProgram | undefined {
  try {
    const { program } = traceAt(subject, sizes, false);
    return program.values.every(({ shape }) => shape.every((size) => Number(size) > 0))
      ? { program, sizes }
      : undefined;
  } catch (error) {
    if (isAbort(error)) throw error;
    return undefined;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof ForjaError && error.code === 'aborted';
}
