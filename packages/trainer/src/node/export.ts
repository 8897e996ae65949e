// exportOnnx and verifyOnnx in Node: verification runs on @forja/node unless the caller gives a runtime.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Runtime } from '@forja/core';
import { runtime as nodeRuntime } from '@forja/node';
import type { ExportOptions, VerifyOnnxOptions } from '../export/contract.js';
import { exportOnnx as exportAnywhere, type ExportResult } from '../export/export.js';
import { checkOptions, checkVerifyOptions } from '../export/options.js';
import type { Exportable } from '../export/subject.js';
import { verifyOnnx as verifyAnywhere, type VerifyOnnxResult } from '../export/verify-file.js';
import { peakMemory } from './environment.js';

async function withRuntime<T>(given: Runtime | undefined, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  if (given !== undefined) return work(given);
  const own = nodeRuntime({ device: 'cpu' });
  try {
    return await work(own);
  } finally {
    await own.dispose();
  }
}

const CHUNK = 2 ** 24;

/** SHA-256 in hexadecimal. Reads in chunks, so that any length works and the event loop is not blocked. */
async function digest(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += CHUNK) {
    hash.update(bytes.subarray(at, at + CHUNK));
    if (at + CHUNK < bytes.length) await setImmediate();
  }
  return hash.digest('hex');
}

/** Like `exportOnnx` of `@forja/trainer`; without `verify.runtime` it verifies on the CPU in a worker thread. */
export async function exportOnnx(model: Exportable, options: ExportOptions = {}): Promise<ExportResult> {
  checkOptions(options);
  const { verify = {} } = options;
  const result =
    verify === false
      ? await exportAnywhere(model, { digest, ...options })
      : await withRuntime(verify.runtime, (runtime) =>
          exportAnywhere(model, { digest, ...options, verify: { ...verify, runtime } }),
        );
  return { ...result, report: { ...result.report, peakMemory: peakMemory() } };
}

/** Like `verifyOnnx` of `@forja/trainer`; without `runtime` it runs on the CPU in a worker thread. */
export async function verifyOnnx(
  file: Uint8Array,
  model: Exportable,
  options: VerifyOnnxOptions = {},
): Promise<VerifyOnnxResult> {
  checkVerifyOptions(options);
  return withRuntime(options.runtime, (runtime) => verifyAnywhere(file, model, { ...options, runtime }));
}
