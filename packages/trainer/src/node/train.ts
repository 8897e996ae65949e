// `train` and `resume` in Node, which provide runtime, files, data and environment.
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve as resolvePath } from 'node:path';
import { ForjaError, optionsOf, shown, UsageError, type Runtime } from '@forja/core';
import { runtime as nodeRuntime } from '@forja/node';
import type { OptionEntries, SystemKind } from '../systems/kind.js';
import { kindOf } from '../systems/registry.js';
import { extractorNames } from '../metrics/features/choose.js';
import type { ExtractorFile } from '../metrics/features/onnx.js';
import { checkPartners, parseConfig, parseRecorded, type ResolvedConfig, type TrainConfig } from '../train/config.js';
import { isPlain } from '../train/resumed.js';
import { HOST_OPTIONS, trainParsed, type OwnConfig, type TrainHost, type TrainResult } from '../train/train.js';
import { claim } from './claim.js';
import { nodeEnvironment, peakMemory } from './environment.js';
import { FolderStore, newestCheckpoint } from './folder-store.js';
import type { PictureHost } from './image-folder.js';
import { loadData, type DataRequest } from './load-data.js';
import { loadSystem } from './load-system.js';
import { useTfjsNode } from './tfjs-node.js';
import { openWatch, type WatchOptions } from './watch.js';

/** What the caller of {@link train} can provide; everything has a default in Node. */
export interface NodeTrainHost extends Omit<TrainHost, 'checkpoint' | 'override'> {
  /** Base of relative paths. Default: the process's folder. */
  cwd?: string;
  /**
   * A page on 127.0.0.1 that shows the run while it trains: `true` for a free port, or a port. The event `watching` has
   * its address.
   */
  watch?: boolean | number | WatchOptions;
}

/**
 * Trains a system into the folder `config.out` (default `runs/<system>`), which must be new or empty.
 * @throws as `train` of `@forja/trainer`; ForjaError `data.notFound`, `data.empty` or `data.format` for the data;
 * UsageError for a folder that is in use.
 */
export function train(config: TrainConfig, host?: NodeTrainHost): Promise<TrainResult>;
export function train<E extends OptionEntries>(
  config: OwnConfig<E>,
  host: Omit<NodeTrainHost, 'system'> & { system: SystemKind<E> },
): Promise<TrainResult>;
export async function train(
  config: object,
  given: Omit<NodeTrainHost, 'system'> & { system?: unknown } = {},
): Promise<TrainResult> {
  const host = given as NodeTrainHost; // the types of a system's options do not matter here
  optionsOf('train.host', host, `${HOST_OPTIONS} cwd watch`);
  return trainResolved(parseConfig(config, host.system), host);
}

/** {@link train} with a configuration that is parsed already. */
export function trainResolved(resolved: ResolvedConfig, host: NodeTrainHost): Promise<TrainResult> {
  return withWatch(host, (watched) => start(resolved, watched));
}

async function start(resolved: ResolvedConfig, host: NodeTrainHost): Promise<TrainResult> {
  const cwd = host.cwd ?? process.cwd();
  // before the folder is made, so that a wrong path leaves nothing behind
  const first = host.start ?? (await startOf(resolved, cwd));
  const dataset = host.dataset ?? (await loadData(requestOf(resolved, host.system), cwd, decoding(host)));
  const folder = new FolderStore(resolvePath(cwd, resolved.out ?? join('runs', resolved.system)), resolved);
  if (host.store === undefined) await folder.begin();
  const end = host.store === undefined ? await claim(folder.where) : undefined;
  try {
    return await run(resolved, {
      ...host,
      cwd,
      dataset,
      store: host.store ?? folder,
      ...(first ? { start: first } : {}),
    });
  } finally {
    await end?.();
  }
}

/** Options of {@link resume}. */
export interface ResumeOptions extends Omit<NodeTrainHost, 'store'> {
  /** Train to this many steps instead. With the schedule `constant` the result equals that of a longer run. */
  steps?: number;
  /**
   * Fields of the configuration to change, as in `train`; parts of a field (`rates.g`) leave its other parts as they
   * are, and `{}` empties it (`penalties`) or restores its defaults. Fields that the result depends on are refused by
   * name, unless `override` is true.
   */
  config?: Readonly<Record<string, unknown>>;
  /** Accept changes of the configuration that the result depends on, in `config` or in the folder's config.json. */
  override?: boolean;
}

const RESUME_OPTIONS =
  'cwd dataset environment features networks onEvent onReady runtime signal start steps stepsPerRun system watch';

/**
 * Continues the run in `folder` from its newest intact checkpoint, bit for bit, deleting log lines and grids after it;
 * from the start if there is none yet. If version, provider, thread count or CPU differ, an event `warning` says so. A
 * finished run is exported again. Changes of the configuration that do not affect the weights are free: length, what is
 * written and when, measures, engine, threads.
 * @throws UsageError for a folder without config.json, `config.invalid` with a line for each field that differs from
 * the checkpoint's without `override`; ForjaError `checkpoint.format` if every checkpoint is damaged.
 */
export async function resume(folder: string, host: ResumeOptions = {}): Promise<TrainResult> {
  optionsOf('resume', host, `${RESUME_OPTIONS} config override peakMemory`);
  if (typeof folder !== 'string') throw new UsageError(`resume: expected the path of a folder, got ${shown(folder)}`);
  return withWatch(host, (watched) => goOn(folder, watched));
}

async function goOn(folder: string, host: ResumeOptions): Promise<TrainResult> {
  const cwd = host.cwd ?? process.cwd();
  const where = resolvePath(cwd, folder);
  const text = await readFile(join(where, 'config.json'), 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT')
      throw new ForjaError('io', `resume: could not read ${join(where, 'config.json')}: ${error.message}`, {
        cause: error,
      });
    throw new UsageError(
      'resume: expected the folder of a run (with config.json), got ' +
        `${(await stat(where).catch(() => undefined)) ? 'a folder without' : 'nothing'} at ${where}`,
    );
  });
  const written = jsonOf(text, join(where, 'config.json'));
  const module = (written as { module?: unknown } | null)?.module;
  const system = host.system ?? (typeof module === 'string' ? await loadSystem(module, cwd) : undefined);
  const saved = parseRecorded(written, system);
  const { steps = saved.steps, config: changes = {}, ...rest } = host;
  refuseElsewhere(changes, saved, where, cwd);
  const config = parseConfig({ ...merged(saved, changes), steps: changes['steps'] ?? steps }, system);
  checkPartners(changes, { metrics: config.metrics.length > 0, rollback: config.onNan.rollback > 0 });
  const dataset = host.dataset ?? (await loadData(requestOf(config, system), cwd, decoding(host)));
  const end = await claim(where);
  try {
    return await goOnIn(new FolderStore(where, config), config, {
      ...rest,
      cwd,
      dataset,
      ...(system ? { system } : {}),
    });
  } finally {
    await end();
  }
}

/**
 * Fields that a resumed run does not read, with the way out: it goes on in its own folder, from its own checkpoint,
 * with the system that it began with.
 */
const ITS_OWN: Readonly<Record<'module' | 'out' | 'start', string>> = {
  module: 'train a new run with that module',
  out: 'copy the folder and resume the copy',
  start: 'train a new run with that start',
};

/** @throws UsageError `config.invalid` with a line for each change that the run would not follow. */
function refuseElsewhere(
  changes: Readonly<Record<string, unknown>>,
  saved: Readonly<Record<string, unknown>>,
  where: string,
  cwd: string,
): void {
  const same = (field: string, value: unknown): boolean =>
    value === saved[field] || (field === 'out' && typeof value === 'string' && resolvePath(cwd, value) === where);
  const lines = Object.entries(ITS_OWN).flatMap(([field, wayOut]) =>
    changes[field] === undefined || same(field, changes[field])
      ? []
      : [
          `resume.config.${field}: expected none, or the run's own, because a resumed run goes on with it, got ` +
            `${shown(changes[field])}; ${wayOut}`,
        ],
  );
  if (lines.length > 0) throw new UsageError(lines.join('\n'), { code: 'config.invalid' });
}

/** Continues training from the store's newest checkpoint. */
async function goOnIn(
  store: FolderStore,
  config: ResolvedConfig,
  host: NodeTrainHost & Pick<ResumeOptions, 'override'> & { cwd: string },
): Promise<TrainResult> {
  const { cwd } = host;
  const { steps } = config;
  const { checkpoint, damaged, step } = await store.newest();
  if (step > steps)
    throw new UsageError(`resume.steps: expected at least the ${step} steps that are done, got ${shown(steps)}`);
  for (const message of damaged)
    await host.onEvent?.({ type: 'warning', message: `${message}; the checkpoint of step ${step} is used` });
  const start = checkpoint ? undefined : (host.start ?? (await startOf(config, cwd)));
  if (!checkpoint) await store.dropAfter(0);
  return run(config, {
    ...host,
    store,
    ...(checkpoint ? { checkpoint } : {}),
    ...(start ? { start } : {}),
  });
}

/** Runs `work`; if the host asks for a page (`watch`), the run's events are also sent to that page. */
async function withWatch<H extends NodeTrainHost>(
  host: H,
  work: (host: H) => Promise<TrainResult>,
): Promise<TrainResult> {
  const { watch: wanted = false, onEvent, onReady, signal } = host;
  if (wanted === false) return work(host);
  const options = wanted === true ? {} : typeof wanted === 'number' ? { port: wanted } : wanted;
  const watch = await openWatch(options);
  let failure: unknown;
  try {
    await onEvent?.({ type: 'watching', url: watch.url });
    return await work({
      ...host,
      // depends on the caller's listener only: the page does not need an event for each step
      stepsPerRun: host.stepsPerRun ?? (onEvent === undefined && signal === undefined ? 'auto' : 1),
      onEvent: (event) => {
        watch.onEvent(event);
        return onEvent?.(event);
      },
      onReady: async (run) => {
        watch.onReady(run);
        await onReady?.(run);
      },
    });
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    await watch.close(failure);
  }
}

/** The data of a configuration, with classes if its system reads them. */
export function requestOf(config: ResolvedConfig, own: SystemKind | undefined): DataRequest {
  return { ...config, labels: Object.values((own ?? kindOf(config.system)).data).includes('label') };
}

/** Reports the progress of decoding pictures to the run's listener. */
const decoding = ({ onEvent = () => {} }: Pick<TrainHost, 'onEvent'>): PictureHost => ({
  onProgress: (done, total) => onEvent({ type: 'data', done, total }),
});

/** The checkpoint that a configuration's run starts from: a file, or the newest of a run's folder. */
async function startOf({ start }: ResolvedConfig, cwd: string): Promise<Uint8Array | undefined> {
  if (start === undefined) return undefined;
  const path = resolvePath(cwd, start);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return new Uint8Array(await readFile(path));
  const newest = found && (await newestCheckpoint(path)).newest;
  if (newest) return newest.bytes;
  throw new UsageError(
    'config.start: expected a checkpoint, or the folder of a run with one, got ' +
      `${found ? 'a folder without' : 'nothing'} at ${path}`,
    { code: 'config.invalid' },
  );
}

async function run(
  config: ResolvedConfig,
  { cwd = process.cwd(), ...host }: NodeTrainHost & TrainHost,
): Promise<TrainResult> {
  const features = host.features ?? (await extractorFile(config.features, cwd));
  return withRuntime(config, host, async (runtime) => {
    if (config.engine === 'tfjs') {
      const absent = await useTfjsNode();
      if (absent !== undefined) await host.onEvent?.({ type: 'warning', message: absent });
    }
    return trainParsed(config, {
      environment: nodeEnvironment(),
      peakMemory,
      ...host,
      ...(features ? { features } : {}),
      runtime,
    });
  });
}

/** Runs `work` with the host's runtime, or with a temporary one as the configuration says. */
export async function withRuntime<T>(
  { threads }: ResolvedConfig,
  host: Pick<TrainHost, 'runtime'>,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const runtime = host.runtime ?? nodeRuntime({ device: 'cpu', ...(threads === undefined ? {} : { threads }) });
  try {
    return await work(runtime);
  } finally {
    if (host.runtime === undefined) await runtime.dispose();
  }
}

/**
 * The extractor's file that `features` names; undefined for a built-in one.
 * @throws UsageError for a missing file.
 */
export async function extractorFile(features: string | undefined, cwd: string): Promise<ExtractorFile | undefined> {
  if (features === undefined || extractorNames.includes(features)) return undefined;
  const path = resolvePath(cwd, features);
  const model = await readFile(path).catch((cause: unknown) => {
    throw new UsageError(
      `features: expected an ONNX file or one of ${extractorNames.join(', ')}, got '${features}', and no file at ` +
        `${path}`,
      { code: 'config.invalid', cause },
    );
  });
  return { name: basename(path), model: new Uint8Array(model) };
}

/**
 * `fields` over `base`. Of a field that is an object, such as `rates`, the parts that are not given stay; an empty
 * object replaces it.
 */
export function merged(
  base: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const changed = Object.entries(fields).map(([name, value]): [string, unknown] => {
    const before = base[name];
    const parts = isPlain(value) && Object.keys(value).length > 0 && isPlain(before);
    return [name, parts ? { ...before, ...value } : value];
  });
  return { ...base, ...Object.fromEntries(changed) };
}

/** Parses the JSON of a file, which may begin with a byte order mark. Throws UsageError naming the file. */
export function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new UsageError(
      `${path}: expected JSON, got something else (${cause instanceof Error ? cause.message : String(cause)})`,
      { code: 'config.invalid', cause },
    );
  }
}
