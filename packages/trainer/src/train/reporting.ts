// Collects the data of a run's report, at the end of the run or while somebody watches it. Records come from the store;
// the log is read once, when a report is first requested, and then extended line by line.
import type { Dataset } from '../data/dataset.js';
import type { LogLine, RunStore } from '../records/store.js';
import { LogTable } from '../report/columns.js';
import type { ReportData } from '../report/parts.js';
import type { GanSystem, Output } from '../systems/system.js';
import type { Clock } from './clock.js';
import type { ResolvedConfig } from './config.js';
import type { Engine } from './engine.js';
import type { PreviewFeeds } from './feeds.js';
import type { Measuring } from './measuring.js';

/** The report of one run. */
export interface Reporting {
  /** Call after a line of the log was written. */
  logged(line: LogLine): void;
  /** Call after a grid was written. */
  sampled(): void;
  /** Call after the run has rolled back to a step. */
  backTo(step: number): void;
  /** The report's current data; after {@link end}, the data that `end` returned. */
  report(): Promise<ReportData>;
  /** Adds what is made at the end of the run; the report does not change afterwards. */
  end(made: MadeAtEnd): Promise<ReportData>;
}

/** Parts of a report that are made at the end of a run. */
export interface MadeAtEnd extends Pick<ReportData, 'walk' | 'compared'> {
  /** The grid of the last step. */
  readonly last?: Uint8Array;
  readonly facts: Readonly<Record<string, string>>;
}

/** Arguments of {@link makeReporting}. */
export interface Reported {
  readonly config: ResolvedConfig;
  readonly system: GanSystem;
  readonly engine: Pick<Engine, 'step'>;
  readonly measuring: Measuring | undefined;
  readonly previews: ReadonlyMap<string, PreviewFeeds>;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly dataset: Dataset;
  /** See TrainHost. */
  readonly peakMemory: (() => number) | undefined;
}

/** The reporting of a run. */
export function makeReporting(run: Reported): Reporting {
  const { config, system, engine, dataset, store, clock } = run;
  const [name = '', output] = Object.entries(system.outputs)[0] ?? [];
  const feeds = run.previews.get(name);
  const about = {
    examples: String(dataset.count),
    ...(output && feeds ? captionsOf(output, feeds) : {}),
    ...(dataset.license === undefined ? {} : { 'licence of the data': dataset.license }),
    ...(dataset.credit === undefined ? {} : { credit: dataset.credit }),
    weights: Object.entries(parametersOf({ system }))
      .map(([role, count]) => `${role} ${count}`)
      .join(', '),
  };
  const log = growing(store);
  let samples: ReturnType<RunStore['samples']> | undefined;
  let final: ReportData | undefined;

  const now = async (): Promise<ReportData> => {
    const measures = await store.measures();
    const best = run.measuring?.bestOf(measures);
    const seen = engine.step * config.batch;
    return {
      title: `${system.name} on ${dataset.name}`,
      config: { ...config },
      log: await log.table(),
      measures,
      ...(best ? { best } : {}),
      charts: system.charts ?? {},
      samples: await (samples ??= store.samples()),
      diagnosis: (await store.diagnoses?.()) ?? [],
      sessions: await store.sessions(),
      facts: {
        ...about,
        'images seen': `${seen} (${(seen / dataset.count).toFixed(1)} epochs)`,
        training: `${clock.seconds().toFixed(0)} s`,
        ...(run.peakMemory ? { 'peak memory': `${(run.peakMemory() / 1e6).toFixed(0)} MB` } : {}),
      },
    };
  };
  return {
    logged: log.add,
    sampled: () => void (samples = undefined),
    backTo: (step) => {
      samples = undefined;
      log.dropAfter(step);
    },
    report: async () => final ?? (await now()),
    end: async ({ last, facts, ...made }) => {
      const data = await now();
      const { step } = engine;
      const has = last === undefined || data.samples.some((sample) => sample.step === step);
      final = {
        ...data,
        ...made,
        samples: has ? data.samples : [...data.samples, { step, png: last }],
        facts: { ...data.facts, ...facts },
      };
      return final;
    },
  };
}

/** The log of a store as a table, read on first use and then kept up to date. */
function growing(store: RunStore): {
  add(line: LogLine): void;
  dropAfter(step: number): void;
  table(): Promise<LogTable>;
} {
  let table: Promise<LogTable> | undefined;
  let ready: LogTable | undefined;
  /** Changes that arrive while the log is being read. */
  let meanwhile: ((table: LogTable) => void)[] = [];
  const change = (work: (table: LogTable) => void): void => {
    if (ready) work(ready);
    else if (table) meanwhile.push(work);
  };
  const read = async (): Promise<LogTable> => {
    const made = new LogTable(await store.lines());
    for (const work of meanwhile) work(made);
    meanwhile = [];
    return (ready = made);
  };
  return {
    add: (line) => change((all) => all.add(line)),
    dropAfter: (step) => change((all) => all.dropAfter(step)),
    table: () => (table ??= read()),
  };
}

/** Number of weights of each network, by role. */
export function parametersOf({ system }: { system: GanSystem }): Record<string, number> {
  return Object.fromEntries(Object.entries(system.networks).map(([role, model]) => [role, model.countParams()]));
}

/** The captions of a grid's rows, if the output takes texts. */
function captionsOf({ inputs, preview }: Output, { inputs: fed }: PreviewFeeds): Record<string, string> {
  const { name = '', vocabulary } = inputs.find(({ role }) => role === 'text') ?? {};
  const ids = fed[name];
  if (vocabulary === undefined || ids === undefined) return {};
  const [count = 0, length = 1] = ids.shape;
  const { each = 1 } = preview ?? {};
  const words = ids.data as Int32Array; // token ids are int32
  const captions = Array.from({ length: Math.ceil(count / each) }, (_, i) =>
    Array.from(words.subarray(i * each * length, (i * each + 1) * length), (id) => vocabulary[id])
      .filter(Boolean)
      .join(' '),
  );
  return { 'captions of the grid': captions.map((caption, i) => `${i + 1}. ${caption}`).join('; ') };
}
