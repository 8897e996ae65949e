// Conformance: shared state. A runtime without shared state must refuse to bind a session to one.
import { disposable } from '../disposable.js';
import type { Runtime, SessionOptions, SharedState } from '../runtime/session.js';
import type { NamedTensors, Tensor } from '../tensor.js';
import { attempt, elements, float32, of, outcome, plain, Signal, type Check, type Same } from './contract.js';
import { readingModel, stateModel, twoStatesModel } from './models.js';

const x = (value: number) => ({ x: float32([2], value) });
const initial = (): { value: Tensor; count: Tensor } => ({
  value: float32([2], [1, 2]),
  count: of('int64', [], [0]),
});
/** Bindings of {@link stateModel} to a state of {@link initial}. */
const both = (state: SharedState) => ({
  value: { state, output: 'value_next' },
  count: { state, output: 'count_next' },
});

async function values(state: SharedState): Promise<unknown> {
  const { value, count } = await state.read();
  return [...elements(value), ...elements(count)];
}

/** An object that looks like a state but was not made by a runtime. */
const foreignState: SharedState = disposable({
  tensors: [{ name: 'value', dtype: 'float32', shape: [2] }],
  read: () => Promise.resolve({}),
  write: () => Promise.resolve(),
  dispose: () => Promise.resolve(),
});

type Make = (tensors: NamedTensors) => Promise<SharedState>;

/** Runs the check if the runtime has shared state; otherwise checks that binding one is refused. */
const shared =
  (check: (runtime: Runtime, same: Same, make: Make) => Promise<void>): Check =>
  async (runtime, same) => {
    if (runtime.createState !== undefined) return check(runtime, same, (tensors) => createState(runtime, tensors));
    const state: SessionOptions['state'] = { value: { state: foreignState } };
    same(await attempt(() => runtime.createSession(readingModel(), { state })), 'usage');
  };

function createState(runtime: Runtime, tensors: NamedTensors): Promise<SharedState> {
  return runtime.createState?.(tensors) ?? Promise.reject(new Error('createState'));
}

/** Checks of shared state. */
export const sharedChecks: Record<string, Check> = {
  'sessions over one state count on, in the order of the calls': shared(async (runtime, same, make) => {
    const state = await make(initial());
    same(state.tensors, [
      { name: 'value', dtype: 'float32', shape: [2] },
      { name: 'count', dtype: 'int64', shape: [] },
    ]);
    const [a, b] = await Promise.all([
      runtime.createSession(stateModel(), { state: both(state) }),
      runtime.createSession(stateModel(), { state: both(state) }),
    ]);
    // 1, 2 → 2·v + 1 → 2·v + 2 → 2·v + 3
    const [first, , second, last] = await Promise.all([a.run(x(1)), b.run(x(2)), state.read(['value']), a.run(x(3))]);
    same([Object.keys(first), elements(first['mean'])], [['mean'], [3, 5]]);
    same([elements(second['value']), elements(last['mean'])], [[8, 12], [19 / 3, 9].map(Math.fround)]);
    same(await values(state), [19, 27, 3n]);
    same(
      [plain(await a.readState()), plain(await b.readState())],
      [plain(await state.read()), plain(await state.read())],
    );
  }),
  'a session that only reads a state sees each value of it, and needs no output': shared(
    async (runtime, same, make) => {
      const state = await make(initial());
      const [writer, reader] = await Promise.all([
        runtime.createSession(stateModel(), { state: both(state) }),
        runtime.createSession(readingModel(), { state: { value: { state } } }),
      ]);
      const results = await Promise.all([reader.run(x(0)), writer.run(x(1)), reader.run(x(0)), reader.run(x(10))]);
      same(
        results.map(({ sum }) => elements(sum)),
        [[1, 2], [], [3, 5], [13, 15]],
      );
      same(await attempt(() => reader.run({ ...x(0), value: float32([2], 0) })), 'input.shape');
      same([plain(await reader.readState()), await values(state)], [plain(await state.read(['value'])), [3, 5, 1n]]);
    },
  ),
  'a tensor may have another name than the input, and be in another state than the next one': shared(
    async (runtime, same, make) => {
      const [one, other] = [await make({ w: float32([2], [1, 2]) }), await make({ w: float32([2], [3, 4]) })];
      const session = await runtime.createSession(twoStatesModel(), {
        state: { a: { state: one, tensor: 'w', output: 'a_next' }, b: { state: other, tensor: 'w', output: 'b_next' } },
      });
      const swapped = await runtime.createSession(twoStatesModel(), {
        state: { b: { state: one, tensor: 'w', output: 'b_next' }, a: { state: other, tensor: 'w', output: 'a_next' } },
      });
      await Promise.all([session.run({}), swapped.run({})]);
      same(
        [elements((await one.read())['w']), elements((await other.read())['w'])],
        [
          [4, 6],
          [7, 9],
        ],
      );
      await session.writeState({ b: float32([2], 1) });
      same(elements((await swapped.readState())['a']), [1, 1]);
    },
  ),
  'state of a session and of the runtime go together in one session': shared(async (runtime, same, make) => {
    const { value, count } = initial();
    const state = await make({ value });
    const own = { count: { output: 'count_next', initial: count } };
    const make1 = () =>
      runtime.createSession(stateModel(), { state: { value: { state, output: 'value_next' }, ...own } });
    const [a, b] = await Promise.all([make1(), make1()]);
    await Promise.all([a.run(x(1)), b.run(x(2)), a.run(x(3))]);
    const read = [await a.readState(), await b.readState()];
    same(
      read.map((state) => [elements(state['value']), elements(state['count'])]),
      [
        [[19, 27], [2n]],
        [[19, 27], [1n]],
      ],
    );
  }),
  'shared state is read and written by copy, in order with the runs': shared(async (runtime, same, make) => {
    const tensors = initial();
    const making = make(tensors);
    (tensors.value.data as Float32Array).fill(77); // made as float32
    const state = await making;
    const session = await runtime.createSession(stateModel(), { state: both(state) });
    const value = float32([2], [10, 20]);
    const calls = Promise.all([session.run(x(1)), state.read(), state.write({ value }), session.run(x(5))]);
    (value.data as Float32Array).fill(0); // made as float32
    const [, read] = await calls;
    same(
      [elements(read['value']), await values(state)],
      [
        [3, 5],
        [25, 45, 2n],
      ],
    );
    (read['value']?.data as Float32Array).fill(0); // float32, like the tensor it was made from
    same(await values(state), [25, 45, 2n]);
  }),
  'a run that is refused or aborted does not move shared state': shared(async (runtime, same, make) => {
    const state = await make(initial());
    const session = await runtime.createSession(stateModel(), { state: both(state) });
    const signal = new Signal();
    const runs = [
      outcome(session.run(x(1))),
      outcome(session.run(x(2), { signal })),
      attempt(() => session.run({ x: float32([3], 0) })),
    ];
    signal.abort('no');
    same(
      [await Promise.all(runs), await values(state)],
      [
        ['ok', 'aborted', 'input.shape'],
        [3, 5, 1n],
      ],
    );
  }),
  'shared state outlives its sessions, and ends once, with later runs over it': shared(async (runtime, same, make) => {
    const [state, other] = [await make(initial()), await make(initial())];
    const first = await runtime.createSession(stateModel(), { state: both(state) });
    await first.run(x(1));
    await first.dispose();
    const [second, elsewhere] = await Promise.all([
      runtime.createSession(stateModel(), { state: both(state) }),
      runtime.createSession(stateModel(), { state: both(other) }),
    ]);
    same(elements((await second.run(x(1)))['mean']), [3.5, 5.5]);
    const [run, read] = [second.run(x(0)), state.read(['count'])];
    await Promise.all([state.dispose(), state.dispose()]);
    same([elements((await run)['mean']), elements((await read)['count'])], [[14 / 3, 22 / 3].map(Math.fround), [3n]]);
    same(
      [
        await attempt(() => second.run(x(1))),
        await attempt(() => state.read()),
        await attempt(() => state.write({})),
        await attempt(() => runtime.createSession(stateModel(), { state: both(state) })),
        await outcome(second.dispose()),
        await outcome(elsewhere.run(x(1))),
      ],
      ['disposed', 'disposed', 'disposed', 'disposed', 'ok', 'ok'],
    );
    await runtime.dispose();
    same([await attempt(() => other.read()), await outcome(other.dispose())], ['disposed', 'ok']);
  }),
  'wrong bindings and values of shared state are refused and change nothing': shared(async (runtime, same, make) => {
    const state = await make({ ...initial(), wide: float32([3], 0), whole: of('int32', [2], [0, 0]) });
    const bind = (value: NonNullable<SessionOptions['state']>[string], more: SessionOptions['state'] = {}) =>
      attempt(() => runtime.createSession(stateModel(), { state: { ...both(state), value, ...more } }));
    same(
      [
        await bind({ state: foreignState, output: 'value_next' }),
        await bind({ state, tensor: 'nope', output: 'value_next' }),
        await bind({ state, output: 'nope' }),
        await bind({ state, output: 'count_next' }),
        await bind({ state, tensor: 'wide', output: 'value_next' }),
        await bind({ state, tensor: 'whole', output: 'value_next' }),
        await bind({ state, output: 'value_next' }, { nope: { state, tensor: 'value' } }),
      ],
      ['usage', 'usage', 'usage', 'input.shape', 'input.shape', 'input.shape', 'usage'],
    );
    const twice: SessionOptions['state'] = {
      a: { state, tensor: 'value', output: 'a_next' },
      b: { state, tensor: 'value', output: 'b_next' },
    };
    same(
      [
        await attempt(() => runtime.createSession(twoStatesModel(), { state: twice })),
        await attempt(() => state.write({ value: float32([2], 9), count: float32([], 1) })),
        await attempt(() => state.write({ value: float32([2], 9), nope: float32([], 1) })),
        await attempt(() => state.read(['nope'])),
        await values(state),
      ],
      ['usage', 'input.shape', 'usage', 'usage', [1, 2, 0n]],
    );
  }),
};
