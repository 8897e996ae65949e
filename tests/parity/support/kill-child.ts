// A process that trains and kills itself inside an iteration: `kill-child.mjs <config JSON> <phase scalar> <run>`. It
// dies when the run-th run of the phase that returns this scalar alone has ended, before anything else is run.
import type { Runtime, Session } from '@forja/core';
import { runtime } from '@forja/node';
import { train, type TrainConfig } from '@forja/trainer/node';
import { enableProdMode } from '@tensorflow/tfjs';

enableProdMode(); // suppresses tfjs's advice to install a native backend
const [subject = '', scalar = '', at = ''] = process.argv.slice(2);
const host = runtime({ device: 'cpu', threads: 1 });
let runs = 0;

/** The session, which ends the process after its run number `at`. */
function killing(session: Session): Session {
  const run: Session['run'] = async (feeds, options) => {
    const result = await session.run(feeds, options);
    if (++runs === Number(at)) {
      process.stdout.write(`${JSON.stringify({ runs })}\n`, () => process.kill(process.pid, 'SIGKILL'));
      await new Promise(() => {}); // nothing more is run
    }
    return result;
  };
  return wrapped(session, { run });
}

/** `target` with some methods replaced. */
function wrapped<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(methods, key)) return Reflect.get(methods, key) as unknown;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const lossesOf = ({ outputs }: Session): string[] => outputs.flatMap(({ name = '' }) => name.match(/loss_[dg]/g) ?? []);

await train(JSON.parse(subject) as TrainConfig, {
  runtime: wrapped<Runtime>(host, {
    createSession: async (model, options) => {
      const session = await host.createSession(model, options);
      return lossesOf(session).join() === scalar ? killing(session) : session;
    },
  }),
  stepsPerRun: 1,
});
process.stdout.write(`${JSON.stringify({ end: true, runs })}\n`);
process.exit(0);
