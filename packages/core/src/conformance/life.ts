// Conformance: disposal of sessions and runtimes.
import { attempt, elements, float32, outcome, type Check } from './contract.js';
import { pairModel, stateBindings, stateModel } from './models.js';

const feeds = () => ({ x: float32([1, 3], 2), y: float32([1, 3], 1) });

/** Checks of disposal. */
export const lifeChecks: Record<string, Check> = {
  'a session ends after the runs already queued, once, and leaves others alone': async (runtime, same) => {
    const [session, other] = await Promise.all([
      runtime.createSession(stateModel(), { state: stateBindings() }),
      runtime.createSession(pairModel()),
    ]);
    const queued = [session.run({ x: float32([2], 1) }), session.run({ x: float32([2], 1) })];
    await Promise.all([session.dispose(), session.dispose()]);
    same(
      (await Promise.all(queued)).map((result) => elements(result['mean'])),
      [
        [3, 5],
        [3.5, 5.5],
      ],
    );
    same(
      [
        await attempt(() => session.run({ x: float32([2], 1) })),
        await attempt(() => session.readState()),
        await attempt(() => session.writeState({})),
      ],
      ['disposed', 'disposed', 'disposed'],
    );
    same([await outcome(session.dispose()), await outcome(other.run(feeds()))], ['ok', 'ok']);
  },
  'a runtime ends after what is queued, once, and its sessions with it': async (runtime, same) => {
    const session = await runtime.createSession(pairModel());
    const queued = session.run(feeds());
    await Promise.all([runtime.dispose(), runtime.dispose()]);
    same(elements((await queued)['sum']), [3, 3, 3]);
    same(
      [
        await attempt(() => session.run(feeds())),
        await attempt(() => runtime.createSession(pairModel())),
        await outcome(session.dispose()),
        await outcome(runtime.dispose()),
      ],
      ['disposed', 'disposed', 'ok', 'ok'],
    );
  },
  'a runtime that was never used ends too': async (runtime, same) => {
    same(
      [await outcome(runtime.dispose()), await attempt(() => runtime.createSession(pairModel()))],
      ['ok', 'disposed'],
    );
  },
  'any number of sessions can be made and disposed': async (runtime, same) => {
    for (let i = 0; i < 20; i++) {
      const session = await runtime.createSession(pairModel());
      same(elements((await session.run({ x: float32([1, 3], i), y: float32([1, 3], 1) }))['sum']), [
        i + 1,
        i + 1,
        i + 1,
      ]);
      await session.dispose();
    }
  },
};
