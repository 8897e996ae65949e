// `forja jobs` into a store, over a real Redis: two worker processes, one of them killed, a store that is busy, the
// same command again, a picture that is removed, status. The pictures are those of `forja sample`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forja, jobsPlace, picturesIn, REDIS_MISSING, type JobsPlace } from './jobs.support.js';
import { S3_CREDENTIALS, startS3, type S3Server } from './s3.support.js';

let jobs: JobsPlace;
let s3: S3Server;

beforeAll(async () => {
  Object.assign(process.env, S3_CREDENTIALS);
  s3 = await startS3();
  jobs = await jobsPlace();
});
afterAll(async () => {
  await jobs.end();
  await s3.close();
});

test('a killed worker and a busy store: the pictures of forja sample, once; later what is missing', async (context) => {
  const { root, redis, workers, worker } = jobs;
  if (!redis) return context.skip(REDIS_MISSING);
  const place = ['--redis', redis.url, '--endpoint', s3.url];
  const request = ['--count', '45', '--seed', '3'];
  expect((await forja(root, 'sample', 'g.onnx', '-o', 'sampled', '--device', 'cpu', ...request)).code).toBe(0);
  const expected = picturesIn(join(root, 'sampled'));
  const pictures = (): Record<string, string> =>
    Object.fromEntries(
      [...s3.objects]
        .filter(([key]) => /^some\/pictures\/\d+\.png$/.test(key))
        .map(([key, bytes]): [string, string] => [
          key.slice('some/pictures/'.length),
          Buffer.from(bytes).toString('base64'),
        ])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const out = 's3://bucket/some/pictures';
  const submit = () =>
    forja(root, 'jobs', 'submit', 'g.onnx', '-o', `${out}/`, ...request, '--shard', '10', ...place, '--json');

  // Every fifth request finds the store busy; the first worker is killed at the first copy.
  let asked = 0;
  let onCopy: () => void = () => undefined;
  const copying = new Promise<void>((resolve) => (onCopy = resolve));
  s3.fault = ({ kind }) => {
    if (kind === 'COPY') onCopy();
    return ++asked % 5 === 0 ? 'slow' : undefined;
  };
  const first = submit();
  const killed = worker(...place, '--lock', '1');
  await copying; // the shard is committed, and not yet in its place
  await killed.end('SIGKILL');
  const other = worker(...place, '--lock', '1');
  const made = await first;
  expect(made, made.text).toMatchObject({ code: 0, json: { folder: out, made: 5, added: 5, failed: [] } });
  expect(pictures()).toEqual(expected);
  const { records } = made.json as { records: { shard: number; sha256: string }[] };
  expect(records.map(({ shard }) => shard)).toEqual([0, 1, 2, 3, 4]);

  s3.fault = () => undefined;
  s3.objects.delete('some/pictures/0021.png');
  const damaged = await forja(root, 'jobs', 'status', out, '--check', '--endpoint', s3.url, '--json');
  expect(damaged, damaged.text).toMatchObject({ code: 1, json: { error: { code: 'job.failed' } } });
  const again = await submit();
  expect(again, again.text).toMatchObject({ code: 0, json: { made: 5, added: 1 } });
  expect(pictures()).toEqual(expected);
  const { id } = again.json as { id: string };
  const byName = await forja(root, 'jobs', 'status', id, '--check', ...place, '--json');
  expect(byName, byName.text).toMatchObject({ code: 0, json: { id, folder: out, made: 5 } });
  expect(await other.end('SIGTERM')).toBe(0);

  // Nothing secret is written: not in the store, not in the queue's file, not in what was printed.
  const written = [
    ...[...s3.objects].filter(([key]) => key.endsWith('.json')).map(([, bytes]) => Buffer.from(bytes).toString()),
    ...workers.flatMap(({ lines }) => lines),
    ...[made, damaged, again, byName].map(({ text }) => text),
    readQueue(join(root, 'redis')),
  ].join('\n');
  for (const secret of Object.values(S3_CREDENTIALS)) expect(written).not.toContain(secret);
});

/** Everything that Redis has written of the queue. */
function readQueue(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(0);
  return files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n');
}
