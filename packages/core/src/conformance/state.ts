// Conformance: state stays inside the session, advances with each run, and is read and written by copy.
import type { Session } from '../runtime/session.js';
import { attempt, elements, float32, of, outcome, plain, Signal, type Check } from './contract.js';
import { stateBindings, stateModel } from './models.js';

const x = (value: number) => ({ x: float32([2], value) });

async function values(session: Session): Promise<unknown> {
  const { value, count } = await session.readState();
  return [...elements(value), ...elements(count)];
}

/** Checks of state. */
export const stateChecks: Record<string, Check> = {
  'state advances with each run, in the order of the calls': async (runtime, same) => {
    const session = await runtime.createSession(stateModel(), { state: stateBindings() });
    // 1, 2 → 2·v + 1 → 2·v + 2 → 2·v + 3
    const results = await Promise.all([session.run(x(1)), session.run(x(2)), session.run(x(3))]);
    same(
      results.map((result) => Object.keys(result)),
      [['mean'], ['mean'], ['mean']],
    );
    same(
      results.map((result) => elements(result['mean'])),
      [[3, 5], [4, 6], [19 / 3, 9].map(Math.fround)],
    );
    same(await values(session), [19, 27, 3n]);
  },
  'state outputs come back when asked for, as copies': async (runtime, same) => {
    const session = await runtime.createSession(stateModel(), { state: stateBindings() });
    const result = await session.run(x(1), { outputs: ['value_next', 'mean'] });
    same(plain(result), {
      value_next: { dtype: 'float32', shape: [2], values: [3, 5] },
      mean: { dtype: 'float32', shape: [2], values: [3, 5] },
    });
    (result['value_next']?.data as Float32Array).fill(0); // checked to be float32 above
    same(await values(session), [3, 5, 1n]);
    await session.run(x(0));
    await session.run(x(0));
    same(
      [elements(result['value_next']), await values(session)],
      [
        [0, 0],
        [12, 20, 3n],
      ],
    );
  },
  'what is read is a copy, and initial values stay the caller’s': async (runtime, same) => {
    const state = stateBindings();
    const creating = runtime.createSession(stateModel(), { state });
    (state.value.initial.data as Float32Array).fill(77); // made as float32
    const session = await creating;
    const read = await session.readState(['value']);
    same(plain(read), { value: { dtype: 'float32', shape: [2], values: [1, 2] } });
    await session.run(x(1));
    (read['value']?.data as Float32Array).fill(0);
    same(
      [await values(session), elements(state.value.initial)],
      [
        [3, 5, 1n],
        [77, 77],
      ],
    );
  },
  'state is replaced by name, and values left out are kept': async (runtime, same) => {
    const session = await runtime.createSession(stateModel(), { state: stateBindings() });
    await session.run(x(1));
    const value = float32([2], [10, 20]);
    const writing = session.writeState({ value });
    (value.data as Float32Array).fill(0); // made as float32
    await writing;
    same(await values(session), [10, 20, 1n]);
    await session.writeState({ count: of('int64', [], [2n ** 60n]) });
    await session.run(x(1));
    same(await values(session), [21, 41, 2n ** 60n + 1n]);
  },
  'runs, reads and writes keep their order': async (runtime, same) => {
    const session = await runtime.createSession(stateModel(), { state: stateBindings() });
    const [, first, , , second] = await Promise.all([
      session.run(x(1)),
      session.readState(['value']),
      session.writeState({ value: float32([2], 0) }),
      session.run(x(5)),
      session.readState(['value']),
    ]);
    same(
      [elements(first['value']), elements(second['value'])],
      [
        [3, 5],
        [5, 5],
      ],
    );
  },
  'sessions of one model have state of their own': async (runtime, same) => {
    const [a, b] = await Promise.all([
      runtime.createSession(stateModel(), { state: stateBindings() }),
      runtime.createSession(stateModel(), { state: stateBindings() }),
    ]);
    await Promise.all([a.run(x(1)), b.run(x(2)), a.run(x(1))]);
    same(
      [await values(a), await values(b)],
      [
        [7, 11, 2n],
        [4, 6, 1n],
      ],
    );
  },
  'a part of the state may be bound; the rest is fed and returned': async (runtime, same) => {
    const { count } = stateBindings();
    const session = await runtime.createSession(stateModel(), { state: { count } });
    const result = await session.run({ ...x(1), value: float32([2], [4, 5]) });
    same(
      [Object.keys(result).sort(), elements(result['value_next']), elements((await session.readState())['count'])],
      [['mean', 'value_next'], [9, 11], [1n]],
    );
  },
  'a run that is refused or aborted does not move state': async (runtime, same) => {
    const session = await runtime.createSession(stateModel(), { state: stateBindings() });
    const signal = new Signal();
    const runs = [
      outcome(session.run(x(1))),
      outcome(session.run(x(2), { signal })),
      attempt(() => session.run({ x: float32([3], 0) })),
      attempt(() => session.run({ ...x(1), value: float32([2], 0) })),
    ];
    signal.abort('no');
    same(await Promise.all(runs), ['ok', 'aborted', 'input.shape', 'input.shape']);
    same(await values(session), [3, 5, 1n]);
  },
  'wrong bindings, names and values are refused and change nothing': async (runtime, same) => {
    const { value, count } = stateBindings();
    const bind = (state: NonNullable<Parameters<typeof runtime.createSession>[1]>['state']) =>
      attempt(() => runtime.createSession(stateModel(), { state: state ?? {} }));
    same(
      [
        await bind({ nope: value }),
        await bind({ value: { ...value, output: 'nope' } }),
        await bind({ value, count: { ...count, output: 'value_next' } }),
        await bind({ value: { ...value, initial: float32([3], 0) } }),
        await bind({ count: { ...count, initial: float32([], 0) } }),
        await bind({ value: { ...value, output: 'count_next' } }),
      ],
      ['usage', 'usage', 'usage', 'input.shape', 'input.shape', 'input.shape'],
    );
    const session = await runtime.createSession(stateModel(), { state: { value, count } });
    same(
      [
        await attempt(() => session.writeState({ value: float32([2], 9), count: float32([], 1) })),
        await attempt(() => session.writeState({ value: float32([2], 9), nope: value.initial })),
        await attempt(() => session.readState(['nope'])),
        await values(session),
      ],
      ['input.shape', 'usage', 'usage', [1, 2, 0n]],
    );
  },
};
