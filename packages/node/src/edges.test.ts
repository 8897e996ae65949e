// Arguments of untyped callers (null, transferred buffers, shared memory) are refused by name, or accepted. Also
// properties of handles and errors.
import { isForjaError, tensor, type NamedTensors } from '@forja/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { smallGenerator } from '../vitest.support.js';
import { load, runtime } from './index.js';
import { serve } from './serve.js';

type Loaded = Awaited<ReturnType<typeof load>>;
const model = smallGenerator();
const options = { device: 'cpu', threads: 1 } as const;
const nothing = null as never;
let generator: Loaded;
beforeAll(async () => {
  generator = await load(model, options);
});
afterAll(() => generator.dispose());

/** An array whose buffer was transferred. */
function transferred<T extends ArrayBufferView>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  expect(array.byteLength).toBe(0);
  return array;
}
const refusal = (call: () => unknown): Promise<unknown> =>
  Promise.resolve()
    .then(call)
    .then(
      () => 'no refusal',
      (error: unknown) => {
        if (!isForjaError(error)) throw error;
        return [error.code, error.message.split(':')[0]];
      },
    );

describe('null, and other values that are not options', () => {
  test.each<[string, string, () => unknown]>([
    ['usage', 'load', () => load(nothing)],
    ['usage', 'load', () => load(model, nothing)],
    ['usage', 'load', () => load(model, [] as never)],
    ['usage', 'runtime', () => runtime(nothing)],
    ['usage', 'createSession', () => runtime(options).createSession(nothing)],
    ['usage', 'createSession', () => runtime(options).createSession(model, nothing)],
    ['usage', 'sample', () => generator.sample(nothing)],
    ['usage', 'sample', () => generator.sample('seed' as never)],
    ['usage', 'stream', () => generator.stream(nothing).next()],
    ['usage', 'interpolate', () => generator.interpolate(nothing)],
    ['usage', 'translate', () => generator.translate(tinyPicture, nothing)],
    ['usage', 'translate.image', () => generator.translate(nothing)],
    ['usage', 'run', () => generator.run(nothing)],
    ['usage', 'run.options', () => generator.run({}, nothing)],
    ['input.shape', 'run.z', () => generator.run({ z: nothing })],
    ['input.shape', 'run.z', () => generator.run({ z: { shape: [1, 16], data: nothing } })],
    ['usage', 'serve', () => serve(nothing)],
    ['usage', 'serve.models', () => serve({ models: nothing })],
  ])('%s of %s', async (code, where, call) => expect(await refusal(call)).toEqual([code, where]));
  const tinyPicture = { width: 1, height: 1, data: [0] };

  test('of a session', async () => {
    await using rt = runtime(options);
    await using session = await rt.createSession(model);
    expect(await refusal(() => session.run(nothing))).toEqual(['usage', 'run']);
    expect(await refusal(() => session.run({}, nothing))).toEqual(['usage', 'run.options']);
    expect(await refusal(() => session.writeState(nothing))).toEqual(['usage', 'writeState']);
    expect(await refusal(() => session.writeState({ z: nothing }))).toEqual(['input.shape', 'writeState.z']);
    expect(await refusal(() => session.readState('z' as never))).toEqual(['usage', 'readState']);
  });
});

test('the error for a transferred buffer says so, for every argument', async () => {
  const z = (): Float32Array => transferred(new Float32Array(16));
  expect(await refusal(() => load(transferred(model.slice())))).toEqual(['usage', 'load']);
  expect(await refusal(() => generator.sample({ latents: z() }))).toEqual(['input.shape', 'sample.latents']);
  expect(await refusal(() => generator.run({ z: z() }))).toEqual(['input.shape', 'run.z']);
  expect(await refusal(() => generator.run({ z: { shape: [0, 16], data: z() } }))).toEqual(['input.shape', 'run.z']);
  const rt = runtime(options);
  expect(await refusal(() => rt.createSession(transferred(model.slice())))).toEqual(['usage', 'createSession']);
  await rt.dispose();
});

test('shared memory is accepted, and copied', async () => {
  const shared = <T extends ArrayBufferView>(array: T, of: new (buffer: SharedArrayBuffer) => T): T => {
    const memory = new SharedArrayBuffer(array.byteLength);
    new Uint8Array(memory).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return new of(memory);
  };
  const z = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i));
  const wanted = await generator.sample({ latents: z });
  const { image } = await generator.run({ z });
  for (const executor of ['worker', 'process', 'inline'] as const) {
    const bytes = shared(model, Uint8Array);
    await using other = await load(bytes, { ...options, executor });
    bytes.fill(0);
    expect((await other.sample({ latents: shared(z, Float32Array) })).data).toEqual(wanted.data);
    const feeds: NamedTensors = { z: tensor('float32', [1, 16], shared(z, Float32Array)) };
    expect((await other.run(feeds))['image']).toEqual(image);
  }
});

test('an abort is an AbortError, also from another thread', async () => {
  const aborted = { name: 'AbortError', code: 'aborted' };
  await expect(generator.sample({ signal: AbortSignal.abort() })).rejects.toMatchObject(aborted);
  await expect(load(model, { ...options, signal: AbortSignal.abort() })).rejects.toMatchObject(aborted);
  await expect(load('http://127.0.0.1:9/', { signal: AbortSignal.abort() })).rejects.toMatchObject(aborted);
});

test('`await using` disposes of generators, runtimes and sessions', async () => {
  const handles = [];
  {
    await using one = await load(model, options);
    await using rt = runtime(options);
    await using session = await rt.createSession(model);
    handles.push(
      () => one.sample(),
      () => session.run({}),
      () => rt.createSession(model),
    );
  }
  for (const use of handles) expect((await refusal(use)) as string[]).toContain('disposed');
});
