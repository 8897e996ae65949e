// Interrupted downloads over real HTTP: which requests are made, what is assembled, what is left in the cache folder,
// and several processes at once.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Scripts } from '../../vitest.support.js';
import type { LoadProgress, ReadOptions } from './contract.js';
import { download } from './download.js';

/** A model of some 300 kB, with different bytes for each `version`. */
function model(version: number): Uint8Array {
  const g = new GraphBuilder({ name: `v${version}` });
  g.output(
    'y',
    g.op('Add', [
      g.input('x', 'float32', [75_000]),
      g.constant(
        'float32',
        [75_000],
        new Float32Array(new Uint8Array(randomBytes(300_000)).buffer).fill(version, 0, 10),
      ),
    ]),
  );
  return encodeModel(g.build());
}

const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

let bytes: Uint8Array;
let etag: string | undefined;
/** Bytes after which each answer breaks off; if empty, answers are complete. */
let cuts: number[];
let ranges: boolean;
let requests: string[];
let cache: string;
let origin: string;
/**
 * Bytes of the current download that have arrived, as its progress reports; null in tests whose clients are other
 * processes.
 */
let arrived: number | null;
const onArrival = new Set<() => void>();
const root = mkdtempSync(join(tmpdir(), 'forja-download-'));
const scripts = new Scripts();

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { range, 'if-none-match': known, 'if-range': wanted } = request.headers;
  requests.push([range ?? 'whole', known, wanted].filter(Boolean).join(' '));
  if (known !== undefined && known === etag) return void response.writeHead(304).end();
  const from = ranges && range !== undefined && wanted === etag ? Number(/\d+/.exec(range)?.[0]) : 0;
  const headers = { ...(etag === undefined ? {} : { etag }), 'content-type': 'application/octet-stream' };
  if (from >= bytes.length)
    return void response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end();
  response.writeHead(from > 0 ? 206 : 200, {
    ...headers,
    'content-length': bytes.length - from,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  const cut = cuts.shift();
  if (cut === undefined) return void response.end(bytes.subarray(from));
  if (cut < 0) return void response.write(bytes.subarray(from, from - cut)); // and then nothing more
  response.write(bytes.subarray(from, from + cut), () => {
    if (arrived === null) return void setTimeout(() => response.destroy(), 100);
    // Bytes sent just before a break may be lost, so wait until all have arrived.
    const breakOff = (): void => {
      if (cut > 0 && (arrived ?? 0) < from + cut) return;
      onArrival.delete(breakOff);
      response.destroy();
    };
    onArrival.add(breakOff);
    breakOff();
  });
}

/** A download that reports to the test server what has arrived. */
function fetchModel(options: ReadOptions = {}): Promise<Uint8Array> {
  arrived = 0;
  const onProgress = (progress: LoadProgress): void => {
    options.onProgress?.(progress);
    arrived = progress.loaded;
    for (const tell of onArrival) tell();
  };
  return download(new URL(origin), { ...options, onProgress });
}

const server = createServer(answer);
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
  scripts.remove();
});
beforeEach(() => {
  [bytes, etag, cuts, ranges, requests, cache] = [model(1), '"one"', [], true, [], mkdtempSync(join(root, 'cache-'))];
  arrived = null;
  onArrival.clear();
});
const files = (end: string): string[] => readdirSync(cache).filter((file) => file.endsWith(end));

test('resumes repeatedly where it was interrupted, with progress that never decreases', async () => {
  cuts = [100_000, 50_000, 1];
  const progress: LoadProgress[] = [];
  expect(digest(await fetchModel({ onProgress: (p) => void progress.push(p) }))).toBe(digest(bytes));
  expect(requests).toEqual(['whole', 'bytes=100000- "one"', 'bytes=150000- "one"', 'bytes=150001- "one"']);
  expect(progress.map(({ loaded }) => loaded)).toEqual(progress.map(({ loaded }) => loaded).sort((a, b) => a - b));
  expect(progress.every(({ total }) => total === bytes.length)).toBe(true);
  expect(progress.at(-1)?.loaded).toBe(bytes.length);
});

test('gives up after eight attempts, or three in a row without any bytes', async () => {
  cuts = new Array<number>(9).fill(10);
  await expect(fetchModel()).rejects.toMatchObject({ code: 'model.truncated' });
  expect(requests).toHaveLength(8);
  [cuts, requests] = [[10, 0, 0, 0], []];
  await expect(fetchModel()).rejects.toMatchObject({ code: 'model.truncated' });
  expect(requests).toHaveLength(4);
});

test.each<[string, () => void, string[]]>([
  ['without an ETag', () => (etag = undefined), ['whole']],
  ['with a weak one', () => (etag = 'W/"one"'), ['whole']],
])('%s nothing can be put together', async (_, change, requests) => {
  change();
  cuts = [1000];
  await expect(fetchModel({ cache })).rejects.toMatchObject({ code: 'model.truncated' });
  expect(requests).toEqual(requests);
  expect(readdirSync(cache)).toEqual([]);
});

test('restarts if the file has changed, or the server does not support ranges', async () => {
  ranges = false;
  cuts = [1000];
  expect(digest(await fetchModel())).toBe(digest(bytes));
  ranges = true;
  cuts = [1000];
  const other = model(2);
  expect(digest(await fetchModel({ onProgress: () => ([bytes, etag] = [other, '"two"']) }))).toBe(digest(other));
});

test('a later call resumes an interrupted download, and removes its partial file at the end', async () => {
  cuts = [100_000, 0, 0, 0];
  await expect(fetchModel({ cache })).rejects.toMatchObject({ code: 'model.truncated' });
  expect([files('.part').length, files('.model').length]).toEqual([1, 0]);
  requests = [];
  expect(digest(await fetchModel({ cache }))).toBe(digest(bytes));
  expect(requests).toEqual(['bytes=100000- "one"']);
  expect([files('.part').length, files('.model').length]).toEqual([0, 1]);
  expect(digest(await fetchModel({ cache }))).toBe(digest(bytes));
  expect(requests.at(-1)).toBe('whole "one"');
});

test('drops partial files of another version, or longer than the file', async () => {
  cuts = [100_000, 0, 0, 0];
  await expect(fetchModel({ cache })).rejects.toMatchObject({ code: 'model.truncated' });
  [bytes, etag] = [model(2), '"two"'];
  expect(digest(await fetchModel({ cache }))).toBe(digest(bytes));
  cuts = [bytes.length - 1, 0, 0, 0];
  rmSync(join(cache, files('.model')[0]!));
  await expect(fetchModel({ cache })).rejects.toMatchObject({ code: 'model.truncated' });
  bytes = bytes.subarray(0, bytes.length - 1000); // same ETag, which no server should do
  requests = [];
  await expect(fetchModel({ cache })).rejects.toMatchObject({ code: 'model.truncated' }); // cut off in the model itself
  expect(requests).toEqual([expect.stringMatching(/^bytes=\d+- "two"$/), 'whole']);
});

test('an aborted download is resumed by the next one', async () => {
  cuts = [-100_000];
  const control = new AbortController();
  const leave = ({ loaded }: LoadProgress): void => void (loaded === 100_000 && control.abort());
  await expect(fetchModel({ cache, signal: control.signal, onProgress: leave })).rejects.toMatchObject({
    code: 'aborted',
  });
  requests = [];
  expect(digest(await fetchModel({ cache }))).toBe(digest(bytes));
  expect(requests).toEqual(['bytes=100000- "one"']);
});

test('so is that of a killed process', async () => {
  cuts = [-200_000];
  const body = `await load(${JSON.stringify(origin)}, { device: 'cpu', cache: ${JSON.stringify(cache)}, onProgress: ({ loaded }) => loaded === 200_000 && console.log('enough') });`;
  const ending = await scripts.run(body, ['--no-warnings'], (_, pid) => void process.kill(pid, 'SIGKILL'));
  expect(ending.signal).toBe('SIGKILL');
  requests = [];
  expect(digest(await fetchModel({ cache }))).toBe(digest(bytes));
  expect(requests).toEqual(['bytes=200000- "one"']);
});

test('four concurrent processes each get the whole file, and leave one good copy', async () => {
  const body = `
    import { createHash } from 'node:crypto';
    const g = await load(${JSON.stringify(origin)}, { device: 'cpu', threads: 1, cache: ${JSON.stringify(cache)} });
    console.log(g.stats().modelBytes);
    await g.dispose();`;
  cuts = [100_000, 50_000]; // one process may meet both and lose bytes; three would exhaust its retries
  const endings = await Promise.all([1, 2, 3, 4].map(() => scripts.run(body)));
  expect(endings.map(({ stdout, stderr, code }) => [stdout, stderr, code])).toEqual(
    new Array(4).fill([`${bytes.length}\n`, '', 0]),
  );
  expect(files('.model')).toHaveLength(1);
  const kept = readFileSync(join(cache, files('.model')[0]!));
  expect(digest(kept.subarray(kept.indexOf(10) + 1))).toBe(digest(bytes));
});
