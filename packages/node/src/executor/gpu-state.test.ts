// State on WebGPU stays in GPU buffers from run to run, also between sessions, and is copied to the CPU when it is read
// or its session is disposed. Needs a GPU, or Chromium's software GPU; else the reason is printed.
import { existsSync } from 'node:fs';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { expect, test } from 'vitest';
import { OrtSession } from './ort-session.js';
import { ReadBack } from './read-back.js';
import { Slots } from './slots.js';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER))
  process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;

/** next = state + by; seen = next. */
const counting = ((): Uint8Array => {
  const g = new GraphBuilder();
  const [state, by] = [g.input('state', 'float32', [2, 2]), g.input('by', 'float32', [])];
  const next = g.op('Add', [state, by]);
  g.output('next', next);
  g.output('seen', g.op('Identity', [next]));
  return encodeModel(g.build());
})();
const by = (value: number) => ({ by: { dtype: 'float32' as const, shape: [], data: Float32Array.of(value) } });

test('state stays in GPU buffers between runs, and only reading copies it to the CPU', async (context) => {
  const slots = Slots.of([{ name: 'count', dtype: 'float32', shape: [2, 2] }]);
  const around = { slots: () => slots, readBack: new ReadBack() };
  const open = (): Promise<OrtSession> =>
    OrtSession.create(
      counting,
      { device: 'webgpu', threads: 1, executor: 'inline', timeoutMs: Infinity },
      { state: { state: { shared: 1, tensor: 'count', output: 'next' } } },
      around,
    );
  const first = await open().catch((error: Error) => context.skip(`no WebGPU here: ${error.message.slice(0, 200)}`));
  const second = await open();
  const count = slots.at('count');
  const all = (value: number) => new Float32Array(4).fill(value);

  expect(count.onGpu).toBeUndefined();
  expect((await first.run(by(2), ['seen']))['seen']?.data).toEqual(all(2));
  const buffer = count.onGpu;
  expect(buffer?.tensor.location).toBe('gpu-buffer');
  expect(await second.run(by(3), [])).toEqual({});
  expect(count.onGpu?.tensor).not.toBe(buffer?.tensor);
  expect((await slots.read())['count']?.data).toEqual(all(5));
  expect(count.onGpu?.tensor.location).toBe('gpu-buffer'); // a copy was read
  // the updated state, requested as an output too
  expect((await second.run(by(1), ['next']))['next']?.data).toEqual(all(6));

  await second.release();
  expect(count.onGpu).toBeUndefined();
  expect(count.current.data).toEqual(all(6));
  expect((await first.run(by(1), ['seen']))['seen']?.data).toEqual(all(7));
  slots.write({ count: { dtype: 'float32', shape: [2, 2], data: all(-1) } });
  expect(count.onGpu).toBeUndefined();
  expect((await first.run(by(1), ['seen']))['seen']?.data).toEqual(all(0));
  await first.release();
  await around.readBack.release();
});
