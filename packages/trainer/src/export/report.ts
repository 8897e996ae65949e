// What an export did and how well its file agrees with tfjs: plain data, and its text. None of it enters the file.
import type { ManifestInput, ManifestOutput } from '@forja/core';
import type { Model } from '@forja/core/onnx';
import type { Sizes } from './capture.js';

/** One comparison of one output. */
export interface OutputError {
  output: string;
  seed: number;
  sizes: Sizes;
  /** Whether the function was traced at these sizes. */
  traced: boolean;
  /** max |onnx - tfjs| */
  max: number;
  /** 99th percentile of |onnx - tfjs|. */
  p99: number;
  /** 99.9th percentile of |tfjs|. */
  scale: number;
  /** max / max(1e-2, scale): what the tolerance is about. */
  relative: number;
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
  opset: number;
  /** Nodes by operator. */
  ops: Record<string, number>;
  nodes: number;
  /** Transpose nodes, each of which moves data at run time. */
  transposes: number;
  /** Numbers in float initializers. */
  parameters: number;
  bytes: number;
  dynamicDims: string[];
  /** Dynamic dims that must be multiples of a number, as the manifest states. */
  steps: Sizes;
  inputs: ManifestInput[];
  outputs: ManifestOutput[];
  tolerance: number;
  errors: OutputError[];
  /** With `verify.perNode`: every call, worst first. */
  calls?: NodeError[];
  /** The tfjs backend that the reference ran on, and the device of the file's run. */
  reference?: { tfjs: string; onnx: string };
  traceMs: number;
  lowerMs: number;
  verifyMs: number;
}

const FLOATS = new Set([1, 10]);

/** What a model consists of. */
export function contents(model: Model): Pick<ExportReport, 'ops' | 'nodes' | 'transposes' | 'parameters'> {
  const nodes = model.graph?.nodes ?? [];
  const counts = new Map<string, number>();
  for (const { opType = '' } of nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const ops = Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
  const floats = (model.graph?.initializers ?? []).filter(({ dataType }) => FLOATS.has(dataType ?? 0));
  const parameters = floats.reduce((sum, { dims }) => sum + Number(dims.reduce((a, b) => a * b, 1n)), 0);
  return { ops, nodes: nodes.length, transposes: counts.get('Transpose') ?? 0, parameters };
}

function spec({ name, dtype, shape, role }: ManifestInput | ManifestOutput): string {
  return `${name} ${dtype}[${shape.join(', ')}] (${role})`;
}

function sizesText(sizes: Sizes): string {
  const entries = Object.entries(sizes);
  return entries.length === 0 ? 'fixed sizes' : entries.map(([name, size]) => `${name} ${size}`).join(', ');
}

/** The report for people, a few lines. */
export function reportText(report: ExportReport): string {
  const lines = [
    `inputs   ${report.inputs.map(spec).join('; ')}`,
    `outputs  ${report.outputs.map(spec).join('; ')}`,
    `graph    opset ${report.opset}, ${report.nodes} nodes: ${Object.entries(report.ops).map(([op, n]) => (n === 1 ? op : `${op} ×${n}`)).join(', ')}`,
    ...(Object.keys(report.steps).length === 0 ? [] : [`sizes    ${Object.entries(report.steps).map(([name, step]) => `${name}: multiples of ${step}`).join(', ')}`]),
    `size     ${report.parameters.toLocaleString('en')} parameters, ${(report.bytes / 1e6).toFixed(2)} MB`,
    `time     trace ${report.traceMs.toFixed(0)} ms, lower ${report.lowerMs.toFixed(0)} ms, verify ${report.verifyMs.toFixed(0)} ms`,
  ];
  if (report.verified === 'skipped-by-caller') return [...lines, 'verified no (skipped by the caller)'].join('\n');
  lines.push(`verified against tfjs (${report.reference?.tfjs ?? 'cpu'}) by onnxruntime (${report.reference?.onnx ?? 'cpu'}), tolerance ${report.tolerance}`);
  for (const e of report.errors) lines.push(`         ${e.output}, seed ${e.seed}, ${sizesText(e.sizes)}${e.traced ? '' : ' (not traced)'}: max ${e.max.toExponential(1)}, p99 ${e.p99.toExponential(1)}, relative ${e.relative.toExponential(1)}`);
  for (const c of (report.calls ?? []).slice(0, 5)) lines.push(`         ${c.kernel}${c.layer === undefined ? '' : ` of ${c.layer}`}: relative ${c.relative.toExponential(1)}`);
  return lines.join('\n');
}
