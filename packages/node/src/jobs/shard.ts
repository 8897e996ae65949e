// Makes one shard. Its pictures are those that `forja sample` would write for the whole request, encoded by the same
// code.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { arch, cpus, hostname, platform } from 'node:os';
import { abortError, type AbortSignalLike, type DeviceReport, type Generator } from '@forja/core';
import { NODE_DEVICES } from '../executor/devices/index.js';
import { turns } from '../files/turns.js';
import { moduleUrl } from '../module-url.js';
import { FORMATS } from './formats.js';
import type { Shard } from './plan.js';
import type { ShardRecord } from './record.js';
import { drawOf, type JobRequest } from './request.js';
import type { Sink } from './sink.js';
import { VERSION } from '../version.js';

/** Options of {@link makeShard}. */
export interface MakeOptions {
  /** Number of the attempt, from 1. Default 1. */
  attempt?: number;
  signal?: AbortSignalLike;
  /** Called after each picture with the number of written pictures of the shard. */
  onProgress?: (done: number) => void;
}

/**
 * Makes the pictures of `shard` with `generator`, which must have been loaded with `deterministic`, and puts them into
 * the sink. Resolves to the valid record: this attempt's, or that of another attempt that committed first.
 */
export async function makeShard(
  generator: Generator,
  request: JobRequest,
  shard: Shard,
  sink: Sink,
  { attempt = 1, signal, onProgress }: MakeOptions = {},
): Promise<ShardRecord> {
  const making = await sink.begin(request, shard);
  try {
    const encode = FORMATS[request.format];
    const hash = createHash('sha256');
    const turn = turns();
    const begun = performance.now();
    const cpu = process.cpuUsage();
    let [done, bytes] = [0, 0];
    const pictures = generator.stream({
      ...drawOf(request),
      start: shard.start,
      count: shard.count,
      ...(signal ? { signal } : {}),
    });
    for await (const picture of pictures) {
      if (signal?.aborted) throw abortError(signal.reason);
      const file = await encode(picture);
      hash.update(file);
      bytes += file.length;
      await making.write(shard.start + done, file);
      done++;
      onProgress?.(done);
      await turn(); // so that the lock of the shard is renewed
    }
    const { user, system } = process.cpuUsage(cpu);
    return await making.commit({
      shard: shard.index,
      start: shard.start,
      count: shard.count,
      sha256: hash.digest('hex'),
      bytes,
      kind: kindOf(generator.device),
      seconds: Math.round(performance.now() - begun) / 1000,
      cpuSeconds: Math.round((user + system) / 1000) / 1000,
      worker: workerName(),
      attempt,
      at: new Date().toISOString(),
    });
  } finally {
    await making.discard();
  }
}

/** Machine and process. */
export function workerName(): string {
  return `${hostname()}:${process.pid}`;
}

/** The hardware and versions that determine the last bits of a picture, in one line. */
export function kindOf({ actual, adapter, threads }: DeviceReport): string {
  const where = adapter === undefined ? (cpus()[0]?.model.trim() ?? 'unknown CPU') : adapter;
  const runtime = NODE_DEVICES[actual].native ? 'onnxruntime-node' : 'onnxruntime-web';
  return [
    `${platform()} ${arch()}`,
    where,
    `${runtime} ${versionOf(runtime)} on ${actual}, ${threads} thread${threads === 1 ? '' : 's'}`,
    `forja ${VERSION}`,
  ].join('; ');
}

/** The version of a package that is installed with this one. */
function versionOf(name: string): string {
  try {
    const { version } = createRequire(moduleUrl())(`${name}/package.json`) as { version: string };
    return version;
  } catch {
    return 'unknown'; // the package does not export its package.json
  }
}
