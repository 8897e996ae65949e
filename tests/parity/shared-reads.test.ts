// On a runtime with shared state, grids and measures read the weights where they are: nothing is copied out or in. On
// one without, they are copied, which shows that the counting works.
import { runtime as nodeRuntime } from '@forja/node';
import type { Runtime, Session, SharedState } from '@forja/core';
import { MemoryStore } from '@forja/trainer';
import { train } from '@forja/trainer/node';
import { afterAll, expect, test } from 'vitest';

const inner = nodeRuntime({ device: 'cpu', threads: 1 });
afterAll(() => inner.dispose());

/** `target` with some methods replaced. */
const replaced = <T extends object>(target: T, methods: Partial<T>): T =>
  new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(methods, key)) return Reflect.get(methods, key) as unknown;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

/** The runtime, which counts copies of state out of the executor and into it. */
function counting(shared: boolean): { host: Runtime; copies: () => number } {
  let copies = 0;
  const own = new Map<SharedState, SharedState>();
  const counted = <A extends unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      copies++;
      return work(...args);
    };
  };
  const session = (made: Session): Session =>
    replaced(made, {
      readState: counted((names?: string[]) => made.readState(names)),
      writeState: counted((values) => made.writeState(values)),
    });
  const host = replaced<Runtime>(inner, {
    createState: shared
      ? async (tensors) => {
          const made = (await inner.createState?.(tensors)) as SharedState; // Node's runtime has it
          const state = replaced(made, {
            read: counted((names?: string[]) => made.read(names)),
            write: counted((values) => made.write(values)),
          });
          own.set(state, made);
          return state;
        }
      : undefined,
    createSession: async (model, options = {}) => {
      const bound = Object.entries(options.state ?? {}).map(([name, binding]) => [
        name,
        'state' in binding ? { ...binding, state: own.get(binding.state) ?? binding.state } : binding,
      ]);
      const state = options.state === undefined ? {} : { state: Object.fromEntries(bound) as typeof options.state };
      return session(await inner.createSession(model, { ...options, ...state }));
    },
  } as Partial<Runtime>);
  return { host, copies: () => copies };
}

/** Copies of state that each grid and each measurement made. */
async function copiesOf(shared: boolean): Promise<{ sample: number[]; measure: number[] }> {
  const { host, copies } = counting(shared);
  const found = { sample: [] as number[], measure: [] as number[] };
  let before = 0;
  await train(
    {
      ...{ system: 'mlp', data: 'ring', steps: 4, batch: 8, base: 4, checkpointEvery: 0 },
      ...{ sampleEvery: 1, metrics: ['modes'], metricsEvery: 2, metricsCount: 50 },
    },
    {
      runtime: host,
      store: new MemoryStore(),
      // each event comes after its work: a grid after its step, a measurement after the grid and before its checkpoint
      onEvent: ({ type }) => {
        if (type === 'sample' || type === 'measure') found[type].push(copies() - before);
        before = copies();
      },
    },
  );
  return found;
}

test('grids and measures copy no state where it is shared', async () => {
  expect(await copiesOf(true)).toEqual({ sample: [0, 0, 0, 0, 0], measure: [0, 0] });
});

test('and copy it where it is not', async () => {
  const { sample, measure } = await copiesOf(false);
  expect([sample.length, measure.length]).toEqual([5, 2]);
  for (const count of [...sample.slice(1), ...measure]) expect(count).toBeGreaterThan(0);
});
