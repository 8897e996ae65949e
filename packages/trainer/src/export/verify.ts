// Verification: an ONNX file against tfjs, at several seeds and sizes, some of which it was not traced at.
import { ExportError, type NamedTensors, type Runtime, type Session } from '@forja/core';
import { encodeModel } from '@forja/core/onnx';
import type { Perm } from '../lower/contract.js';
import { describeCall } from '../lower/context.js';
import { lowerProgram } from '../lower/lower.js';
import { inverse, permuted } from '../lower/permute.js';
import { spreadNorms } from '../rewrite/norm.js';
import type { Program } from '../program/program.js';
import { traceAt, type Sizes } from './capture.js';
import { distance, peakToNoise, type Distance } from './compare.js';
import { draw, type Drawn, type DrawnSpec } from './feeds.js';
import { step, type Watched } from './progress.js';
import { reference, type Reference } from './reference.js';
import type { NodeError, OutputError } from './report.js';
import type { Subject } from './subject.js';
import type { Quantisation } from './uint8.js';

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
}

/** How it went. */
export interface Verified {
  errors: OutputError[];
  calls?: NodeError[];
  tfjs: string;
  onnx: string;
}

/** A tensor of the function's as the file wants it. */
function stored({ dtype, shape, data }: Drawn, order: Perm | undefined): NamedTensors[string] {
  if (order === undefined) return { dtype, shape, data };
  return { dtype, shape: order.map((axis) => shape[axis] ?? 1), data: permuted(data, shape, order) };
}

/** Numbers of one of the file's outputs, in the function's order. */
function logical(result: NamedTensors[string] | undefined, order: Perm | undefined): ArrayLike<number> {
  if (result === undefined) return [];
  const data = result.data as Float32Array | Int32Array | Uint8Array; // programs have no 64-bit results
  return order === undefined ? data : permuted(data, result.shape, inverse(order));
}

/** Bytes count as right within half a step of the value, and are compared in steps. */
function bytesDistance(bytes: ArrayLike<number>, values: ArrayLike<number>, quantised: Quantisation): Distance {
  const exact = bytesOf(values, quantised);
  const nearest = Float64Array.from(exact, (v, i) => {
    const byte = bytes[i] ?? NaN;
    return Math.abs(byte - v) <= 0.5 ? byte : byte > v ? v + 0.5 : v - 0.5;
  });
  return distance(bytes, nearest);
}

/** The bytes of values, before they are rounded. */
function bytesOf(values: ArrayLike<number>, { scale, shift }: Quantisation): Float64Array {
  return Float64Array.from(values, (x) => Math.min(255, Math.max(0, x * scale + shift - 0.5)));
}

/** Whether a comparison is good enough. */
function passes({ relative, psnr }: OutputError, job: Verification): boolean {
  return job.psnr === undefined ? relative <= job.tolerance : (psnr ?? -Infinity) >= job.psnr;
}

/** How bad a comparison is: more is worse. */
function badness({ relative, psnr }: OutputError, job: Verification): number {
  return job.psnr === undefined ? relative : -(psnr ?? -Infinity);
}

/** Draws the inputs of a program, by name. */
function drawAll(program: Program, inputs: readonly VerifiedInput[], seed: number): Record<string, Drawn> {
  return Object.fromEntries(
    program.inputs.map(({ name, value, random }, stream) => {
      const shape = (program.values[value]?.shape ?? []).map(Number);
      const spec = inputs.find((input) => input.name === name) ?? { dtype: 'float32', role: 'noise' };
      return [
        name,
        draw(
          random === undefined ? spec : { ...spec, role: 'noise', distribution: random.distribution },
          shape,
          seed,
          stream,
        ),
      ];
    }),
  );
}

/** Networks of so many numbers in all, which run in no time. */
const SMALL = 1e5;

/** How many seeds a program is verified at unless the caller says. */
function seedsFor({ values }: Program): number {
  return values.reduce((sum, { shape }) => sum + shape.reduce<number>((n, size) => n * Number(size), 1), 0) <= SMALL
    ? 8
    : 2;
}

/**
 * Compares at every seed and size. `external`: the files beside it.
 * @throws ExportError `export.mismatch` for the worst output above the tolerance, with the numbers and the first call
 * that differs.
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
    const errors: OutputError[] = [];
    let eager: Reference | undefined;
    let done = 0;
    const rounds = job.sizes.map((sizes) => {
      const program = expectedProgram(job.subject, sizes);
      return { sizes, program, seeds: job.seeds ?? seedsFor(program) };
    });
    const total = rounds.reduce((sum, { seeds }) => sum + seeds, 0);
    for (const { sizes, program, seeds } of rounds) {
      eager ??= await reference(program);
      for (let seed = 1; seed <= seeds; seed++) {
        await step(watch, { stage: 'verify', done: done++, total });
        let compared = await compareOnce(session, program, job, eager, sizes, seed);
        // tfjs's WASM kernels have mistakes of their own (`same` convolution with unequal strides); the plain ones
        // decide.
        if (compared.some((error) => !passes(error, job)) && eager.distrust())
          compared = await compareOnce(session, program, job, eager, sizes, seed);
        errors.push(...compared);
      }
    }
    const worst = errors.reduce<OutputError | undefined>(
      (a, b) => (a === undefined || badness(b, job) > badness(a, job) ? b : a),
      undefined,
    );
    const device = session.device.actual;
    if (worst !== undefined && !passes(worst, job)) throw await mismatch(worst, job, runtime, eager);
    const calls =
      perNode && job.program !== undefined && eager !== undefined
        ? await compareCalls(job.program, job, runtime, eager, job.sizes[0] ?? {}, 1)
        : undefined;
    return {
      errors,
      ...(calls === undefined ? {} : { calls: [...calls].sort((a, b) => b.relative - a.relative) }),
      tfjs: eager?.backend ?? 'cpu',
      onnx: device,
    };
  } finally {
    await session.dispose();
  }
}

/**
 * What the file is compared with. tfjs's plain kernels read statistics of a batch norm that stand along another axis
 * than the last as if they stood along it: those are spread first, as TensorFlow does.
 */
function expectedProgram(subject: Subject, sizes: Sizes): Program {
  return spreadNorms(traceAt(subject, sizes).program);
}

async function compareOnce(
  session: Session,
  program: Program,
  job: Verification,
  eager: Reference,
  sizes: Sizes,
  seed: number,
): Promise<OutputError[]> {
  const drawn = drawAll(program, job.inputs, seed);
  const expected = eager.run(program, drawn);
  const feeds = Object.fromEntries(
    job.inputs.flatMap(({ name, file, order }) => {
      const tensor = drawn[name];
      return tensor === undefined ? [] : [[file, stored(tensor, order)]];
    }),
  );
  const results = await session.run(feeds);
  const traced = job.traced.some((other) => Object.entries(sizes).every(([dim, size]) => other[dim] === size));
  return job.outputs.map(({ name, file, order, quantised, range }) => {
    const [result, values] = [logical(results[file], order), expected[name]?.data ?? new Float32Array()];
    const shape = results[file]?.shape ?? [];
    const alike =
      String(order === undefined ? shape : inverse(order).map((axis) => shape[axis])) === String(expected[name]?.shape);
    const apart = !alike
      ? { ...distance([], values), max: Infinity, relative: Infinity }
      : quantised === undefined
        ? distance(result, values)
        : bytesDistance(result, values, quantised);
    if (job.psnr === undefined) return { output: name, seed, sizes, traced, ...apart };
    const span = range === undefined ? undefined : range[1] - range[0];
    const psnr = !alike
      ? -Infinity
      : quantised === undefined
        ? peakToNoise(result, values, span)
        : peakToNoise(result, bytesOf(values, quantised), 255);
    return { output: name, seed, sizes, traced, ...apart, psnr };
  });
}

async function mismatch(
  worst: OutputError,
  job: Verification,
  runtime: Runtime,
  eager: Reference | undefined,
): Promise<ExportError> {
  const at = [`seed ${worst.seed}`, ...Object.entries(worst.sizes).map(([dim, size]) => `${dim} ${size}`)].join(', ');
  const branch = job.branches?.find(({ sizes }) =>
    Object.entries(sizes).every(([dim, size]) => worst.sizes[dim] === size),
  );
  if (branch !== undefined)
    return new ExportError(
      'export.unsupported',
      `${branch.why}; its numbers differ at ${at}. Fix the size, or compute the same at every size`,
    );
  const numbers = `max |onnx - tfjs| ${worst.max.toPrecision(3)}, p99 ${worst.p99.toPrecision(3)}, p99.9 of |tfjs| ${worst.scale.toPrecision(3)}`;
  if (job.psnr !== undefined) {
    const half = `verify: expected output '${worst.output}' in half precision at ${job.psnr} dB or more of tfjs, got ${(worst.psnr ?? -Infinity).toFixed(1)} dB at ${at} (${numbers}). Export with precision 'fp32'; numbers above 65504, or small differences of large ones, need it`;
    return new ExportError('export.mismatch', half);
  }
  let first = '';
  if (job.program !== undefined && eager !== undefined) {
    try {
      const calls = await compareCalls(job.program, job, runtime, eager, worst.sizes, worst.seed);
      const call = calls.find(({ relative }) => !(relative <= job.tolerance));
      if (call !== undefined)
        first = `; the first call that differs is ${describeCall({ ...call, inputs: {}, attrs: {}, outputs: [] })} (relative error ${call.relative.toPrecision(3)})`;
    } catch (error) {
      // The search is a courtesy: what it fails on must not hide the mismatch.
      first = `; the first call that differs was not found (${error instanceof Error ? error.message : String(error)})`;
    }
  }
  const own = eager === undefined ? undefined : nudged(worst, job, eager);
  const rounding = own !== undefined && own * ROUNDINGS > worst.relative;
  const way =
    own === undefined
      ? ''
      : `. tfjs's own numbers move by ${own.toPrecision(3)} when the inputs change in their last bit${rounding ? ': float32 tells no more of this network at such inputs; state the range that its inputs have, or raise verify.tolerance' : ", which does not explain it: correct that call's lowering, unless it compares numbers that are nearly equal"}`;
  const message = `verify: expected output '${worst.output}' within ${job.tolerance} of tfjs, got a relative error of ${worst.relative.toPrecision(3)} at ${at} (${numbers})${first}${way}`;
  return new ExportError('export.mismatch', message);
}

/** Roundings that may add up in a network for each of its inputs' own. */
const ROUNDINGS = 30;

/**
 * How far the reference's result moves, at the worst comparison's inputs, when each of their numbers changes by one
 * part in 2²³; undefined where that cannot be told.
 */
function nudged({ output, sizes, seed }: OutputError, job: Verification, eager: Reference): number | undefined {
  const program = expectedProgram(job.subject, sizes);
  const drawn = drawAll(program, job.inputs, seed);
  const moved = Object.fromEntries(
    Object.entries(drawn).map(([name, { data, ...rest }]) => [
      name,
      {
        ...rest,
        data: data instanceof Float32Array ? data.map((x, i) => x * (1 + (i % 2 === 0 ? 1 : -1) * 2 ** -23)) : data,
      },
    ]),
  );
  try {
    const { relative } = distance(
      eager.run(program, moved)[output]?.data ?? [],
      eager.run(program, drawn)[output]?.data ?? [],
    );
    return Number.isFinite(relative) ? relative : undefined;
  } catch {
    return undefined; // a courtesy as well
  }
}

/**
 * Every call of the program, in order: the file's numbers are those of a graph with all values as outputs, tfjs's those
 * of a replay.
 */
async function compareCalls(
  program: Program,
  job: Verification,
  runtime: Runtime,
  eager: Reference,
  sizes: Sizes,
  seed: number,
): Promise<NodeError[]> {
  const name = (call: number, output: number): string => `forja/call/${call}/${output}`;
  const outputs = program.calls.flatMap((call, i) => call.outputs.map((value, j) => ({ name: name(i, j), value })));
  const { model } = lowerProgram({ ...program, outputs }, { target: 'portable' });
  const raw = expectedProgram(job.subject, sizes);
  const drawn = drawAll(raw, job.inputs, seed);
  const session = await runtime.createSession(encodeModel(model));
  try {
    const results = await session.run(
      Object.fromEntries(
        program.inputs.flatMap((input) => {
          const tensor = drawn[input.name];
          return tensor === undefined ? [] : [[input.name, stored(tensor, undefined)]];
        }),
      ),
    );
    const errors: NodeError[] = [];
    const indices = new Map(program.calls.map((call, index) => [call.outputs[0], index]));
    eager.run(program, drawn, {
      sizes,
      observe: (call, values) => {
        // A reference that changes its backend halfway starts again from the first call.
        const i = indices.get(call.outputs[0]) ?? errors.length;
        const apart = values.map((value, j) => distance(logical(results[name(i, j)], undefined), value.dataSync()));
        const worst = apart.reduce((a, b) => (b.relative > a.relative ? b : a), { max: 0, relative: 0 });
        const { kernel, layer, site } = call;
        errors[i] = {
          kernel,
          ...(layer === undefined ? {} : { layer }),
          ...(site === undefined ? {} : { site }),
          max: worst.max,
          relative: worst.relative,
        };
      },
    });
    return errors;
  } finally {
    await session.dispose();
  }
}
