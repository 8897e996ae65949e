// Entry of the module worker that the page starts: receives calls and answers them. The work is in worker/executor.ts.
import { abortError, buffersOf, GIVES_TENSORS, toErrorRecord } from '@forja/core';
import type { NamedTensors, SessionRecord } from '@forja/core';
import { preparationsEnded, prepare } from './preparation.js';
import type { Operation, Operations, Reply, Request } from './protocol.js';
import { BUILDS } from './worker/builds.js';
import type { CallContext, Handlers } from './worker/contract.js';
import { createExecutor } from './worker/executor.js';
import { becomeThread } from './worker/ort.js';
import { watchConsole } from './worker/placement.js';

function serve(): void {
  // The DOM's and the worker's globals have the same name in TypeScript; this file only runs in a worker.
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  const calls = new Map<number, AbortController>();
  /**
   * For each open session, the id of the call that created it; that call gets its last reply when the session is
   * released.
   */
  const made = new Map<number, number>();
  const reply = (message: Reply, transfer: Transferable[] = []): void => scope.postMessage(message, transfer);
  const handlers = createExecutor({
    executor: 'worker',
    builds: BUILDS,
    passes: () => import('./lower.js'),
    prepare,
    prepared: preparationsEnded,
  });

  scope.addEventListener('message', (event: MessageEvent<Request>) => {
    const request = event.data;
    if ('abort' in request) return void calls.get(request.abort)?.abort(abortError('aborted by the page'));
    const { id, op } = request;
    const controller = new AbortController();
    calls.set(id, controller);
    dispatch(handlers, request, { signal: controller.signal, progress: (progress) => reply({ id, progress }) })
      .then(
        (result) => {
          if (op === 'create') {
            made.set((result as SessionRecord).session, id);
            return reply({ id, result, more: true });
          }
          if (request.op === 'release') {
            const { session } = request.args;
            reply({ id: made.get(session) ?? 0, result: null });
            made.delete(session);
          }
          reply({ id, result }, GIVES_TENSORS.has(op) ? buffersOf(result as NamedTensors) : []);
        },
        (error: unknown) => reply({ id, error: toErrorRecord(error) }),
      )
      .finally(() => calls.delete(id));
  });
}

function dispatch<K extends Operation>(
  handlers: Handlers,
  request: { op: K; args: Operations[K][0] },
  context: CallContext,
): Promise<Operations[K][1]> {
  return handlers[request.op](request.args, context);
}

if (!becomeThread(BUILDS.wasm)) {
  watchConsole();
  serve();
}
