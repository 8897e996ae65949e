// The conformance suite over every device and executor that this machine has; for the others it prints why not.
// Browsers: tests/browser/runtime.test.ts.
import { existsSync, readFileSync } from 'node:fs';
import type { ActualDevice } from '@forja/core';
import { runtimeConformance } from '@forja/core/conformance';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { describe, expect, test, type TestContext } from 'vitest';
import type { ExecutorName } from './executor/contract.js';
import { runtime } from './runtime.js';

// Chromium's software GPU works in Node too; must be set before Vulkan is first used.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER))
  process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

/** Why `device` cannot run here; undefined when it can. */
async function obstacle(device: ActualDevice): Promise<string | undefined> {
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

/** The executors that each device is tried on; a device without a row does not compile. */
const EXECUTORS: Readonly<Record<ActualDevice, readonly ExecutorName[]>> = {
  cpu: ['worker', 'inline', 'process'],
  wasm: ['worker'],
  webgpu: ['worker'],
  cuda: ['worker'],
  coreml: ['worker'],
  dml: ['worker'],
};
const MATRIX = Object.entries(EXECUTORS) as [ActualDevice, readonly ExecutorName[]][]; // its own keys

for (const [device, executors] of MATRIX) {
  const why = await obstacle(device);
  for (const executor of executors) {
    const name = `${device}, executor ${executor}`;
    if (why === undefined)
      describe(name, () => runtimeConformance({ test, expect }, () => runtime({ device, executor, threads: 1 })));
    else test(name, (context) => skipped(context, name, why));
  }
}

test('docs/conformance.md has a row for each combination', () => {
  const page = readFileSync(new URL('../../../docs/conformance.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| Node \| (\w+) \| (\w+) \|/gm)].map(
    ([, executor, device]) => `${executor} ${device}`,
  );
  expect(rows).toEqual(MATRIX.flatMap(([device, executors]) => executors.map((executor) => `${executor} ${device}`)));
});

/** Skips a case that this machine cannot run, with the reason. */
function skipped(context: TestContext, name: string, why: string): void {
  console.log(`conformance on ${name} skipped: ${why.slice(0, 400)}`);
  context.skip(why.slice(0, 400));
}
