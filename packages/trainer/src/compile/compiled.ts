// A compiled step: the public interface over its session and state, which compile.ts makes.
import { disposable, UsageError, tensor, type NamedTensors, type Session } from '@forja/core';
import { encodeModel } from '@forja/core/onnx';
import type * as tf from '@tensorflow/tfjs';
import type { Lowered } from '../lower/lower.js';
import { drawInputs, feedTensors, stacked, unstacked } from './inputs.js';
import type { Repeated } from './repeat.js';
import { writeVariable, type StateHome } from './state.js';
import type { CompiledStep, StepSummary } from './step.js';
import type { TracedStep } from './traced.js';

/** The parts of a compiled step. */
export interface StepParts {
  traced: TracedStep;
  lowered: Lowered;
  /** The step as a loop, if several may share a run. */
  together: Repeated | undefined;
  seed: number | bigint;
  session: Session;
  home: StateHome;
  summary: StepSummary;
}

/** Releases the state of steps that were dropped without `dispose`; the runtime cleans up their sessions itself. */
const dropped = new FinalizationRegistry<StateHome>((home) => void home.release().catch(() => undefined));

/** Makes the public handle of a step. */
export function compiledStep({ traced, lowered, together, seed, session, home, summary }: StepParts): CompiledStep {
  const { inputs, names, variables, draws } = traced;
  const outputs = [...names.keys()];
  const called = (results: NamedTensors): NamedTensors =>
    Object.fromEntries(Object.entries(results).map(([name, value]) => [names.get(name) ?? name, value]));
  const run = async (feeds: NamedTensors): Promise<NamedTensors> => {
    if (home.refresh !== undefined) await home.refresh();
    return session.run(feeds, { outputs });
  };
  const compiled: Omit<CompiledStep, typeof Symbol.asyncDispose> = {
    step: 0,
    run: async (given = {}) => (await compiled.runMany([given]))[0] ?? {},
    async runMany(given) {
      const checked = given.map((one) => feedTensors(inputs, one));
      const at = compiled.step;
      compiled.step += given.length;
      const feeds = checked.map((one, i) => ({ ...one, ...drawInputs(draws, seed, at + i) }));
      let done = 0;
      try {
        if (together !== undefined && feeds.length > 0) {
          const count = tensor('int64', [], BigInt64Array.of(BigInt(feeds.length)));
          return unstacked(await run({ ...stacked(feeds), [together.count]: count }), feeds.length).map(called);
        }
        const all: NamedTensors[] = [];
        for (; done < feeds.length; done++) all.push(called(await run(feeds[done] ?? {})));
        return all;
      } catch (error) {
        // A failed run changed no state: the next run repeats this step, unless another run has started since.
        if (compiled.step === at + given.length) compiled.step = at + done;
        throw error;
      }
    },
    state: (names) => home.read(names),
    load: (values) => home.load(values),
    async writeVariables() {
      const values = await compiled.state();
      for (const [name, value] of Object.entries(values)) writeVariable(liveVariable(variables, name), value);
    },
    onnx: () => encodeModel(lowered.model),
    summary,
    async dispose() {
      dropped.unregister(home);
      await Promise.all([session.dispose(), home.release()]);
    },
  };
  const handle = disposable(compiled);
  home.attach?.(session);
  dropped.register(handle, home, home);
  return handle;
}

function liveVariable(variables: ReadonlyMap<string, tf.Variable>, name: string): tf.Variable {
  const variable = variables.get(name);
  if (variable === undefined || variable.isDisposed)
    throw new UsageError(
      `writeVariables: expected variable '${name}' to be alive, got a disposed one; read state() instead`,
    );
  return variable;
}
