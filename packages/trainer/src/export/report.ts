// The report of an export: what was done, and how well the file agrees with tfjs. Plain data; not part of the file.
import type { ManifestInput, ManifestOutput } from '@forja/core';
import type { Model } from '@forja/core/onnx';
import type { Program } from '../program/program.js';
import type { NodeError, OutputError, StoredReport } from './contract.js';
import type { Sizes } from './traced.js';
import type { ProvenDim } from './probe.js';
import { transposesOf, type TransposeLeft } from './transposes.js';

/** Result of {@link exportOnnx}. Times are in milliseconds. */
export interface ExportReport {
  /** Whether the file was compared with tfjs. A file that differs is never returned: `exportOnnx` throws instead. */
  verified: 'passed' | 'skipped-by-caller';
  /**
   * What was traced: kind, name, sizes, and the number of calls per tfjs kernel; `rewritten` is the number of calls
   * after rewriting.
   */
  source: {
    kind: 'layers' | 'graph' | 'function';
    name: string;
    traces: Sizes[];
    kernels: Record<string, number>;
    calls: number;
    rewritten: number;
  };
  /** Version of ONNX's operators in the file. */
  opset: number;
  /** Nodes by operator. */
  ops: Record<string, number>;
  /** Nodes of the graph. */
  nodes: number;
  /** Transpose nodes, each of which moves data at run time. */
  transposes: number;
  /** Each Transpose, and why it is there. */
  transposesLeft: TransposeLeft[];
  /** Numbers in float initializers. */
  parameters: number;
  /** Sizes of the file, and of the weight files next to it. */
  bytes: number;
  external: Record<string, number>;
  /** Precision of the weights. `fp16`: outputs were compared in decibels; see {@link ExportReport.psnr}. */
  precision: 'fp32' | 'fp16';
  /**
   * How large weights are stored, if in fewer bytes than float32. `errors` are those of the file before that change.
   */
  weights?: StoredReport;
  /** Names of the sizes that are not fixed. */
  dynamicDims: string[];
  /** Dynamic dims that must be multiples of a number, as the manifest states. */
  steps: Sizes;
  /**
   * Dynamic dims whose size the function's own code reads, or that the caller bounds: the valid range, how many sizes
   * in it were traced, and where they are read. `load` refuses other sizes; other runtimes do not.
   */
  proven: Record<string, ProvenDim>;
  /** Inputs, as the manifest describes them. */
  inputs: ManifestInput[];
  /** Outputs, as the manifest describes them. */
  outputs: ManifestOutput[];
  /** Bound on the relative error; not used if `psnr` is set. */
  tolerance: number;
  /**
   * Decibels that a half-precision file had to reach, both as it is and with every half-precision value rounded, as
   * GPUs do; `errors` are of the latter.
   */
  psnr?: number;
  /** Every comparison, per output, seed and sizes. */
  errors: OutputError[];
  /** With `verify.perNode`: every call, worst first. For information: the file has passed as a whole. */
  calls?: NodeError[];
  /** Outputs that never changed over draws from the stated ranges. */
  unchanged?: string[];
  /** The tfjs backend of the reference, and the device that ran the file. */
  reference?: { tfjs: string; onnx: string };
  /** Tracing and solving for dynamic sizes. */
  traceMs: number;
  /** Rewriting, lowering and writing. */
  lowerMs: number;
  /** Comparing with tfjs. */
  verifyMs: number;
  /** In Node: the process's peak memory so far, in bytes. */
  peakMemory?: number;
}

const FLOATS = new Set([1, 10]);

/** Counts of a model's nodes and parameters. */
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

/** Number of calls of each kernel, the most frequent first. */
export function kernelCounts(program: Program): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { kernel } of program.calls) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  return sorted(counts);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}
