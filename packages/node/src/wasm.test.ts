// Without a loadable onnxruntime-node, models run as WebAssembly, and every device report says so.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, encodeModel } from '@forja/core/onnx';
import { afterAll, describe, expect, test } from 'vitest';
import { projectOf, smallGenerator } from '../vitest.support.js';
import { load } from './index.js';

const root = mkdtempSync(join(tmpdir(), 'forja-wasm-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const model = join(root, 'model.onnx');
writeFileSync(model, smallGenerator());
const picture = (name: string): string[] => ['sample', model, '-o', join(root, name), '--count', '2', '--seed', '3'];

test('gives the pictures of the CPU provider, within one 8-bit step', async () => {
  const [wasm, cpu] = [
    await load(model, { device: 'wasm' }),
    await load(model, { device: 'cpu', lowering: 'portable' }),
  ];
  expect(wasm.device).toMatchObject({
    requested: 'wasm',
    actual: 'wasm',
    reasons: [],
    threads: 1,
    executor: 'worker',
    placement: { wasm: 7 },
    cpuOps: [],
  });
  const [ours, theirs] = [await wasm.sample({ count: 4, seed: 7 }), await cpu.sample({ count: 4, seed: 7 })];
  expect([...ours.data]).toBeAllclose([...theirs.data], { atol: 1 });
  expect(Math.max(...ours.data) - Math.min(...ours.data)).toBeGreaterThan(50);
  await Promise.all([wasm.dispose(), cpu.dispose()]);
});

test('samples files of other tools, whose dynamic sizes have no names', async () => {
  const unnamed = decodeModel(smallGenerator());
  for (const { type } of [...(unnamed.graph?.inputs ?? []), ...(unnamed.graph?.outputs ?? [])])
    for (const dim of type?.tensor?.shape?.dims ?? []) delete dim.param;
  const generator = await load(encodeModel(unnamed), { device: 'wasm' });
  const named = await load(model, { device: 'wasm' });
  expect(generator.manifest).toMatchObject({ kind: 'latent', inputs: [{ name: 'z', shape: ['z_dim_0', 16] }] });
  const [ours, theirs] = [await generator.sample({ count: 3, seed: 7 }), await named.sample({ count: 3, seed: 7 })];
  expect(ours).toEqual(theirs);
  await Promise.all([generator.dispose(), named.dispose()]);
});

describe.each<[string, Parameters<typeof projectOf>[1], RegExp]>([
  [
    'not installed',
    { without: ['onnxruntime-node'] },
    /^cpu: expected onnxruntime-node to load on .*, got: Cannot find package 'onnxruntime-node'\. Install it/,
  ],
  [
    'there, with a damaged binding',
    { native: { 'onnxruntime_binding.node': Buffer.from('garbage'.repeat(99)) } },
    /^cpu: expected onnxruntime-node to load on .*, got: .*(invalid ELF header|not a valid|file too short|slice is not valid|no suitable image)/,
  ],
])('onnxruntime-node is %s', (name, how, reason) => {
  test('auto falls back to WASM with a reason; an explicit cpu is refused', async () => {
    const run = await projectOf(join(root, name.replaceAll(/\W/g, '-')), how);
    const taken = run(picture('a.png'));
    expect(taken).toMatchObject({
      status: 0,
      result: { count: 2, device: { requested: 'auto', actual: 'wasm', threads: 1 } },
    });
    expect((taken.result['device'] as { reasons: string[] }).reasons).toContainEqual(expect.stringMatching(reason));
    expect(run([...picture('b.png'), '--device', 'cpu'])).toMatchObject({
      status: 1,
      result: {
        error: { code: 'device.unavailable', message: expect.stringContaining('onnxruntime-node to load') as unknown },
      },
    });
    const { result, status } = run(['doctor']);
    expect(status).toBe(0);
    const devices = result['devices'] as { device: string; works: boolean; reason?: string }[];
    expect(devices.filter(({ works }) => works).map(({ device }) => device)).toEqual(['wasm']);
  });
});

test('with neither, one error names both and how to install them', async () => {
  const run = await projectOf(join(root, 'neither'), { without: ['onnxruntime-node', 'onnxruntime-web'] });
  const { status, result } = run(picture('c.png'));
  expect(status).toBe(1);
  expect(result).toMatchObject({ error: { code: 'device.unavailable' } });
  for (const part of [
    'npm install onnxruntime-node',
    'npm install onnxruntime-web',
    "Cannot find package 'onnxruntime-web'",
  ])
    expect((result['error'] as { message: string }).message).toContain(part);
  expect(run(['doctor'])).toMatchObject({ status: 1, result: { error: { code: 'device.unavailable' } } });
});
