// verifyOnnx compares any ONNX file with a tfjs model or function, in the way that exportOnnx verifies its own. Inputs
// and outputs are matched by name, else by position.
import {
  ExportError,
  LEAST_DECIBELS,
  UsageError,
  readManifest,
  weightPrecision,
  type Dim,
  type ManifestInput,
  type ManifestOutput,
  type TensorSpec,
} from '@forja/core';
import { STORED_PSNR } from '@forja/core/onnx';
import type { Perm } from '../lower/contract.js';
import { optimize } from '../rewrite/optimize.js';
import type { Bounds } from './bounds.js';
import { capture, captureStateful } from './capture.js';
import type { OutputError, VerifiedInput, VerifiedOutput, VerifyOnnxOptions } from './contract.js';
import { describe, orderOf } from './describe.js';
import { fixedOutputs } from './domain.js';
import { checkVerifyOptions } from './options.js';
import { isStated, subjectOf, type Exportable, type Subject } from './subject.js';
import { differingThresholds } from './thresholds.js';
import { quantisation } from './uint8.js';
import { TOLERANCE, verify } from './verify.js';

/** Result of {@link verifyOnnx}. */
export interface VerifyOnnxResult {
  errors: OutputError[];
  tolerance: number;
  /**
   * For a half-precision file, or one with weights stored smaller, unless a tolerance was given: the required decibels.
   */
  psnr?: number;
  /** Outputs that never changed over draws from the stated ranges. */
  unchanged?: string[];
  reference: { tfjs: string; onnx: string };
}

/**
 * Compares a file with the model that it was exported from.
 * @throws ExportError `export.mismatch` where numbers or shapes differ.
 * @throws UsageError without a runtime.
 */
export async function verifyOnnx(
  file: Uint8Array,
  model: Exportable,
  options: VerifyOnnxOptions = {},
): Promise<VerifyOnnxResult> {
  checkVerifyOptions(options);
  const { runtime, tolerance = TOLERANCE, seeds, external = new Map<string, Uint8Array>() } = options;
  if (runtime === undefined)
    throw new UsageError(
      "verifyOnnx: expected options.runtime, got none; import verifyOnnx from '@forja/trainer/node', which fills " +
        'it in, or give runtime() of @forja/node or @forja/web',
    );
  const manifest = readManifest(file);
  const given = subjectOf(model, options.inputs, options.outputs);
  const bounds = options.bounds ?? boundsFor(given, manifest?.bounds);
  const { subject, captured } =
    options.state === 'explicit'
      ? captureStateful(given, bounds, (one) => one)
      : { subject: given, captured: capture(given, bounds) };
  const program = optimize(captured.program);
  const ours = describe(program, subject.inputs, [], {});
  // Copied: the session may transfer the buffer, and a Buffer is a view that others may share.
  const session = await runtime.createSession(
    new Uint8Array(file),
    external.size === 0 ? {} : { external: new Map(external) },
  );
  const theirs = { inputs: [...session.inputs], outputs: [...session.outputs] };
  await session.dispose();

  const inputs = paired('input', ours.inputs, theirs.inputs).map(([own, spec]): VerifiedInput => ({
    name: own.name,
    file: spec.name ?? '',
    role: own.role,
    stated: isStated(subject, own.name),
    dtype: program.values[program.inputs.find(({ name }) => name === own.name)?.value ?? -1]?.dtype ?? 'float32',
    ...(own.distribution === undefined ? {} : { distribution: own.distribution }),
    ...rangeEntry(
      own,
      manifest?.inputs.find(({ name }) => name === spec.name),
    ),
    ...layoutEntry('input', own, spec, manifest?.inputs.find(({ name }) => name === spec.name)?.layout),
  }));
  const outputs = paired('output', ours.outputs, theirs.outputs).map(([own, spec]): VerifiedOutput => {
    const entry = {
      name: own.name,
      file: spec.name ?? '',
      ...(own.range === undefined ? {} : { range: own.range }),
      ...layoutEntry('output', own, spec, manifest?.outputs.find(({ name }) => name === spec.name)?.layout),
    };
    if (spec.dtype !== 'uint8') return entry;
    if (own.range === undefined)
      throw new ExportError(
        'export.unsupported',
        `verifyOnnx: expected a bounded picture behind the bytes of output '${entry.file}', got values of ` +
          'unknown range; verify an export with float output',
      );
    return { ...entry, quantised: quantisation(own.range) };
  });
  const pinned = pinnedSizes(paired('input', ours.inputs, theirs.inputs), inputs);
  const sizes = options.sizes ?? captured.untraced.map((one) => ({ ...one, ...pinned }));
  const rounded =
    weightPrecision(file) === 'fp16' ? LEAST_DECIBELS : manifest?.weights && STORED_PSNR[manifest.weights];
  const least = options.psnr ?? (options.tolerance === undefined ? rounded : undefined);
  const psnr = least === undefined ? {} : { psnr: least };
  const result = await verify(
    new Uint8Array(file),
    {
      subject,
      inputs,
      outputs,
      sizes,
      traced: [],
      fixed: fixedOutputs(program),
      beyond: differingThresholds(
        file,
        program,
        outputs.some(({ quantised }) => quantised),
      ),
      ...(seeds === undefined ? {} : { seeds }),
      tolerance,
      ...psnr,
    },
    runtime,
    false,
    {},
    external,
  );
  const unchanged = result.unchanged.length === 0 ? {} : { unchanged: result.unchanged };
  return {
    errors: result.errors,
    tolerance,
    ...psnr,
    ...unchanged,
    reference: { tfjs: result.tfjs, onnx: result.onnx },
  };
}

/** The file's bounds of dims that the subject has too. Bounds of a single size are dropped. */
function boundsFor({ inputs }: Subject, written: Bounds = {}): Bounds {
  const dims = new Set(inputs.flatMap(({ shape }) => shape));
  return Object.fromEntries(Object.entries(written).filter(([dim, [low, high]]) => dims.has(dim) && low < high));
}

function rangeEntry(own: ManifestInput, written: ManifestInput | undefined): { range?: [number, number] } {
  const range = own.range ?? written?.range;
  return range === undefined ? {} : { range };
}

/** Pairs our inputs or outputs with the file's: by name if all names agree, else by position. */
function paired<T extends ManifestInput | ManifestOutput>(
  what: string,
  ours: readonly T[],
  theirs: readonly TensorSpec[],
): [T, TensorSpec][] {
  if (ours.length !== theirs.length)
    throw new ExportError(
      'export.mismatch',
      `verifyOnnx: expected ${ours.length} ${what}s as the tfjs model has, got ${theirs.length} in the file ` +
        `(${theirs.map(({ name }) => name).join(', ')})`,
    );
  const named = ours.every((own) => theirs.some(({ name }) => name === own.name));
  return ours.map((own, i) => [
    own,
    (named ? theirs.find(({ name }) => name === own.name) : theirs[i]) ?? { shape: [] },
  ]);
}

/** Sizes that the file fixes where the tfjs model leaves them open. */
function pinnedSizes(
  pairs: readonly [ManifestInput, TensorSpec][],
  inputs: readonly VerifiedInput[],
): Record<string, number> {
  return Object.fromEntries(
    pairs.flatMap(([own, spec], i) =>
      spec.shape.flatMap((size, at) => {
        const dim = own.shape[inputs[i]?.order?.[at] ?? at];
        return typeof dim === 'string' && typeof size === 'number' ? [[dim, size] as const] : [];
      }),
    ),
  );
}

/** Whether two shapes are compatible: numbers must agree, named dims match anything. */
function fits(ours: readonly Dim[], { shape, unranked }: TensorSpec): boolean {
  return (
    unranked === true ||
    (ours.length === shape.length &&
      ours.every((dim, i) => typeof dim === 'string' || typeof shape[i] === 'string' || dim === shape[i]))
  );
}

/** The axis order of a value in the file: from its manifest, else from its shape. */
function layoutEntry(
  what: string,
  own: { name: string; shape: Dim[] },
  spec: TensorSpec,
  written: 'nhwc' | 'nchw' | undefined,
): { order?: Perm } {
  const turned = orderOf(own.shape.length, 'nchw');
  const options: { order?: Perm }[] = [{}, ...(turned === undefined ? [] : [{ order: turned }])];
  const fitting = options.filter(({ order }) =>
    fits(order === undefined ? own.shape : order.map((axis) => own.shape[axis] ?? 1), spec),
  );
  const [first] = fitting;
  if (first === undefined)
    throw new ExportError(
      'export.mismatch',
      `verifyOnnx: expected ${what} '${own.name}' of shape [${own.shape.join(', ')}] (or its NCHW order), got ` +
        `[${spec.shape.join(', ')}] in the file`,
    );
  return fitting.find(({ order }) => (written === 'nchw') === (order !== undefined)) ?? first;
}
