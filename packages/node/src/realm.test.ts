// Arrays, bytes, URLs and errors of another realm, as in Jest, vitest's vmThreads and frames: passed to the library
// from a vm context, and with the library itself inside one, loaded as Jest loads modules.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createContext, compileFunction, runInContext, type Context } from 'node:vm';
import { classOf, fromImages, Image, tensor, type Tensor } from '@forja/core';
import { decodeModel, encodeModel, GraphBuilder } from '@forja/core/onnx';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { smallGenerator } from '../vitest.support.js';
import { buildForTests } from '../vitest.worker.js';
import { load, runtime } from './index.js';

const require = createRequire(import.meta.url);
const otherRealm = createContext({});
/** The same values in an array of the other realm. */
const foreign = <T extends ArrayBufferView>(array: T): T => {
  const made = runInContext(`(values) => new ${classOf(array)}(values)`, otherRealm) as (values: T) => T;
  const other = made(array);
  expect(other instanceof Object).toBe(false);
  return other;
};
const model = smallGenerator();

test('models, latents, feeds, state and pictures of another realm are accepted like ours', async () => {
  const generator = await load(model, { device: 'cpu', threads: 1 });
  const other = await load(foreign(model), { device: 'cpu', threads: 1 });
  const latents = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i));
  const wanted = await generator.sample({ latents });
  expect((await other.sample({ latents: foreign(latents) })).data).toEqual(wanted.data);
  const feed = (data: Float32Array): Tensor => ({ dtype: 'float32', shape: [2, 16], data });
  const { image } = await generator.run({ z: feed(latents) });
  expect((await other.run({ z: feed(foreign(latents)) }))['image']).toEqual(image);
  expect((await other.run({ z: foreign(latents) }))['image']).toEqual(image);
  await Promise.all([generator.dispose(), other.dispose()]);

  const bytes = Uint8ClampedArray.of(1, 2, 3, 4, 5, 6);
  const picture = new Image(2, 1, 3, foreign(bytes));
  expect(await picture.toPNG()).toEqual(await new Image(2, 1, 3, bytes).toPNG());
  expect(fromImages([picture], { layout: 'nchw' })).toEqual(
    fromImages([{ width: 2, height: 1, data: bytes }], { layout: 'nchw' }),
  );

  const g = new GraphBuilder();
  g.output(
    'next',
    g.op('Add', [g.input('total', 'float32', [2]), g.constant('float32', [2], foreign(Float32Array.of(1, 2)))]),
  );
  const graph = encodeModel(g.build());
  expect(encodeModel(decodeModel(foreign(graph)))).toEqual(graph);
  await using rt = runtime({ device: 'cpu', threads: 1 });
  const initial = tensor('float32', [2], foreign(Float32Array.of(10, 20)));
  await using session = await rt.createSession(foreign(graph), { state: { total: { output: 'next', initial } } });
  await session.run({});
  await session.run({});
  expect((await session.readState())['total']?.data).toEqual(Float32Array.of(12, 24));
  await session.writeState({ total: tensor('float32', [2], foreign(Float32Array.of(5, 5))) });
  expect((await session.readState())['total']?.data).toEqual(Float32Array.of(5, 5));
});

/** The library inside a vm context, in which its npm dependencies are evaluated too. */
async function inside(context: Context): Promise<typeof import('./index.js')> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    supported: { 'dynamic-import': false },
    external: ['onnxruntime-node', 'onnxruntime-web'],
    alias: {
      '@forja/core/onnx': fileURLToPath(new URL('../../core/src/onnx.ts', import.meta.url)),
      '@forja/core': fileURLToPath(new URL('../../core/src/index.ts', import.meta.url)),
    },
    write: false,
    logLevel: 'silent',
  });
  const modules = new Map<string, { exports: unknown }>();
  const evaluated = (file: string, code: string): unknown => {
    const known = modules.get(file);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const from = createRequire(pathToFileURL(file));
    const requireThere = (name: string): unknown => {
      const path = from.resolve(name);
      return /^(node:|[^/\\]+$)/.test(path) || path.endsWith('.node')
        ? from(path)
        : evaluated(path, readFileSync(path, 'utf8'));
    };
    compileFunction(code, ['module', 'exports', 'require', '__filename', '__dirname'], { parsingContext: context })(
      module,
      module.exports,
      requireThere,
      file,
      dirname(file),
    );
    return module.exports;
  };
  const file = join(await buildForTests(), 'bundled.cjs'); // in the folder of the worker's file
  return evaluated(file, outputFiles[0]?.text ?? '') as typeof import('./index.js');
}

const { URL, Blob, TextDecoder, TextEncoder, AbortController, Buffer, performance, setTimeout, setImmediate } =
  globalThis;
const globals = { process, URL, Blob, TextDecoder, TextEncoder, AbortController, Buffer, performance, setTimeout };
const more = { setImmediate, clearTimeout, queueMicrotask, console, SharedArrayBuffer, Atomics };

describe.each([
  ['a bare vm context', {}],
  ['a context such as Jest makes', { ArrayBuffer, Uint8Array }],
])('inside %s', (_, own) => {
  let library: typeof import('./index.js');
  const context = createContext({ ...globals, ...more, ...own });
  beforeAll(async () => {
    library = await inside(context);
  });

  test.each(['inline', 'worker', 'process'] as const)('executor %s gives the same pictures', async (executor) => {
    await using ours = await load(model, { device: 'cpu', threads: 1 });
    // Contexts of Node 20 have no Symbol.asyncDispose.
    const other = await library.load(model, { device: 'cpu', threads: 1, executor });
    const wanted = await ours.sample({ count: 2, seed: 3 });
    expect([...(await other.sample({ count: 2, seed: 3 })).data]).toEqual([...wanted.data]);
    const { image } = await other.run({ z: new Float32Array(16) });
    const Theirs = runInContext('Float32Array', context) as typeof Float32Array;
    expect(image?.data).toBeInstanceOf(Theirs);
    await other.dispose();
  });

  test('errors of Node’s realm become our errors', async () => {
    await expect(library.load('missing.onnx')).rejects.toMatchObject({ code: 'model.notFound' });
    await expect(library.load(Buffer.from('<html>'))).rejects.toMatchObject({ code: 'model.format' });
    const inline = library.runtime({ device: 'cpu', executor: 'inline' });
    const broken = encodeModel({ ...decodeModel(model), opsetImport: [{ domain: '', version: 4000n }] });
    await expect(inline.createSession(broken)).rejects.toMatchObject({ code: 'model.unsupported' });
    await inline.dispose();
  });
});

test('Node’s own realm is recognised', () => {
  expect(process.hrtime() instanceof Array).toBe(true);
  expect(require('onnxruntime-node')).toBeDefined();
});
