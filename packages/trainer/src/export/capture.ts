// Traces a function for export: at several sizes, to solve for the dynamic dims; at other sizes, to check the solution;
// and twice at one size, to find random numbers that would be frozen.
import { ExportError } from '@forja/core';
import {
  align,
  branchError,
  branchOf,
  isBranch,
  isHopeless,
  isIntegerMismatch,
  type SizedProgram,
} from '../rewrite/align.js';
import { sameAt } from '../rewrite/same.js';
import { hasWholeParts } from '../program/sizes.js';
import { refuseChance } from '../trace/baked.js';
import type { Program } from '../program/program.js';
import { checkBounds, fitted, stepsWithin, type Bounds } from './bounds.js';
import { refuseNanConstants } from './constants.js';
import { narrowed, probe, readAt, readDims, type ProvenDim } from './probe.js';
import { StateError, withState, type StatefulSubject } from './state.js';
import type { Subject } from './subject.js';
import { isFinal, traceAt, traceIfFits, type Sizes } from './traced.js';

/** A captured forward function. */
export interface Capture {
  /** Valid at all sizes; not optimized. */
  program: Program;
  /** Names of the dynamic dims. */
  dims: string[];
  /** Dims that must be multiples of a number, with that number. */
  steps: Sizes;
  /** Sizes of the traces that the program was solved from. */
  traced: Sizes[];
  /**
   * Sizes for verification that were not used to solve: the smallest that the function accepts, and others, odd and
   * even, with different sizes for each dim. One empty entry if nothing is dynamic.
   */
  untraced: Sizes[];
  /**
   * Those of `untraced` at which the function calls other kernels than the file does, with a description. The file
   * passes there only if its numbers agree nevertheless.
   */
  branches: { sizes: Sizes; why: string }[];
  /**
   * The range of sizes that the file is valid for, for each dim whose size the function's own code reads or that the
   * caller bounds.
   */
  proven: Record<string, ProvenDim>;
}

/**
 * Steps that are tried for spatial dims. Networks that downsample and upsample again accept only multiples of a power
 * of two; some accept only multiples of three or five times such a power. Step 1 means any size, odd ones included.
 */
const STEPS = [1, 2, 4, 8, 16, 32, 64, 3, 6, 12, 24, 48, 5, 10, 20, 40];

/**
 * Steps that are tried for the batch, for networks with statistics over groups of a batch, if no step of the other dims
 * helps.
 */
const BATCH_STEPS = [2, 4, 8, 16, 3];

/** Traced batch sizes; the last two are checks. */
const BATCHES = [3, 5, 7, 4];

/**
 * Traced sizes of dim number `i`; the last two are checks. They are odd and even, with remainders 0, 1 and n - 1 for n
 * = 2, 4, 8 and 16.
 */
function tracedSizes(dim: string, i: number, step: number): number[] {
  if (dim === 'batch') return BATCHES.map((n) => n * step);
  const start = 16 * (2 + i);
  const sizes = [start - 3, start + 16 * (1 + i), 2 * start + 15, 3 * start + 1];
  const least = [7 + 5 * i, 9 + 8 * i, 15 + 9 * i, 20 + 13 * i];
  return step === 1 ? sizes : sizes.map((size, k) => step * Math.max(least[k] ?? 1, Math.ceil(size / step)));
}

/**
 * @throws ExportError `export.unsupported` if the function branches on a size, or draws random numbers that would be
 * frozen.
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
    // Steps of the batch can only help if the function fails at some batch sizes, or divides the batch size.
    if ('batch' in steps && isIntegerMismatch(failure)) break;
    if (dims.some((dim) => !hasTwo(bounds[dim], steps[dim] ?? 1))) continue;
    try {
      return captureAt(subject, dims, steps, bounds);
    } catch (error) {
      if (isFinal(error)) throw error;
      // Steps would only hide a branch on a size.
      if (isBranch(error)) throw error;
      // Report the first failure: it is about the sizes that users expect to work.
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

/** `bounds`: the sizes to try; `stated`: the bounds that the caller gave. */
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
    ...dims.map((dim) => ({
      ...base,
      [dim]: distinctFrom(second[dim] ?? 1, base[dim] ?? 1, steps[dim] ?? 1, bounds[dim]),
    })),
    ...(dims.length > 0 ? [all(2), all(3)] : []),
  ];
  const within: Fits = (sizes) => traceIfFits(subject, fitted(sizes, bounds, steps));

  const first = traceAt(subject, base, { reads: true });
  refuseNanConstants(first);
  refuseChance(first, (moved) => traceAt(subject, base, { sites: false, moved }));
  const programs = traced.map((sizes, i) => ({
    sizes,
    program: i === 0 ? first.program : traceAt(subject, sizes, { sites: false }).program,
  }));
  const read = readDims(first.reads, programs, bounds);
  /** Aligns the traces made so far. */
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
  // If the solution rounds or takes a maximum, it may differ at other sizes, so check more of them.
  let traces: SizedProgram[] | undefined;
  const large = (): SizedProgram[] => (traces ??= largeAt(within, base, steps));
  let tried = Object.keys(steps).length > 0;
  const solve = (): Program =>
    solved(aligned, () => {
      if (tried) return false;
      tried = true;
      programs.push(
        ...[...large(), ...beyondAt(within, base)].filter((one) => !programs.includes(one)),
        ...others(within, 0, base, checks[0]?.sizes ?? base, steps),
      );
      return true;
    });
  let program = solve();
  const candidates = [...checks, ...large()];
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
        // A program that was solved again must also agree at sizes that were not used for it.
        if (round < ROUNDS && (round === 0 ? hasWholeParts(program) : !sure)) look();
        else break;
        continue;
      }
      // Collect every size that disagrees before solving again: one alone may not show all differences.
      if (round === 0) look();
      programs.push(...(programs.length === traced.length ? wrongs() : [wrong]));
      program = solve();
      sure = false;
    }
    if (!sure) throw unsure(dims);
  };
  settle();
  // tfjs skips some calls at the smallest sizes; other calls at large sizes are the function's own choice, a branch.
  const other = large().find((one) => sameAt(program, one.program, one.sizes) === undefined);
  if (other !== undefined)
    throw branchError(branchOf(first.program, other.program) + readAt(read.flatMap(({ sites }) => sites)));
  const probing = { subject, first: first.program, base, steps, bounds, dims: read };
  let probed = probe(program, probing);
  for (let times = 0; probed.wrong !== undefined; times++) {
    const [before, wrong] = [program, probed.wrong];
    try {
      if (times === ROUNDS) throw unsure(dims);
      programs.push(wrong);
      program = solve();
      settle();
    } catch (error) {
      // If the function computes a size in floating point, rounding makes it off by one from some size on: the file is
      // valid below that size.
      const narrower = isFinal(error) || isBranch(error) ? undefined : narrowed(before, wrong.sizes, probing, stated);
      if (narrower === undefined) throw error;
      return captureAt(subject, dims, steps, narrower, stated);
    }
    probed = probe(program, probing);
  }
  checks.push(...odd(probed.odd, checks, within));
  // A check that was used for solving stays in the list, because most errors show at the smallest size; a nearby size
  // that was not used is added.
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

/**
 * The program. If the first traces do not determine it, for example because a maximum takes the same side in most of
 * them, it is solved once more after `more` has added traces.
 */
function solved(aligned: () => Program, more: () => boolean): Program {
  try {
    return aligned();
  } catch (error) {
    if (!isIntegerMismatch(error) || isBranch(error) || isHopeless(error) || !more()) throw error;
    try {
      return aligned();
    } catch (second) {
      throw isFinal(second) ? second : error;
    }
  }
}

function unsure(dims: readonly string[]): ExportError {
  return new ExportError(
    'export.unsupported',
    `trace: expected sizes that can be computed from ${dims.join(', ')}, got different ones at each ` +
      `size tried; fix ${dims.length === 1 ? 'that dim' : 'those dims'}`,
  );
}

/** A size of a dim that differs from its first one. */
function distinctFrom(size: number, first: number, step: number, own: Bounds[string] | undefined): number {
  if (size !== first) return size;
  const [, high] = own ?? [0, Infinity];
  return first + step <= high ? first + step : first - step;
}

/** Traces at the two smallest sizes where tfjs skips calls, unless they are checked already. */
function odd(found: readonly { sizes: Sizes }[], checks: readonly SizedProgram[], within: Fits): SizedProgram[] {
  const area = (sizes: Sizes): number => Object.values(sizes).reduce((product, size) => product * size, 1);
  return found
    .map(({ sizes }) => sizes)
    .filter((sizes) => !checks.some((check) => Object.entries(sizes).every(([dim, size]) => check.sizes[dim] === size)))
    .sort((a, b) => area(a) - area(b))
    .slice(0, 2)
    .flatMap((sizes) => within(sizes) ?? []);
}

/** Traces at sizes that are moved into the bounds first; undefined if the function does not run there. */
type Fits = (sizes: Sizes) => SizedProgram | undefined;

/** Slightly larger sizes. */
function moved(sizes: Sizes, steps: Sizes): Sizes {
  return Object.fromEntries(
    Object.entries(sizes).map(([dim, size], i) => [dim, size + (dim === 'batch' ? 0 : 4 + i) * (steps[dim] ?? 1)]),
  );
}

/** Candidates for the smallest size of dims other than the batch, tried in this order. */
const LEAST = [1, 2, 3, 5, 7, 10, 14, 20];

/** Offsets from the smallest size: one odd, one even. */
const OTHERS = [9, 18];

/** Traces for checks, at sizes that the program is not solved from. */
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
  // One landscape, one portrait: catches swapped height and width.
  const others = OTHERS.map((n, k) => within(at(2 + k, (i) => least + n + (k === 0 ? 4 * i : -3 * i))));
  return [first, ...others].filter((one) => one !== undefined);
}

/** Larger than common size limits in functions: a picture's side, and a batch. */
const LARGE = { side: 331, batch: 67 };

/** Traces with one dim large. */
function largeAt(within: Fits, base: Sizes, steps: Sizes): SizedProgram[] {
  return Object.keys(base).flatMap(
    (dim) => within({ ...base, [dim]: (dim === 'batch' ? LARGE.batch : LARGE.side) * (steps[dim] ?? 1) }) ?? [],
  );
}

/** Sizes above common bounds, at which a maximum takes its other side; each costs one more trace. */
const BEYOND = [187, 263, 419, 613];

/** Traces with one dim other than the batch beyond common bounds. */
function beyondAt(within: Fits, base: Sizes): SizedProgram[] {
  const places = Object.keys(base).filter((dim) => dim !== 'batch');
  return places.flatMap((dim) => BEYOND.flatMap((size) => within({ ...base, [dim]: size }) ?? []));
}

/** Multiples of common padding sizes. */
const ROUND = [128, 300];

/** Limit on rounds of additional sizes. */
const ROUNDS = 4;

/**
 * Traces at more sizes. Round 0: consecutive sizes near the first and near the smallest, which cover every remainder of
 * small divisors, and multiples of large divisors. Later rounds: a few of each kind.
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
 * {@link capture} of a function whose state between calls becomes inputs and outputs. A trace that finds state reports
 * it as a StateError; that state is declared, and everything is traced again.
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
      stateful = withState(stateful, error.states); // terminates, because there are finitely many variables
    }
  }
}
