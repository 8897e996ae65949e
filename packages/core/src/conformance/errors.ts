// Conformance: wrong calls and files are refused with their code and do not affect other callers.
import { utf8 } from '../platform.js';
import { of, attempt, elements, float32, outcome, Signal, type Check } from './contract.js';
import { pairModel, windowModel } from './models.js';

const feeds = () => ({ x: float32([1, 3], 2), y: float32([1, 3], 1) });

/** Checks of errors. */
export const errorChecks: Record<string, Check> = {
  'feeds that do not fit are refused, each for its own caller': async (runtime, same) => {
    const session = await runtime.createSession(pairModel());
    const good = feeds();
    const outcomes = await Promise.all([
      outcome(session.run(good)),
      attempt(() => session.run({ x: good.x })),
      attempt(() => session.run({ ...good, z: good.x })),
      attempt(() => session.run({ ...good, x: float32([1, 4], 0) })),
      attempt(() => session.run({ ...good, x: float32([3], 0) })),
      attempt(() => session.run({ ...good, x: of('int32', [1, 3], [1, 2, 3]) })),
      attempt(() => session.run({ ...good, x: { dtype: 'float32', shape: [1, 3], data: new Float32Array(4) } })),
      attempt(() => session.run({ ...good, x: { dtype: 'float32', shape: [1, 3], data: new Int32Array(3) } })),
      // Two sizes for the same name.
      attempt(() => session.run({ x: float32([2, 3], 0), y: float32([1, 3], 0) })),
      attempt(() => session.run(good, { outputs: ['nope'] })),
      outcome(session.run(good)),
    ]);
    same(outcomes, ['ok', ...new Array<string>(8).fill('input.shape'), 'usage', 'ok']);
  },
  'sizes that its layers cannot take are the caller’s, and disturb no later run': async (runtime, same) => {
    const session = await runtime.createSession(windowModel());
    const window = (size: number) => session.run({ x: float32([1, 1, size, size], 1) });
    same([await attempt(() => window(3)), await attempt(() => window(2))], ['input.shape', 'input.shape']);
    same(elements((await window(5))['y']), [1]);
  },
  'bytes that are not a model are refused by kind, and the model given survives': async (runtime, same) => {
    const session = await runtime.createSession(pairModel());
    const model = pairModel();
    const before = [...model];
    const outcomes = [];
    const bad = [
      new Uint8Array(0),
      utf8('this is not a model at all'),
      utf8('<!doctype html><html><body>404</body></html>'),
      model.subarray(0, model.length - 9),
      Uint8Array.from({ length: 400 }, (_, i) => (i * 37 + 11) % 251),
    ];
    for (const bytes of bad) outcomes.push(await attempt(() => runtime.createSession(bytes)));
    same(outcomes, ['model.truncated', 'model.format', 'model.format', 'model.truncated', 'model.format']);
    const inside = new Uint8Array(model.length + 20).fill(7);
    inside.set(model, 10);
    const again = await runtime.createSession(inside.subarray(10, 10 + model.length));
    same([[...model], inside[0], inside.length], [before, 7, before.length + 20]);
    same(elements((await again.run(feeds()))['sum']), [3, 3, 3]);
    same(elements((await session.run(feeds()))['difference']), [1, 1, 1]);
  },
  'an operator that nobody has is refused as such': async (runtime, same) => {
    const model = pairModel();
    // "Add" occurs once in the file, as the operator; it is replaced by another name of three bytes.
    const at = model.findIndex(
      (_, i) =>
        model[i] === 0x22 &&
        model[i + 1] === 3 &&
        model[i + 2] === 0x41 &&
        model[i + 3] === 0x64 &&
        model[i + 4] === 0x64,
    );
    model.set(utf8('Zzz'), at + 2);
    same([at > 0, await attempt(() => runtime.createSession(model))], [true, 'model.unsupported']);
  },
  'abort drops only its own run, queued or not begun': async (runtime, same) => {
    const session = await runtime.createSession(pairModel());
    const [queued, early, late] = [new Signal(), new Signal(), new Signal()];
    early.abort('before');
    const runs = [
      outcome(session.run(feeds())),
      outcome(session.run(feeds(), { signal: queued })),
      attempt(() => session.run(feeds(), { signal: early })),
      outcome(session.run(feeds(), { signal: late })),
    ];
    queued.abort('changed my mind');
    same(await Promise.all(runs), ['ok', 'aborted', 'aborted', 'ok']);
    late.abort('too late');
    same([late.listeners, await outcome(session.run(feeds()))], [0, 'ok']);
  },
};
