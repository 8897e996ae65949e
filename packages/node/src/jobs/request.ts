// The request of a job, as stored in job.json: plain data, checked when it is read.
import { createHash } from 'node:crypto';
import type { StreamOptions } from '@forja/core';
import * as v from 'valibot';
import { FORMAT_NAMES, type Format } from './formats.js';
import { MOST_PICTURES } from './plan.js';

/**
 * `count` pictures of one seed from a model, in shards of `shard` pictures. Seeds are decimal digits, because JSON has
 * no 64-bit integers. `model.path` is where workers look for the model first; it is identified by its SHA-256.
 */
export interface JobRequest {
  model: { path: string; sha256: string };
  seed: string;
  count: number;
  shard: number;
  format: Format;
  lowering: 'auto' | 'portable';
  label?: number | string;
  text?: string[];
  truncation?: number | { psi: number };
  mix?: { seed: string; from: number };
  noise?: { seed: string } | 'none';
}

const seed = v.pipe(v.string(), v.regex(/^\d{1,20}$/));
const pictures = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MOST_PICTURES));

/** A job's request, as read from a file. */
export const requestSchema: v.GenericSchema<JobRequest> = v.strictObject({
  model: v.strictObject({ path: v.string(), sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  seed,
  count: pictures,
  shard: pictures,
  format: v.picklist(FORMAT_NAMES),
  lowering: v.picklist(['auto', 'portable']),
  label: v.exactOptional(v.union([v.number(), v.string()])),
  text: v.exactOptional(v.array(v.string())),
  truncation: v.exactOptional(v.union([v.number(), v.strictObject({ psi: v.number() })])),
  mix: v.exactOptional(v.strictObject({ seed, from: v.number() })),
  noise: v.exactOptional(v.union([v.literal('none'), v.strictObject({ seed })])),
});

/** Name of a job: equal for equal requests into the same folder. 16 hexadecimal digits. */
export function jobId(request: JobRequest, folder: string): string {
  return digest([essence(request), folder]).slice(0, 16);
}

/** Whether two requests make the same shards with the same bytes; only the path of the model may differ. */
export function sameRequest(a: JobRequest, b: JobRequest): boolean {
  return digest(essence(a)) === digest(essence(b));
}

/** The request's options for `Generator.stream`, without the range, which depends on the shard. */
export function drawOf({ seed: of, label, text, truncation, mix, noise }: JobRequest): StreamOptions {
  return {
    seed: BigInt(of),
    ...(label === undefined ? {} : { label }),
    ...(text === undefined ? {} : { text }),
    ...(truncation === undefined ? {} : { truncation }),
    ...(mix === undefined ? {} : { mix: { seed: BigInt(mix.seed), from: mix.from } }),
    ...(noise === undefined ? {} : { noise: noise === 'none' ? noise : { seed: BigInt(noise.seed) } }),
  };
}

/** The fields that determine the pictures' bytes, in a fixed order. */
function essence({ model, ...rest }: JobRequest): unknown {
  return [model.sha256, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))];
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
