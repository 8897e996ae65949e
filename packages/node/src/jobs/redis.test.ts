// A job over a real Redis: two worker processes, one of them killed, a shard that cannot be written, the same request
// again.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forja, jobsPlace, picturesIn, REDIS_MISSING, type JobsPlace } from './jobs.support.js';

let jobs: JobsPlace;

beforeAll(async () => {
  jobs = await jobsPlace();
});
afterAll(() => jobs.end());

test('a worker is killed, a shard cannot be written: the rest is made, later that too, once', async (context) => {
  const { root, redis, worker } = jobs;
  if (!redis) return context.skip(REDIS_MISSING);
  const { url } = redis;
  const request = ['--count', '60', '--seed', '3', '--device', 'cpu'];
  expect((await forja(root, 'sample', 'g.onnx', '-o', 'sampled', ...request)).code).toBe(0);
  const expected = picturesIn(join(root, 'sampled'));
  const out = join(root, 'out');
  mkdirSync(join(out, '0035.png'), { recursive: true }); // in the place of a picture of shard 3
  const job = ['--count', '60', '--seed', '3', '--shard', '10', '--attempts', '2', '--redis', url];
  const submit = () => forja(root, 'jobs', 'submit', 'g.onnx', '-o', 'out', ...job, '--json');

  const first = submit();
  const killed = worker('--redis', url, '--lock', '1');
  const [, lost] = await killed.line(/shard (\d+) .*: begun/); // before the model is loaded
  await killed.end('SIGKILL');
  const next = worker('--redis', url, '--lock', '1');
  const { code, json } = await first;
  expect(code).toBe(1);
  expect(json).toMatchObject({ error: { code: 'job.failed' } });
  const { message } = (json as { error: { message: string } }).error;
  expect(message).toMatch(/got 5; failed: shard 3 \(pictures 30 to 39\)\..*0035\.png/);
  rmSync(join(out, '0035.png'), { recursive: true });

  const second = await submit();
  expect(second, second.text).toMatchObject({ code: 0, json: { made: 6, added: 1, failed: [] } });
  expect(picturesIn(out)).toEqual(expected);
  const { records } = second.json as { records: { shard: number; worker: string }[] };
  expect(records.map(({ shard }) => shard)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(records[Number(lost)]!.worker).toMatch(new RegExp(`:${next.child.pid}$`));

  const third = await submit();
  expect(third, third.text).toMatchObject({ code: 0, json: { made: 6, added: 0, records } });
  expect(await next.end('SIGTERM')).toBe(0);
  const { id } = third.json as { id: string };
  const byName = await forja(root, 'jobs', 'status', id, '--redis', url, '--check', '--json');
  expect(byName, byName.text).toMatchObject({ code: 0, json: { id, folder: out, made: 6, workers: 0, records } });
  const other = await forja(root, 'jobs', 'submit', 'g.onnx', '-o', 'out', ...job, '--seed', '4', '--json');
  expect(other).toMatchObject({ code: 2, json: { error: { code: 'usage' } } });
  expect(other.text).toContain('seed \\"3\\", not \\"4\\"');
});

test('without a server: refused at once, with the address but without its password', async () => {
  const { code, json } = await forja(tmpdir(), 'jobs', 'work', '--redis', 'redis://me:secret@127.0.0.1:1', '--json');
  expect(code).toBe(1);
  expect(json).toMatchObject({ error: { code: 'io', message: expect.stringContaining('127.0.0.1:1') as string } });
  expect(JSON.stringify(json)).not.toContain('secret');
  for (const address of [
    'redis://me:very@secret@127.0.0.1:1',
    'redis://127.0.0.1:1?password=secret',
    'http://me:not/secret@127.0.0.1:1',
  ]) {
    const refused = await forja(tmpdir(), 'jobs', 'work', '--redis', address, '--json');
    expect(refused.json).toMatchObject({ error: { message: expect.stringContaining('127.0.0.1:1') as string } });
    expect(refused.text).not.toMatch(/secret/);
  }
});

test('without bullmq, without the SDK of stores: the command that installs it', () => {
  const apart = join(jobs.root, 'apart');
  cpSync(dirname(jobs.bin), apart, { recursive: true });
  mkdirSync(join(apart, 'node_modules'));
  for (const name of ['commander', 'valibot', 'onnxruntime-node'])
    symlinkSync(
      fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url)),
      join(apart, 'node_modules', name),
    );
  writeFileSync(join(apart, 'package.json'), '{ "type": "module" }');
  const refused = (...args: string[]): unknown => {
    const { status, stdout } = spawnSync(process.execPath, [join(apart, 'bin.js'), 'jobs', ...args, '--json'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_PATH: '', FORJA_REDIS: '' },
    });
    expect(status).toBe(2);
    return (JSON.parse(stdout) as { error: unknown }).error;
  };
  const names = (command: string) => ({ code: 'usage', message: expect.stringContaining(command) as string });
  expect(refused('work')).toEqual(names('npm install bullmq ioredis'));
  expect(refused('status', 's3://bucket/pictures')).toEqual(names('npm install @aws-sdk/client-s3'));
});
