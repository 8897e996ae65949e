// Diagnoses during a run: runs the probe when due, and reports each problem found in the log and the measures once.
import { blockLength, diagnose, History, type Case } from '../diagnosis/index.js';
import type { Diagnosis, LogLine, MeasureLine, RunStore } from '../records/store.js';
import type { ResolvedConfig } from './config.js';
import type { Engine, Scalars } from './engine.js';

/** Diagnoses of a run. */
export interface Diagnosing {
  /** Steps from `step` to the next probe. */
  left(step: number): number;
  /** The finite scalars of the probe after a step; none if it is not due. */
  probe(step: number): Promise<Scalars>;
  /** Adds a line of the log. Returns a new diagnosis, if any. */
  observe(line: LogLine): Promise<Diagnosis | undefined>;
  measured(line: MeasureLine): Promise<Diagnosis | undefined>;
  /** Reloads its state from the store: at the start, and after a rollback. */
  recall(): Promise<void>;
}

/** Arguments of {@link makeDiagnosing}. */
export interface DiagnosingParts extends Pick<Case, 'config' | 'options' | 'reads' | 'modes'> {
  config: ResolvedConfig;
  engine: Engine;
  store: RunStore;
}

/** Diagnoses for a run; call `recall` first. */
export function makeDiagnosing({ config, options, reads, modes, engine, store }: DiagnosingParts): Diagnosing {
  const every = blockLength(config.logEvery);
  let history = new History(config.logEvery);
  let reported = new Set<string>();
  const look = async (step: number): Promise<Diagnosis | undefined> => {
    const { blocks, measures, start } = history;
    const found = diagnose({ blocks, measures, start, config, options, reads, modes }, step, reported);
    if (found === undefined) return undefined;
    reported.add(found.name);
    await store.diagnose?.(found);
    return found;
  };
  return {
    left: (step) => every - (step % every),
    probe: async (step) => (step % every === 0 ? finite(await engine.probe(step / every)) : {}),
    observe: (line) => (history.observe(line) ? look(line.step) : Promise.resolve(undefined)),
    measured: (line) => {
      history.measures.push(line);
      return look(line.step);
    },
    recall: async () => {
      history = new History(config.logEvery);
      for (const line of await store.lines()) history.observe(line);
      history.measures.push(...(await store.measures()));
      reported = new Set((await store.diagnoses?.())?.map(({ name }) => name));
    },
  };
}

/** The finite scalars: a probe that fails is no reason to stop a run or to roll back. */
const finite = (scalars: Scalars): Scalars =>
  Object.fromEntries(Object.entries(scalars).filter(([, value]) => Number.isFinite(value)));
