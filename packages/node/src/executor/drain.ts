// Exiting while a worker is inside native code aborts the process (SIGABRT). An exit hook waits until the worker has
// left native code, and keeps it from entering again.
import { writeSync } from 'node:fs';

const BUSY = 0;
const CLOSING = 1;
const PATIENCE_MS = 120_000;

/** Two shared flags of one worker: whether it is inside native code, and whether entering is blocked. */
export type Flags = Int32Array;

/** Flags for a new worker. */
export function makeFlags(): Flags {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Worker's side: marks the worker as busy while native code runs. Never returns once entering is blocked. */
export async function guarded<T>(flags: Flags, native: () => Promise<T>): Promise<T> {
  Atomics.store(flags, BUSY, 1);
  // Each side stores its flag before it reads the other's, so at least one of them sees the other.
  if (Atomics.load(flags, CLOSING) === 1) {
    leave(flags);
    return new Promise<T>(() => undefined);
  }
  try {
    return await native();
  } finally {
    leave(flags);
  }
}

function leave(flags: Flags): void {
  Atomics.store(flags, BUSY, 0);
  // A thread that waits for this worker has set CLOSING before.
  if (Atomics.load(flags, CLOSING) === 1) Atomics.notify(flags, BUSY);
}

const live = new Set<Flags>();
const hung = new WeakSet<Flags>();

/** Host's side: drains this worker when the process exits. Returns a function that cancels this. */
export function drainOnExit(flags: Flags): () => void {
  if (live.size === 0) process.on('exit', drain);
  live.add(flags);
  return () => {
    live.delete(flags);
    if (live.size === 0) process.off('exit', drain);
  };
}

/** Blocks a hung worker from entering native code, and calls `end` once it has left: immediately, later, or never. */
export function whenOut(flags: Flags, end: () => void): void {
  Atomics.store(flags, CLOSING, 1);
  hung.add(flags);
  // In Node since 16; in TypeScript's types only from ES2024.
  const { waitAsync } = Atomics as unknown as {
    waitAsync(array: Int32Array, index: number, value: number): { async: boolean; value: Promise<unknown> | string };
  };
  const { value } = waitAsync(flags, BUSY, 1);
  if (typeof value === 'string') end();
  else void value.then(end);
}

function drain(): void {
  for (const flags of live) Atomics.store(flags, CLOSING, 1);
  const until = performance.now() + PATIENCE_MS; // not Date, which may go back
  for (const flags of live) {
    while (Atomics.load(flags, BUSY) === 1 && performance.now() < until && !hung.has(flags))
      Atomics.wait(flags, BUSY, 1, 1000);
    if (Atomics.load(flags, BUSY) === 0) continue;
    // The worker is still busy. Node would wait for it on exit, possibly for ever, and abort when it returns from
    // native code.
    writeSync(
      2,
      'forja: a worker hangs in native code; ending the process by SIGKILL, because Node cannot end it. With ' +
        "executor: 'process', only a child would be killed.\n",
    );
    process.kill(process.pid, 'SIGKILL');
  }
}
