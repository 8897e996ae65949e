// The conformance suite over every device and executor that this machine has; of the others it prints why not. Browsers: tests/browser/runtime.test.ts.
import { existsSync } from 'node:fs';
import type { DeviceName } from '@forja/core';
import { runtimeConformance } from '@forja/core/conformance';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { describe, expect, test } from 'vitest';
import type { ExecutorName } from './executor/contract.js';
import { runtime } from './runtime.js';

// Chromium's software GPU serves Node as well; before anything asks for Vulkan.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER)) process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

/** Why `device` cannot run here; undefined when it can. */
async function obstacle(device: DeviceName): Promise<string | undefined> {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1]);
  g.output('y', g.op('Add', [x, x]));
  const trying = runtime({ device, threads: 1 });
  try {
    await trying.createSession(encodeModel(g.build()));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await trying.dispose();
  }
}

const MATRIX: readonly (readonly [DeviceName, readonly ExecutorName[]])[] = [
  ['cpu', ['worker', 'inline', 'process']],
  ['wasm', ['worker']],
  ['webgpu', ['worker']],
  ['cuda', ['worker']],
  ['coreml', ['worker']],
  ['dml', ['worker']],
];

for (const [device, executors] of MATRIX) {
  const why = await obstacle(device);
  if (why !== undefined) console.log(`conformance on ${device} skipped: ${why.slice(0, 400)}`);
  for (const executor of executors) {
    describe.skipIf(why !== undefined)(`${device}, executor ${executor}`, () => {
      runtimeConformance({ test, expect }, () => runtime({ device, executor, threads: 1 }));
    });
  }
}
