// All ways to exit a process or dispose a model while a run is in native code, as scripts, and how each must end. A few
// trials in npm test, twenty each in tests/full.
import { Scripts, type Ending } from '../../../packages/node/vitest.support.js';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';

/** What a script does during its runs, and how it then ends. */
interface Way {
  body: string;
  expected: Partial<Ending>;
  /** A signal from outside. */
  signal?: NodeJS.Signals;
  /** Only for these; default: worker and process. */
  executors?: readonly string[];
}

const stopped = { code: 0, signal: null, stdout: 'busy\nleft\n' };

export const WAYS: Readonly<Record<string, Way>> = {
  'dispose of the runtime': { body: 'await rt.dispose(); console.log("left");', expected: stopped },
  'dispose of the session': { body: 'await session.dispose(); console.log("left");', expected: stopped },
  'abort of each run': { body: 'control.abort(); await over; console.log("left");', expected: stopped },
  'process.exit(0)': { body: 'console.log("left"); process.exit(0);', expected: stopped },
  'process.exit(3)': { body: 'process.exit(3);', expected: { code: 3, signal: null, stdout: 'busy\n' } },
  'process.exit in the middle of dispose': {
    body: 'void rt.dispose(); process.exit(4);',
    expected: { code: 4, signal: null, stdout: 'busy\n' },
  },
  'an uncaught throw': {
    body: 'setImmediate(() => { throw new Error("a mistake elsewhere"); });',
    expected: { code: 1, signal: null, stdout: 'busy\n' },
  },
  'an unhandled rejection': {
    body: 'void Promise.reject(new Error("a mistake elsewhere"));',
    expected: { code: 1, signal: null, stdout: 'busy\n' },
  },
  'SIGTERM without a handler': {
    body: '',
    signal: 'SIGTERM',
    expected: { code: null, signal: 'SIGTERM', stdout: 'busy\n' },
  },
  'SIGTERM with a handler that exits': {
    body: '',
    signal: 'SIGTERM',
    expected: { code: 7, signal: null, stdout: 'busy\n' },
  },
  SIGKILL: { body: '', signal: 'SIGKILL', expected: { code: null, signal: 'SIGKILL', stdout: 'busy\n' } },
  'death of the child': {
    body: 'going = false; process.kill(children[0].pid, "SIGKILL"); await over; console.log("left");',
    expected: stopped,
    executors: ['process'],
  },
  'death of the worker before it runs': {
    body:
      'going = false; await over; ' +
      'await Promise.all([workers[0].terminate(), session.run(feed()).then(() => console.log("left"))]);',
    expected: stopped,
    executors: ['worker'],
  },
};

/** A runtime whose runs take some 100 ms each in one thread. */
function slow(): Uint8Array {
  const g = new GraphBuilder();
  const w = g.constant('float32', [512, 512], new Float32Array(512 * 512).fill(1 / 512));
  let y = g.input('x', 'float32', [512, 512]);
  for (let i = 0; i < 60; i++) y = g.op('MatMul', [y, w]);
  g.output('y', y);
  return encodeModel(g.build());
}

/** Whether the process is there and not a zombie. */
export type Alive = (pid: number) => boolean;

/** Trials of `WAYS`. */
export class Leaving {
  readonly scripts: Scripts = new Scripts();
  readonly #model = this.scripts.file('model.onnx', slow());

  /**
   * How one trial ends, and the script's children that do not end. `ms`: the time between the end of a run, at which
   * the next one starts, and the exit. Runs never run out, so some are always under way.
   */
  async trial(name: string, executor: string, ms: number, alive: Alive): Promise<{ ending: Ending; left: number[] }> {
    const { body, signal } = WAYS[name] ?? { body: '' };
    const children: number[] = [];
    const ending = await this.scripts.run(
      `
      import { readFileSync } from 'node:fs';
      import { subscribe } from 'node:diagnostics_channel';
      const workers = []; process.on('worker', (worker) => workers.push(worker));
      const children = []; subscribe('child_process', ({ process }) => children.push(process));
      const rt = runtime({ device: 'cpu', threads: 1, executor: ${JSON.stringify(executor)} });
      const session = await rt.createSession(readFileSync(${JSON.stringify(this.#model)}));
      const control = new AbortController();
      const feed = () => ({ x: { dtype: 'float32', shape: [512, 512], data: new Float32Array(512 * 512).fill(1) } });
      await session.run(feed());
      ${name === 'SIGTERM with a handler that exits' ? 'process.on("SIGTERM", () => process.exit(7));' : ''}
      let [going, loops] = [true, 3];
      let begun;
      const first = new Promise((resolve) => (begun = resolve));
      const loop = async () => {
        try { while (going) await session.run(feed(), { signal: control.signal }).then(begun); } finally { loops--; }
      };
      const over = Promise.allSettled([loop(), loop(), loop()]);
      await first;
      await new Promise((resolve) => setTimeout(resolve, ${ms}));
      console.error(JSON.stringify(children.map(({ pid }) => pid)));
      console.log(loops === 3 ? 'busy' : 'idle');
      ${body}`,
      ['--no-warnings'],
      (line, pid) => signal && line === 'busy' && process.kill(pid, signal),
    );
    const pids = /^\[[\d,]*\]$/m.exec(ending.stderr)?.[0];
    if (pids) children.push(...(JSON.parse(pids) as number[]));
    const until = Date.now() + 240_000; // reached only by a child that was left behind
    while (children.some(alive) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    return { ending, left: children.filter(alive) };
  }

  executorsOf(name: string): readonly string[] {
    return WAYS[name]?.executors ?? ['worker', 'process'];
  }
}

/** On Linux by /proc, where a zombie whose parent is gone says so; elsewhere by signal 0. */
export function aliveBy(read: (path: string) => string): Alive {
  return (pid) => {
    try {
      if (process.platform === 'linux') return !/^State:\s+[ZX]/m.test(read(`/proc/${pid}/status`));
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
}
