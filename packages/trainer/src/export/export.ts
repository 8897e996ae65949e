// exportOnnx: trace → align → optimize → lower → seal → verify. One call, one verified file.
import { LEAST_DECIBELS, UsageError, type Manifest } from '@forja/core';
import { DATA_TYPE, encodeModel, roundedTwin, sealModel, toHalf, type Model } from '@forja/core/onnx';
import type { Perm } from '../lower/contract.js';
import { DEFAULT_OPSET, lowerProgram } from '../lower/lower.js';
import { optimize } from '../rewrite/optimize.js';
import { exactScores } from '../rewrite/scores.js';
import { hex, sha256 } from '../digest.js';
import type { Program, ProgramDType } from '../program/program.js';
import type { Bounds } from './bounds.js';
import { capture, captureStateful, type Capture } from './capture.js';
import type { ExportOptions, Verification, VerifyOptions } from './contract.js';
import { describe, orderOf, type Description, type LayoutOption, type OutputOption } from './describe.js';
import { fixedOutputs } from './domain.js';
import { checkOptions } from './options.js';
import { outside, placement } from './external.js';
import { checkRows, type Batches } from './independent-rows.js';
import { checkSignal, ListenerFailed, listening, step, watched } from './progress.js';
import { contents, kernelCounts, type ExportReport } from './report.js';
import { stateTable, type StateTable } from './state.js';
import { stridesOf } from './strides.js';
import { inStorage, storageOf, type Made } from './stored.js';
import { isStated, subjectOf, type Exportable } from './subject.js';
import { uint8Head, uint8Heads, type Quantisation } from './uint8.js';
import { TOLERANCE, verify } from './verify.js';

const now = (): number => performance.now();

/** What {@link exportOnnx} returns. */
export interface ExportResult {
  model: Uint8Array;
  /** Files with weights, by name; they must be in the model's folder under these names. */
  external?: Map<string, Uint8Array>;
  /** With `state: 'explicit'`: for each state input, the output with its next value, and its current value. */
  state?: StateTable;
  report: ExportReport;
}

/**
 * Exports a model or function as an ONNX file, verified against tfjs. The same model gives the same bytes. The model,
 * its tensors, tfjs's backend and gradients are left as they were.
 * @throws UsageError for wrong options, and if verification has no runtime.
 * @throws ExportError `export.unsupported` for what ONNX cannot express, `export.mismatch` if the file's numbers
 * differ.
 * @throws ModelFormatError `model.format` for weights that are NaN or, in a layers model, infinite; ForjaError
 * `aborted` by `signal`.
 */
export async function exportOnnx(model: Exportable, given: ExportOptions = {}): Promise<ExportResult> {
  checkOptions(given);
  try {
    return await exported(model, listening(given));
  } catch (error) {
    throw error instanceof ListenerFailed ? error.cause : error;
  }
}

async function exported(model: Exportable, options: ExportOptions): Promise<ExportResult> {
  const made = await exportFloat(model, options);
  const { result, manifest } = made;
  const storage = options.weights ?? (options.precision === 'fp16' ? undefined : storageOf(model));
  if (storage === undefined || storage === 'float32') return result;
  const began = now();
  const found = await inStorage(storage, options.weights !== undefined, made, checked(options));
  if (found === undefined) return result;
  const { placed, external, report: weights } = found;
  const bytes = await sealModel(placed, { ...manifest, weights: storage }, digestOf(options), external);
  const { external: _, ...rest } = result;
  return {
    ...rest,
    model: bytes,
    ...(external.size === 0 ? {} : { external }),
    report: {
      ...result.report,
      ...contents(placed),
      parameters: result.report.parameters,
      bytes: bytes.length,
      external: lengths(external),
      weights,
      verifyMs: result.report.verifyMs + now() - began,
    },
  };
}

/**
 * The file with weights in the precision of the computation, and what is needed to make and verify a file that stores
 * them in fewer bytes.
 */
interface FloatExport extends Made {
  result: ExportResult;
  manifest: Omit<Manifest, 'integrity'>;
}

async function exportFloat(model: Exportable, options: ExportOptions): Promise<FloatExport> {
  const checks = checked(options);
  const where = placement(options.externalData);
  const given = subjectOf(model, options.inputs, options.outputs);
  const started = now();
  checkSignal(options.signal);
  const { subject, variables, captured } =
    options.state === 'explicit'
      ? captureStateful(given, options.bounds ?? {}, (one) => watched(one, options))
      : { subject: given, variables: undefined, captured: capture(watched(given, options), options.bounds) };
  await step(options, { stage: 'rewrite', done: 0, total: 1 });
  const optimized = optimize(captured.program);
  const traced = now();

  const layout: LayoutOption = {
    ...options.layout,
    ...(options.imageOutput === 'uint8-nchw'
      ? { outputs: 'nchw' }
      : options.imageOutput === 'uint8-nhwc'
        ? { outputs: 'nhwc' }
        : {}),
  };
  const state = variables === undefined ? {} : { state: stateTable(variables, optimized.outputs, layout) };
  const described = describe(
    optimized,
    subject.inputs,
    outputOptions(optimized, options.outputs ?? [], variables?.size ?? 0),
    layout,
  );
  const scores = described.outputs.filter(({ role }) => role !== 'image').map(({ name }) => name);
  const program = exactScores(optimized, scores);
  const heads =
    options.imageOutput === undefined || options.imageOutput === 'float' ? {} : uint8Heads(described.outputs);
  await step(options, { stage: 'lower', done: 0, total: 1 });
  const outputs = described.outputs.map((output) =>
    Object.hasOwn(heads, output.name)
      ? { ...output, dtype: 'uint8' as const, range: [0, 255] as [number, number] }
      : output,
  );
  const description: Description = { ...described, outputs };
  const lowered = lowerProgram(program, {
    target: 'portable',
    opset: options.opset ?? DEFAULT_OPSET,
    orders: ordersOf(program, layout),
    heads: Object.fromEntries(Object.entries(heads).map(([name, quantised]) => [name, uint8Head(quantised)])),
  });
  await step(options, { stage: 'seal', done: 0, total: 1 });
  const precise = options.precision === 'fp16' ? toHalf(lowered.model) : lowered.model;
  const { model: placed, external } = outside(precise, where);
  const precision = hasHalves(precise) ? 'fp16' : 'fp32';
  const manifest = manifestOf(description, captured, precision, options.metadata);
  const bytes = await sealModel(placed, manifest, digestOf(options), external);
  const made = now();

  const least = checks?.psnr ?? (checks?.tolerance === undefined ? LEAST_DECIBELS : undefined);
  const psnr = precision === 'fp16' && least !== undefined ? { psnr: least } : {};
  const report: ExportReport = {
    verified: 'skipped-by-caller',
    source: {
      kind: subject.kind,
      name: subject.name,
      traces: captured.traced,
      kernels: kernelCounts(captured.program),
      calls: captured.program.calls.length,
      rewritten: program.calls.length,
    },
    opset: options.opset ?? DEFAULT_OPSET,
    ...contents(placed),
    bytes: bytes.length,
    external: lengths(external),
    precision,
    dynamicDims: captured.dims,
    steps: captured.steps,
    proven: captured.proven,
    inputs: description.inputs,
    outputs: description.outputs,
    tolerance: checks?.tolerance ?? TOLERANCE,
    ...psnr,
    errors: [],
    traceMs: traced - started,
    lowerMs: made - traced,
    verifyMs: 0,
  };
  const files = external.size === 0 ? {} : { external };
  const float = { float: precise, where, manifest };
  if (checks === undefined) return { ...float, result: { model: bytes, ...files, ...state, report } };
  const job: Verification = {
    subject,
    program,
    fixed: fixedOutputs(program),
    traced: captured.traced,
    branches: captured.branches,
    inputs: description.inputs.map(({ vocabulary, classes = vocabulary, ...input }) => ({
      ...input,
      dtype: dtypeOf(program, input.name),
      file: input.name,
      stated: isStated(subject, input.name),
      ...(classes === undefined ? {} : { classes: classes.length }),
      ...orderEntry(input.shape.length, layout.inputs),
    })),
    outputs: described.outputs.map(({ name, shape, range }) => ({
      name,
      file: name,
      ...(range === undefined ? {} : { range }),
      ...orderEntry(shape.length, layout.outputs),
      ...headEntry(heads[name]),
    })),
    sizes: checks.sizes ?? captured.untraced,
    ...(checks.seeds === undefined ? {} : { seeds: checks.seeds }),
    tolerance: checks.tolerance ?? TOLERANCE,
    ...psnr,
  };
  const own = await verify(bytes, job, checks.runtime, checks.perNode === true, options, external);
  if (description.kind === 'latent') await checkRows(job, description, batchesOf(description, captured));
  // CPUs do not round between half-precision nodes; the rounded twin shows the numbers that a GPU will give.
  const twin = precision === 'fp16' ? outside(roundedTwin(lowered.model), placement()) : undefined;
  const result =
    twin === undefined
      ? own
      : {
          ...own,
          errors: (await verify(encodeModel(twin.model), job, checks.runtime, false, options, twin.external)).errors,
        };
  return {
    ...float,
    job,
    result: {
      model: bytes,
      ...files,
      ...state,
      report: {
        ...report,
        verified: 'passed',
        errors: result.errors,
        ...(result.calls === undefined ? {} : { calls: result.calls }),
        ...(own.unchanged.length === 0 ? {} : { unchanged: own.unchanged }),
        reference: { tfjs: result.tfjs, onnx: result.onnx },
        verifyMs: now() - made,
      },
    },
  };
}

function digestOf({ digest }: ExportOptions): NonNullable<ExportOptions['digest']> {
  return digest ?? (async (data) => hex(await sha256(data)));
}

function lengths(files: ReadonlyMap<string, Uint8Array>): Record<string, number> {
  return Object.fromEntries([...files].map(([name, file]) => [name, file.length]));
}

/**
 * The caller's options of the outputs. The last `states` outputs are state: plain tensors, even if they are shaped like
 * pictures.
 */
function outputOptions({ outputs }: Program, given: readonly OutputOption[], states: number): OutputOption[] {
  const own = outputs.length - states;
  return outputs.map((_, i) => (i < own ? (given[i] ?? {}) : { role: 'tensor' }));
}

/** Verification options with a runtime; undefined if the caller skips verification. */
function checked(
  options: ExportOptions,
): (VerifyOptions & { runtime: NonNullable<VerifyOptions['runtime']> }) | undefined {
  const { verify: asked = {} } = options;
  if (asked === false) return undefined;
  const { runtime } = asked;
  if (runtime === undefined) {
    throw new UsageError(
      "exportOnnx: expected verify.runtime, got none; import exportOnnx from '@forja/trainer/node', which fills " +
        'it in, give runtime() of @forja/node or @forja/web, or skip verification with verify: false',
    );
  }
  return { ...asked, runtime };
}

function ordersOf(program: Program, layout: LayoutOption): Record<string, Perm> {
  const entry =
    (which: 'inputs' | 'outputs') =>
    ({ name, value }: { name: string; value: number }): [string, Perm][] => {
      const order = orderOf(program.values[value]?.shape.length ?? 0, layout[which]);
      return order === undefined ? [] : [[name, order]];
    };
  return Object.fromEntries([...program.inputs.flatMap(entry('inputs')), ...program.outputs.flatMap(entry('outputs'))]);
}

function orderEntry(rank: number, layout: 'nhwc' | 'nchw' | undefined): { order?: Perm } {
  const order = orderOf(rank, layout);
  return order === undefined ? {} : { order };
}

function headEntry(quantised: Quantisation | undefined): { quantised?: Quantisation } {
  return quantised === undefined ? {} : { quantised };
}

/** Whether the file counts as half precision, by the same rule as `load`. */
function hasHalves({ graph }: Model): boolean {
  return graph?.initializers.some(({ dataType }) => dataType === DATA_TYPE.float16) === true;
}

function dtypeOf(program: Program, input: string): ProgramDType {
  return program.values[program.inputs.find(({ name }) => name === input)?.value ?? -1]?.dtype ?? 'float32';
}

function boundsOf(proven: Capture['proven']): Bounds {
  return Object.fromEntries(Object.entries(proven).map(([dim, { bounds }]) => [dim, bounds]));
}

/** The step and the bounds of the latent's batch. */
function batchesOf({ inputs }: Description, { steps, proven }: Capture): Batches {
  const dim = String(inputs.find(({ role }) => role === 'latent')?.shape[0]);
  return { step: steps[dim] ?? 1, bounds: boundsOf(proven)[dim] ?? [1, Infinity] };
}

function manifestOf(
  { kind, inputs, outputs }: Description,
  { program, steps, proven }: Pick<Capture, 'program' | 'steps' | 'proven'>,
  precision: 'fp32' | 'fp16',
  metadata: Partial<Manifest> = {},
): Omit<Manifest, 'integrity'> {
  const { integrity: _, ...given } = metadata; // computed from the file's bytes when it is sealed
  const bounds = boundsOf(proven);
  const strides = kind === 'image-to-image' || kind === 'super-resolution' ? stridesOf(program, steps) : {};
  return {
    version: 1,
    kind,
    inputs,
    outputs,
    ...(Object.keys(steps).length === 0 ? {} : { steps }),
    ...(Object.keys(bounds).length === 0 ? {} : { bounds }),
    ...(Object.keys(strides).length === 0 ? {} : { strides }),
    precision,
    producer: 'forja',
    ...given,
  };
}
