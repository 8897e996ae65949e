// Verification: an ONNX file against tfjs, at several seeds and sizes, some of which it was not traced at.
import type { Runtime, Session } from '@forja/core';
import type { Perm } from '../lower/contract.js';
import type { Program } from '../program/program.js';
import type { Sizes } from './traced.js';
import type { DrawnSpec } from './feeds.js';
import { compareCalls, mismatchOf, refusal, unverified, type Mismatch } from './mismatch.js';
import { step, type Watched } from './progress.js';
import { reference, type Reference } from './reference.js';
import type { NodeError, OutputError } from './report.js';
import {
  compareOnce,
  freeDomains,
  freeInputs,
  passes,
  roundAt,
  RunFailure,
  worstOf,
  type Compared,
  type Round,
} from './round.js';
import type { Subject } from './subject.js';
import type { Quantisation } from './uint8.js';
import { farTurns, waysFor, type Draws } from './ways.js';
import { Witness } from './witness.js';

/** What the caller may say of verification. */
export interface VerifyOptions {
  /** Runs the file. `@forja/trainer/node` fills it in. */
  runtime?: Runtime;
  /**
   * Sizes of the dynamic dims to verify at. Default: three that were not traced, the least that the function takes
   * among them.
   */
  sizes?: Record<string, number>[];
  /** How many seeds at each size. Default 2; 8 where the network is small, so that what few inputs reach is seen. */
  seeds?: number;
  /** Bound on max |a - b| / max(1e-2, p99.9 of |tfjs|). Default 1e-4. */
  tolerance?: number;
  /** Also compares every call of the program alone, which takes a second graph with as many outputs. */
  perNode?: boolean;
}

/** The relative error that an export may have. */
export const TOLERANCE = 1e-4;

/** Decibels that a file in half precision must reach, unless the caller gives a tolerance. */
export const LEAST_PSNR = 45;

/** One input of the file and of the function. */
export interface VerifiedInput extends DrawnSpec {
  /** Of the function. */
  name: string;
  /** In the file. */
  file: string;
  /** Order in the file; undefined for tfjs's own. */
  order?: Perm;
}

/** One output of the file and of the function. */
export interface VerifiedOutput {
  name: string;
  file: string;
  order?: Perm;
  /** For bytes: how they are made of the values. */
  quantised?: Quantisation;
  /** What the values may span. */
  range?: readonly [number, number];
}

/** What is compared. */
export interface Verification {
  subject: Subject;
  inputs: readonly VerifiedInput[];
  outputs: readonly VerifiedOutput[];
  sizes: readonly Sizes[];
  /** Sizes that the file was traced at. */
  traced: readonly Sizes[];
  /** Sizes at which the function calls other kernels than the file was made of. */
  branches?: readonly { sizes: Sizes; why: string }[];
  /** Default: {@link seedsFor}. */
  seeds?: number;
  tolerance: number;
  /** For files in half precision: outputs are compared by this many decibels instead of the tolerance. */
  psnr?: number;
  /**
   * The program that the file was lowered from, where it is known: a failure then names the first call that differs.
   */
  program?: Program;
  /** Outputs that no input reaches, which are the same at every draw. */
  fixed: readonly string[];
}

/** How it went. */
export interface Verified {
  errors: OutputError[];
  /** Outputs that were the same at every draw from the ranges that the caller stated. */
  unchanged: string[];
  calls?: NodeError[];
  tfjs: string;
  onnx: string;
}

/** Networks of so many numbers in all, which run in no time. */
const SMALL = 1e5;

/** How many seeds a program is verified at unless the caller says. */
function seedsFor({ values }: Program): number {
  return values.reduce((sum, { shape }) => sum + shape.reduce<number>((n, size) => n * Number(size), 1), 0) <= SMALL
    ? 8
    : 2;
}

/** What a verification works with. */
interface Work {
  session: Session;
  job: Verification;
  rounds: Round[];
  eager: Reference;
  runtime: Runtime;
  watch: Watched;
  progress: { done: number; total: number };
}

/** Comparisons at one way to draw: all of them, or the first reason why not. */
type Outcome = { errors: OutputError[]; failed?: undefined } | { errors: OutputError[]; failed: Mismatch };

/**
 * Compares at every seed and size; in other ways to draw where the natural one shows nothing. `external`: the files
 * beside it.
 * @throws ExportError `export.mismatch` for the worst output above the tolerance, with the numbers and the first call
 * that differs; `export.unverified` where no draw gave numbers, or other numbers, to compare.
 */
export async function verify(
  model: Uint8Array,
  job: Verification,
  runtime: Runtime,
  perNode = false,
  watch: Watched = {},
  external: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Verified> {
  const session = await runtime.createSession(model, external.size === 0 ? {} : { external: new Map(external) });
  try {
    const rounds = job.sizes.map((sizes) => roundAt(job, sizes));
    const [round] = rounds;
    if (round === undefined) throw new RangeError('verify: no sizes');
    const eager = await reference(round.program);
    const work: Work = { session, job, rounds, eager, runtime, watch, progress: { done: 0, total: 0 } };
    const ways = waysFor(
      freeInputs(round),
      round.inputs.some(({ spec }) => spec.pictures !== undefined),
    );
    const witness = new Witness(job.fixed);
    const { errors, draws } = await compareAll(work, ways, witness);
    const more = ways.slice(draws === undefined ? 0 : ways.indexOf(draws) + 1);
    const unseen = (): string[] => job.outputs.map(({ name }) => name).filter((name) => witness.unseen(name));
    // One draw shows no change; a second does, at the least sizes or at more. It was not asked for, and is not listed.
    for (const again of job.seeds === 1 ? rounds : []) {
      if (unseen().length === 0) break;
      const { failed } = await attempt({ ...work, rounds: [again] }, witness, draws, [2]);
      if (failed?.explained === false) throw failed.error;
    }
    const turns = draws === undefined ? farTurns(freeDomains(round)) : undefined;
    for (const way of [...(turns === undefined ? [] : [turns]), ...more]) {
      if (unseen().length === 0 && way !== turns) break;
      const { errors: found, failed } = await attempt(work, witness, way, [1]);
      if (failed?.explained === false) throw failed.error;
      if (failed === undefined) errors.push(...found);
    }
    const unchanged = unseen();
    for (const output of unchanged) {
      const what = witness.unseen(output);
      // Where all inputs are as the caller stated, the same result at all of them is what the function does.
      if (what === 'numbers' || (what === 'change' && freeInputs(round).length > 0))
        throw unverified(
          output,
          what,
          round,
          more.map(({ name }) => name),
        );
    }
    const calls =
      perNode && job.program !== undefined
        ? await compareCalls(job.program, { round, how: { seed: 1, ...drawsEntry(draws) }, runtime, eager })
        : undefined;
    return {
      errors,
      unchanged,
      ...(calls === undefined
        ? {}
        : { calls: calls.map(({ error }) => error).sort((a, b) => b.relative - a.relative) }),
      tfjs: eager.backend,
      onnx: session.device.actual,
    };
  } finally {
    await session.dispose();
  }
}

function drawsEntry(draws: Draws | undefined): { draws?: Draws } {
  return draws === undefined ? {} : { draws };
}

/**
 * Compares at natural draws; where these are not taken, or the function is too sensitive there for float32, at those of
 * the first way that is good.
 * @throws ExportError for the first reason where none is.
 */
async function compareAll(
  work: Work,
  ways: readonly Draws[],
  witness: Witness,
): Promise<{ errors: OutputError[]; draws?: Draws }> {
  let first: Mismatch | undefined;
  for (const draws of [undefined, ...ways]) {
    const { errors, failed } = await attempt(work, witness, draws);
    if (failed === undefined) return { errors, ...drawsEntry(draws) };
    if (!failed.explained) throw failed.error;
    first ??= failed;
  }
  throw first?.error ?? new RangeError('verify: no draws');
}

/** Compares at every size, at each seed. The witness looks at what was equal, if all of it was. */
async function attempt(work: Work, witness: Witness, draws?: Draws, seeds?: readonly number[]): Promise<Outcome> {
  const { session, job, rounds, eager, runtime, watch, progress } = work;
  const errors: OutputError[] = [];
  const looked: { expected: Compared['expected']; round: Round }[] = [];
  const seedsAt = ({ program }: Round): readonly number[] =>
    seeds ?? Array.from({ length: job.seeds ?? seedsFor(program) }, (_, i) => i + 1);
  progress.total += rounds.reduce((sum, round) => sum + seedsAt(round).length, 0);
  for (const round of rounds) {
    for (const seed of seedsAt(round)) {
      await step(watch, { stage: 'verify', done: progress.done++, total: progress.total });
      const how = { seed, ...drawsEntry(draws) };
      try {
        let compared = await compareOnce(session, round, job, eager, how);
        // tfjs's WASM kernels have mistakes of their own (`same` convolution with unequal strides); the plain ones
        // decide.
        if (compared.errors.some((error) => !passes(error, job)) && eager.distrust())
          compared = await compareOnce(session, round, job, eager, how);
        errors.push(...compared.errors);
        looked.push({ expected: compared.expected, round });
      } catch (failure) {
        if (!(failure instanceof RunFailure)) throw failure;
        return { errors, failed: { error: refusal(failure.side, failure.cause, round, how), explained: true } };
      }
    }
  }
  const worst = worstOf(errors, job);
  if (worst !== undefined) {
    const round = rounds.find(({ sizes }) => sizes === worst.sizes) ?? rounds[0];
    if (round === undefined) throw new RangeError('verify: no sizes');
    const how = { seed: worst.seed, ...drawsEntry(draws) };
    return { errors, failed: await mismatchOf(worst, { round, how, job, runtime, eager }) };
  }
  for (const { expected, round } of looked)
    for (const [name, result] of Object.entries(expected)) witness.look(name, JSON.stringify(round.sizes), result);
  return { errors };
}
