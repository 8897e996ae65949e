// What an export did and how well its file agrees with tfjs: plain data, and its text. None of it enters the file.
import type { ManifestInput, ManifestOutput } from '@forja/core';
import type { Model } from '@forja/core/onnx';
import type { Program } from '../program/program.js';
import type { Sizes } from './traced.js';
import type { Distance } from './compare.js';
import type { ProvenDim } from './probe.js';
import { transposesOf, type TransposeLeft } from './transposes.js';

/** One comparison of one output. */
export interface OutputError extends Distance {
  output: string;
  seed: number;
  sizes: Sizes;
  /** Whether the function was traced at these sizes. */
  traced: boolean;
  /** How the inputs were drawn, where that is not the natural way. */
  drawn?: string;
  /** For files in half precision: decibels, at most 200. */
  psnr?: number;
}

/** One call of the program, compared alone. */
export interface NodeError {
  kernel: string;
  layer?: string;
  site?: string;
  max: number;
  relative: number;
}

/** Result of {@link exportOnnx}. Times are in milliseconds. */
export interface ExportReport {
  verified: 'passed' | 'skipped-by-caller';
  /**
   * What was traced: its kind and name, at which sizes, and the tfjs kernels that it called; `rewritten` are the calls
   * left for lowering.
   */
  source: {
    kind: 'layers' | 'graph' | 'function';
    name: string;
    traces: Sizes[];
    kernels: Record<string, number>;
    calls: number;
    rewritten: number;
  };
  opset: number;
  /** Nodes by operator. */
  ops: Record<string, number>;
  nodes: number;
  /** Transpose nodes, each of which moves data at run time. */
  transposes: number;
  /** Each of them, and why it is there. */
  transposesLeft: TransposeLeft[];
  /** Numbers in float initializers. */
  parameters: number;
  /** Of the file, and of the files with its weights beside it. */
  bytes: number;
  external: Record<string, number>;
  /** What the weights are. `fp16`: outputs were compared by {@link ExportReport.psnr}. */
  precision: 'fp32' | 'fp16';
  dynamicDims: string[];
  /** Dynamic dims that must be multiples of a number, as the manifest states. */
  steps: Sizes;
  /**
   * Dynamic dims whose size the function's own code reads, or that the caller bounds: the sizes that the file is good
   * for, how many of them were traced, and where they are read. `load` refuses others; other runtimes do not.
   */
  proven: Record<string, ProvenDim>;
  inputs: ManifestInput[];
  outputs: ManifestOutput[];
  /** Bound on the relative error; not used where `psnr` is there. */
  tolerance: number;
  /**
   * Decibels that a file in half precision had to reach, as it is and with every value in half precision rounded, as
   * GPUs do; `errors` are of the latter.
   */
  psnr?: number;
  errors: OutputError[];
  /**
   * With `verify.perNode`: every call, worst first. The file has passed: one that deviates on its own fails the export,
   * and is named.
   */
  calls?: NodeError[];
  /** Outputs that were the same at every draw from the ranges that the inputs were given. */
  unchanged?: string[];
  /** The tfjs backend that the reference ran on, and the device of the file's run. */
  reference?: { tfjs: string; onnx: string };
  traceMs: number;
  lowerMs: number;
  verifyMs: number;
  /** In Node: the most memory that the process has taken by now, in bytes. */
  peakMemory?: number;
}

const FLOATS = new Set([1, 10]);

/** What a model consists of. */
export function contents(
  model: Model,
): Pick<ExportReport, 'ops' | 'nodes' | 'transposes' | 'transposesLeft' | 'parameters'> {
  const nodes = model.graph?.nodes ?? [];
  const counts = new Map<string, number>();
  for (const { opType = '' } of nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const floats = (model.graph?.initializers ?? []).filter(({ dataType }) => FLOATS.has(dataType ?? 0));
  const parameters = floats.reduce((sum, { dims }) => sum + Number(dims.reduce((a, b) => a * b, 1n)), 0);
  return {
    ops: sorted(counts),
    nodes: nodes.length,
    transposes: counts.get('Transpose') ?? 0,
    transposesLeft: transposesOf(model),
    parameters,
  };
}

/** Calls by kernel, most first. */
export function kernelCounts(program: Program): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { kernel } of program.calls) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  return sorted(counts);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
