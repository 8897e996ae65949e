// The report of nodes that an accelerator leaves to the CPU, against what each provider supports; with real WebGPU
// where this machine has an adapter, software included.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, expect, test } from 'vitest';
import { runtime } from './runtime.js';

// Chromium's software GPU works in Node too; must be set before Vulkan is first used.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER))
  process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

// Its own folder of temporary files: other tests profile at the same time.
const folder = mkdtempSync(join(tmpdir(), 'forja-placement-'));
for (const name of ['TMPDIR', 'TEMP']) process.env[name] = folder;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** y = relu(x · w) on the accelerator; with `integers`, j = i + i in 64 bits as well, which WebGPU does not have. */
function model(integers: boolean): Uint8Array {
  const g = new GraphBuilder();
  g.output(
    'y',
    g.op('Relu', [
      g.op('MatMul', [g.input('x', 'float32', ['n', 4]), g.constant('float32', [4, 4], new Float32Array(16).fill(1))]),
    ]),
  );
  if (integers) {
    const i = g.input('i', 'int64', ['n']);
    g.output('j', g.op('Add', [i, i]));
  }
  return encodeModel(g.build());
}

test('nodes on the CPU are counted and named, refused when strict, and leave no profile behind', async (context) => {
  const rt = runtime({ device: 'webgpu', threads: 1 });
  const whole = await rt.createSession(model(false)).catch((error: Error) => error);
  if (whole instanceof Error) {
    console.log(`placement on WebGPU skipped: ${whole.message.slice(0, 300)}`);
    await rt.dispose();
    return context.skip(whole.message.slice(0, 300));
  }
  const profiles = (): string[] => readdirSync(folder).filter((name) => name.startsWith('forja-profile-'));
  const before = profiles();
  expect(whole.device).toMatchObject({ actual: 'webgpu', placement: { webgpu: 2 }, cpuOps: [], reasons: [] });
  const mixed = await rt.createSession(model(true));
  expect(mixed.device).toMatchObject({
    actual: 'webgpu',
    placement: { webgpu: 2, cpu: 1 },
    cpuOps: ['Add'],
    reasons: ['webgpu: 1 of 3 nodes run on the CPU: Add'],
  });
  const { y, j } = await mixed.run({
    x: tensor('float32', [1, 4], Float32Array.of(1, 2, 3, 4)),
    i: tensor('int64', [1], BigInt64Array.of(21n)),
  });
  expect([[...(y?.data as Float32Array)], j?.data]).toEqual([[10, 10, 10, 10], BigInt64Array.of(42n)]);
  await expect(rt.createSession(model(true), { strict: true })).rejects.toMatchObject({ code: 'device.unavailable' });
  expect(profiles()).toEqual(before);
  await rt.dispose();
});
