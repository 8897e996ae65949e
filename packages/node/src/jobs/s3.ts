// A job in an S3-compatible store. Its keys are a prefix followed by the names that the files have in a job's folder.
//
// Stores have no rename, but objects are written atomically. A shard's pictures are put below
// `.shards/making/00003.<random>/`. Its commit is the object `.shards/making/00003.json`, put on the condition that it
// does not exist; it names the winning attempt. Then the store copies that attempt's pictures to their final keys, and
// the record is put last. The commit is kept as long as the record, so that a late attempt finds it.
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { pictureName } from '../files/picture-name.js';
import { checked, parseJson } from '../serve/check.js';
import { Bucket, placeOf, type Store } from './bucket.js';
import type { Shard } from './plan.js';
import { fileSchema, recordSchema, type JobFile, type ShardRecord } from './record.js';
import type { JobRequest } from './request.js';
import { digits, inTurns, settled, Writes, type Making, type Sink } from './sink.js';

/** Number of concurrent requests. */
const REQUESTS = 32;
/** Milliseconds between two checks of a follower. */
const PAUSE_MS = 1000;

const JSON_TYPE = 'application/json';
const PICTURE_TYPES: Readonly<Record<JobRequest['format'], string>> = { png: 'image/png' };

/** Content of a commit. */
interface Commit {
  /** Name of the winning attempt. */
  attempt: string;
  /** Its pictures. */
  names: string[];
  record: ShardRecord;
}
const commitSchema: v.GenericSchema<Commit> = v.strictObject({
  attempt: v.string(),
  names: v.array(v.string()),
  record: recordSchema,
});

/** The prefix of one job in a bucket. */
export class StoreSink implements Sink {
  readonly address: string;
  readonly pauseMs: number = PAUSE_MS;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #shards: string;
  readonly #making: string;

  constructor(store: Store, address: string) {
    const { bucket, prefix } = placeOf('jobs', address);
    this.address = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#bucket = new Bucket(store, bucket);
    this.#prefix = prefix;
    this.#shards = `${prefix}.shards/`;
    this.#making = `${this.#shards}making/`;
  }

  async read(): Promise<JobFile | undefined> {
    return this.#json(`${this.#prefix}job.json`, fileSchema);
  }

  async write(file: JobFile): Promise<void> {
    const text = `${JSON.stringify(file, undefined, 2)}\n`;
    await this.#bucket.put(`${this.#prefix}job.json`, Buffer.from(text), JSON_TYPE);
  }

  async pictures(): Promise<Set<string>> {
    return new Set(await this.#bucket.names(this.#prefix));
  }

  async picture(name: string): Promise<Uint8Array | undefined> {
    return this.#bucket.get(this.#prefix + name);
  }

  async holds(names: readonly string[]): Promise<boolean> {
    const there = await inTurns(names, REQUESTS, (name) => this.#bucket.has(this.#prefix + name));
    return there.every(Boolean);
  }

  async begin(request: JobRequest, shard: Shard): Promise<Making> {
    const attempt = `${digits(shard.index)}.${randomBytes(6).toString('hex')}`;
    const writes = new Writes(REQUESTS);
    const names: string[] = [];
    let committed = false;
    return {
      write: async (index, bytes) => {
        const name = pictureName(index, request.count, request.format);
        names.push(name);
        await writes.add(this.#bucket.put(this.#staged(attempt, name), bytes, PICTURE_TYPES[request.format]));
      },
      commit: async (record) => {
        await writes.all();
        const earlier = await settled(this, request, shard);
        if (earlier) return earlier;
        const commit: Commit = { attempt, names, record };
        committed = true; // even without an answer: from here on, other processes may need the pictures
        const key = this.#commitKey(shard.index);
        await this.#bucket.putNew(key, Buffer.from(JSON.stringify(commit)), JSON_TYPE);
        committed = (await this.#json(key, commitSchema))?.attempt === attempt;
        await this.finish(shard.index);
        return (await this.record(shard.index)) ?? record;
      },
      discard: async () => {
        await writes.over();
        if (!committed) await this.#unstage(attempt, names).catch(() => undefined); // `clean` removes them later
      },
    };
  }

  async finish(index: number): Promise<boolean> {
    const record = this.#recordKey(index);
    if (await this.#bucket.has(record)) return false;
    const commit = await this.#json(this.#commitKey(index), commitSchema);
    if (!commit) return false;
    const { attempt, names } = commit;
    const copied = await inTurns(names, REQUESTS, (name) =>
      this.#bucket.copy(this.#staged(attempt, name), this.#prefix + name),
    );
    if (copied.every(Boolean)) await this.#bucket.put(record, Buffer.from(JSON.stringify(commit.record)), JSON_TYPE);
    else if (!(await this.#bucket.has(record))) {
      // Pictures are missing, and no faster process has written the record, so somebody has removed the pictures. The
      // shard has to be made again.
      await this.#bucket.remove(this.#commitKey(index));
      return false;
    }
    await this.#unstage(attempt, names);
    return true;
  }

  async made(): Promise<Set<number>> {
    const names = await this.#bucket.names(this.#shards);
    return new Set(names.flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number));
  }

  async record(index: number): Promise<ShardRecord | undefined> {
    return this.#json(this.#recordKey(index), recordSchema);
  }

  async forget(index: number): Promise<void> {
    // first, because other processes would finish a commit without a record
    await this.#bucket.remove(this.#commitKey(index));
    await this.#bucket.remove(this.#recordKey(index));
  }

  async clean(): Promise<void> {
    const names = await this.#bucket.names(this.#making, { deep: true });
    await this.#remove(names.filter((name) => name.includes('/')).map((name) => this.#making + name));
  }

  async #unstage(attempt: string, names: readonly string[]): Promise<void> {
    await this.#remove(names.map((name) => this.#staged(attempt, name)));
  }

  async #remove(keys: readonly string[]): Promise<void> {
    const left = await this.#bucket.removeMany(keys);
    await inTurns(left, REQUESTS, (key) => this.#bucket.remove(key));
  }

  async #json<T>(key: string, schema: v.GenericSchema<T>): Promise<T | undefined> {
    const bytes = await this.#bucket.get(key);
    return bytes && checked(`${this.address}/${key.slice(this.#prefix.length)}`, schema, parseJson(key, bytes));
  }

  #staged(attempt: string, name: string): string {
    return `${this.#making}${attempt}/${name}`;
  }

  #commitKey(index: number): string {
    return `${this.#making}${digits(index)}.json`;
  }

  #recordKey(index: number): string {
    return `${this.#shards}${digits(index)}.json`;
  }
}
