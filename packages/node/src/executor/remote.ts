// The host's end of an executor that lives in a worker thread or a child process: posts calls, matches the replies to
// them, and turns the end of the thread or process into errors.
import { fork, type ChildProcess } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { buffersOf, DeviceError, fromErrorRecord, watchdog } from '@forja/core';
import type { Executor, ExecutorOptions, Operation, Operations, Reply, Request } from './contract.js';
import { drainOnExit, makeFlags, whenOut } from './drain.js';
import { buffersIn as recipeBuffers, movable } from './movable.js';
import { startFile } from './start.js';
import { quietEnvironment } from './telemetry.js';

/** A channel to the other end. */
interface Port {
  post(request: Request, transfer: ArrayBuffer[]): void;
  /** Whether the other end keeps this process alive. */
  keepAlive(yes: boolean): void;
  /** Terminates the other end as soon as that is safe. */
  kill(): void;
  /** Resolves when the other end is gone. */
  readonly ended: Promise<void>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** An executor in a worker thread. */
export async function openWorker(options: ExecutorOptions): Promise<Executor> {
  const flags = makeFlags();
  // execArgv: the worker must not inherit the host's loaders and inspectors.
  const worker = startFile(
    'worker',
    (file) => new Worker(file, { workerData: { options, flags }, name: 'forja', execArgv: [] }),
  );
  const forget = drainOnExit(flags);
  return new Remote(options.timeoutMs, (onReply, onDeath) => {
    worker.on('message', onReply);
    worker.on('error', (error) => onDeath(`the worker failed: ${error.message}`));
    return {
      post: (request, transfer) =>
        request.op === 'create' ? postRecipe(worker, request) : worker.postMessage(request, transfer),
      keepAlive: (yes) => (yes ? worker.ref() : worker.unref()),
      kill: () => whenOut(flags, () => void worker.terminate()),
      ended: new Promise((resolve) =>
        worker.once('exit', (code) => (forget(), onDeath(`the worker ended with code ${code}`), resolve())),
      ),
    };
  });
}

/**
 * Transfers a copy of the recipe's bytes, because the runtime keeps the original; a plain message would copy them
 * twice.
 */
function postRecipe(worker: Worker, request: Extract<Request, { op: 'create' }>): void {
  const args = movable(request.args);
  worker.postMessage({ ...request, args }, recipeBuffers(args));
}

/** An executor in a child process, which may be killed or crash without ending this process. */
export async function openProcess(options: ExecutorOptions): Promise<Executor> {
  const child = startFile('process', (file) =>
    fork(file, [], {
      serialization: 'advanced',
      execArgv: [],
      env: { ...quietEnvironment(), FORJA_EXECUTOR: JSON.stringify(options) },
    }),
  );
  const forget = killOnExit(child);
  return new Remote(options.timeoutMs, (onReply, onDeath) => {
    // The channel carries only what worker.ts sends.
    child.on('message', (reply) => onReply(reply as Reply));
    child.on('error', (error) => onDeath(`the child process failed: ${error.message}`));
    return {
      post: (request) =>
        void child.send(request, (error) => error && onDeath(`the child process cannot be reached: ${error.message}`)),
      keepAlive: (yes) => {
        // Bun's channel has neither ref nor unref: there an idle child keeps the process alive until disposed.
        for (const handle of [child, child.channel] as (
          { ref?: () => void; unref?: () => void } | null | undefined
        )[]) {
          if (yes) handle?.ref?.();
          else handle?.unref?.();
        }
      },
      kill: () => void child.kill('SIGKILL'),
      ended: new Promise((resolve) =>
        child.once(
          'exit',
          (code, signal) => (forget(), onDeath(`the child process ended with ${signal ?? `code ${code}`}`), resolve()),
        ),
      ),
    };
  });
}

const children = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of children) child.kill('SIGKILL');
};

/**
 * Kills the child when this process exits. Returns a function that cancels this. (If this process is killed, the child
 * notices by itself and ends.)
 */
function killOnExit(child: ChildProcess): () => void {
  if (children.size === 0) process.on('exit', killAll);
  children.add(child);
  return () => {
    children.delete(child);
    if (children.size === 0) process.off('exit', killAll);
  };
}

class Remote implements Executor {
  dead: Error | undefined;
  readonly #timeoutMs: number;
  readonly #port: Port;
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  constructor(timeoutMs: number, connect: (onReply: (reply: Reply) => void, onDeath: (why: string) => void) => Port) {
    this.#timeoutMs = timeoutMs;
    this.#port = connect(
      (reply) => this.#receive(reply),
      (why) => this.kill(lost(why)),
    );
    this.#port.keepAlive(false);
  }

  async call<K extends Operation>(op: K, args: Operations[K][0], give = false): Promise<Operations[K][1]> {
    if (this.dead) throw this.dead;
    const id = this.#next++;
    const result = new Promise<Operations[K][1]>((resolve, reject) => {
      // The other end answers `op` with its own result type: contract.ts is the one table for both.
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
    this.#port.keepAlive(true);
    const timeoutMs = this.#timeoutMs;
    const late = (): void => {
      if (this.#pending.has(id))
        this.kill(lost(`it gave no answer to '${op}' within ${timeoutMs} ms (option timeoutMs), so it hangs`));
    };
    // setImmediate runs after queued messages: if this thread was busy, the answer may already be waiting.
    const stop = watchdog(timeoutMs, () => setImmediate(late));
    try {
      // `op` and `args` are bound by K; the union cannot express that.
      this.#port.post({ id, op, args } as Request, give ? buffersIn(args) : []);
      const value = await result;
      if (op === 'close') await this.#port.ended;
      return value;
    } finally {
      stop();
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#port.keepAlive(false);
    }
  }

  kill(why: Error): void {
    if (this.dead) return;
    this.dead = why;
    for (const pending of this.#pending.values()) pending.reject(why);
    this.#port.kill(); // needed even if only the channel broke
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if ('error' in reply) pending?.reject(fromErrorRecord(reply.error));
    else pending?.resolve(reply.result);
  }
}

function lost(why: string): DeviceError {
  return new DeviceError('device.lost', `executor: ${why}`);
}

/** The buffers of the tensors among the arguments. */
function buffersIn(args: Operations[Operation][0]): ArrayBuffer[] {
  return buffersOf('feeds' in args ? args.feeds : 'values' in args ? args.values : {});
}
