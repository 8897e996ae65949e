// Explains an export whose numbers differ from tfjs's: which call differs first, and whether float32 rounding accounts
// for it.
import { ExportError, type Runtime } from '@forja/core';
import { encodeModel } from '@forja/core/onnx';
import { describeCall } from '../lower/context.js';
import { lowerProgram } from '../lower/lower.js';
import { callInputs, type ConstantData, type KernelCall, type Program, type ValueId } from '../program/program.js';
import { distance } from './compare.js';
import type { NodeError, OutputError, Verification } from './contract.js';
import type { Reference } from './reference.js';
import { drawAll, freeInputs, logical, stored, type Draw, type Round } from './round.js';

/** A failed comparison. */
export interface Mismatch {
  error: ExportError;
  /** Whether float32 rounding explains the difference at such inputs, so that the file may be right. */
  explained: boolean;
}

/** What a comparison was made with. */
export interface Place {
  round: Round;
  how: Draw;
  job: Verification;
  runtime: Runtime;
  eager: Reference;
}

/** Text on how to state a range for inputs without one, in code and on the command line. */
function statedRange(names: readonly string[]): string {
  const [name = 'x'] = names;
  const of = names.length === 0 ? '' : ` of ${names.map((one) => `'${one}'`).join(', ')}`;
  return (
    `state the range${of} that the function is meant for: inputs: [{ name: '${name}', range: [low, ` +
    `high], … }], or --range ${name}:low,high on the command line`
  );
}

/** Describes a draw: seed, sizes, distribution. */
function describeDraw({ sizes }: Round, { seed, draws }: Draw): string {
  return [
    `seed ${seed}`,
    ...Object.entries(sizes).map(([dim, size]) => `${dim} ${size}`),
    ...(draws === undefined ? [] : [`inputs drawn as ${draws.name}`]),
  ].join(', ');
}

/** The inputs of the round without a range from the caller. */
function unranged({ program, inputs }: Round): string[] {
  const own = new Set(program.inputs.filter(({ random }) => random !== undefined).map(({ name }) => name));
  return inputs.filter(({ name, spec }) => spec.range === undefined && !own.has(name)).map(({ name }) => name);
}

/** The error for the worst comparison. */
export async function mismatchOf(worst: OutputError, place: Place): Promise<Mismatch> {
  const { round, how, job } = place;
  const at = describeDraw(round, how);
  const branch = job.branches?.find(({ sizes }) =>
    Object.entries(sizes).every(([dim, size]) => worst.sizes[dim] === size),
  );
  if (branch !== undefined) {
    const text = `${branch.why}; its numbers differ at ${at}. Fix the size, or compute the same at every size`;
    return { error: new ExportError('export.unsupported', text), explained: false };
  }
  const numbers =
    `max |onnx - tfjs| ${worst.max.toPrecision(3)}, p99 ${worst.p99.toPrecision(3)}, p99.9 of |tfjs| ` +
    `${worst.scale.toPrecision(3)}`;
  const cure = statedRange(unranged(round));
  if (job.psnr !== undefined) {
    const half =
      `verify: expected output '${worst.output}' in half precision at ${job.psnr} dB or more of tfjs, ` +
      `got ${(worst.psnr ?? -Infinity).toFixed(1)} dB at ${at} (${numbers}). Export with precision ` +
      `'fp32': values above 65504, and small differences between large values, need float32. If they come only ` +
      `from inputs that the function will never get, ${cure}`;
    return { error: new ExportError('export.mismatch', half), explained: false };
  }
  const own = nudged(worst.output, place);
  const rounding = own !== undefined && own * ROUNDINGS > worst.relative;
  const first = await firstDiffering(place);
  const tie = first.call !== undefined && first.innocent;
  const what = first.call === undefined ? first.why : `; the first call that differs is ${first.call}`;
  const moved =
    own === undefined
      ? ''
      : `. tfjs's own numbers move by ${own.toPrecision(3)} when the inputs change in their last bit`;
  const why = rounding
    ? `: float32 rounding in this network accounts for it at such inputs; ${cure}, or raise verify.tolerance`
    : tie
      ? '; given the same numbers, that call agrees with tfjs, so float32 rounding before it accounts for ' +
        `the difference; ${cure}`
      : own === undefined
        ? ''
        : `, which does not explain it${first.call === undefined ? '' : ": correct that call's lowering"}`;
  const message =
    `verify: expected output '${worst.output}' within ${job.tolerance} of tfjs, got a relative error ` +
    `of ${worst.relative.toPrecision(3)} at ${at} (${numbers})${what}${moved}${why}`;
  return { error: new ExportError('export.mismatch', message), explained: rounding || tie };
}

/** An error counts as rounding if it is at most this many times the change that rounding the inputs once causes. */
const ROUNDINGS = 30;

/**
 * How much the reference's result changes if each input number changes by one part in 2²³; undefined if that cannot be
 * computed.
 */
function nudged(output: string, { round, how, eager }: Place): number | undefined {
  const drawn = drawAll(round, how);
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
      eager.run(round.program, moved)[output]?.data ?? [],
      eager.run(round.program, drawn)[output]?.data ?? [],
    );
    return Number.isFinite(relative) ? relative : undefined;
  } catch {
    return undefined; // only extra information
  }
}

/** The first call that differs. */
interface First {
  call?: string;
  /** Whether tfjs agrees with the file if the call reads the file's own numbers. */
  innocent: boolean;
  /** Why no such call was found. */
  why: string;
}

async function firstDiffering(place: Place): Promise<First> {
  const { job } = place;
  if (job.program === undefined) return { innocent: false, why: '' };
  try {
    const calls = await compareCalls(job.program, place);
    const found = calls.find(({ error }) => !(error.relative <= job.tolerance));
    if (found === undefined) return { innocent: false, why: '' };
    const { error, alone } = found;
    return {
      call:
        `${describeCall({ ...error, inputs: {}, attrs: {}, outputs: [] })} (relative error ` +
        `${error.relative.toPrecision(3)})`,
      innocent: alone() <= job.tolerance,
      why: '',
    };
  } catch (error) {
    // The search is extra information: its failure must not hide the mismatch.
    const why = error instanceof Error ? error.message : String(error);
    return { innocent: false, why: `; the first call that differs was not found (${why})` };
  }
}

/**
 * A compared call: the error of its results, and (`alone`) its error if tfjs reads the inputs that the file computed.
 */
export interface ComparedCall {
  error: NodeError;
  alone: () => number;
}

/**
 * Compares every call of the program, in order. The file's numbers come from a graph that has all values as outputs;
 * tfjs's come from a replay.
 */
export async function compareCalls(
  program: Program,
  { round, how, runtime, eager }: Omit<Place, 'job'>,
): Promise<ComparedCall[]> {
  const name = (id: ValueId): string => `forja/value/${id}`;
  const outputs = program.calls.flatMap((call) => call.outputs.map((value) => ({ name: name(value), value })));
  const { model } = lowerProgram({ ...program, outputs }, { target: 'portable' });
  const drawn = drawAll(round, how);
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
    const inputs = new Map(program.inputs.map((input) => [input.value, drawn[input.name]?.data]));
    const fileData = (id: ValueId): ConstantData =>
      program.constants.get(id) ?? inputs.get(id) ?? logical(results[name(id)], undefined);
    const alone = (call: KernelCall): number => {
      const fed = [...new Set(callInputs(call))].map((value) => ({ name: name(value), value, kind: 'feed' as const }));
      const own = call.outputs.map((value) => ({ name: name(value), value }));
      const made = eager.run(
        { ...program, inputs: fed, constants: new Map(), calls: [call], outputs: own },
        Object.fromEntries(fed.map(({ name: feed, value }) => [feed, { data: fileData(value) }])),
        { sizes: round.sizes },
      );
      return Math.max(
        ...own.map(({ name: feed, value }) => distance(fileData(value), made[feed]?.data ?? []).relative),
      );
    };
    const compared: ComparedCall[] = [];
    const indices = new Map(program.calls.map((call, index) => [call.outputs[0], index]));
    eager.run(program, drawn, {
      sizes: round.sizes,
      observe: (call, values) => {
        // If the reference changes its backend halfway, it starts again from the first call.
        const i = indices.get(call.outputs[0]) ?? compared.length;
        const distances = values.map((value, j) =>
          distance(logical(results[name(call.outputs[j] ?? -1)], undefined), value.dataSync()),
        );
        const worst = distances.reduce((a, b) => (b.relative > a.relative ? b : a), { max: 0, relative: 0 });
        const { kernel, layer, site } = call;
        const own = program.calls[i];
        compared[i] = {
          error: {
            kernel,
            ...(layer === undefined ? {} : { layer }),
            ...(site === undefined ? {} : { site }),
            max: worst.max,
            relative: worst.relative,
          },
          alone: () => (own === undefined ? Infinity : alone(own)),
        };
      },
    });
    return compared;
  } finally {
    await session.dispose();
  }
}

/** The error for outputs whose draws could not verify anything. */
export function unverified(
  output: string,
  what: 'numbers' | 'change',
  round: Round,
  tried: readonly string[],
): ExportError {
  const got =
    what === 'numbers'
      ? 'got only NaN or infinity, in all of it or at some index of an axis'
      : 'got the same numbers at every draw, though the inputs differed';
  const ways = tried.length === 0 ? '' : ` (tried: the usual distribution, ${tried.join(', ')})`;
  const names = what === 'change' && freeInputs(round).length > 0 ? freeInputs(round) : unranged(round);
  return new ExportError(
    'export.unverified',
    `verify: expected numbers of output '${output}' that can be compared, ${got}${ways}; tfjs ` +
      `gives the same, but such numbers cannot verify the file. ${upper(statedRange(names))}; or take the file as ` +
      'it is with verify: false (--no-verify)',
  );
}

/** The error if the function or the file does not run on the drawn inputs. */
export function refusal(side: 'tfjs' | 'onnx', cause: unknown, round: Round, how: Draw): ExportError {
  const got = cause instanceof Error ? cause.message : String(cause);
  const ranged = round.inputs.flatMap(({ name, spec }) =>
    spec.range === undefined ? [] : [`'${name}' in [${spec.range.join(', ')}]`],
  );
  const at = describeDraw(round, how);
  const stated = ranged.length === 0 ? '' : `, ${ranged.join(', ')} as stated`;
  return new ExportError(
    side === 'tfjs' ? 'export.unverified' : 'export.mismatch',
    `verify: expected a ${side === 'tfjs' ? 'function' : 'file'} that runs on the inputs drawn ` +
      `(${at}${stated}), got an error of ${side === 'tfjs' ? 'tfjs' : 'onnxruntime where tfjs runs'}: ` +
      `${got}. If its inputs have other values, ` +
      `${statedRange(unranged(round).length > 0 ? unranged(round) : round.inputs.map(({ name }) => name))}`,
    { cause },
  );
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
