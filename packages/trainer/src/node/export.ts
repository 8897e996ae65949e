// exportOnnx and verifyOnnx in Node: verification runs on @forja/node unless the caller gives a runtime.
import type { Runtime } from '@forja/core';
import { runtime as nodeRuntime } from '@forja/node';
import { exportOnnx as exportAnywhere, type ExportOptions, type ExportResult } from '../export/export.js';
import type { Exportable } from '../export/subject.js';
import { verifyOnnx as verifyAnywhere, type VerifyOnnxOptions, type VerifyOnnxResult } from '../export/verify-file.js';

async function withRuntime<T>(given: Runtime | undefined, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  if (given !== undefined) return work(given);
  const own = nodeRuntime({ device: 'cpu' });
  try {
    return await work(own);
  } finally {
    await own.dispose();
  }
}

/** As `exportOnnx` of `@forja/trainer`; without `verify.runtime` the file is verified on the CPU in a worker thread. */
export async function exportOnnx(model: Exportable, options: ExportOptions = {}): Promise<ExportResult> {
  const { verify = {} } = options;
  const result = verify === false ? await exportAnywhere(model, options) : await withRuntime(verify.runtime, (runtime) => exportAnywhere(model, { ...options, verify: { ...verify, runtime } }));
  return { ...result, report: { ...result.report, peakMemory: process.resourceUsage().maxRSS * 1024 } };
}

/** As `verifyOnnx` of `@forja/trainer`; without `runtime` on the CPU in a worker thread. */
export async function verifyOnnx(file: Uint8Array, model: Exportable, options: VerifyOnnxOptions = {}): Promise<VerifyOnnxResult> {
  return withRuntime(options.runtime, (runtime) => verifyAnywhere(file, model, { ...options, runtime }));
}
