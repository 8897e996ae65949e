// Cuts a request into shards. Pure: every machine gets the same shards from the same request.
import { UsageError } from '@forja/core';

/** Maximum pictures of a job. */
export const MOST_PICTURES = 1e9;

/** Maximum shards of a job; each has its own record in the folder. */
export const MOST_SHARDS = 100_000;

/** Of a request: how many pictures, in shards of how many. */
interface Counts {
  count: number;
  shard: number;
}

/** Pictures `start` to `start + count − 1` of the request. */
export interface Shard {
  index: number;
  start: number;
  count: number;
}

/** How many shards a request has. @throws UsageError `input.range` if there are too many. */
export function shardCount({ count, shard }: Counts): number {
  const shards = Math.ceil(count / shard);
  if (shards > MOST_SHARDS)
    throw new UsageError(
      `jobs.shard: expected at most ${MOST_SHARDS} shards, got ${shards} of ${shard} pictures; ` +
        `${Math.ceil(count / MOST_SHARDS)} pictures or more per shard`,
      { code: 'input.range' },
    );
  return shards;
}

/** All shards of a request, in order: every picture is in exactly one. */
export function planOf(request: Counts): Shard[] {
  return Array.from({ length: shardCount(request) }, (_, index) => shardAt(request, index));
}

/** One shard. @throws UsageError `input.range` for an index outside the plan. */
export function shardAt(request: Counts, index: number): Shard {
  const shards = shardCount(request);
  if (!Number.isInteger(index) || index < 0 || index >= shards)
    throw new UsageError(`jobs.shard: expected an integer from 0 to ${shards - 1}, got ${index}`, {
      code: 'input.range',
    });
  const start = index * request.shard;
  return { index, start, count: Math.min(request.shard, request.count - start) };
}

/** `shard 3 (pictures 3000 to 3999)`. */
export function nameOf({ index, start, count }: Shard): string {
  return `shard ${index} (pictures ${start} to ${start + count - 1})`;
}
