// Executors that die, hang or lose their device during a run: the effects on the run, on other models and on state, and
// how often events are reported. Threads, children, signals and native code are real. Faults that cannot be caused for
// real (a thread that dies alone, a lost GPU) are injected between runtime and executor.
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { DeviceError, tensor, type NamedTensors, type RuntimeEvent, type Session, type SharedState } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Executor, ExecutorName, Operation } from './executor/contract.js';
import { openExecutor } from './executor/open.js';
import { executorOptions, NodeRuntime, type RuntimeOptions } from './runtime.js';

/** y = x · x · … : of [8, 8] at once, of [1024, 1024] after many seconds in one thread. */
function powers(times: number): Uint8Array {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['n', 'n']);
  let y = x;
  for (let i = 0; i < times; i++) y = g.op('MatMul', [y, x]);
  g.output('y', y);
  return encodeModel(g.build());
}
const square = (n: number): NamedTensors => ({ x: tensor('float32', [n, n], new Float32Array(n * n).fill(1 / n)) });
const SHORT = square(8);
const LONG = square(1024);
const RIGHT = { y: { dtype: 'float32', shape: [8, 8], data: new Float32Array(64).fill(1 / 8) } };
const quick = powers(1);

/** A fault, run when the `nth` executor of a runtime is called; its result is the call's. */
type Fault = (nth: number, op: Operation, call: () => Promise<unknown>, executor: Executor) => Promise<unknown>;

let events: RuntimeEvent[];
let workers: Worker[];
let children: ChildProcess[];
let calls: string[];
const onWorker = (worker: Worker): void => void workers.push(worker);
// Node's documented message of this channel
const onChild = (message: unknown): void => void children.push((message as { process: ChildProcess }).process);

beforeEach(() => {
  [events, workers, children, calls] = [[], [], [], []];
  process.on('worker', onWorker);
  subscribe('child_process', onChild);
});
afterEach(async () => {
  process.off('worker', onWorker);
  unsubscribe('child_process', onChild);
  await allOut();
  for (const child of children) expect(child.exitCode ?? child.signalCode).not.toBeNull();
});

/** Resolves when all workers have ended. */
async function allOut(): Promise<void> {
  // −1 once it has ended
  await Promise.all(workers.filter(({ threadId }) => threadId !== -1).map((worker) => once(worker, 'exit')));
}

function faulty(
  executor: ExecutorName,
  options: RuntimeOptions = {},
  fault: Fault = (_nth, _op, call) => call(),
): NodeRuntime {
  let opened = 0;
  return new NodeRuntime(
    executorOptions({ device: 'cpu', threads: 1, executor, ...options }),
    (event) => events.push(event),
    async (o) => {
      const inner = await openExecutor(o);
      const nth = ++opened;
      return {
        call: (op, args, give) => {
          calls.push(`${op} ${nth}`);
          // `call` is the same operation.
          return fault(nth, op, () => inner.call(op, args, give), inner) as ReturnType<typeof inner.call<typeof op>>;
        },
        kill: (why) => inner.kill(why),
        get dead() {
          return inner.dead;
        },
      };
    },
  );
}

const lost = new DeviceError('device.lost', 'a GPU that is gone');
/**
 * Ends an executor while it runs: the child by a signal, the worker outside native code, inline as a lost device does.
 */
const END: Readonly<Record<ExecutorName, (call: () => Promise<unknown>) => Promise<unknown>>> = {
  worker: async (call) => {
    await new Promise(setImmediate); // a new worker is reported in the next tick
    void workers.at(-1)?.terminate(); // takes effect before the message that follows is read
    return call();
  },
  process: (call) => {
    children.at(-1)?.kill('SIGSTOP'); // so that it cannot answer before it is ended
    const running = call();
    children.at(-1)?.kill('SIGKILL');
    return running;
  },
  inline: () => Promise.reject(lost),
};
// A worker that had not started ends with 0.
const REASON: Readonly<Record<ExecutorName, RegExp>> = {
  worker: /the worker ended with code [01]/,
  process: /SIGKILL/,
  inline: /a GPU that is gone/,
};
const ended =
  (executor: ExecutorName, on: Operation, times: number): Fault =>
  (nth, op, call) =>
    op === on && nth <= times ? END[executor](call) : call();
const restarted = (reason: RegExp): unknown => ({ type: 'restarted', reason: expect.stringMatching(reason) as string });

describe.each(['worker', 'process', 'inline'] as const)('executor %s', (executor) => {
  test('that ends during a run is replaced: the run is retried, other models continue, one event', async () => {
    const rt = faulty(executor, {}, ended(executor, 'run', 1));
    const [session, other] = await Promise.all([rt.createSession(quick), rt.createSession(powers(2))]);
    expect(await Promise.all([session.run(SHORT), session.run(SHORT), other.run(SHORT), session.run(SHORT)])).toEqual([
      RIGHT,
      RIGHT,
      RIGHT,
      RIGHT,
    ]);
    expect(calls).toEqual([
      'create 1',
      'create 1',
      'run 1',
      'create 2',
      'run 2',
      'run 2',
      'create 2',
      'run 2',
      'run 2',
    ]);
    expect(events).toEqual([restarted(REASON[executor])]);
    await rt.dispose();
  });

  test('that ends while a model is loaded is replaced too', async () => {
    const rt = faulty(executor, {}, ended(executor, 'create', 1));
    expect(await (await rt.createSession(quick)).run(SHORT)).toEqual(RIGHT);
    expect([calls, events]).toEqual([['create 1', 'create 2', 'run 2'], [restarted(REASON[executor])]]);
    await rt.dispose();
  });

  test('whose replacement ends in the same run: the run fails with a code, the next has a new executor', async () => {
    const rt = faulty(executor, {}, ended(executor, 'run', 2));
    const session = await rt.createSession(quick);
    const runs = [session.run(SHORT), session.run(SHORT)];
    await expect(runs[0]).rejects.toMatchObject({
      name: 'DeviceError',
      code: 'device.lost',
      message: expect.stringMatching(/the same happened again on a fresh executor/) as string,
    });
    expect(await runs[1]).toEqual(RIGHT);
    expect(events).toEqual([restarted(REASON[executor]), restarted(REASON[executor])]); // two were replaced
    await rt.dispose();
  });

  test('loses state: each call of the session fails with a code, and a new session works', async () => {
    const rt = faulty(executor, {}, ended(executor, 'run', 1));
    const state = { x: { output: 'y', initial: SHORT['x']! } };
    const [counting, pure] = await Promise.all([rt.createSession(quick, { state }), rt.createSession(quick)]);
    const gone = {
      code: 'device.lost',
      message: expect.stringMatching(/create it again with the last state that you read/) as string,
    };
    await expect(counting.run({})).rejects.toMatchObject(gone);
    await expect(counting.readState()).rejects.toMatchObject(gone);
    await expect(counting.writeState(SHORT)).rejects.toMatchObject(gone);
    expect(await pure.run(SHORT)).toEqual(RIGHT);
    // a run with state is not retried
    expect(calls.filter((call) => call.startsWith('run'))).toEqual(['run 1', 'run 2']);
    const again = await rt.createSession(quick, { state });
    await again.run({});
    expect((await again.readState())['x']?.data).toEqual(RIGHT.y.data);
    expect(events).toHaveLength(1);
    await Promise.all([counting.dispose(), again.dispose(), rt.dispose()]);
  });

  test('loses shared state: sessions that use it fail with a code until it is written again', async () => {
    const rt = faulty(executor, {}, ended(executor, 'run', 1));
    const at = (value: number): NamedTensors => ({ w: tensor('float32', [1, 1], Float32Array.of(value)) });
    const [state, other] = [await rt.createState({ ...at(3), v: at(0)['w']! }), await rt.createState(at(5))];
    const bound = (from: SharedState) => ({ x: { state: from, tensor: 'w', output: 'y' } }); // w ← w²
    const writer = await rt.createSession(quick, { state: bound(state) });
    const reader = await rt.createSession(quick, { state: { x: { state, tensor: 'w' } } });
    const elsewhere = await rt.createSession(quick, { state: bound(other) });
    const gone = { code: 'device.lost', message: expect.stringMatching(/^state: w was lost .* write/) as string };
    await expect(writer.run({})).rejects.toMatchObject(gone);
    await expect(reader.run({})).rejects.toMatchObject(gone);
    await expect(reader.readState()).rejects.toMatchObject(gone);
    await expect(state.read(['w'])).rejects.toMatchObject(gone);
    await state.write(at(3));
    await writer.run({});
    expect((await reader.run({}))['y']?.data).toEqual(Float32Array.of(81));
    expect((await state.read(['w']))['w']?.data).toEqual(Float32Array.of(9));
    // each tensor, and each state, is restored separately
    await expect(state.read()).rejects.toMatchObject({
      code: 'device.lost',
      message: expect.stringMatching(/^state: v was lost/) as string,
    });
    await expect(elsewhere.run({})).rejects.toMatchObject(gone);
    await other.write(at(5));
    await elsewhere.run({});
    expect((await other.read())['w']?.data).toEqual(Float32Array.of(25));
    expect(events).toEqual([restarted(REASON[executor])]);
    await rt.dispose();
  });

  test('that ends while shared state is made or written is replaced, and the state exists', async () => {
    let nth = 0;
    const once =
      (on: Operation): Fault =>
      (_nth, op, call) =>
        op === on && nth++ === 0 ? END[executor](call) : call();
    const value: NamedTensors = { w: tensor('float32', [1, 1], Float32Array.of(4)) };
    for (const on of ['makeShared', 'writeShared'] as const) {
      nth = 0;
      const rt = faulty(executor, {}, once(on));
      const state = await rt.createState(value);
      expect((await state.read())['w']?.data, on).toEqual(Float32Array.of(4));
      await rt.dispose();
    }
    expect(events).toHaveLength(2);
  });

  test('can be disposed, with everything on it, while being replaced', async () => {
    const rt = faulty(executor, {}, ended(executor, 'run', 1));
    const [session, other] = await Promise.all([rt.createSession(quick), rt.createSession(quick)]);
    const runs = [session.run(SHORT), other.run(SHORT)];
    await Promise.all([session.dispose(), other.dispose(), rt.dispose()]);
    expect(await Promise.all(runs)).toEqual([RIGHT, RIGHT]);
    expect(calls).toEqual([
      'create 1',
      'create 1',
      'run 1',
      'create 2',
      'run 2',
      'create 2',
      'run 2',
      'release 2',
      'release 2',
      'close 2',
    ]);
  });

  test('does not retry an aborted call', async () => {
    const control = new AbortController();
    const rt = faulty(executor, {}, (nth, op, call) => {
      if (op === 'run' && nth === 1) control.abort();
      return ended(executor, 'run', 1)(nth, op, call, undefined as never); // unused there
    });
    const session = await rt.createSession(quick);
    const [gone, waiting] = [
      session.run(SHORT, { signal: control.signal }),
      session.run(SHORT, { signal: control.signal }),
    ];
    await expect(gone).rejects.toMatchObject({ code: 'aborted' });
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    expect(await session.run(SHORT)).toEqual(RIGHT);
    expect(calls).toEqual(['create 1', 'run 1', 'create 2', 'run 2']);
    await rt.dispose();
  });
});

describe('a call that hangs', () => {
  const timeoutMs = 2000;
  // Only the watchdog's clock is fake, so that it fires because the call hangs, not because the machine is busy.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());
  /** Event-loop times of a worker: `idle` grows while it waits and stands still while it works. */
  const loopOf = (worker: Worker | undefined) => {
    const { active = 0, idle = 0 } = worker?.performance.eventLoopUtilization() ?? {};
    return { active, idle };
  };

  test('in a child: the child is killed, and the run retried', async () => {
    const rt = faulty('process', { timeoutMs }, (nth, op, call) => {
      if (op !== 'run' || nth !== 1) return call();
      children[0]?.kill('SIGSTOP');
      const running = call();
      vi.advanceTimersByTime(timeoutMs);
      return running;
    });
    const [session, other] = await Promise.all([rt.createSession(quick), rt.createSession(powers(2))]);
    expect(await Promise.all([session.run(SHORT), other.run(SHORT)])).toEqual([RIGHT, RIGHT]);
    expect(events).toEqual([restarted(/no answer to 'run' within 2000 ms/)]);
    await rt.dispose();
    expect(children.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual(['SIGKILL', 0]);
  });

  test('in native code of a worker: a new one takes over, and the old one ends once it has left that', async () => {
    const rt = faulty('worker', { timeoutMs }, async (nth, op, call) => {
      if (op !== 'run' || nth > 2) return call();
      const { active } = loopOf(workers.at(-1));
      const running = call();
      running.catch(() => undefined); // awaited below
      // Until it is in the long run.
      while (loopOf(workers.at(-1)).active < active + 200) await new Promise(setImmediate);
      vi.advanceTimersByTime(timeoutMs);
      return running;
    });
    const [long, other] = await Promise.all([rt.createSession(powers(60)), rt.createSession(quick)]);
    const runs = [long.run(LONG), other.run(SHORT), long.run(SHORT)];
    await expect(runs[0]).rejects.toMatchObject({
      code: 'device.lost',
      message: expect.stringMatching(
        /within 2000 ms \(option timeoutMs\), so it hangs; the same happened again/,
      ) as string,
    });
    expect(await Promise.all(runs.slice(1))).toEqual([
      RIGHT,
      { y: { ...RIGHT.y, data: expect.any(Float32Array) as Float32Array } },
    ]);
    expect([workers.length, events]).toEqual([3, [restarted(/hangs/), restarted(/hangs/)]]);
    await rt.dispose();
    await allOut();
  });

  test('is not assumed when the calling thread was too busy to read the answer', async () => {
    const rt = faulty('worker', { timeoutMs }, (_nth, op, call) => {
      if (op !== 'run') return call();
      const before = loopOf(workers[0]);
      const running = call();
      // Block this thread until the worker has finished and waits again: the answer is then queued.
      for (let last = before; ;) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        const now = loopOf(workers[0]);
        if (now.active > before.active + 0.05 && now.idle > last.idle + 5) break;
        last = now;
      }
      vi.advanceTimersByTime(timeoutMs);
      return running;
    });
    const session = await rt.createSession(quick);
    expect(await session.run(SHORT)).toEqual(RIGHT);
    expect(events).toEqual([]);
    await rt.dispose();
  });
});

test('a child outlives the signals that its whole group gets when its host is asked to stop', async (context) => {
  if (process.platform === 'win32') context.skip('signals end processes at once');
  const rt = faulty('process');
  const session = await rt.createSession(quick);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    children[0]?.kill(signal);
    expect(await session.run(SHORT)).toEqual(RIGHT);
  }
  await rt.dispose();
  expect([events, children.map(({ exitCode }) => exitCode)]).toEqual([[], [0]]);
});

describe('the replacement', () => {
  test('that cannot be opened fails the pending calls, and emits one event', async () => {
    let opened = 0;
    const rt = new NodeRuntime(
      executorOptions({ device: 'cpu', threads: 1, executor: 'process' }),
      (event) => events.push(event),
      (o) => {
        opened++;
        return opened === 2 || opened === 3 ? Promise.reject(new Error('no more processes')) : openExecutor(o);
      },
    );
    const session = await rt.createSession(quick);
    children[0]?.kill('SIGKILL');
    const runs = [session.run(SHORT), session.run(SHORT), session.run(SHORT)];
    expect(
      (await Promise.allSettled(runs)).map((result) =>
        result.status === 'fulfilled' ? result.value : String(result.reason),
      ),
    ).toEqual(['Error: no more processes', 'Error: no more processes', RIGHT]);
    expect([opened, events.length]).toEqual([4, 1]);
    await rt.dispose();
  });

  test('on another device is reported', async () => {
    const rt = faulty('inline', {}, async (nth, op, call) => {
      if (op === 'run' && nth === 1) throw lost;
      const result = await call();
      // as if it had been there
      if (op === 'create' && nth === 1) (result as { device: { actual: string } }).device.actual = 'cuda';
      return result;
    });
    const session: Session = await rt.createSession(quick);
    expect([session.device.actual, rt.device.actual]).toEqual(['cuda', 'cuda']);
    await session.run(SHORT);
    expect([session.device.actual, rt.device.actual]).toEqual(['cpu', 'cpu']);
    await rt.dispose();
  });

  test('of an executor that died while idle starts with the next call', async () => {
    const rt = faulty('worker');
    const session = await rt.createSession(quick);
    await workers[0]?.terminate();
    expect(events).toEqual([]);
    expect(await session.run(SHORT)).toEqual(RIGHT);
    expect(events).toEqual([restarted(/ended with code 1/)]);
    await rt.dispose();
  });
});

test('does not open a session whose runtime was disposed meanwhile', async () => {
  const rt = faulty('worker');
  const making = rt.createSession(quick);
  const over = rt.dispose();
  const session = await making;
  await expect(session.run(SHORT)).rejects.toMatchObject({ code: 'disposed' });
  await Promise.all([over, session.dispose()]);
  expect(workers).toHaveLength(1);
});
