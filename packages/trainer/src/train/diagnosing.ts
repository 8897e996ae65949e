// Diagnoses during a run: the probe when it is due, and what the log and the measures show to go wrong, told once.
import { blockLength, diagnose, History, type Case } from '../diagnosis/index.js';
import type { Diagnosis, LogLine, MeasureLine, RunStore } from '../records/store.js';
import type { ResolvedConfig } from './config.js';
import type { Engine, Scalars } from './engine.js';

/** Diagnoses of a run. */
export interface Diagnosing {
  /** Steps from `step` to the next that is looked at. */
  left(step: number): number;
  /** What the probe says after a step, as far as it is finite; none where it is not due. */
  probe(step: number): Promise<Scalars>;
  /** Takes in a line of the log, or of the measures. Returns what is seen for the first time. */
  observe(line: LogLine): Promise<Diagnosis | undefined>;
  measured(line: MeasureLine): Promise<Diagnosis | undefined>;
  /** Knows what the store knows: at the start, and after the run went back. */
  recall(): Promise<void>;
}

/** What diagnosing is made of. */
export interface DiagnosingParts extends Pick<Case, 'config' | 'options' | 'reads' | 'modes'> {
  config: ResolvedConfig;
  engine: Engine;
  store: RunStore;
}

/** Diagnoses for a run, which know nothing yet. */
export function makeDiagnosing({ config, options, reads, modes, engine, store }: DiagnosingParts): Diagnosing {
  const every = blockLength(config.logEvery);
  let history = new History(config.logEvery);
  let told = new Set<string>();
  const look = async (step: number): Promise<Diagnosis | undefined> => {
    const { blocks, measures, start } = history;
    const found = diagnose({ blocks, measures, start, config, options, reads, modes }, step, told);
    if (found === undefined) return undefined;
    told.add(found.name);
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
      told = new Set((await store.diagnoses?.())?.map(({ name }) => name));
    },
  };
}

/** Those that are finite: a figure that could not be computed is no reason to stop a run, or to go back. */
const finite = (scalars: Scalars): Scalars =>
  Object.fromEntries(Object.entries(scalars).filter(([, value]) => Number.isFinite(value)));
