// Runs file and function on the same drawn inputs, and compares their results.
import { ForjaError, type NamedTensors, type Session } from '@forja/core';
import type { Perm } from '../lower/contract.js';
import { inverse, permuted } from '../lower/permute.js';
import { spreadNorms } from '../rewrite/norm.js';
import type { ReplayTensor } from '../program/replay.js';
import type { Program } from '../program/program.js';
import type { OutputError, Verification, VerifiedInput } from './contract.js';
import { traceAt, type Sizes } from './traced.js';
import { distance, peakToNoise, type Distance } from './compare.js';
import { constantsOf, domainsOf, type Domain } from './domain.js';
import { draw, isFree, type Drawn, type DrawnSpec } from './feeds.js';
import { pictureRange } from './pictures.js';
import type { Reference } from './reference.js';
import type { Quantisation } from './uint8.js';
import type { Draws } from './ways.js';

/** The comparison at one choice of sizes. */
export interface Round {
  sizes: Sizes;
  /** The program that the file is compared with. */
  program: Program;
  /** How each input of the program is drawn. */
  inputs: { name: string; shape: number[]; spec: DrawnSpec }[];
}

/** The seed of a draw, and the distribution if it is not the natural one. */
export interface Draw {
  seed: number;
  draws?: Draws;
}

/**
 * Prepares a comparison at these sizes. tfjs's plain kernels read batch norm statistics as vectors along the last axis,
 * so batch norms with other statistics are rewritten first, to behave as in TensorFlow.
 */
export function roundAt(job: Verification, sizes: Sizes): Round {
  const program = spreadNorms(traceAt(job.subject, sizes).program);
  const [domains, constant] = [domainsOf(program), constantsOf(program)];
  const inputs = program.inputs.map(({ name, value, random }) => {
    const { dtype, shape } = program.values[value] ?? { dtype: 'float32', shape: [] };
    const known: VerifiedInput | undefined = job.inputs.find((input) => input.name === name);
    const spec: DrawnSpec =
      random !== undefined || known === undefined
        ? { dtype, role: 'noise', distribution: random?.distribution ?? 'normal' }
        : known.range !== undefined || known.role !== 'image'
          ? known
          : { ...known, pictures: pictureRange(program, value, constant) };
    const domain = random === undefined ? domains.get(name) : undefined;
    return { name, shape: shape.map(Number), spec: domain === undefined ? spec : { ...spec, domain } };
  });
  return { sizes, program, inputs };
}

/** Inputs that may be drawn in other ways. The function's own random numbers may not. */
export function freeInputs({ program, inputs }: Round): string[] {
  const own = new Set(program.inputs.filter(({ random }) => random !== undefined).map(({ name }) => name));
  return inputs.filter(({ name, spec, shape }) => !own.has(name) && isFree(spec, shape)).map(({ name }) => name);
}

/** Domains of the free inputs, except pictures, which cover their whole range anyway. */
export function freeDomains(round: Round): (Domain | undefined)[] {
  const free = freeInputs(round);
  return round.inputs
    .filter(({ name, spec }) => free.includes(name) && spec.role !== 'image')
    .map(({ spec }) => spec.domain);
}

/** Draws the inputs of a program, by name. */
export function drawAll({ inputs }: Round, { seed, draws }: Draw): Record<string, Drawn> {
  return Object.fromEntries(
    inputs.map(({ name, shape, spec }, stream) => [name, draw(spec, shape, seed, stream, draws?.of(name))]),
  );
}

/** Thrown if the function or the file does not run on the drawn inputs. */
export class RunFailure extends Error {
  constructor(
    readonly side: 'tfjs' | 'onnx',
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Wraps failures of kernels; errors caused by the caller or a device stay as they are. */
function failureOf(side: RunFailure['side'], cause: unknown): unknown {
  return cause instanceof ForjaError && cause.code !== 'internal' ? cause : new RunFailure(side, cause);
}

/** A tensor of the function in the file's axis order. */
export function stored({ dtype, shape, data }: Drawn, order: Perm | undefined): NamedTensors[string] {
  if (order === undefined) return { dtype, shape, data };
  return { dtype, shape: order.map((axis) => shape[axis] ?? 1), data: permuted(data, shape, order) };
}

/** Numbers of an output of the file in the function's axis order. */
export function logical(
  result: NamedTensors[string] | undefined,
  order: Perm | undefined,
): Float32Array | Int32Array | Uint8Array {
  if (result === undefined) return new Float32Array();
  const data = result.data as Float32Array | Int32Array | Uint8Array; // programs have no 64-bit results
  return order === undefined ? data : permuted(data, result.shape, inverse(order));
}

/**
 * Compares bytes with exact values. Errors are in steps of a byte; up to half a step is rounding and counts as none.
 */
function bytesDistance(bytes: ArrayLike<number>, values: ArrayLike<number>, quantised: Quantisation): Distance {
  const exact = bytesOf(values, quantised);
  const nearest = Float64Array.from(exact, (v, i) => {
    const byte = bytes[i] ?? NaN;
    return Math.abs(byte - v) <= 0.5 ? byte : byte > v ? v + 0.5 : v - 0.5;
  });
  return distance(bytes, nearest);
}

/** The byte values before rounding. */
function bytesOf(values: ArrayLike<number>, { scale, shift }: Quantisation): Float64Array {
  return Float64Array.from(values, (x) => Math.min(255, Math.max(0, x * scale + shift - 0.5)));
}

/** Result of one comparison. */
export interface Compared {
  errors: OutputError[];
  /** tfjs's results. */
  expected: Record<string, ReplayTensor>;
}

/** @throws RunFailure if either side does not run on the drawn inputs. */
export async function compareOnce(
  session: Session,
  round: Round,
  job: Verification,
  eager: Reference,
  how: Draw,
): Promise<Compared> {
  const drawn = drawAll(round, how);
  let expected: Record<string, ReplayTensor>;
  try {
    expected = eager.run(round.program, drawn);
  } catch (cause) {
    throw failureOf('tfjs', cause);
  }
  const feeds = Object.fromEntries(
    job.inputs.flatMap(({ name, file, order }) => {
      const tensor = drawn[name];
      return tensor === undefined ? [] : [[file, stored(tensor, order)]];
    }),
  );
  const results = await session.run(feeds).catch((cause: unknown) => {
    throw failureOf('onnx', cause);
  });
  const { sizes } = round;
  const traced = job.traced.some((other) => Object.entries(sizes).every(([dim, size]) => other[dim] === size));
  const { seed, draws } = how;
  const errors = job.outputs.map(({ name, file, order, quantised, range }) => {
    const [result, values] = [logical(results[file], order), expected[name]?.data ?? new Float32Array()];
    const shape = results[file]?.shape ?? [];
    const alike =
      String(order === undefined ? shape : inverse(order).map((axis) => shape[axis])) === String(expected[name]?.shape);
    const difference = !alike
      ? { ...distance([], values), max: Infinity, relative: Infinity }
      : quantised === undefined
        ? distance(result, values)
        : bytesDistance(result, values, quantised);
    const where = { output: name, seed, sizes, traced, ...(draws === undefined ? {} : { drawn: draws.name }) };
    if (job.psnr === undefined) return { ...where, ...difference };
    const span = range === undefined ? undefined : range[1] - range[0];
    const psnr = !alike
      ? -Infinity
      : quantised === undefined
        ? peakToNoise(result, values, span)
        : peakToNoise(result, bytesOf(values, quantised), 255);
    return { ...where, ...difference, psnr };
  });
  return { errors, expected };
}

/** Whether a comparison passes. */
export function passes({ relative, psnr }: OutputError, job: Verification): boolean {
  return job.psnr === undefined ? relative <= job.tolerance : (psnr ?? -Infinity) >= job.psnr;
}

/** Orders comparisons: larger is worse. */
function badness({ relative, psnr }: OutputError, job: Verification): number {
  return job.psnr === undefined ? relative : -(psnr ?? -Infinity);
}

/** The worst of the comparisons, if it does not pass. */
export function worstOf(errors: readonly OutputError[], job: Verification): OutputError | undefined {
  const worst = errors.reduce<OutputError | undefined>(
    (a, b) => (a === undefined || badness(b, job) > badness(a, job) ? b : a),
    undefined,
  );
  return worst === undefined || passes(worst, job) ? undefined : worst;
}
