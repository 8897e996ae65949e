// The option `cache` of load in Chromium: what is cached, when it is revalidated, and that damaged entries are never
// used. And progress, with and without compression.
import type { Manifest } from '@forja/core';
import { decodeModel, externalizeModel, sealModel } from '@forja/core/onnx';
import { load } from '@forja/web';
import type { LoadOptions, LoadProgress } from '@forja/web';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { tinyGenerator } from './models.js';

const MANIFEST: Omit<Manifest, 'integrity'> = {
  version: 1,
  kind: 'latent',
  inputs: [{ name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', 8], distribution: 'normal' }],
  outputs: [
    { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 6, 6], range: [-1, 1], layout: 'nchw' },
  ],
  producer: 'test',
};
const sha256 = async (bytes: Uint8Array): Promise<string> =>
  [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))]
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');

const STORE = 'test-models';
let one: number[];
let two: number[];
let count = 0;
let name: string;
const url = (): string => new URL(`/__forja/set/${name}`, location.href).href;

beforeAll(async () => {
  const seal = async (width: number): Promise<number[]> => [
    ...(await sealModel(decodeModel(tinyGenerator(width)), MANIFEST, sha256)),
  ];
  [one, two] = [await seal(4), await seal(6)];
});
afterEach(() => caches.delete(STORE));

/** Loads with the store, and gives a picture. */
async function picture(options: LoadOptions = {}): Promise<number[]> {
  const generator = await load(url(), { device: 'wasm', threads: 1, cache: STORE, ...options });
  const { data } = await generator.sample({ seed: 1 });
  await generator.dispose();
  return [...data];
}
const refused = (options: LoadOptions = {}): Promise<string> =>
  picture(options).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
const serve = (answer: Parameters<typeof commands.answer>[1]): Promise<{ asked: number; bodies: number }> =>
  commands.answer(name, answer);
/** The same address at another origin of this machine. */
const elsewhere = (path: string): string => {
  const at = new URL(path, location.href);
  at.hostname = at.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
  return at.href;
};
/** Answers of one address, in order. */
const fresh = (): void => void (name = `model-${++count}`);

test.each([
  ['ETag', { etag: '"1"' }, { etag: '"2"' }],
  [
    'Last-Modified',
    { lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' },
    { lastModified: 'Tue, 02 Jan 2024 00:00:00 GMT' },
  ],
])('a kept model is asked for again by its %s, and replaced when it has changed', async (_, first, second) => {
  fresh();
  await serve({ bytes: one, ...first });
  const before = await picture();
  expect(await picture()).toEqual(before);
  expect(await serve({ bytes: two, ...second })).toEqual({ asked: 2, bodies: 1 });
  const after = await picture();
  expect(after).not.toEqual(before);
  expect(await picture()).toEqual(after);
  expect(await serve({ gone: true })).toEqual({ asked: 2, bodies: 1 });
});

test('offline, or if the server fails, the cached model is used; not after the server removed it', async () => {
  fresh();
  await serve({ bytes: one, etag: '"1"' });
  const before = await picture();
  await serve({ gone: true });
  expect(await picture()).toEqual(before);
  await serve({ status: 503 });
  expect(await picture()).toEqual(before);
  await serve({ status: 404 });
  expect(await refused()).toBe('model.notFound');
  await serve({ gone: true });
  expect(await refused({ cache: 'another-store' })).toBe('io');
  await caches.delete('another-store');
});

test('without an ETag the model is downloaded each time, and the cached one used offline', async () => {
  fresh();
  await serve({ bytes: one });
  const before = await picture();
  await picture();
  expect(await serve({ gone: true })).toEqual({ asked: 2, bodies: 2 });
  expect(await picture()).toEqual(before);
});

test('a changed byte in the cache is detected: downloaded again, or refused offline', async () => {
  fresh();
  await serve({ bytes: one, etag: '"1"' });
  const before = await picture();
  const flip = async (): Promise<void> => {
    const cache = await caches.open(STORE);
    const entry = (await cache.match(url()))!;
    const bytes = new Uint8Array(await entry.arrayBuffer());
    bytes[bytes.length >> 1]! ^= 1;
    await cache.put(url(), new Response(bytes, { headers: entry.headers }));
  };
  await flip();
  expect(await picture({ integrity: 'off' })).toEqual(before);
  expect(await serve({ bytes: one, etag: '"1"' })).toEqual({ asked: 2, bodies: 2 });
  expect(await picture()).toEqual(before);
  expect(await serve({ gone: true })).toEqual({ asked: 1, bodies: 0 });
  await flip();
  expect(await refused()).toBe('io');
});

test('damaged or truncated files, and files that are not models, are not cached', async () => {
  fresh();
  const flipped = Uint8Array.from(one);
  // a view of the bytes
  decodeModel(flipped).graph!.initializers.find(({ rawData }) => (rawData?.length ?? 0) > 1000)!.rawData![100]! ^= 1;
  const kept = async (): Promise<number> => (await (await caches.open(STORE)).keys()).length;
  await serve({ bytes: [...flipped], etag: '"1"' });
  expect([await refused(), await refused({ integrity: 'warn' }), await kept()]).toEqual(['model.integrity', 'ok', 0]);
  await serve({ bytes: one.slice(0, -400), etag: '"2"' });
  expect([await refused(), await kept()]).toEqual(['model.truncated', 0]);
  await serve({ bytes: [...new TextEncoder().encode('<!doctype html>')], etag: '"3"' });
  expect([await refused(), await kept()]).toEqual(['model.format', 0]);
  // Cached by a caller without the integrity check; with the check, the server's file is used once it is right.
  await serve({ bytes: [...flipped], etag: '"4"' });
  expect([await refused({ integrity: 'off' }), await kept()]).toEqual(['ok', 1]);
  await serve({ bytes: one, etag: '"4"' });
  expect(await refused()).toBe('ok');
});

test('a cache that is full or fails does not fail a load', async () => {
  fresh();
  await serve({ bytes: one, etag: '"1"' });
  const assets = '/__forja/faulty/';
  const plain = await picture({ assets });
  const channel = new BroadcastChannel('forja-faults');
  for (const fault of ['no-room', 'no-store']) {
    await caches.delete(STORE);
    const control = new AbortController();
    // The fault is set in a running worker.
    const held = await load(Uint8Array.from(one), { device: 'wasm', threads: 1, assets });
    const heard = new Promise((resolve) => channel.addEventListener('message', resolve, { once: true }));
    channel.postMessage(fault);
    await heard;
    expect(await picture({ assets, signal: control.signal }), fault).toEqual(plain);
    expect((await (await caches.open(STORE)).keys()).length, fault).toBe(0);
    await held.dispose();
  }
  channel.close();
});

test('two tabs that load concurrently leave one complete entry', async () => {
  fresh();
  await serve({ bytes: one, etag: '"1"' });
  // Different options, so different workers, as with two tabs.
  const [a, b, c] = await Promise.all([picture(), picture({ timeoutMs: 50_000 }), picture({ timeoutMs: 60_000 })]);
  expect([b, c]).toEqual([a, a]);
  const entries = await (await caches.open(STORE)).keys();
  expect(entries.map((request) => request.url)).toEqual([url()]);
  await serve({ gone: true });
  expect(await picture()).toEqual(a);
});

test('an abort ends a load with a cache, before and after the first byte, and caches nothing', async () => {
  fresh();
  // The server withholds the second half, as an abort after all bytes may be too late.
  await serve({ bytes: one, etag: '"1"', halves: true });
  expect(await refused({ signal: AbortSignal.abort() })).toBe('aborted');
  const control = new AbortController();
  expect(await refused({ signal: control.signal, onProgress: () => control.abort() })).toBe('aborted');
  expect((await (await caches.open(STORE)).keys()).length).toBe(0);
  expect(await refused({ cache: '' })).toBe('usage');
  expect(await refused({ cache: 3 as never })).toBe('usage');
});

test('external data is loaded from the model’s folder only, sealed and cached with the model', async () => {
  fresh();
  const { model, external } = externalizeModel(decodeModel(tinyGenerator()), {
    location: `${name}-weights`,
    least: 1000,
  });
  const [[file, weights]] = [...external] as [[string, Uint8Array]];
  const bytes = [...(await sealModel(model, MANIFEST, sha256, external))];
  await serve({ bytes, etag: '"1"' });
  await commands.answer(file, { bytes: [...weights], etag: '"2"' });
  const seen: LoadProgress[] = [];
  const before = await picture({ onProgress: (p) => seen.push(p) });
  expect(seen.at(-1)).toEqual({
    phase: 'download',
    loaded: bytes.length + weights.length,
    total: bytes.length + weights.length,
  });
  name = `model-${++count}`; // the same model with its weights inside gives the same picture
  await serve({ bytes: one });
  expect(await picture()).toEqual(before);
  name = file.replace('-weights', '');
  expect(await commands.answer(file, { gone: true })).toEqual({ asked: 1, bodies: 1 });
  await serve({ gone: true });
  expect(await picture()).toEqual(before);
  await serve({ bytes, etag: '"1"' });
  const without = { cache: 'another-store', integrity: 'off' } as const;
  const answers: [Parameters<typeof commands.answer>[1], string][] = [
    [{ status: 404 }, 'model.notFound'],
    [{ bytes: [...weights.subarray(1)] }, 'model.truncated'],
    [{ redirect: `/__forja/set/${file}-moved` }, 'ok'],
    [{ redirect: elsewhere(`/__forja/set/${file}-moved`) }, 'model.format'],
  ];
  for (const [answer, code] of answers) {
    await commands.answer(file, answer);
    await commands.answer(`${file}-moved`, { bytes: [...weights], cors: true });
    expect([answer, await refused(without)]).toEqual([answer, code]);
    await caches.delete('another-store');
  }
  expect(
    await load(Uint8Array.from(bytes), { device: 'wasm' }).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    ),
  ).toBe('model.notFound');
});

test('blob: and data: URLs are not cached', async () => {
  const address = URL.createObjectURL(new Blob([Uint8Array.from(one)]));
  await (await load(address, { device: 'wasm', threads: 1, cache: STORE })).dispose();
  URL.revokeObjectURL(address);
  expect((await (await caches.open(STORE)).keys()).length).toBe(0);
});

test.each([
  ['whole', false, false],
  ['compressed', true, false],
  ['whole, of another origin', false, true],
  ['compressed, of another origin', true, true],
])('progress of a download that travels %s rises to all bytes, and a total is never passed', async (_, gzip, other) => {
  fresh();
  // Compressible, so that the transfer is much smaller than the file.
  const big = [...tinyGenerator(400).fill(0, 3000, 20_000)];
  await serve({ bytes: big, gzip, cors: other, halves: true });
  const at = other ? elsewhere(url()) : url();
  const seen: LoadProgress[] = [];
  const generator = await load(at, {
    device: 'wasm',
    threads: 1,
    manifest: MANIFEST,
    onProgress: (p) => void (seen.push(p) === 1 && void fetch(`${url()}?rest`)),
  });
  await generator.dispose();
  expect(seen.length).toBeGreaterThan(1);
  expect(seen.at(-1)).toMatchObject({ phase: 'download', loaded: big.length });
  expect(seen.map(({ loaded }) => loaded)).toEqual(seen.map(({ loaded }) => loaded).sort((a, b) => a - b));
  for (const { loaded, total } of seen) expect(total ?? loaded).toBeGreaterThanOrEqual(loaded);
  if (!gzip) expect(seen[0]).toMatchObject({ total: big.length }); // known before the first byte is reported
  if (gzip && !other) expect(seen.every(({ total }) => total === undefined)).toBe(true);
});
