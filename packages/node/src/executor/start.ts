// Starts the worker's file. If a bundler left the file out, or the process lacks permissions, the error says so.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DeviceError } from '@forja/core';
import { workerUrl } from '../worker-url.js';
import type { ExecutorName } from './contract.js';
import { hasCode } from '../has-code.js';

/** Flags of Node's permission model that each executor needs in addition to file access. */
const FLAG: Readonly<Record<Exclude<ExecutorName, 'inline'>, string>> = {
  worker: '--allow-worker',
  process: '--allow-child-process',
};

/** Calls `start` with the built worker.js. Throws `device.unavailable` if it cannot be started. */
export function startFile<T>(executor: keyof typeof FLAG, start: (file: string) => T): T {
  const file = fileURLToPath(workerUrl());
  try {
    if (!statSync(file, { throwIfNoEntry: false })) throw leftBehind(file);
    return start(file);
  } catch (cause) {
    if (!hasCode(cause, 'ERR_ACCESS_DENIED')) throw cause;
    throw new DeviceError(
      'device.unavailable',
      `executor: expected to be allowed to start ${file}, got ERR_ACCESS_DENIED from Node's permission model: ` +
        `allow it with ${FLAG[executor]}, --allow-addons and --allow-fs-read, or use executor: 'inline', which ` +
        'needs the last two',
      { cause },
    );
  }
}

function leftBehind(file: string): DeviceError {
  return new DeviceError(
    'device.unavailable',
    `executor: expected its file ${file}, got none, because bundlers leave it out: keep @forja/node external, ` +
      `build the entry '@forja/node/worker' to that path, or use executor: 'inline' (docs/node.md, Bundled ` +
      'services)',
  );
}
