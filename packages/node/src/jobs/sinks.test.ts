// What every sink must do, by the same tests: a folder, a store that keeps conditions, stores that do not, and a real
// one where FORJA_S3 is its endpoint (with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and FORJA_S3_BUCKET, by default
// `forja-tests`). Then what can go wrong with a store only.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, placeOf } from './bucket.js';
import { shardAt, type Shard } from './plan.js';
import type { JobFile, ShardRecord } from './record.js';
import type { JobRequest } from './request.js';
import { S3_CREDENTIALS, startS3, type S3Request, type S3Server } from './s3.support.js';
import { collect, intact, namesOf, settled, type Sink } from './sink.js';
import { Sinks } from './sinks.js';

const REAL = process.env['FORJA_S3'] ?? '';
const BUCKET = process.env['FORJA_S3_BUCKET'] ?? 'forja-tests';

const request: JobRequest = {
  model: { path: '/g.onnx', sha256: '0'.repeat(64) },
  seed: '1',
  count: 25,
  shard: 10,
  format: 'png',
  lowering: 'auto',
};
const file: JobFile = { version: 1, id: 'job', request, shards: [] };

let root: string;
let s3: S3Server;
let sinks: Sinks;
let real: Sinks;
beforeAll(async () => {
  if (REAL === '') Object.assign(process.env, S3_CREDENTIALS);
  root = mkdtempSync(join(tmpdir(), 'forja-sinks-'));
  s3 = await startS3();
  sinks = new Sinks({ endpoint: s3.url });
  real = new Sinks({ endpoint: REAL });
  if (REAL === '') return;
  const { sdk, client } = await openStore({ endpoint: REAL });
  await client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET })).catch(() => undefined); // it is there
});
afterAll(async () => {
  await sinks.close();
  await real.close();
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

/** Bytes of picture `i` as a machine of a kind makes it. */
const bytesOf = (i: number, kind = 'a'): Uint8Array => Buffer.from(`picture ${i} by ${kind}`);

/** An attempt up to its commit, as shard.ts makes it. */
async function attempt(sink: Sink, shard: Shard, kind = 'a') {
  const making = await sink.begin(request, shard);
  const hash = createHash('sha256');
  for (let i = shard.start; i < shard.start + shard.count; i++) {
    hash.update(bytesOf(i, kind));
    await making.write(i, bytesOf(i, kind));
  }
  const record: ShardRecord = {
    ...{ shard: shard.index, start: shard.start, count: shard.count, sha256: hash.digest('hex'), bytes: 1 },
    ...{ kind, seconds: 1, cpuSeconds: 1, worker: 'test', attempt: 1, at: new Date().toISOString() },
  };
  return { record, commit: () => making.commit(record).finally(() => making.discard()) };
}

const make = async (sink: Sink, index: number, kind?: string): Promise<ShardRecord> =>
  (await attempt(sink, shardAt(request, index), kind)).commit();

/** All pictures of a sink, by name. */
async function picturesOf(sink: Sink): Promise<Record<string, string>> {
  const names = [...(await sink.pictures())].filter((name) => name.endsWith('.png')).sort();
  const texts = await Promise.all(names.map(async (name) => Buffer.from((await sink.picture(name))!).toString()));
  return Object.fromEntries(names.map((name, i) => [name, texts[i]!]));
}
const expected = Object.fromEntries(
  namesOf(request, { start: 0, count: 25 }).map((name, i) => [name, String(bytesOf(i))]),
);
const ofShard = (index: number): Record<string, string> =>
  Object.fromEntries(namesOf(request, shardAt(request, index)).map((name) => [name, expected[name]!]));

/** A place that no test has used, and a way to remove a picture from it. */
interface Fresh {
  sink: Sink;
  remove(name: string): Promise<void>;
}

const inStore = async (conditions: S3Server['conditions']): Promise<Fresh> => {
  s3.conditions = conditions;
  s3.fault = () => undefined;
  const prefix = `p ${randomBytes(4).toString('hex')}/ü+&`; // what must be escaped
  const remove = (name: string) => Promise.resolve(void s3.objects.delete(`${prefix}/${name}`));
  return { sink: await sinks.open(`s3://bucket/${prefix}/`), remove };
};

const PLACES: Record<string, () => Promise<Fresh>> = {
  'a folder': async () => {
    const path = mkdtempSync(join(root, 'job-'));
    return { sink: await sinks.open(path), remove: (name) => Promise.resolve(rmSync(join(path, name))) };
  },
  'a store': () => inStore('kept'),
  'a store that ignores conditions': () => inStore('ignored'),
  'a store that refuses conditions': () => inStore('refused'),
  'the store of FORJA_S3': async () => {
    const prefix = `tests/${randomBytes(6).toString('hex')} ü+&`;
    const { sdk, client } = await openStore({ endpoint: REAL });
    const remove = async (name: string): Promise<void> =>
      void (await client.send(new sdk.DeleteObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${name}` })));
    return { sink: await real.open(`s3://${BUCKET}/${prefix}`), remove };
  },
};

describe.each(Object.entries(PLACES))('%s', (place, fresh) => {
  const missing =
    place.includes('FORJA_S3') && REAL === '' ? 'FORJA_S3, the endpoint of a store, is not set' : undefined;

  test('shards in any order, some twice at once: each once, records last', async (context) => {
    if (missing) return context.skip(missing);
    const { sink } = await fresh();
    expect(await sink.read()).toBeUndefined();
    await sink.write(file);
    expect(await sink.read()).toEqual(file);
    for (const index of [2, 0, 1]) {
      expect(await collect(sink, file)).toBeUndefined();
      const [one, two] = await Promise.all([make(sink, index), make(sink, index)]);
      expect({ ...one, at: '' }).toEqual({ ...two, at: '' });
      expect(await settled(sink, request, shardAt(request, index))).toEqual(await sink.record(index));
    }
    expect(await picturesOf(sink)).toEqual(expected);
    expect(await sink.made()).toEqual(new Set([0, 1, 2]));
    const collected = await collect(sink, file);
    expect(collected?.done).toMatchObject({ pictures: 25, kinds: { a: 3 } });
    expect(await sink.read()).toEqual(collected);
    for (const record of collected!.shards) expect(await intact(sink, request, record)).toBe(true);
    expect(await intact(sink, request, { ...collected!.shards[0]!, sha256: '' })).toBe(false);
  });

  test('an attempt that is killed, and pictures that are removed: made again', async (context) => {
    if (missing) return context.skip(missing);
    const { sink, remove } = await fresh();
    const shard = shardAt(request, 1);
    await attempt(sink, shard); // and no commit
    expect(await settled(sink, request, shard)).toBeUndefined();
    expect(await picturesOf(sink)).toEqual({});
    await make(sink, 1);
    expect(await picturesOf(sink)).toEqual(ofShard(1));
    await remove('0010.png');
    expect(await settled(sink, request, shard, await sink.pictures())).toBeUndefined();
    expect(await sink.made()).toEqual(new Set());
    await make(sink, 1);
    await remove('0019.png');
    expect(await settled(sink, request, shard)).toBeUndefined();
    await make(sink, 1);
    expect(await picturesOf(sink)).toEqual(ofShard(1));
    await sink.clean();
    expect(await settled(sink, request, shard)).toMatchObject({ shard: 1, sha256: (await sink.record(1))!.sha256 });
  });

  test('an attempt of another kind that comes late changes nothing', async (context) => {
    if (missing) return context.skip(missing);
    const { sink } = await fresh();
    const late = await attempt(sink, shardAt(request, 0), 'b');
    const record = await make(sink, 0);
    expect(await late.commit()).toEqual(record);
    expect(await picturesOf(sink)).toEqual(ofShard(0));
  });
});

describe('a store', () => {
  /** Keys below the prefix that are neither pictures nor records nor job.json. */
  const left = (sink: Sink): string[] => {
    const prefix = sink.address.replace('s3://bucket/', '');
    return [...s3.objects.keys()]
      .filter((key) => key.startsWith(`${prefix}/.shards/making/`))
      .map((key) => key.slice(`${prefix}/.shards/making/`.length));
  };

  test('two kinds at once: the pictures are those of the record, whichever is faster', async () => {
    for (let round = 0; round < 4; round++) {
      const { sink } = await inStore('kept');
      const kinds = round % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
      const [one, two] = await Promise.all(kinds.map((kind) => make(sink, 0, kind)));
      expect(one).toEqual(two);
      expect(await intact(sink, request, one!)).toBe(true);
      expect(left(sink)).toEqual(['00000.json']); // the commit stays, for attempts that come late
    }
  });

  test('killed between the commit and the record: finished by who looks next', async () => {
    const { sink } = await inStore('kept');
    process.env['AWS_MAX_ATTEMPTS'] = '1';
    const impatient = new Sinks({ endpoint: s3.url });
    const killed = await impatient.open(sink.address).finally(() => delete process.env['AWS_MAX_ATTEMPTS']);
    s3.fault = ({ kind, key }) => (kind === 'COPY' && key.endsWith('0015.png') ? 'slow' : undefined);
    await expect(make(killed, 1)).rejects.toRefuse('io', '0015.png', 'SlowDown');
    expect(await sink.made()).toEqual(new Set());
    s3.fault = () => undefined;
    expect(await settled(sink, request, shardAt(request, 1))).toMatchObject({ shard: 1 });
    expect(await picturesOf(sink)).toEqual(ofShard(1));
    expect(left(sink)).toEqual(['00001.json']);
    // Somebody removes what a commit points to: the shard is made again.
    s3.fault = ({ kind }) => (kind === 'COPY' ? 'slow' : undefined);
    await expect(make(killed, 2)).rejects.toRefuse('io', 'SlowDown');
    s3.fault = () => undefined;
    await sink.clean();
    expect(await settled(sink, request, shardAt(request, 2))).toBeUndefined();
    await make(sink, 2);
    expect(await picturesOf(sink)).toEqual({ ...ofShard(1), ...ofShard(2) });
    await impatient.close();
  });

  test('busy, with broken connections and lost answers: as if nothing had happened', async () => {
    const { sink } = await inStore('kept');
    const seen = new Map<string, number>();
    const faults = ['slow', 'reset', 'lost', undefined] as const;
    s3.fault = ({ kind, key }: S3Request) => {
      const times = seen.get(`${kind} ${key}`) ?? 0;
      seen.set(`${kind} ${key}`, times + 1);
      return times === 0 ? faults[seen.size % faults.length] : undefined; // three of four requests fail once
    };
    await sink.write(file);
    const records = await Promise.all([0, 1, 2, 1, 0].map((index) => make(sink, index)));
    expect((await collect(sink, file))?.shards).toEqual(records.slice(0, 3));
    expect(await picturesOf(sink)).toEqual(expected);
    expect(await sink.made()).toEqual(new Set([0, 1, 2]));
    await sink.clean();
    expect(left(sink).sort()).toEqual(['00000.json', '00001.json', '00002.json']);
  });

  test.each([
    ['kept', { PUT: 12, COPY: 10, REMOVE: 1 }],
    ['partly', { PUT: 12, COPY: 10, REMOVE: 1, DELETE: 5 }],
    ['refused', { PUT: 24, COPY: 20, REMOVE: 1, DELETE: 20 }], // of two shards: it is not asked again
  ] as const)('removals of many are %s: requests, and nothing is left', async (removals, wanted) => {
    const { sink } = await inStore('kept');
    s3.removals = removals;
    s3.requests.length = 0;
    for (const index of removals === 'refused' ? [0, 1] : [0]) await make(sink, index);
    s3.removals = 'kept';
    const count = (kind: string): number => s3.requests.filter((one) => one.kind === kind).length;
    for (const kind of ['PUT', 'COPY', 'REMOVE', 'DELETE'])
      expect([kind, count(kind)]).toEqual([kind, (wanted as Record<string, number>)[kind] ?? 0]);
    expect(left(sink).filter((name) => !/^\d+\.json$/.test(name))).toEqual([]);
  });

  test('the answer to the commit is lost: still one attempt, which knows that it is the one', async () => {
    const { sink } = await inStore('kept');
    let lost = 0;
    s3.fault = ({ kind, key }) =>
      kind === 'PUT' && key.endsWith('making/00000.json') && lost++ === 0 ? 'lost' : undefined;
    const record = await make(sink, 0);
    expect(lost).toBe(2); // the second was answered by 412
    expect(await sink.record(0)).toEqual(record);
    expect(await picturesOf(sink)).toEqual(ofShard(0));
    // Another commit was being written and failed.
    let met = 0;
    s3.fault = ({ kind, key }) =>
      kind === 'PUT' && key.endsWith('making/00001.json') && met++ < 2 ? 'conflict' : undefined;
    expect(await make(sink, 1)).toEqual(await sink.record(1));
    expect(met).toBe(3);
  });

  test('what is refused: addresses, buckets; without what is secret', async () => {
    for (const address of [
      's3://',
      's3:bucket',
      's3://b/p',
      's3://bucket//a',
      's3://bucket/a/../b',
      's3://bucket/a//b',
    ])
      if (address === 's3://bucket//a') expect(placeOf('x', address)).toEqual({ bucket: 'bucket', prefix: 'a/' });
      else await expect(sinks.open(address)).rejects.toRefuse('usage', 's3://bucket/pictures');
    expect(placeOf('x', 's3://bucket')).toEqual({ bucket: 'bucket', prefix: '' });
    const secret = await sinks.open('s3://key:hidden@bucket/x').catch((error: unknown) => String(error));
    expect(secret).toContain('s3://…@bucket/x');
    await expect(openStore({ endpoint: 'http://key:hidden@127.0.0.1' })).rejects.toRefuse('usage', '//…@127.0.0.1');
    await expect((await sinks.open('s3://nobucket/x')).read()).rejects.toRefuse(
      'io',
      's3://nobucket/x/job.json',
      'create',
    );
    const nobody = new Sinks({ endpoint: 'http://127.0.0.1:1' });
    await expect((await nobody.open('s3://bucket/x')).read()).rejects.toRefuse('io', 'ECONNREFUSED');
    await nobody.close();
  });
});
