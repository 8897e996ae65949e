// Tracing for an export: at sizes that tell the dynamic dims apart, once more at another size as a check, and twice at
// one size to find frozen random numbers.
import { ExportError } from '@forja/core';
import { align, branchError, branchOf, isBranch, isHopeless, isWhole, type SizedProgram } from '../rewrite/align.js';
import { sameAt } from '../rewrite/same.js';
import { hasWholeParts } from '../program/sizes.js';
import { refuseBakedRandomness } from '../trace/baked.js';
import type { Program } from '../program/program.js';
import { checkBounds, fitted, stepsWithin, type Bounds } from './bounds.js';
import { refuseOddConstants } from './constants.js';
import { narrowed, probe, readAt, readDims, type ProvenDim } from './probe.js';
import { StateError, withState, type StatefulSubject } from './state.js';
import type { Subject } from './subject.js';
import { isAbort, traceAt, traceIfFits, type Sizes } from './traced.js';

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
  /** Dims that the function's own code reads, or the caller bounds: the sizes that the file is good for. */
  proven: Record<string, ProvenDim>;
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
 * @throws ExportError `export.unsupported` where the function does different things at different sizes, or draws random
 * numbers that would be frozen.
 */
export function capture(subject: Subject, bounds: Bounds = {}): Capture {
  const dims = [
    ...new Set(subject.inputs.flatMap(({ shape }) => shape.filter((dim): dim is string => typeof dim === 'string'))),
  ];
  checkBounds(bounds, dims);
  const spatial = dims.filter((dim) => dim !== 'batch');
  const choices = (spatial.length > 0 ? STEPS : [1]).map((step) => stepsOf(spatial, step));
  if (dims.includes('batch')) choices.push(...BATCH_STEPS.map((step) => stepsOf(['batch'], step)));
  let failure: unknown;
  for (const steps of choices) {
    // What fails at some batches, or divides them, may take multiples.
    if ('batch' in steps && isWhole(failure)) break;
    if (dims.some((dim) => !hasTwo(bounds[dim], steps[dim] ?? 1))) continue;
    try {
      return captureAt(subject, dims, steps, bounds);
    } catch (error) {
      if (isAbort(error) || error instanceof StateError) throw error;
      // What branches on a size is not cured by multiples: they would hide it.
      if (isBranch(error)) throw error;
      // The first failure is the one that the caller understands.
      failure ??= error;
      if (isHopeless(error)) break;
    }
  }
  throw failure;
}

/** Whether there are at least two multiples of the step within the bounds. */
function hasTwo(own: Bounds[string] | undefined, step: number): boolean {
  if (own === undefined) return true;
  const [low, high] = stepsWithin(own, step);
  return low < high;
}

function stepsOf(dims: readonly string[], step: number): Sizes {
  return step === 1 ? {} : Object.fromEntries(dims.map((dim) => [dim, step]));
}

/** `bounds`: what is tried; `stated`: what the caller wants. */
function captureAt(
  subject: Subject,
  dims: readonly string[],
  steps: Sizes,
  bounds: Bounds,
  stated: Bounds = bounds,
): Capture {
  const places = dims.filter((dim) => dim !== 'batch');
  const choices = dims.map((dim) => [dim, tracedSizes(dim, places.indexOf(dim), steps[dim] ?? 1)] as const);
  const all = (which: number): Sizes =>
    fitted(Object.fromEntries(choices.map(([dim, sizes]) => [dim, sizes[which] ?? 1])), bounds, steps);
  const [base, second] = [all(0), all(1)];
  const traced: Sizes[] = [
    base,
    ...dims.map((dim) => ({ ...base, [dim]: apart(second[dim] ?? 1, base[dim] ?? 1, steps[dim] ?? 1, bounds[dim]) })),
    ...(dims.length > 0 ? [all(2), all(3)] : []),
  ];
  const within: Fits = (sizes) => traceIfFits(subject, fitted(sizes, bounds, steps));

  const first = traceAt(subject, base, { reads: true });
  if (first.state.length > 0) throw new StateError(first.state);
  refuseOddConstants(first);
  refuseBakedRandomness(first, traceAt(subject, base, { sites: false }));
  const programs = traced.map((sizes, i) => ({
    sizes,
    program: i === 0 ? first.program : traceAt(subject, sizes, { sites: false }).program,
  }));
  const read = readDims(first.reads, programs, bounds);
  /** One program of the traces so far. */
  const aligned = (): Program => {
    try {
      return align(programs, steps);
    } catch (error) {
      const sites = read.flatMap((one) => one.sites);
      if (error instanceof ExportError && isBranch(error) && sites.length > 0) error.message += readAt(sites);
      throw error;
    }
  };
  const checks = untracedAt(within, dims, steps);
  let program = aligned();
  // What rounds, or takes the greater of two, may do otherwise at sizes not seen: then more are looked at.
  const large = largeAt(within, base, steps);
  const candidates = [...checks, ...large];
  let [round, sure] = [0, true];
  const look = (): void => {
    candidates.push(...others(within, round++, base, checks[0]?.sizes ?? base, steps));
    sure = true;
  };
  const wrongs = (): SizedProgram[] =>
    candidates.filter((one) => !programs.includes(one) && sameAt(program, one.program, one.sizes) === false);
  const settle = (): void => {
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
      program = aligned();
      sure = false;
    }
    if (!sure) throw unsure(dims);
  };
  settle();
  // At the least sizes tfjs leaves some calls out; at large ones only the function itself can choose others.
  const other = large.find((one) => sameAt(program, one.program, one.sizes) === undefined);
  if (other !== undefined)
    throw branchError(branchOf(first.program, other.program) + readAt(read.flatMap(({ sites }) => sites)));
  const probing = { subject, first: first.program, base, steps, bounds, dims: read };
  let probed = probe(program, probing);
  for (let times = 0; probed.wrong !== undefined; times++) {
    const [before, wrong] = [program, probed.wrong];
    try {
      if (times === ROUNDS) throw unsure(dims);
      programs.push(wrong);
      program = aligned();
      settle();
    } catch (error) {
      // A size that rounding of floats moves by one, here and there: the file is good up to it.
      const narrower = isAbort(error) || isBranch(error) ? undefined : narrowed(before, wrong.sizes, probing, stated);
      if (narrower === undefined) throw error;
      return captureAt(subject, dims, steps, narrower, stated);
    }
    probed = probe(program, probing);
  }
  checks.push(...odd(probed.odd, checks, within));
  // One that was needed stays, above all the least, which breaks most; another takes its place.
  const untraced = [
    ...checks.map(({ sizes }) => sizes),
    ...checks
      .filter((check) => programs.includes(check))
      .map(({ sizes }) => fitted(moved(sizes, steps), bounds, steps)),
  ];
  const branches = checks.flatMap((check) =>
    sameAt(program, check.program, check.sizes) === undefined
      ? [{ sizes: check.sizes, why: branchOf(first.program, check.program) }]
      : [],
  );
  return {
    program,
    dims: [...dims],
    steps,
    traced: programs.map(({ sizes }) => sizes),
    untraced,
    branches,
    proven: probed.dims,
  };
}

function unsure(dims: readonly string[]): ExportError {
  return new ExportError(
    'export.unsupported',
    `trace: expected sizes that arithmetic on ${dims.join(', ')} gives, got others at each size tried; fix ${dims.length === 1 ? 'that dim' : 'those dims'}`,
  );
}

/** A size of a dim that is not its first. */
function apart(size: number, first: number, step: number, own: Bounds[string] | undefined): number {
  if (size !== first) return size;
  const [, high] = own ?? [0, Infinity];
  return first + step <= high ? first + step : first - step;
}

/** Of the sizes at which tfjs leaves calls out, the smallest that are not compared yet. */
function odd(found: readonly { sizes: Sizes }[], checks: readonly SizedProgram[], within: Fits): SizedProgram[] {
  const area = (sizes: Sizes): number => Object.values(sizes).reduce((product, size) => product * size, 1);
  return found
    .map(({ sizes }) => sizes)
    .filter((sizes) => !checks.some((check) => Object.entries(sizes).every(([dim, size]) => check.sizes[dim] === size)))
    .sort((a, b) => area(a) - area(b))
    .slice(0, 2)
    .flatMap((sizes) => within(sizes) ?? []);
}

/** A trace at sizes, moved into what the caller allows. */
type Fits = (sizes: Sizes) => SizedProgram | undefined;

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
function untracedAt(within: Fits, dims: readonly string[], steps: Sizes): SizedProgram[] {
  if (dims.length === 0)
    return [{ sizes: {}, program: { values: [], inputs: [], constants: new Map(), calls: [], outputs: [] } }];
  const at = (batch: number, of: (i: number) => number): Sizes =>
    Object.fromEntries(dims.map((dim, i) => [dim, (dim === 'batch' ? batch : of(i)) * (steps[dim] ?? 1)]));
  if (dims.every((dim) => dim === 'batch')) return [1, 2, 9].flatMap((batch) => within(at(batch, () => 1)) ?? []);
  const [first, least] = LEAST.reduce<[SizedProgram | undefined, number]>(
    ([found, at1], n) => (found === undefined ? [within(at(1, () => n)), n] : [found, at1]),
    [undefined, 0],
  );
  // Beside the first, sizes go from wide to high, so that what is exchanged shows.
  const others = OTHERS.map((n, k) => within(at(2 + k, (i) => least + n + (k === 0 ? 4 * i : -3 * i))));
  return [first, ...others].filter((one) => one !== undefined);
}

/** Beyond the bounds that functions set: a picture's side, and a batch. */
const LARGE = { side: 331, batch: 67 };

/** Traces with one dim large. */
function largeAt(within: Fits, base: Sizes, steps: Sizes): SizedProgram[] {
  return Object.keys(base).flatMap(
    (dim) => within({ ...base, [dim]: (dim === 'batch' ? LARGE.batch : LARGE.side) * (steps[dim] ?? 1) }) ?? [],
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
function others(within: Fits, round: number, base: Sizes, least: Sizes, steps: Sizes): SizedProgram[] {
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
  return sizes.flatMap((one) => (Object.values(one).every((size) => size > 0) ? (within(one) ?? []) : []));
}

/** The least common multiple. */
function multipleOf(a: number, b: number): number {
  const common = (x: number, y: number): number => (y === 0 ? x : common(y, x % y));
  return (a / common(a, b)) * b;
}

/**
 * {@link capture} of a function whose state between calls becomes inputs and outputs: what is found to be state is told
 * of, and all is traced again.
 */
export function captureStateful(
  subject: Subject,
  bounds: Bounds,
  watch: (subject: Subject) => Subject,
): StatefulSubject & { captured: Capture } {
  let stateful: StatefulSubject = { subject, variables: new Map() };
  for (;;) {
    try {
      return { ...stateful, captured: capture(watch(stateful.subject), bounds) };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      stateful = withState(stateful, error.states); // there are more each time, and no more than there are
    }
  }
}
