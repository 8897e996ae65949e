// load and its generator, with real onnxruntime: results against direct sessions, all kinds of wrong sources, and
// leftovers.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { latents, MANIFEST_KEY } from '@forja/core';
import type { Manifest } from '@forja/core';
import { decodeModel, encodeModel, GraphBuilder, halfModelBytes, sealModel } from '@forja/core/onnx';
import type { Model, TensorProto } from '@forja/core/onnx';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { turnsDuring } from '../vitest.support.js';
import { buildForTests } from '../vitest.worker.js';
import { load } from './index.js';
import type { LoadOptions, LoadProgress } from './index.js';

const SIZE = 8;
const sha256 = (bytes: Uint8Array): Promise<string> =>
  Promise.resolve(createHash('sha256').update(bytes).digest('hex'));
const weights = (count: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * scale);

/** z [batch, 8] → dense → transposed conv → tanh → [batch, 1, 12, 12]. */
function model(width = 4): Model {
  const g = new GraphBuilder({ name: 'tiny' });
  const dense = g.op('MatMul', [
    g.input('z', 'float32', ['batch', SIZE]),
    g.constant('float32', [SIZE, width * 36], weights(SIZE * width * 36, 1), 'dense'),
  ]);
  const maps = g.op('Relu', [g.op('Reshape', [dense, g.constant('int64', [4], [0, width, 6, 6])])]);
  const up = g.op('ConvTranspose', [maps, g.constant('float32', [width, 1, 4, 4], weights(width * 16, 1))], {
    kernel_shape: [4, 4],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  g.output('image', g.op('Tanh', [up]));
  return g.build();
}

const MANIFEST: Omit<Manifest, 'integrity'> = {
  version: 1,
  kind: 'latent',
  inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', SIZE], distribution: 'normal' }],
  outputs: [
    { name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 12, 12], range: [-1, 1], layout: 'nchw' },
  ],
  producer: 'test',
};

let folder: string;
let sealed: Uint8Array;
let path: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-load-'));
  sealed = await sealModel(model(), MANIFEST, sha256);
  path = write('generator.onnx', sealed);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, bytes: Uint8Array | string): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** The pictures of a direct onnxruntime session, as bytes. */
async function direct(bytes: Uint8Array, z: Float32Array): Promise<number[]> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const { image } = await session.run({ z: new ort.Tensor('float32', z, [z.length / SIZE, SIZE]) });
  await session.release();
  return [...(image!.data as Float32Array)].map((v) => Math.floor(v * 127.5 + 128));
}

const code = async (source: Parameters<typeof load>[0], options?: LoadOptions): Promise<string> => {
  try {
    await (await load(source, options)).dispose();
    return 'ok';
  } catch (error) {
    expect((error as Error).message).toMatch(/: (expected|could|the download)|^aborted/);
    return (error as { code: string }).code;
  }
};

describe('from each kind of source', () => {
  test('gives the same pictures, equal to a direct onnxruntime session within one 8-bit step', async () => {
    const expected = await direct(sealed, latents(7, 0, 5, SIZE));
    const sources = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      sealed,
      readFileSync(path),
      new Blob([sealed as Uint8Array<ArrayBuffer>]),
    ];
    for (const source of sources) {
      const generator = await load(source);
      const { data, width, height, channels } = await generator.sample({ count: 5, seed: 7 });
      expect([width, height, channels]).toEqual([12, 12, 1]);
      expect([...data]).toBeAllclose(expected, { atol: 1 });
      expect(Math.max(...data) - Math.min(...data)).toBeGreaterThan(50);
      expect(generator.manifest).toMatchObject(MANIFEST);
      expect(generator.stats()).toMatchObject({
        modelBytes: sealed.length,
        startMs: {
          read: expect.any(Number) as number,
          session: expect.any(Number) as number,
          firstRun: expect.any(Number) as number,
        },
      });
      await generator.dispose();
    }
    // The caller's bytes are not changed.
    expect(createHash('sha256').update(sealed).digest()).toEqual(
      createHash('sha256').update(readFileSync(path)).digest(),
    );
  });

  test.each<LoadOptions>([
    { executor: 'worker' },
    { executor: 'inline' },
    { executor: 'process' },
    { device: 'cpu', threads: 1, strict: true },
    { warmup: true },
    { warmup: [1, 4] },
    { precision: 'fp32', strict: true },
    { expect: { precision: 'fp32' } },
    { precision: 'fp16' },
  ])('with %o', async (options) => {
    const generator = await load(path, options);
    expect([...(await generator.sample({ count: 3, seed: 1 })).data]).toBeAllclose(
      await direct(sealed, latents(1, 0, 3, SIZE)),
      { atol: 1 },
    );
    expect(generator.device).toMatchObject({
      requested: options.device ?? 'auto',
      executor: options.executor ?? 'worker',
    });
    if (options.threads !== undefined) expect(generator.device.threads).toBe(options.threads);
    await generator.dispose();
  });

  test('a model without a manifest is recognised, and options can describe it further', async () => {
    const generator = await load(encodeModel(model()), {
      manifest: { license: 'MIT', outputs: [{ ...MANIFEST.outputs[0]!, range: [0, 1] }] },
    });
    expect(generator.manifest).toMatchObject({ kind: 'latent', license: 'MIT' });
    const { image } = await generator.run({ z: latents(3, 0, 1, SIZE) });
    const expected = [...(image!.data as Float32Array)].map((v) =>
      Math.max(0, Math.min(255, Math.floor(v * 255 + 0.5))),
    );
    expect([...(await generator.sample({ seed: 3 })).data]).toEqual(expected);
    await generator.dispose();
  });

  test('pictures do not depend on their batch or on concurrent requests', async () => {
    const generator = await load(path, { batch: { max: 8 } });
    const [large, ...small] = await Promise.all([
      generator.sample({ count: 40, seed: 2 }),
      ...Array.from({ length: 20 }, (_, seed) => generator.sample({ seed, count: 1 + (seed % 3) })),
    ]);
    const alone = await load(path, { batch: { max: 1 } });
    expect(large.data).toEqual((await alone.sample({ count: 40, seed: 2 })).data);
    for (const [seed, batch] of small.entries())
      expect(batch.data).toEqual((await alone.sample({ seed, count: 1 + (seed % 3) })).data);
    await Promise.all([generator.dispose(), alone.dispose()]);
  });
});

describe('invalid models', () => {
  test.each<[string, string, () => string | Uint8Array]>([
    ['a missing file', 'model.notFound', () => join(folder, 'none.onnx')],
    ['a path through a file', 'model.notFound', () => join(path, 'x.onnx')],
    ['a folder', 'model.notFound', () => folder],
    ['an empty file', 'model.truncated', () => write('empty.onnx', '')],
    ['a web page', 'model.format', () => write('page.onnx', '<!doctype html><title>404</title>')],
    ['a tfjs model.json', 'model.format', () => write('model.json', '{"format":"layers-model"}')],
    ['other bytes', 'model.format', () => write('noise.onnx', 'this is no model at all')],
    ['a cut file', 'model.truncated', () => write('cut.onnx', sealed.subarray(0, sealed.length - 900))],
    ['an address that is none', 'usage', () => 'http://'],
    ['a file: address of a missing file', 'model.notFound', () => pathToFileURL(join(folder, 'none.onnx')).href],
  ])('%s: %s', async (_, expected, source) => {
    expect(await code(source())).toBe(expected);
  });

  test('a source or option of another kind is a usage error', async () => {
    expect(await code(3 as never)).toBe('usage');
    expect(await code(null as never)).toBe('usage');
    expect(await code(new URL('ftp://host/x.onnx'))).toBe('usage');
    for (const options of [
      { integrity: 'maybe' },
      { warmup: 8 },
      { precision: 'int8' },
      { device: 'abacus' },
      { executor: 'thread' },
      { threads: 0 },
      { expect: { precision: 'fp16' } },
      { expect: { precision: 'int4' } },
      { expect: { colour: true } },
      { expect: null },
    ] as never[])
      expect(await code(path, options)).toBe('usage');
    expect(await code(path, { batch: { max: 0 } })).toBe('input.range');
    expect(await code(path, { warmup: [0] })).toBe('input.range');
  });

  test('strict half precision on a device that does not compute in it', async () => {
    expect(await code(path, { device: 'cpu', precision: 'fp16', strict: true })).toBe('device.unavailable');
    const generator = await load(path, { device: 'cpu', precision: 'fp16' });
    expect(generator.device.precision).toBeUndefined();
    expect(generator.device.reasons).toContain('precision: fp32, because the CPU computes in float32');
    await generator.dispose();
    const half = Buffer.from(halfModelBytes(sealed) ?? []);
    expect(await code(half, { device: 'cpu', precision: 'fp32', strict: true, integrity: 'off' })).toBe(
      'device.unavailable',
    );
    expect(await code(half, { device: 'cpu', precision: 'fp16', strict: true, integrity: 'off' })).toBe('ok');
  });

  test('a missing device', async () => {
    expect(await code(path, { device: process.platform === 'darwin' ? 'dml' : 'coreml' })).toBe('device.unavailable');
  });

  test('a flipped byte is refused, warned of, or accepted, by option', async () => {
    const flipped = sealed.slice();
    const at = Buffer.from(flipped).indexOf(Buffer.from(weights(3, 1).buffer)) + 1000;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    const file = write('flipped.onnx', flipped);
    await expect(load(file)).rejects.toMatchObject({
      code: 'model.integrity',
      message: expect.stringContaining(file) as string,
    });
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    expect(await code(file, { integrity: 'warn' })).toBe('ok');
    expect(await warned).toMatchObject({ name: 'ForjaWarning', code: 'model.integrity' });
    expect(await code(file, { integrity: 'off' })).toBe('ok');
  });

  test('a manifest that does not match its model, or is broken', async () => {
    const lie = { ...MANIFEST, inputs: [{ ...MANIFEST.inputs[0]!, shape: ['batch', 64] }] };
    expect(await code(await sealModel(model(), lie, sha256))).toBe('model.format');
    expect(await code(encodeModel({ ...model(), metadata: [{ key: MANIFEST_KEY, value: '{"version":1' }] }))).toBe(
      'model.format',
    );
  });
});

/** The model with its dense weights in an external file at `location`. */
function split(location: string): { bytes: Uint8Array; data: Uint8Array } {
  const whole = decodeModel(encodeModel(model()));
  const dense = whole.graph!.initializers.find(({ name }) => name === 'dense')!;
  const data = dense.rawData!.slice();
  const { rawData: _, ...rest } = dense;
  const outside: TensorProto = { ...rest, dataLocation: 1, externalData: [{ key: 'location', value: location }] };
  whole.graph!.initializers[whole.graph!.initializers.indexOf(dense)] = outside;
  return { bytes: encodeModel(whole), data };
}

describe('external data', () => {
  test('is read from the model’s folder', async () => {
    mkdirSync(join(folder, 'parts'), { recursive: true });
    const { bytes, data } = split('parts/dense.bin');
    write('parts/dense.bin', data);
    const generator = await load(write('split.onnx', bytes));
    expect([...(await generator.sample({ count: 2, seed: 4 })).data]).toBeAllclose(
      await direct(sealed, latents(4, 0, 2, SIZE)),
      { atol: 1 },
    );
    expect(generator.stats().modelBytes).toBe(bytes.length + data.length);
    await generator.dispose();
    const progress: LoadProgress[] = [];
    expect(await code(join(folder, 'split.onnx'), { onProgress: (p) => void progress.push(p) })).toBe('ok');
    expect(progress).toEqual([
      { phase: 'read', loaded: bytes.length, total: bytes.length },
      { phase: 'read', loaded: bytes.length + data.length, total: bytes.length + data.length },
    ]);
    for (const alone of [
      bytes,
      await sealModel(decodeModel(bytes), MANIFEST, sha256, new Map([['parts/dense.bin', data]])),
    ])
      expect(await code(alone)).toBe('model.notFound');
    write('parts/dense.bin', data.subarray(4));
    expect(await code(join(folder, 'split.onnx'))).toBe('model.truncated');
  });

  test('is part of the integrity', async () => {
    const { bytes, data } = split('sealed.bin');
    const file = write(
      'split-sealed.onnx',
      await sealModel(decodeModel(bytes), MANIFEST, sha256, new Map([['sealed.bin', data]])),
    );
    write('sealed.bin', data);
    expect(await code(file)).toBe('ok');
    data[5] = (data[5] ?? 0) ^ 1;
    write('sealed.bin', data);
    expect(await code(file)).toBe('model.integrity');
  });

  test.each([
    ['../secret.bin'],
    ['parts/../../secret.bin'],
    ['inner/../model.onnx'],
    ['link.bin'],
    ['linked/secret.bin'],
    ['..'],
    [''],
    ['.'],
    ['C:\\secret.bin'],
    ['\\\\host\\secret.bin'],
    ['parts/\0secret.bin'],
  ])('%j is refused', async (location) => {
    const inner = join(folder, 'inner');
    mkdirSync(join(inner, 'parts'), { recursive: true });
    const { bytes, data } = split(location);
    write('secret.bin', data);
    for (const [link, to] of [
      ['link.bin', join(folder, 'secret.bin')],
      ['linked', folder],
    ] as const) {
      rmSync(join(inner, link), { force: true });
      symlinkSync(to, join(inner, link));
    }
    expect(await code(write('inner/model.onnx', bytes))).toBe('model.format');
    const { bytes: absolute } = split(join(folder, 'secret.bin'));
    expect(await code(write('inner/model.onnx', absolute))).toBe('model.format');
  });

  test('that is missing is named', async () => {
    await expect(load(write('lost.onnx', split('nowhere.bin').bytes))).rejects.toMatchObject({
      code: 'model.notFound',
      message: expect.stringMatching(/lost\.onnx.*nowhere\.bin/) as string,
    });
  });
});

describe('over http', () => {
  let etag = '"1"';
  let asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['if-none-match'] ?? '-'}`);
    if (request.url === '/missing') return void response.writeHead(404).end('no');
    if (request.url === '/broken') return void response.writeHead(500).end('oops');
    if (request.url === '/page')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    if (request.url === '/cut')
      return void response
        .writeHead(200, { 'content-length': 100_000 })
        .write(sealed.subarray(0, 500), () => response.destroy());
    if (request.url === '/endless')
      return void response.writeHead(200, { 'content-length': 100_000 }).write(sealed.subarray(0, 500));
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { 'content-length': sealed.length, etag }).end(sealed);
  });
  let origin: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));

  test('loads, with progress', async () => {
    const progress: LoadProgress[] = [];
    const generator = await load(`${origin}/generator.onnx`, { onProgress: (p) => progress.push(p) });
    expect((await generator.sample()).count).toBe(1);
    expect(progress.at(-1)).toEqual({ phase: 'download', loaded: sealed.length, total: sealed.length });
    await generator.dispose();
  });

  test.each([
    ['missing', 'model.notFound'],
    ['broken', 'io'],
    ['page', 'model.format'],
    ['cut', 'model.truncated'],
  ])('%s: %s', async (name, expected) => {
    expect(await code(`${origin}/${name}`)).toBe(expected);
  });

  describe('with external data', () => {
    const place: Record<string, Uint8Array | string> = {};
    const seen: string[] = [];
    const answers = (request: IncomingMessage, response: ServerResponse): void => {
      const path = request.url ?? '';
      seen.push(`${path} ${request.headers['if-none-match'] ?? '-'}`);
      const content = place[path];
      if (content === undefined) return void response.writeHead(404).end('no');
      if (typeof content === 'string') return void response.writeHead(302, { location: content }).end();
      const etag = `"${content.length}"`;
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
      response.writeHead(200, { 'content-length': content.length, etag }).end(content);
    };
    const [one, two] = [createServer(answers), createServer(answers)];
    let [here, elsewhere] = ['', ''];
    beforeAll(async () => {
      for (const each of [one, two]) await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
      [here, elsewhere] = [one, two].map((each) => `http://127.0.0.1:${(each.address() as AddressInfo).port}`) as [
        string,
        string,
      ];
    });
    afterAll(async () => {
      for (const each of [one, two]) await new Promise((resolve) => (each.closeAllConnections(), each.close(resolve)));
    });
    beforeEach(() => {
      for (const path of Object.keys(place)) delete place[path];
      seen.length = 0;
    });

    test('loads it from the model’s folder, sealed, with progress over both, and caches both', async () => {
      const { bytes, data } = split('parts/dense #1.bin');
      const whole = await sealModel(decodeModel(bytes), MANIFEST, sha256, new Map([['parts/dense #1.bin', data]]));
      const cache = join(folder, 'cache-external');
      place['/m/model.onnx?key=1'] = whole;
      place['/m/parts/dense%20%231.bin'] = data;
      const progress: LoadProgress[] = [];
      const generator = await load(`${here}/m/model.onnx?key=1`, { cache, onProgress: (p) => void progress.push(p) });
      expect([...(await generator.sample({ count: 2, seed: 4 })).data]).toBeAllclose(
        await direct(sealed, latents(4, 0, 2, SIZE)),
        { atol: 1 },
      );
      expect(generator.stats().modelBytes).toBe(whole.length + data.length);
      await generator.dispose();
      expect(progress.at(-1)).toEqual({
        phase: 'download',
        loaded: whole.length + data.length,
        total: whole.length + data.length,
      });
      expect(progress.map(({ loaded }) => loaded)).toEqual(progress.map(({ loaded }) => loaded).sort((a, b) => a - b));
      expect(await code(`${here}/m/model.onnx?key=1`, { cache, onProgress: (p) => void progress.push(p) })).toBe('ok');
      expect(progress.at(-1)).toEqual({
        phase: 'read',
        loaded: whole.length + data.length,
        total: whole.length + data.length,
      });
      expect(seen).toEqual([
        '/m/model.onnx?key=1 -',
        '/m/parts/dense%20%231.bin -',
        `/m/model.onnx?key=1 "${whole.length}"`,
        `/m/parts/dense%20%231.bin "${data.length}"`,
      ]);
      const damaged = data.slice();
      damaged[5] = (damaged[5] ?? 0) ^ 1;
      place['/m/parts/dense%20%231.bin'] = damaged;
      expect(await code(`${here}/m/model.onnx?key=1`)).toBe('model.integrity');
    });

    test('missing, too short, or cut off by an abort', async () => {
      const { bytes, data } = split('dense.bin');
      place['/m/model.onnx'] = bytes;
      await expect(load(`${here}/m/model.onnx`)).rejects.toMatchObject({
        code: 'model.notFound',
        message: expect.stringMatching(/\/m\/dense\.bin: expected the external data "dense\.bin" of http/) as string,
      });
      place['/m/dense.bin'] = data.subarray(4);
      expect(await code(`${here}/m/model.onnx`)).toBe('model.truncated');
      place['/m/dense.bin'] = data;
      const control = new AbortController();
      expect(
        await code(`${here}/m/model.onnx`, {
          signal: control.signal,
          onProgress: ({ loaded }) => void (loaded > bytes.length && control.abort()),
        }),
      ).toBe('aborted');
    });

    test.each([
      '../secret.bin',
      '..',
      '/secret.bin',
      '//127.0.0.1/secret.bin',
      'a/../../secret.bin',
      'a\\..\\..\\secret.bin',
      'http://127.0.0.1/secret.bin',
      '',
    ])('a location of %j is refused, and never asked for', async (location) => {
      const { bytes, data } = split(location);
      Object.assign(place, { '/m/model.onnx': bytes, '/secret.bin': data });
      expect(await code(`${here}/m/model.onnx`)).toBe('model.format');
      expect(seen).toEqual(['/m/model.onnx -']);
    });

    test('follows redirects only to the model’s own origin', async () => {
      const { bytes, data } = split('dense.bin');
      Object.assign(place, { '/m/model.onnx': bytes, '/m/dense.bin': '/store/1', '/store/1': data });
      expect(await code(`${here}/m/model.onnx`)).toBe('ok');
      place['/m/dense.bin'] = `${elsewhere}/store/1`;
      seen.length = 0;
      expect(await code(`${here}/m/model.onnx`)).toBe('model.format');
      expect(seen).toEqual(['/m/model.onnx -', '/m/dense.bin -']);
      // A server that redirects the model also redirects its data, whose address is relative to the one given.
      place['/m/model.onnx'] = `${elsewhere}/store/model`;
      place['/store/model'] = bytes;
      expect(await code(`${here}/m/model.onnx`)).toBe('ok');
      place['/m/dense.bin'] = '/m/dense.bin';
      expect(await code(`${here}/m/model.onnx`)).toBe('io');
    });
  });

  test('a server that does not answer', async () => {
    expect(await code('http://127.0.0.1:1/x.onnx')).toBe('io');
  });

  test('a cache folder keeps the file until it changes on the server', async () => {
    const cache = join(folder, 'cache');
    const url = `${origin}/cached.onnx`;
    asked = [];
    for (let i = 0; i < 2; i++) expect(await code(url, { cache })).toBe('ok');
    etag = '"2"';
    expect(await code(url, { cache })).toBe('ok');
    expect(asked).toEqual(['/cached.onnx -', '/cached.onnx "1"', '/cached.onnx "1"']);
    const [file] = readdirSync(cache);
    writeFileSync(join(cache, file!), readFileSync(join(cache, file!)).subarray(0, 300)); // damaged: downloaded again
    expect(await code(url, { cache })).toBe('ok');
    expect(asked.at(-1)).toBe('/cached.onnx -');
    expect(readdirSync(cache)).toHaveLength(1);
  });

  test('an abort ends a download, also one before it starts', async () => {
    const control = new AbortController();
    const loading = load(`${origin}/endless`, {
      signal: control.signal,
      onProgress: () => control.abort(new Error('enough')),
    });
    await expect(loading).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
    expect(await code(path, { signal: AbortSignal.abort() })).toBe('aborted');
  });
});

test('the event loop is not blocked while pictures are made', async () => {
  const generator = await load(encodeModel(model(512)));
  expect(await turnsDuring(() => generator.sample({ count: 512 }), 50)).toBeGreaterThan(50);
  await generator.dispose();
});

describe('in a process of its own', () => {
  const node = async (body: string): Promise<{ status: number | null; output: string }> => {
    const library = pathToFileURL(join(await buildForTests(), 'index.js')).href;
    const script = `import { load } from ${JSON.stringify(library)};\nconst path = ${JSON.stringify(path)};\n${body}`;
    const file = write('script.mjs', script);
    // onnxruntime-node is resolved from the bundle, which lies inside the package.
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', file], {
      encoding: 'utf8',
      timeout: 300_000,
    });
    return { status, output: stdout + stderr };
  };

  test('the process can exit with a disposed or idle generator, and during a run, without a crash', async () => {
    const bodies = [
      'const g = await load(path); await g.sample({ count: 4 }); await g.dispose(); console.log(process.getActiveResourcesInfo().filter((r) => /Worker|MessagePort/.test(r)).length, "done");',
      'const g = await load(path); await g.sample({ count: 4 }); console.log(0, "done");',
      'const g = await load(path); void g.sample({ count: 100_000 }); setTimeout(() => { console.log(0, "done"); process.exit(0); }, 20);',
    ];
    for (const body of bodies) expect(await node(body)).toEqual({ status: 0, output: '0 done\n' });
  });

  test('200 samples and 12 loads leave no workers, sessions or memory behind', async () => {
    const { status, output } = await node(`
      const rss = () => (gc(), process.memoryUsage.rss() / 2 ** 20);
      const generator = await load(path, { batch: { max: 1024 } });
      const marks = [];
      for (let i = 0; i < 200; i++) { await generator.sample({ count: 1024, seed: i }); if (i === 99 || i === 199) marks.push(rss()); }
      const { sessions, queued, runs, images } = generator.stats();
      await generator.dispose();
      for (let i = 0; i < 12; i++) { const g = await load(path); await g.sample(); await g.dispose(); if (i === 5 || i === 11) marks.push(rss()); }
      const workers = process.getActiveResourcesInfo().filter((r) => /Worker|MessagePort/.test(r)).length;
      console.log(JSON.stringify({ sessions, queued, runs, images, workers, samples: marks[1] - marks[0], loads: marks[3] - marks[2] }));`);
    expect(status, output).toBe(0);
    const left = JSON.parse(output) as Record<string, number>;
    expect(left).toMatchObject({ sessions: 1, queued: 0, runs: 200, images: 204_800, workers: 0 });
    // 100 leaked outputs would be 56 MiB, 6 leaked sessions about 150; allocator noise is a few.
    expect(left['samples']).toBeLessThan(16);
    expect(left['loads']).toBeLessThan(40);
  });
});
