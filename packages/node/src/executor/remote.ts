// The host's end of an executor that lives in a worker thread or a child process: posts calls, matches replies, turns its death into errors.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DeviceError, fromErrorRecord } from '@forja/core';
import { workerUrl } from '../worker-url.js';
import type { Executor, ExecutorOptions, Operation, Operations, Reply, Request } from './contract.js';
import { drainOnExit, makeFlags } from './drain.js';
import { buffersOf } from './tensors.js';

/** A channel to the other end. */
interface Port {
  post(request: Request, transfer: ArrayBuffer[]): void;
  /** Whether the other end keeps this process alive. */
  keepAlive(yes: boolean): void;
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
  // execArgv: what loaders and inspectors the host was started with is not the worker's business.
  const worker = new Worker(workerUrl(), { workerData: { options, flags }, name: 'forja', execArgv: [] });
  const forget = drainOnExit(flags);
  return new Remote((onReply, onDeath) => {
    worker.on('message', onReply);
    worker.on('error', (error) => onDeath(`the worker failed: ${error.message}`));
    return {
      post: (request, transfer) => worker.postMessage(request, transfer),
      keepAlive: (yes) => (yes ? worker.ref() : worker.unref()),
      ended: new Promise((resolve) => worker.once('exit', (code) => (forget(), onDeath(`the worker ended with code ${code}`), resolve()))),
    };
  });
}

/** An executor in a child process, which may be killed or crash without taking this one along. */
export async function openProcess(options: ExecutorOptions): Promise<Executor> {
  const child = fork(fileURLToPath(workerUrl()), [], { serialization: 'advanced', execArgv: [], env: { ...process.env, FORJA_EXECUTOR: JSON.stringify(options) } });
  return new Remote((onReply, onDeath) => {
    // The channel carries only what worker.ts sends.
    child.on('message', (reply) => onReply(reply as Reply));
    child.on('error', (error) => onDeath(`the child process failed: ${error.message}`));
    return {
      post: (request) => void child.send(request, (error) => error && onDeath(`the child process cannot be reached: ${error.message}`)),
      keepAlive: (yes) => {
        for (const handle of [child, child.channel]) {
          if (yes) handle?.ref();
          else handle?.unref();
        }
      },
      ended: new Promise((resolve) => child.once('exit', (code, signal) => (onDeath(`the child process ended with ${signal ?? `code ${code}`}`), resolve()))),
    };
  });
}

class Remote implements Executor {
  dead: Error | undefined;
  readonly #port: Port;
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  constructor(connect: (onReply: (reply: Reply) => void, onDeath: (why: string) => void) => Port) {
    this.#port = connect(
      (reply) => this.#receive(reply),
      (why) => this.#fail(why),
    );
    this.#port.keepAlive(false);
  }

  async call<K extends Operation>(op: K, args: Operations[K][0]): Promise<Operations[K][1]> {
    if (this.dead) throw this.dead;
    const id = this.#next++;
    const result = new Promise<Operations[K][1]>((resolve, reject) => {
      // The other end answers `op` with its own result type: contract.ts is the one table for both.
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
    this.#port.keepAlive(true);
    try {
      // `op` and `args` are bound by K; the union cannot express that.
      this.#port.post({ id, op, args } as Request, buffersIn(args));
      const value = await result;
      if (op === 'close') await this.#port.ended;
      return value;
    } finally {
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#port.keepAlive(false);
    }
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if ('error' in reply) pending?.reject(fromErrorRecord(reply.error));
    else pending?.resolve(reply.result);
  }

  #fail(why: string): void {
    this.dead ??= new DeviceError('device.lost', `executor: ${why}. Its sessions are lost: load the model again.`);
    for (const pending of this.#pending.values()) pending.reject(this.dead);
  }
}

/** Every buffer that the arguments own: the runtime made copies for this call alone. */
function buffersIn(args: Operations[Operation][0]): ArrayBuffer[] {
  if ('feeds' in args) return buffersOf(args.feeds);
  if ('values' in args) return buffersOf(args.values);
  if (!('model' in args)) return [];
  const { model, options } = args;
  const initial = Object.fromEntries(Object.entries(options.state ?? {}).map(([name, binding]) => [name, binding.initial]));
  const views = [model, ...(options.external?.values() ?? [])];
  return [...buffersOf(initial), ...views.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))];
}
