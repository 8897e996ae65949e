// The service on real sockets: `forja serve` as a process that gets SIGTERM under load, and listen() with clients that
// disconnect or send slowly. Requests are counted; nothing is timed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request, type ClientRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildForTests } from '../../vitest.worker.js';
import { listen, serve } from '../serve.js';
import { Gate } from './gate.support.js';
import { slowModel, startService } from './process.support.js';

let folder: string;
let bin: string;
let slow: Uint8Array;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-serve-'));
  bin = join(await buildForTests(), 'bin.js');
  slow = slowModel();
  writeFileSync(join(folder, 'slow.onnx'), slow);
  writeFileSync(join(folder, 'page.onnx'), '<!DOCTYPE html>');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Status, body length and headers of one request; the error's code when there is no answer. */
function ask(
  url: string,
  agent?: Agent,
  onRequest?: (made: ClientRequest) => void,
): Promise<{ status: number; bytes: number; connection?: string | undefined } | string> {
  return new Promise((resolve) => {
    const made = request(url, { ...(agent ? { agent } : {}) }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () =>
        resolve({ status: response.statusCode!, bytes, connection: response.headers.connection }),
      );
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    made.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    onRequest?.(made);
    made.end();
  });
}

const start = (...args: string[]) => startService(bin, folder, args);

test('SIGTERM under load: open connections are answered, new ones refused, exit code 0', async () => {
  const { child, said, ended, url } = await start('slow.onnx');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const heard = new Map<string, number>();
  const closing: string[] = [];
  let answered = 0;
  let enough = (): void => undefined;
  const loaded = new Promise<void>((resolve) => (enough = resolve));
  const client = async (seed: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; ; i++) {
      const said = await ask(`${url}/v1/images?seed=${seed}&count=2&model=slow`, agent);
      const what = typeof said === 'string' ? said : String(said.status);
      heard.set(what, (heard.get(what) ?? 0) + 1);
      if (typeof said === 'string') return agent.destroy();
      expect(said.bytes).toBeGreaterThan(50);
      if (said.connection === 'close') closing.push(what);
      if (++answered === 60) enough();
    }
  };
  const clients = Array.from({ length: 12 }, (_, seed) => client(seed));
  await loaded;
  child.kill('SIGTERM');
  await Promise.all(clients);
  expect(await ended).toEqual([0, null]);
  // Each client ends when it cannot connect any more; no request was cut off or refused.
  expect([...heard.keys()].sort()).toEqual(['200', 'ECONNREFUSED']);
  expect(heard.get('ECONNREFUSED')).toBe(12);
  expect(closing).toHaveLength(12);
  expect(said.out).toContain(
    `Stopped: ${heard.get('200')} requests accepted, ${heard.get('200')} answered, 0 aborted by their clients`,
  );
});

test('models that cannot be loaded are reported once, together, and end the command', async () => {
  const { said, ended } = await start('page.onnx', 'slow.onnx');
  expect(await ended).toEqual([1, null]);
  expect(said.err.match(/expected an ONNX model/g)).toHaveLength(1);
  expect(said.err).toMatch(/^error: .*page\.onnx: .* \[model\.format\]\n$/);
});

test('a page of an allowed origin may use the service', async () => {
  const { child, ended, url } = await start('slow.onnx', '--origin', 'https://example.org');
  const { headers } = await fetch(`${url}/v1/models`, { headers: { origin: 'https://example.org' } });
  expect(headers.get('access-control-allow-origin')).toBe('https://example.org');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('SIGHUP reloads the models', async (context) => {
  if (process.platform === 'win32') {
    console.log('SIGHUP skipped: Windows has no such signal');
    return context.skip('Windows has no such signal');
  }
  const { child, said, ended, url } = await start('slow.onnx');
  const answered = ask(`${url}/v1/images?seed=1`);
  const again = new Promise<void>((resolve) =>
    child.stdout.on('data', () => void (said.out.includes('Loaded again.') && resolve())),
  );
  child.kill('SIGHUP');
  await again;
  expect(await answered).toMatchObject({ status: 200 });
  expect(await ask(`${url}/v1/images?seed=1`)).toMatchObject({ status: 200 });
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('SIGTERM ends an idle service', async () => {
  const { child, ended } = await start('slow.onnx');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('a model that cannot be loaded, a duplicate name and an invalid name end the command with a reason', async () => {
  for (const [args, code, reason] of [
    [['page.onnx'], 1, /\[model\.format\]/],
    [['none.onnx'], 1, /\[model\.notFound\]/],
    [['slow.onnx', 'slow.onnx'], 2, /each name once, got 'slow' twice; write name=slow\.onnx/],
    [['../=slow.onnx'], 2, /expected a name of letters.*got '=slow'/],
    [['a b=slow.onnx'], 2, /expected a name of letters/],
    [[], 2, /expected <models>/],
    [['slow.onnx', '--host', '203.0.113.7'], 1, /this machine has no such address/],
    [['slow.onnx', '--max-count', '0'], 2, /serve --max-count: expected an integer from 1/],
  ] as const) {
    const { said, ended } = await start(...args);
    expect([args, (await ended)[0]]).toEqual([args, code]);
    expect(said.err).toMatch(reason);
  }
});

test('requests of clients that disconnect leave the queue', async () => {
  const session = new Gate();
  const generator = session.generator();
  const service = serve({ models: { gated: generator }, limits: { queue: 100 } });
  const server = await listen(service, { port: 0 });
  const made: ClientRequest[] = [];
  const leaving = Array.from({ length: 30 }, (_, seed) =>
    ask(`${server.url}/v1/images?seed=${seed}&count=64`, undefined, (one) => made.push(one)),
  );
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await until(() => generator.stats().queued === 30); // the first is running
  for (const one of made) one.destroy();
  expect(await Promise.all(leaving)).toEqual(new Array(30).fill('ECONNRESET'));
  await until(() => service.stats().aborted === 30);
  session.open();
  expect(await ask(`${server.url}/v1/images?seed=1`)).toMatchObject({ status: 200 });
  expect(service.stats()).toEqual({ accepted: 31, answered: 1, aborted: 30 });
  // requests queued after the first run were never sampled
  expect([session.runs.length, session.runs[1]]).toEqual([2, 1]);
  expect(await server.close()).toEqual({ cut: 0 });
  await generator.dispose();
});

describe('bodies that are not sent as they should are cut off, and block no other request:', () => {
  const ANY = 600_000; // longer than any stall of a busy machine
  test.each<[string, number, string, string, number, RegExp]>([
    ['slow', 1000, 'Content-Length: 900\r\n\r\n', ' ', 0, /^HTTP\/1\.1 408 [\s\S]*request\.timeout/],
    [
      'endless', // more than allowed at once
      ANY,
      'Transfer-Encoding: chunked\r\n\r\n',
      `${(400).toString(16)}\r\n${' '.repeat(400)}\r\n`,
      3,
      /^HTTP\/1\.1 413 [\s\S]*request\.tooLarge/,
    ],
    [
      'declared as too large',
      ANY,
      'Content-Length: 1000000000\r\n\r\n',
      ' '.repeat(100),
      0,
      /^HTTP\/1\.1 413 [\s\S]*request\.tooLarge/,
    ],
  ])('%s', async (_, bodyMs, headers, chunk, times, expected) => {
    const limits = { bodyMs, bodyBytes: 1000 };
    const service = serve({ models: { slow }, load: { device: 'cpu', threads: 1 }, limits });
    const server = await listen(service, { port: 0 });
    await service.ready;
    const { port } = new URL(server.url);
    const start =
      'POST /v2/models/slow/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' + headers;
    // sends the headers and `times` chunks at once, then a chunk again and again
    const answer = new Promise<string>((resolve) => {
      let heard = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(start + chunk.repeat(times)));
      const timer = setInterval(() => socket.write(chunk), 10);
      socket.on('data', (data: Buffer) => (heard += data.toString()));
      socket.on('error', () => undefined); // closed while sending
      socket.on('close', () => (clearInterval(timer), resolve(heard)));
    });
    expect(await ask(`${server.url}/v1/images?seed=1`)).toMatchObject({ status: 200 });
    expect(await answer).toMatch(expected);
    expect(await ask(`${server.url}/v1/images?seed=1`)).toMatchObject({ status: 200 });
    expect(await server.close()).toEqual({ cut: 0 });
    expect(service.stats()).toEqual({ accepted: 3, answered: 3, aborted: 0 });
  });
});
