// Verification: compares an ONNX file with tfjs at several seeds and sizes, including sizes that were not traced.
import { ExportError, type Runtime, type Session } from '@forja/core';
import type { Program } from '../program/program.js';
import type { NodeError, OutputError, Verification } from './contract.js';
import { compareCalls, mismatchOf, refusal, unverified, type Mismatch } from './mismatch.js';
import { step, type Watched } from './progress.js';
import { reference, type Reference } from './reference.js';
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
import { reaching, turnsFarAway, waysFor, type Draws } from './ways.js';
import { Witness } from './witness.js';

/** Default bound on the relative error. */
export const TOLERANCE = 1e-4;

/** Result of a verification. */
export interface Verified {
  errors: OutputError[];
  /** Outputs that never changed over draws from the stated ranges. */
  unchanged: string[];
  calls?: NodeError[];
  tfjs: string;
  onnx: string;
}

/** Networks with at most this many elements in all values are small, and run within milliseconds. */
const SMALL = 1e5;

/** Default number of seeds. */
function seedsFor({ values }: Program): number {
  return values.reduce((sum, { shape }) => sum + shape.reduce<number>((n, size) => n * Number(size), 1), 0) <= SMALL
    ? 8
    : 2;
}

/** State of a verification. */
interface Work {
  session: Session;
  job: Verification;
  rounds: Round[];
  eager: Reference;
  runtime: Runtime;
  watch: Watched;
  progress: { done: number; total: number };
}

/** Comparisons for one way of drawing: all of them, or the first failure. */
type Outcome = { errors: OutputError[]; failed?: undefined } | { errors: OutputError[]; failed: Mismatch };

/**
 * Compares at every seed and size; draws inputs in other ways if the usual ones verify nothing. `external`: the model's
 * weight files.
 * @throws ExportError `export.mismatch` for the worst output above the tolerance, with the numbers and the first call
 * that differs; `export.unverified` if no draw gave finite, varying numbers to compare.
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
    if (round === undefined)
      throw new ExportError(
        'export.unverified',
        'verify: expected sizes at which every value has elements, got none; a call makes an empty tensor whatever ' +
          'the sizes: leave that call out, fix the dims, or give verify.sizes',
      );
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
    // With a single seed no change can be seen, so draw a second one, at the smallest sizes or at more. It is not
    // listed, as the caller did not ask for it.
    for (const again of job.seeds === 1 ? rounds : []) {
      if (unseen().length === 0) break;
      const { failed } = await attempt({ ...work, rounds: [again] }, witness, draws, [2]);
      if (failed?.explained === false) throw failed.error;
    }
    const turns = draws === undefined ? turnsFarAway(freeDomains(round)) : undefined;
    for (const way of [...(turns === undefined ? [] : [turns]), ...more]) {
      if (unseen().length === 0 && way !== turns) break;
      const { errors: found, failed } = await attempt(work, witness, way, [1]);
      if (failed?.explained === false) throw failed.error;
      if (failed === undefined) errors.push(...found);
    }
    for (const magnitude of draws === undefined && freeInputs(round).length > 0 ? (job.beyond ?? []) : []) {
      const { errors: found, failed } = await attempt(work, witness, reaching(magnitude), [1, 2]);
      if (failed?.explained === false) throw failed.error;
      if (failed === undefined) errors.push(...found);
    }
    const unchanged = unseen();
    for (const output of unchanged) {
      const what = witness.unseen(output);
      // If the caller stated all inputs, an output that never changes is what the function does.
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
 * Compares with inputs from their usual distributions. If the function does not run on these, or is too sensitive for
 * float32 there, uses the first other way of drawing that works.
 * @throws ExportError with the first reason, if no way works.
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

/** Compares at every size and seed. If everything agreed, the witness records the results. */
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
        // tfjs's WASM kernels have bugs (`same` convolution with unequal strides), so the plain kernels decide.
        if (compared.errors.some((error) => !passes(error, job)) && eager.usePlainBackend())
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
