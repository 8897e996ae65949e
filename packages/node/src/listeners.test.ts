// Listeners of a caller that fail: of a load's progress they end it with their own error, of events they are a warning.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { load, runtime } from './index.js';
import { readModel } from './files/read.js';
import { serve } from './serve.js';
import { makeFolder } from './files/make-folder.js';
import { fileTarget, pictureTarget } from './cli/files.js';
import { mostThreads } from './threads.js';

const g = new GraphBuilder();
g.output('y', g.op('Relu', [g.input('x', 'float32', ['batch', 2])]));
const bytes = encodeModel(g.build());
const folder = mkdtempSync(join(tmpdir(), 'forja listeners-'));
const file = join(folder, 'model.onnx');
const server = createServer((_, response) => response.end(bytes));
let address = '';

beforeAll(async () => {
  writeFileSync(file, bytes);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const failure = new Error('of the listener');
const FAILING: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw failure;
    },
  ],
  ['rejects', () => Promise.reject(failure)],
];

it.each(FAILING)(
  'a listener that %s ends the load of a file and of a download with its error',
  async (_, onProgress) => {
    for (const source of [file, address]) await expect(readModel(source, { onProgress })).rejects.toBe(failure);
    await expect(load(file, { device: 'cpu', threads: 1, executor: 'inline', onProgress })).rejects.toBe(failure);
  },
);

it.each(FAILING)('a service outlives an onError that %s', async (_, onError) => {
  const warnings: string[] = [];
  const listen = (warning: Error & { code?: string }): void => void warnings.push(warning.code ?? '');
  process.on('warning', listen);
  try {
    const service = serve({ models: { absent: join(folder, 'absent.onnx') }, onError });
    await expect(service.ready).rejects.toRefuse('model.notFound', 'absent.onnx');
    await expect.poll(() => warnings).toContain('forja.listener');
    await service.close();
  } finally {
    process.off('warning', listen);
  }
});

it('makes folders with their parents, and ends where none can be made', async () => {
  const deep = join(folder, 'a b', 'ü%20', 'c');
  await Promise.all([makeFolder(deep), makeFolder(deep), makeFolder(join(folder, 'a b', 'd'))]);
  await makeFolder(deep);
  expect(await pictureTarget('test', deep, 'x.png')).toMatchObject({ format: 'png' });
  await expect(makeFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  if (process.platform === 'linux')
    for (const path of ['/proc/x', '/proc/x/y', '/sys/x'])
      await expect(makeFolder(path)).rejects.toThrow(path.split('/', 3).join('/'));
});

it('refuses to replace a device by a file', async () => {
  if (process.platform === 'win32') return console.log('skipped: Windows has no files that are devices');
  for (const path of ['/dev/null', '/dev/full']) {
    await expect(fileTarget('test', '/', path)).rejects.toRefuse('usage', path);
    await expect(pictureTarget('test', '/', path)).rejects.toRefuse('usage', path);
  }
});

it('bounds the number of threads', () => {
  for (const threads of [0, -1, 1.5, NaN, Infinity, '2', null, mostThreads() + 1])
    expect(() => runtime({ device: 'cpu', threads: threads as number })).toRefuse('usage', String(mostThreads()));
});
