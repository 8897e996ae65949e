// Jobs over a real Redis that is stopped and started again, that loses everything, and that delivers a shard to two
// workers; a shard that kills every worker: what is in the folder is what one `forja sample` writes.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  forja,
  generatorFile,
  picturesIn,
  REDIS_MISSING,
  startRedis,
  WorkerProcess,
  type RedisServer,
} from '../../packages/node/src/jobs/jobs.support.js';
import { buildForTests } from '../../packages/node/vitest.worker.js';

const [COUNT, SHARD] = [400, 20];
let root: string;
let bin: string;
let expected: Record<string, string>;
let redis: RedisServer | undefined;
const workers: WorkerProcess[] = [];

const worker = (url: string): WorkerProcess => {
  const one = new WorkerProcess(bin, root, ['--redis', url, '--lock', '2']);
  workers.push(one);
  return one;
};
const submit = (url: string, out: string, ...more: string[]) => {
  const request = ['--count', String(COUNT), '--seed', '5', '--shard', String(SHARD), '--redis', url];
  return forja(root, 'jobs', 'submit', 'g.onnx', '-o', out, ...request, '--json', ...more);
};
/** What a finished job must be: every picture, every shard once, nothing left over. */
async function expectWhole(out: string): Promise<void> {
  expect(picturesIn(join(root, out))).toEqual(expected);
  expect(readdirSync(join(root, out)).sort()).toEqual(['.shards', ...Object.keys(expected), 'job.json']);
  const { shards, done } = JSON.parse(readFileSync(join(root, out, 'job.json'), 'utf8')) as {
    shards: { shard: number }[];
    done: { pictures: number };
  };
  expect(shards.map(({ shard }) => shard)).toEqual(Array.from({ length: COUNT / SHARD }, (_, i) => i));
  expect(done.pictures).toBe(COUNT);
  const status = await forja(root, 'jobs', 'status', out, '--check', '--json');
  expect(status.code, status.text).toBe(0);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'forja-jobs-'));
  writeFileSync(join(root, 'g.onnx'), generatorFile());
  bin = join(await buildForTests(), 'bin.js');
  const request = ['--count', String(COUNT), '--seed', '5', '--device', 'cpu'];
  const sampled = await forja(root, 'sample', 'g.onnx', '-o', 'sampled', ...request);
  expect(sampled.code, sampled.text).toBe(0);
  expected = picturesIn(join(root, 'sampled'));
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((one) => one.end('SIGKILL')));
  await redis?.stop();
  redis = undefined;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('Redis is stopped in the middle, and started again with what it had', async (context) => {
  if (REDIS_MISSING !== undefined) return context.skip(REDIS_MISSING);
  redis = await startRedis(join(root, 'redis-durable'));
  const { url, port } = redis;
  const done = submit(url, 'restarted');
  const both = [worker(url), worker(url)];
  await Promise.any(both.map((one) => one.line(/: made/)));
  await redis.stop();
  redis = await startRedis(join(root, 'redis-durable'), port);
  const { code, text } = await done;
  expect(code, text).toBe(0);
  await expectWhole('restarted');
});

test('Redis loses everything: what is missing is added again by whoever follows the job', async (context) => {
  if (REDIS_MISSING !== undefined) return context.skip(REDIS_MISSING);
  redis = await startRedis(join(root, 'redis-first'));
  const { url, port } = redis;
  const done = submit(url, 'emptied');
  const both = [worker(url), worker(url)];
  await Promise.any(both.map((one) => one.line(/: made/)));
  await redis.stop();
  redis = await startRedis(join(root, 'redis-second'), port);
  const { code, text } = await done;
  expect(code, text).toBe(0);
  await expectWhole('emptied');
});

test('a worker that was taken for dead goes on: its shard is delivered twice and is there once', async (context) => {
  if (REDIS_MISSING !== undefined) return context.skip(REDIS_MISSING);
  redis = await startRedis(join(root, 'redis-twice'));
  const { url } = redis;
  const done = submit(url, 'twice');
  const slow = worker(url);
  const [, shard] = await slow.line(/shard (\d+) .*: begun/);
  slow.child.kill('SIGSTOP');
  const record = join(root, 'twice', '.shards', `${String(shard).padStart(5, '0')}.json`);
  expect(existsSync(record)).toBe(false); // the worker is stopped before it loads the model
  const other = worker(url);
  await other.line(new RegExp(`shard ${shard} .*: made`));
  const first = readFileSync(record, 'utf8');
  slow.child.kill('SIGCONT');
  await slow.line(new RegExp(`shard ${shard} .*: made`));
  const { code, text } = await done;
  expect(code, text).toBe(0);
  expect(readFileSync(record, 'utf8')).toBe(first);
  expect(await slow.end('SIGTERM')).toBe(0);
  expect(await other.end('SIGTERM')).toBe(0);
  await expectWhole('twice');
});

test('a shard that kills every worker counts as failed after five; all others are made', async (context) => {
  if (REDIS_MISSING !== undefined) return context.skip(REDIS_MISSING);
  redis = await startRedis(join(root, 'redis-poisoned'));
  const { url } = redis;
  const poisoned = 4;
  // As native code would crash: the process kills itself when it has begun that shard.
  const fatal = `const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (text, ...rest) => {
  if (/shard ${poisoned} .*: begun/.test(String(text))) process.kill(process.pid, 'SIGKILL');
  return write(text, ...rest);
};`;
  const preload = join(root, 'fatal.mjs');
  writeFileSync(preload, fatal);
  let over = false;
  let killed = 0;
  const service = async (): Promise<void> => {
    while (!over) {
      const args = ['--redis', url, '--lock', '1'];
      const one = new WorkerProcess(bin, root, args, { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` });
      workers.push(one);
      await one.over();
      killed += Number(one.child.signalCode === 'SIGKILL' && !over);
    }
  };
  const restarting = service();
  const { code, json, text } = await submit(url, 'poisoned');
  over = true;
  await Promise.all(workers.map((one) => one.end('SIGTERM')));
  await restarting;

  expect(code, text).toBe(1);
  const { message } = (json as { error: { code: string; message: string } }).error;
  const [from, to] = [poisoned * SHARD, (poisoned + 1) * SHARD];
  expect(message).toContain(`failed: shard ${poisoned} (pictures ${from} to ${to - 1})`);
  expect(killed).toBe(5);
  const others = Object.entries(expected).filter((_, i) => i < from || i >= to);
  expect(picturesIn(join(root, 'poisoned'))).toEqual(Object.fromEntries(others));

  worker(url); // one that does not crash makes it
  const again = await submit(url, 'poisoned');
  expect(again, again.text).toMatchObject({ code: 0, json: { added: 1 } });
  await expectWhole('poisoned');
});

test('a worker with another model of that name ends, and the others make its shards', async (context) => {
  if (REDIS_MISSING !== undefined) return context.skip(REDIS_MISSING);
  redis = await startRedis(join(root, 'redis-models'));
  const { url } = redis;
  const detached = await submit(url, 'models', '--detach');
  expect(detached, detached.text).toMatchObject({ code: 0, json: { added: COUNT / SHARD } });
  const model = join(root, 'g.onnx');
  writeFileSync(model, generatorFile(2));
  const wrong = worker(url);
  await wrong.line(/\[model\.integrity\]/);
  expect(await wrong.end('SIGTERM')).toBe(1);
  writeFileSync(model, generatorFile());
  worker(url);
  const { code, text } = await submit(url, 'models');
  expect(code, text).toBe(0);
  await expectWhole('models');
});
