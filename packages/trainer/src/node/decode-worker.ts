// A worker thread that decodes pictures: reads a file, fits it to a target, and writes the result to the cache. See
// ./decode-pool.ts.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { toErrorRecord, type ErrorRecord } from '@forja/core';
import { fitPicture, type Target } from '../data/fit.js';
import { notAPicture } from '../data/picture.js';
import type { PictureFacts } from '../data/pictures.js';
import { decodePicture, factsOf, loadSharp } from './decode.js';
import { readRecord, recordKey, writeRecord } from './picture-cache.js';

/** Jobs of the worker. */
export type DecodeJob =
  | { op: 'facts'; path: string }
  /** `keep`: return the record, to keep it in memory. */
  | { op: 'record'; path: string; target: Target; cache: string | undefined; keep: boolean };

/** Results by job. */
export interface DecodeResults {
  facts: PictureFacts;
  /** `content` is the hash of the file; `record` is set with `keep`, or if it could not be cached. */
  record: { content: string; record?: Uint8Array<ArrayBuffer> };
}

/** Messages to the worker and its replies. */
export interface DecodeRequest {
  id: number;
  job: DecodeJob;
}
export type DecodeReply = { id: number; result: DecodeResults[DecodeJob['op']] } | { id: number; error: ErrorRecord };

const sharp = loadSharp();
sharp.catch(() => {}); // the first job reports the error

const work: { [K in DecodeJob['op']]: (job: Extract<DecodeJob, { op: K }>) => Promise<DecodeResults[K]> } = {
  facts: async ({ path }) => factsOf(await readFile(path), await sharp),
  record: async ({ path, target, cache, keep }) => {
    const bytes = await readFile(path);
    const content = createHash('sha256').update(bytes).digest('hex');
    const key = recordKey(content, target);
    const size = target.width * target.height * target.channels;
    const cached = cache === undefined ? undefined : await readRecord(cache, key, size);
    const made = cached ?? fitPicture(await decodePicture(bytes, await sharp), target);
    const kept = cached !== undefined || (cache !== undefined && (await writeRecord(cache, key, made)));
    return { content, ...(keep || !kept ? { record: new Uint8Array(made) } : {}) }; // a copy, as it is transferred
  },
};

parentPort?.on('message', ({ id, job }: DecodeRequest) => {
  const run = work[job.op] as (job: DecodeJob) => Promise<DecodeResults[DecodeJob['op']]>; // the entry for this op
  run(job).then(
    (result) => {
      const transfer = 'record' in result && result.record ? [result.record.buffer] : [];
      parentPort?.postMessage({ id, result } satisfies DecodeReply, transfer);
    },
    (error: unknown) =>
      parentPort?.postMessage({ id, error: toErrorRecord(notAPicture(job.path, error)) } satisfies DecodeReply),
  );
});
