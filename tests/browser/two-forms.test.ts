// A generator with two forms of its model in Chromium: which one runs, how much their pictures differ, that no run
// waits for the preparation, where that fails, and both forms after the worker died or the generator was disposed.
import type { Generator } from '@forja/core';
import { decodeModel, encodeModel, externalizeModel, fastConvolutions } from '@forja/core/onnx';
import { load } from '@forja/web';
import type { LoadOptions } from '@forja/web';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { convolving, tinyGenerator } from './models.js';

const model = convolving();
const wanted = fastConvolutions(decodeModel(model)).convolutions;
const options: LoadOptions = { device: 'wasm', threads: 1 };
const PIXELS = 3 * 32 * 32;

/** The same latents in every batch, from the first on. */
const image = async (generator: Generator, rows: number): Promise<Float32Array> => {
  const latent = Float32Array.from({ length: rows * 16 }, (_, i) => Math.sin(i * 7.13));
  return (await generator.run({ latent }))['image']?.data as Float32Array; // declared so in the model
};
const first = (pictures: Float32Array): Float32Array => pictures.slice(0, PIXELS);
/** Waits for the second form. */
const prepared = (generator: Generator): Promise<void> =>
  expect.poll(() => generator.device.convolutions).toEqual(wanted);
/** Addresses of the second form's code among those asked for since the last call. */
const preparing = async (): Promise<string[]> =>
  (await commands.requests()).filter((url) => url.includes('/web/src/prepare.'));
/** 1e-5 of the range, which is 2. */
const NEAR = { atol: 2e-5 };

beforeAll(() => commands.forgetWorkers());

describe.each([1, 2])('with %i threads', (threads) => {
  test('single pictures use the file’s convolutions, large batches others once prepared, within 1e-5', async () => {
    expect(Object.keys(wanted).length).toBeGreaterThan(0);
    const plain = await load(model, { ...options, threads, lowering: 'portable' });
    await preparing();
    const generator = await load(model, { ...options, threads, warmup: true });
    expect(await image(generator, 1)).toEqual(await image(plain, 1));
    expect(await image(generator, 7)).toEqual(await image(plain, 7));
    expect([await preparing(), generator.device.convolutions]).toEqual([[], undefined]);
    const exact = await image(plain, 16);
    expect(await image(generator, 16)).toBeAllclose([...exact], NEAR);
    await prepared(generator);
    expect(await preparing()).toHaveLength(1);
    expect(generator.device.reasons.join()).toMatch(/convolutions: replaced in runs of \d+ rows and more/);
    const fast = await image(generator, 16);
    expect(fast).not.toEqual(exact);
    expect(fast).toBeAllclose([...exact], NEAR);
    expect(await image(generator, 16)).toEqual(fast);
    expect(await image(generator, 1)).toEqual(await image(plain, 1));
    expect(plain.device.convolutions).toBeUndefined();
    await Promise.all([generator.dispose(), plain.dispose()]);
  });

  test('with deterministic a picture has the same bits in any batch, from the start', async () => {
    const generator = await load(model, { ...options, threads, deterministic: true });
    expect(generator.device.convolutions).toEqual(wanted);
    const large = await image(generator, 16);
    expect(await image(generator, 1)).toEqual(first(large));
    expect(await image(generator, 7)).toEqual(large.slice(0, 7 * PIXELS));
    expect(await image(generator, 16)).toEqual(large);
    await generator.dispose();
    const plain = await load(model, { ...options, threads, deterministic: true, lowering: 'portable' });
    expect(plain.device.convolutions).toBeUndefined();
    expect(await image(plain, 1)).toEqual(first(await image(plain, 16)));
    await plain.dispose();
  });
});

test('warmup at a large batch prepares at load', async () => {
  const generator = await load(model, { ...options, warmup: [1, 8] });
  expect(generator.device.convolutions).toEqual(wanted);
  const plain = await load(model, { ...options, lowering: 'portable' });
  expect(await image(generator, 1)).toEqual(await image(plain, 1));
  expect(await image(generator, 16)).not.toEqual(await image(plain, 16));
  await Promise.all([generator.dispose(), plain.dispose()]);
  await expect(load(model, { ...options, lowering: 'fast' as never })).rejects.toMatchObject({ code: 'usage' });
  for (const warmup of ['often', [0], [{}]] as never[])
    await expect(load(model, { ...options, warmup })).rejects.toMatchObject({ code: expect.any(String) as string });
});

test('a model without gain, inline and WebGPU run the file as it is', async () => {
  const small = await load(tinyGenerator(), { ...options, warmup: [16] });
  expect([small.device.convolutions, small.device.reasons.join()]).toEqual([
    undefined,
    expect.not.stringMatching(/convolutions/),
  ]);
  await small.dispose();
  const inline = await load(model, { ...options, executor: 'inline', warmup: [16] });
  expect(inline.device.convolutions).toBeUndefined();
  expect(inline.device.reasons.join()).toMatch(/convolutions: unchanged, because/);
  await inline.dispose();
  const gpu = await load(tinyGenerator(), { device: 'webgpu', warmup: [16] });
  expect([gpu.device.actual, gpu.device.convolutions]).toEqual(['webgpu', undefined]);
  await gpu.dispose();
});

test('a model from an address, with external data', async () => {
  const whole = decodeModel(model);
  const { model: thin, external } = externalizeModel(whole, { location: 'large-data', least: 64 });
  // the weights of convolutions stay in the file: external ones are not looked at
  const initializers = thin.graph!.initializers.map((tensor, i) =>
    tensor.dims.length === 4 ? whole.graph!.initializers[i]! : tensor,
  );
  await commands.answer('large', { bytes: [...encodeModel({ ...thin, graph: { ...thin.graph!, initializers } })] });
  await commands.answer('large-data', { bytes: [...external.get('large-data')!] });
  const generator = await load(new URL('/__forja/set/large', location.href), { ...options, warmup: [8] });
  expect(generator.device.convolutions).toEqual(wanted);
  const plain = await load(model, { ...options, lowering: 'portable' });
  expect(await image(generator, 16)).toBeAllclose([...(await image(plain, 16))], NEAR);
  expect(await image(generator, 1)).toEqual(await image(plain, 1));
  await Promise.all([generator.dispose(), plain.dispose()]);
});

describe('a worker with injected faults', () => {
  let channel: BroadcastChannel;
  beforeEach(() => (channel = new BroadcastChannel('forja-faults')));
  afterEach(() => channel.close());
  const fault = async (name: string): Promise<void> => {
    const set = new Promise<void>((resolve) => channel.addEventListener('message', () => resolve(), { once: true }));
    channel.postMessage(name);
    await set;
  };
  const faulty = (more: LoadOptions = {}): Promise<Generator> =>
    load(model, { ...options, assets: '/__forja/faulty/', onEvent: () => undefined, ...more });

  test('no run waits for a long preparation, nor is one aborted by another’s abort', async () => {
    const generator = await faulty();
    await fault('hold-second');
    const early = await Promise.all([16, 1, 8, 1].map((rows) => image(generator, rows)));
    const control = new AbortController();
    const aborted = generator.sample({ count: 16, signal: control.signal });
    control.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    expect(generator.device.convolutions).toBeUndefined();
    expect(first(early[0]!)).toEqual(early[1]);
    await fault('let-second-go');
    await prepared(generator);
    expect(await image(generator, 16)).not.toEqual(early[0]);
    expect(await image(generator, 1)).toEqual(early[1]);
    await generator.dispose();
  });

  test.each(['refuse-second', 'lose-second'])('%s: it is prepared between runs', async (name) => {
    const generator = await faulty();
    await fault(name);
    const exact = await image(generator, 16);
    await prepared(generator);
    expect(await image(generator, 16)).not.toEqual(exact);
    expect(await image(generator, 16)).toBeAllclose([...exact], NEAR);
    await generator.dispose();
  });

  test('after the worker died, the file’s form runs again, then the second one', async () => {
    const generator = await faulty({ warmup: [8] });
    const before = [await image(generator, 1), await image(generator, 16)] as const;
    await fault('die');
    expect(await image(generator, 1)).toEqual(before[0]);
    expect(generator.device.convolutions).toEqual(wanted);
    expect(await image(generator, 16)).toEqual(before[1]);
    await generator.dispose();
    const later = await faulty();
    await image(later, 16);
    await prepared(later);
    await fault('die');
    expect(await image(later, 16)).toBeAllclose([...before[1]], NEAR);
    await prepared(later);
    expect(await image(later, 16)).toEqual(before[1]);
    await later.dispose();
  });

  test('disposed during the preparation, it leaves no worker', async () => {
    const [generator, other] = [await faulty(), await faulty()];
    await fault('hold-second');
    await image(generator, 16);
    await generator.dispose();
    await expect(image(generator, 16)).rejects.toMatchObject({ code: 'disposed' });
    expect((await image(other, 16)).length).toBe(16 * PIXELS);
    await other.dispose();
    await expect.poll(() => commands.workers('faulty')).toBe(0);
    await expect.poll(() => commands.workers()).toBe(0);
  });
});
