// Entry of the worker thread and of the child process, which answer the host's calls with an Engine, and of the thread
// that prepares a model's second form. No module imports this file.
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { buffersOf, GIVES_TENSORS, toErrorRecord } from '@forja/core';
import type { ExecutorOptions, Operation, Operations, Reply, Request } from './executor/contract.js';
import { guarded } from './executor/drain.js';
import type { Flags } from './executor/drain.js';
import { Engine } from './executor/engine.js';
import { lowerForCpu } from './executor/lower.js';
import { drop } from './executor/movable.js';
import { rungs } from './executor/ladder.js';
import { beginOrt } from './executor/ort.js';
import type { PrepareData } from './executor/prepare.js';

async function answer(engine: Engine, request: Request): Promise<{ reply: Reply; transfer: ArrayBuffer[] }> {
  const { id, op, args } = request;
  try {
    // `op` and `args` belong to the same operation, which the union type cannot express.
    const result: unknown = await engine.call(op, args as Operations[Operation][0]);
    const transfer = GIVES_TENSORS.has(op) ? buffersOf(result as Operations['run'][1]) : [];
    return { reply: { id, result }, transfer };
  } catch (error) {
    return { reply: { id, error: toErrorRecord(error) }, transfer: [] };
  }
}

/** Ignores rejections that are reported elsewhere. */
const noMatter = (): void => undefined;

if (parentPort && 'prepare' in (workerData as object)) {
  const port = parentPort;
  const { prepare } = workerData as PrepareData; // written by prepare.ts
  // A failure becomes an error of this thread, because the rejection is not handled.
  void lowerForCpu(prepare).then((found) => port.postMessage(found, found ? [found.bytes.buffer as ArrayBuffer] : []));
} else if (parentPort) {
  const port = parentPort;
  // Deno's port has no close().
  const { close } = port as { close?: () => void };
  const end = (): void => (close ? close.call(port) : process.exit(0));
  const { options, flags } = workerData as { options: ExecutorOptions; flags: Flags }; // written by remote.ts
  const engine = new Engine(options, (native) => guarded(flags, native));
  // onnxruntime starts while the host reads the model.
  const usesNative = rungs(options.device).some(({ native }) => native);
  const ready = usesNative ? guarded(flags, beginOrt).catch(noMatter) : Promise.resolve();
  port.on('message', (request: Request) => {
    void ready
      .then(() => answer(engine, request))
      .then(({ reply, transfer }) => {
        port.postMessage(reply, transfer);
        if (request.op === 'create') drop(request.args);
        if (request.op === 'close') end();
      });
  });
} else if (process.send) {
  // written by remote.ts
  const engine = new Engine(JSON.parse(process.env['FORJA_EXECUTOR'] ?? '{}') as ExecutorOptions);
  process.on('message', (request: Request) => {
    void answer(engine, request).then(({ reply }) =>
      process.send?.(reply, () => request.op === 'close' && process.disconnect()),
    );
  });
  process.on('disconnect', () => process.exit(0));
  // A terminal's Ctrl-C and systemd's stop also reach this process. It ends with the host, which may still finish runs
  // and read state.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, noMatter);
  // A run blocks this thread, possibly for ever, so another thread watches whether the parent is gone.
  const watch =
    'const parent = process.ppid; setInterval(() => process.ppid === parent || process.kill(process.pid, ' +
    "'SIGKILL'), 500);";
  new Worker(watch, { eval: true, execArgv: [] }).unref();
}
