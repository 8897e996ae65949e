// onnxruntime-node on Linux sends telemetry: it writes an id and a database to the user's cache folder, and resolves a
// host name of Microsoft's. Its native library reads the environment variable below when it is loaded: 1 turns it off.
import { isMainThread } from 'node:worker_threads';
import type { ExecutorName } from './contract.js';

const VARIABLE = 'ORT_DISABLE_TELEMETRY';
let warned = false;

/** The environment of a child process, with telemetry off unless the caller's environment sets the variable. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  return { [VARIABLE]: '1', ...process.env };
}

/**
 * Turns telemetry off before an executor in this process loads the library, unless the environment sets the variable.
 * In a worker thread of the caller, `process.env` is a copy that native code does not see: there this function can only
 * warn.
 */
export function quietBefore(executor: ExecutorName): void {
  if (executor === 'process' || process.env[VARIABLE] !== undefined) return;
  if (isMainThread) process.env[VARIABLE] = '1';
  else if (!warned && process.platform === 'linux') {
    warned = true;
    process.emitWarning(
      `onnxruntime-node sends telemetry from here, because a worker thread cannot set ${VARIABLE} for the ` +
        `process: set it to 1 before the process starts, or use executor: 'process'`,
      { type: 'ForjaWarning', code: 'forja.telemetry' },
    );
  }
}
