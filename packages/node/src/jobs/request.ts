// What a job is asked to make, as it stands in job.json: plain data, checked where it is read.
import { createHash } from 'node:crypto';
import type { StreamOptions } from '@forja/core';
import * as v from 'valibot';
import { FORMAT_NAMES } from './formats.js';
import { MOST_PICTURES } from './plan.js';

const seed = v.pipe(v.string(), v.regex(/^\d{1,20}$/));
const from1 = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));

/** A job's request. */
export const requestSchema = v.strictObject({
  model: v.strictObject({ path: v.string(), sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  seed,
  count: from1(MOST_PICTURES),
  shard: from1(MOST_PICTURES),
  format: v.picklist(FORMAT_NAMES),
  lowering: v.picklist(['auto', 'portable']),
  label: v.exactOptional(v.union([v.number(), v.string()])),
  text: v.exactOptional(v.array(v.string())),
  truncation: v.exactOptional(v.union([v.number(), v.strictObject({ psi: v.number() })])),
  mix: v.exactOptional(v.strictObject({ seed, from: v.number() })),
});

/**
 * `count` pictures of one seed from a model, `shard` of them a shard. Seeds are decimal digits, since JSON has no 64-bit
 * integers. `model.path` says where workers look first; the model itself is what has this SHA-256.
 */
export type JobRequest = v.InferOutput<typeof requestSchema>;

/** Name of a job: equal for equal requests into the same folder. 16 hexadecimal digits. */
export function jobId(request: JobRequest, folder: string): string {
  return digest([essence(request), folder]).slice(0, 16);
}

/** Whether two requests make the same shards with the same bytes: all but where the model is found. */
export function sameRequest(a: JobRequest, b: JobRequest): boolean {
  return digest(essence(a)) === digest(essence(b));
}

/** The options of `Generator.stream` that the request stands for; the range is the shard's. */
export function drawOf({ seed: of, label, text, truncation, mix }: JobRequest): StreamOptions {
  return {
    seed: BigInt(of),
    ...(label === undefined ? {} : { label }),
    ...(text === undefined ? {} : { text }),
    ...(truncation === undefined ? {} : { truncation }),
    ...(mix === undefined ? {} : { mix: { seed: BigInt(mix.seed), from: mix.from } }),
  };
}

/** What decides the bytes, in a fixed order. */
function essence({ model, ...rest }: JobRequest): unknown {
  return [model.sha256, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))];
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
