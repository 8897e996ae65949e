// load in Chromium, on each device: the same pictures as in Node, all kinds of sources, invalid sources, abort and
// disposal.
import { latents, toBatch } from '@forja/core';
import type { Manifest } from '@forja/core';
import { decodeModel, encodeModel, sealModel } from '@forja/core/onnx';
import { load, toBlob, toCanvas, toImageBitmap } from '@forja/web';
import type { LoadOptions, LoadProgress } from '@forja/web';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { everySecond, runningMean, tinyGenerator, unnamed } from './models.js';

const SIZE = 8;
const MANIFEST: Omit<Manifest, 'integrity'> = {
  version: 1,
  kind: 'latent',
  inputs: [{ name: 'latent', role: 'latent', dtype: 'float32', shape: ['batch', SIZE], distribution: 'normal' }],
  outputs: [
    { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 6, 6], range: [-1, 1], layout: 'nchw' },
  ],
  producer: 'test',
};
const sha256 = async (bytes: Uint8Array): Promise<string> =>
  [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))]
    .map((b) => b.toString(16).padStart(2, '0'))
    .join('');

let sealed: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  await commands.forgetWorkers();
  sealed = new Uint8Array(await sealModel(decodeModel(tinyGenerator()), MANIFEST, sha256));
});

const code = async (source: Parameters<typeof load>[0], options: LoadOptions = {}): Promise<string> => {
  try {
    await (await load(source, { device: 'wasm', ...options })).dispose();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe.each<[string, LoadOptions]>([
  ['WASM, 1 thread', { device: 'wasm', threads: 1 }],
  ['WASM, 2 threads', { device: 'wasm', threads: 2 }],
  ['WebGPU (SwiftShader)', { device: 'webgpu' }],
])('%s', (_, options) => {
  test('floats within 1e-5 of Node’s, pictures within one 8-bit step', async () => {
    const [count, seed] = [70, 12345678901234567890n];
    const z = latents(seed, 0, count, SIZE); // latents.test.ts compares their bits with Node's
    const reference = await commands.runInNode([...sealed], 'latent', [count, SIZE], [...z]);
    const generator = await load(sealed, { ...options, warmup: true });
    expect(generator.device).toMatchObject({ requested: options.device, actual: options.device });
    expect(generator.manifest).toMatchObject(MANIFEST);
    const { image } = await generator.run({ latent: z });
    expect(image!.data as Float32Array).toBeAllclose(reference.data, { atol: 1e-5 });
    const batch = await generator.sample({ count, seed });
    const expected = toBatch(
      { dtype: 'float32', shape: reference.shape, data: Float32Array.from(reference.data) },
      { layout: 'nchw', range: [-1, 1] },
    );
    expect([batch.count, batch.width, batch.height, batch.channels]).toEqual([count, 6, 6, 1]);
    expect([...batch.data]).toBeAllclose([...expected.data], { atol: 1 });
    expect(Math.max(...batch.data) - Math.min(...batch.data)).toBeGreaterThan(50);
    expect(generator.stats()).toMatchObject({ images: count + 1, queued: 0, sessions: 1, modelBytes: sealed.length });
    await generator.dispose();
  });

  test('models with unnamed dynamic sizes: sampling, and translating a picture of odd width', async () => {
    const [named, other] = [await load(sealed, options), await load(unnamed(tinyGenerator()), options)];
    expect(other.manifest).toMatchObject({ kind: 'latent', inputs: [{ shape: ['latent_dim_0', SIZE] }] });
    expect(await other.sample({ count: 3, seed: 7 })).toEqual(await named.sample({ count: 3, seed: 7 }));
    await Promise.all([named.dispose(), other.dispose()]);
    const translator = await load(unnamed(everySecond()), options);
    const [width, height] = [21, 16];
    const at = (x: number, y: number, c: number): number => (x * 7 + y * 11 + c * 90) % 256;
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      at(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
    );
    const made = await translator.translate({ width, height, data });
    expect([made.width, made.height]).toEqual([10, 7]);
    const largest = Array.from({ length: 10 * 7 * 3 }, (_, i) => {
      const [x, y] = [2 * (Math.floor(i / 3) % 10), 2 * Math.floor(i / 30)];
      return Math.max(...[0, 1, 2].flatMap((dy) => [0, 1, 2].map((dx) => at(x + dx, y + dy, i % 3))));
    });
    expect([...made.data]).toEqual(largest);
    await translator.dispose();
  });

  test('concurrent calls, a stream and a walk', async () => {
    const generator = await load(sealed, options);
    const [a, b] = await Promise.all([
      generator.sample({ count: 3, seed: 1 }),
      generator.sample({ count: 2, seed: 2 }),
    ]);
    expect(generator.stats().runs).toBe(1);
    expect([a.count, b.count]).toEqual([3, 2]);
    const streamed: number[] = [];
    for await (const picture of generator.stream({ seed: 1, count: 3 })) streamed.push(...picture.data);
    expect(streamed).toBeAllclose([...a.data], { atol: 1 });
    const walk = await generator.interpolate({ from: 1, to: 2, steps: 3 });
    expect([...walk.at(0).data]).toBeAllclose([...a.at(0).data], { atol: 1 });
    expect([...walk.at(2).data]).toBeAllclose([...b.at(0).data], { atol: 1 });
    await generator.dispose();
  });
});

test('a URL, a Blob, a File and bytes give the same model; the caller’s bytes stay usable', async () => {
  const blob = new Blob([sealed]);
  const url = URL.createObjectURL(blob);
  const before = await sha256(sealed);
  const progress: LoadProgress[] = [];
  const results: number[][] = [];
  for (const source of [url, new URL(url), blob, new File([sealed], 'generator.onnx'), sealed]) {
    const generator = await load(source, { device: 'wasm', onProgress: (p) => progress.push(p) });
    results.push([...(await generator.sample({ count: 2, seed: 3 })).data]);
    await generator.dispose();
  }
  for (const result of results) expect(result).toEqual(results[0]);
  expect(progress.filter(({ loaded }) => loaded === sealed.length).map(({ phase }) => phase)).toEqual([
    'download',
    'download',
    'read',
    'read',
    'read',
  ]);
  expect(await sha256(sealed)).toBe(before);
  URL.revokeObjectURL(url);
});

test.each([
  ['missing', 'model.notFound'],
  ['broken', 'io'],
  ['page', 'model.format'],
  ['empty', 'model.truncated'],
  ['cut', 'model.truncated'],
])('an address that answers %s: %s', async (name, expected) => {
  expect(await code(`/__forja/${name}`)).toBe(expected);
});

test('bytes that are not a model, truncated, changed, or with a wrong manifest', async () => {
  expect(await code(new TextEncoder().encode('<!doctype html>'))).toBe('model.format');
  expect(await code(new Blob([]))).toBe('model.truncated');
  expect(await code(sealed.slice(0, -500))).toBe('model.truncated');
  // A weight's byte: onnxruntime would not notice.
  const flipped = sealed.slice();
  const { graph } = decodeModel(flipped);
  // a view of the bytes
  const weight = graph?.initializers.find(({ rawData }) => (rawData?.length ?? 0) > 1000)?.rawData;
  weight![100] = (weight![100] ?? 0) ^ 1;
  expect(await code(flipped)).toBe('model.integrity');
  expect(await code(flipped, { integrity: 'off' })).toBe('ok');
  const lie = { ...MANIFEST, inputs: [{ ...MANIFEST.inputs[0]!, shape: ['batch', 9] }] };
  expect(await code(await sealModel(decodeModel(tinyGenerator()), lie, sha256))).toBe('model.format');
  expect(await code(sealed, { precision: 'fp32' })).toBe('ok');
  for (const options of [{ integrity: 'perhaps' }, { precision: 'int4' }] as unknown as LoadOptions[])
    expect(await code(sealed, options)).toBe('usage');
  expect(await code(3 as never)).toBe('usage');
  expect(await code('http://')).toBe('usage');
});

test('a newer opset, an unknown operator, a damaged graph, and a model that is not a generator', async () => {
  const model = decodeModel(tinyGenerator());
  const graph = model.graph!;
  expect(
    await code(encodeModel({ ...model, opsetImport: model.opsetImport.map((opset) => ({ ...opset, version: 999n })) })),
  ).toBe('model.unsupported');
  expect(
    await code(
      encodeModel({
        ...model,
        graph: {
          ...graph,
          nodes: graph.nodes.map((node) => (node.opType === 'Tanh' ? { ...node, opType: 'NoSuchOperator' } : node)),
        },
      }),
    ),
  ).toBe('model.unsupported');
  // The fields around the graph can be read; the graph cannot.
  const damaged = tinyGenerator();
  damaged.fill(0xff, 40, 90);
  expect(await code(damaged)).toBe('model.format');
  const other = await load(runningMean(), { device: 'wasm' });
  expect(other.manifest.kind).toBe('function');
  await expect(other.sample()).rejects.toMatchObject({ code: 'model.notGenerator' });
  await other.dispose();
});

test('integrity: warn prints a console warning and loads', async () => {
  const said: string[] = [];
  const { warn } = console;
  console.warn = (...parts: unknown[]) => void said.push(parts.join(' '));
  try {
    const flipped = sealed.slice();
    const weight = decodeModel(flipped).graph?.initializers.find(
      ({ rawData }) => (rawData?.length ?? 0) > 1000,
    )?.rawData;
    weight![100] = (weight![100] ?? 0) ^ 1;
    expect(await code(flipped, { integrity: 'warn' })).toBe('ok');
  } finally {
    console.warn = warn;
  }
  expect(said).toEqual([expect.stringMatching(/@forja\/web: .*SHA-256/)]);
});

test('a model without a manifest is recognised; the caller’s fields override', async () => {
  const generator = await load(tinyGenerator(), { device: 'wasm', manifest: { license: 'MIT' } });
  expect(generator.manifest).toMatchObject({ kind: 'latent', license: 'MIT', integrity: { bytes: 0 } });
  const sample = await generator.sample({ seed: 5 });
  const own = await load(sealed, { device: 'wasm' });
  expect(sample.data).toEqual((await own.sample({ seed: 5 })).data);
  await Promise.all([generator.dispose(), own.dispose()]);
});

test('an abort ends a download, a load, or one of several samples', async () => {
  const control = new AbortController();
  const loading = load('/__forja/endless', {
    device: 'wasm',
    signal: control.signal,
    onProgress: () => control.abort(new Error('enough')),
  });
  await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  expect(await code(sealed, { signal: AbortSignal.abort() })).toBe('aborted');
  const generator = await load(sealed, { device: 'wasm' });
  const other = new AbortController();
  const calls = [generator.sample({ count: 500, signal: other.signal }), generator.sample({ count: 2 })];
  other.abort();
  const results = await Promise.allSettled(calls);
  expect(results.map((r) => (r.status === 'fulfilled' ? 'ok' : (r.reason as { code: string }).code))).toEqual([
    'aborted',
    'ok',
  ]);
  await generator.dispose();
});

test('refusals have codes and leave the generator usable', async () => {
  const generator = await load(sealed, { device: 'wasm', batch: { queue: 1 } });
  const refused = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  expect(await refused(generator.sample({ count: 0 }))).toBe('input.range');
  expect(await refused(generator.sample({ count: 1e9 }))).toBe('input.range');
  expect(await refused(generator.sample({ latents: new Float32Array(7) }))).toBe('input.shape');
  expect(await refused(generator.sample({ label: 1 }))).toBe('usage');
  expect(await refused(generator.run({ latent: new Float32Array(7) }))).toBe('input.shape');
  expect(await Promise.all([refused(generator.sample()), refused(generator.sample())])).toEqual(['ok', 'overloaded']);
  await generator.dispose();
  expect(await refused(generator.sample())).toBe('disposed');
  await generator.dispose();
});

test('pictures can be drawn and encoded', async () => {
  const generator = await load(sealed, { device: 'wasm' });
  const grid = (await generator.sample({ count: 4, seed: 9 })).grid(2);
  const canvas = toCanvas(grid, new OffscreenCanvas(1, 1));
  expect([canvas.width, canvas.height]).toEqual([12, 12]);
  expect([...canvas.getContext('2d')!.getImageData(0, 0, 12, 12).data]).toEqual([...grid.toRGBA()]);
  for (const blob of [
    await toBlob(grid),
    new Blob([(await grid.toPNG()) as Uint8Array<ArrayBuffer>], { type: 'image/png' }),
  ]) {
    const drawn = await createImageBitmap(blob);
    const context = new OffscreenCanvas(12, 12).getContext('2d')!;
    context.drawImage(drawn, 0, 0);
    expect([...context.getImageData(0, 0, 12, 12).data]).toEqual([...grid.toRGBA()]);
  }
  const bitmap = await toImageBitmap(grid);
  expect([bitmap.width, bitmap.height]).toEqual([12, 12]);
  await generator.dispose();
});

test('many loads, samples and disposals leave no worker behind', async () => {
  for (const threads of [1, 2, 1, 2, 1, 2]) {
    const generator = await load(sealed, { device: 'wasm', threads });
    expect((await generator.sample({ count: 3 })).count).toBe(3);
    await generator.dispose();
  }
  // Chromium takes a second or two to end a worker whose WASM threads sleep.
  await expect.poll(() => commands.workers()).toBe(0);
  const last = await load(sealed, { device: 'wasm' });
  expect(await commands.workers()).toBe(1);
  await last.dispose();
});
