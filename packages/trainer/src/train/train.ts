// `train`: from a configuration to a trained, exported generator and its report. Isomorphic; @forja/trainer/node
// provides runtime, files and environment.
import {
  describeValue,
  isForjaError,
  messageOf,
  optionsOf,
  sizeOf,
  shown,
  UsageError,
  type AbortSignalLike,
  type NamedTensors,
  type Runtime,
  type Tensor,
} from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { computedDataset, isComputed } from '../data/computed.js';
import type { Dataset } from '../data/dataset.js';
import { skippedLine } from '../data/fields.js';
import { datasetFrom, type ExampleStream } from '../data/from.js';
import type { ExtractorFile } from '../metrics/features/onnx.js';
import type { ReportData } from '../report/parts.js';
import { decodeCheckpoint, environmentChanges } from '../records/checkpoint.js';
import type { Environment } from '../records/checkpoint-head.js';
import { MemoryStore, type RunStore } from '../records/store.js';
import { checkData, checkInputs } from '../systems/check.js';
import { checkOptions } from '../export/options.js';
import type { Circumstances, OptionEntries, OptionsInput, SystemKind } from '../systems/kind.js';
import type { Schedule } from '../schedules/index.js';
import { systemOptions } from '../systems/options.js';
import { checkMade } from '../systems/made.js';
import { isProjectable } from '../systems/projector.js';
import { kindOf } from '../systems/registry.js';
import type { GanSystem } from '../systems/system.js';
import { clock } from './clock.js';
import { ownOptions, parseConfig, type ResolvedConfig, type RunConfig, type TrainConfig } from './config.js';
import { makeDiagnosing } from './diagnosing.js';
import { makeEngine } from './engine.js';
import type { TrainEvent } from './events.js';
import { phaseFeeds, previewFeeds, type PreviewFeeds } from './feeds.js';
import { finish, type Exports } from './finish.js';
import { loop, type Run, type Setback } from './loop.js';
import { makeMeasuring } from './measuring.js';
import { checkResumed, lasting } from './resumed.js';
import { makeReporting, parametersOf } from './reporting.js';
import { startFrom } from './start.js';

/** What the caller of {@link train} provides. */
export interface TrainHost {
  /** Needed for the engine `onnx`; also runs the exported model for its verification. */
  runtime?: Runtime;
  /**
   * Examples. Required in `@forja/trainer` (not in its `/node`) except for computed data (`synthetic`). A stream of
   * examples (tf.data, iterables) is read to its end, as `datasetFrom` does.
   */
  dataset?: Dataset | ExampleStream;
  /** Your own system, instead of the one that `config.system` names. */
  system?: SystemKind;
  /** Your own networks for a built-in system, by role (`g`, `d`). They are trained in place and not disposed. */
  networks?: Readonly<Record<string, tf.LayersModel>>;
  /** When aborted, the run finishes the step and saves the state; its result says `interrupted`. */
  signal?: AbortSignalLike;
  onEvent?: (event: TrainEvent) => void | Promise<void>;
  /** Called before the first step with access to the running training, such as for a live page. */
  onReady?: (run: LiveRun) => void | Promise<void>;
  /**
   * Steps per call of the runtime. Events are sent and the signal is checked between calls. `auto`: several if steps
   * are so small that a call costs as much as a step. Default: 1 with `onEvent` or `signal`, else `auto`.
   */
  stepsPerRun?: number | 'auto';
  /** Where files go. Default: memory. */
  store?: RunStore;
  /** Versions and hardware, saved in checkpoints and shown in the report. */
  environment?: Environment;
  /**
   * The most memory (resident set) that the process has had so far, in bytes, for log and report. In Node its default
   * asks the operating system; a page cannot know it.
   */
  peakMemory?: () => number;
  /** Feature extractor, instead of `config.features`: an ONNX file, and its name for score lines. */
  features?: ExtractorFile;
  /** Bytes of a checkpoint to continue from. */
  checkpoint?: Uint8Array;
  /** Continue from `checkpoint` even if the configuration differs from the one that it was made with. */
  override?: boolean;
  /**
   * Bytes of another run's checkpoint; this run starts with its tensors of the same name and shape. `config.start`
   * names its file in Node.
   */
  start?: Uint8Array;
}

/** Access to a running training for listeners of its events. Calls outside of a listener wait for the running step. */
export interface LiveRun {
  readonly system: GanSystem;
  /** A copy of all state, by variable name. */
  state(): Promise<NamedTensors>;
  /**
   * Applies a network of the system, by role (`g`, `d`), to inputs in its own order, with the present weights.
   * @throws UsageError for an unknown role.
   */
  evaluate(role: string, inputs: NamedTensors): Promise<Tensor>;
  /**
   * The data that `report.html` would show now, or shows after the end. May be called at any time; the first call reads
   * the log.
   */
  report(): Promise<ReportData>;
}

/** Names of the options in {@link TrainHost}, except `checkpoint` and `override`. */
export const HOST_OPTIONS =
  'dataset environment features networks onEvent onReady peakMemory runtime signal start stepsPerRun store system';

/** A host with a system of your own, whose options are then typed. */
export type OwnSystemHost<E extends OptionEntries> = Omit<TrainHost, 'system'> & { system: SystemKind<E> };

/** A configuration for your own system: the run's fields and the system's. */
export type OwnConfig<E extends OptionEntries> = RunConfig & { system?: string } & OptionsInput<E>;

/** Result of a run, with `models` if it has finished. */
export interface TrainResult extends Partial<Exports> {
  /** Steps done. */
  step: number;
  reason: 'finished' | 'interrupted';
  /** Seconds of training over all sessions. */
  seconds: number;
  /** The device that ran the steps. */
  device: string;
  store: RunStore;
}

/**
 * Trains a system and exports its generators.
 * @throws UsageError `config.invalid` with a line for each wrong field, and for a system that breaks its contract;
 * ForjaError `train.nan` if a scalar or the state is not finite, `checkpoint.format` or `checkpoint.mismatch` for a
 * checkpoint that is damaged or from another configuration.
 */
export function train(config: TrainConfig, host?: TrainHost): Promise<TrainResult>;
export function train<E extends OptionEntries>(config: OwnConfig<E>, host: OwnSystemHost<E>): Promise<TrainResult>;
export async function train(
  config: object,
  host: Omit<TrainHost, 'system'> & { system?: unknown } = {},
): Promise<TrainResult> {
  optionsOf('train.host', host as TrainHost, `${HOST_OPTIONS} checkpoint override`);
  return trainParsed(parseConfig(config, host.system as SystemKind | undefined), host as TrainHost);
}

/** {@link train} with a parsed configuration. */
export async function trainParsed(parsed: ResolvedConfig, host: TrainHost): Promise<TrainResult> {
  const { onEvent = () => {}, store = new MemoryStore(), environment = {}, signal, runtime } = host;
  const { stepsPerRun = host.onEvent === undefined && signal === undefined ? 'auto' : 1 } = host;
  if (stepsPerRun !== 'auto' && !(Number.isInteger(stepsPerRun) && stepsPerRun >= 1))
    throw new UsageError(`train.host.stepsPerRun: expected 'auto' or a whole number ≥ 1, got ${shown(stepsPerRun)}`);
  const dataset = host.dataset === undefined ? datasetOf(parsed) : await datasetFrom(host.dataset);
  const setback: Setback = { count: 0 };
  const { system: made, config } = prepare(parsed, dataset, host);
  const system = slowed(made, () => config.onNan.rates ** setback.count);
  try {
    const { seed, batch } = config;
    const feeds = system.phases.map((phase) => phaseFeeds(system, phase, dataset, seed, batch));
    const probeFeeds = system.probe && phaseFeeds(system, system.probe, dataset, seed, batch);
    const { engine: kind, lowering, threads } = config;
    const engine = await makeEngine({ kind, system, seed, feeds, probeFeeds, runtime, lowering, threads });
    try {
      const now: Environment = {
        ...environment,
        tfjs: tf.version.tfjs,
        engine: engine.device,
        lowering,
      };
      const kept = lasting(config);
      const identity = { system: system.name, seed, batch, count: dataset.count, environment: now, config: kept };
      const left = skippedLine(dataset);
      if (left !== undefined) await onEvent({ type: 'warning', message: left });
      const from = host.checkpoint && (await decodeCheckpoint(host.checkpoint));
      if (from) {
        const changed = checkResumed(from, identity, { own: host.system, override: host.override });
        if (changed !== undefined) await onEvent({ type: 'warning', message: changed });
        await engine.load(from.state);
        await store.dropAfter?.(from.step); // not before the checkpoint is accepted: a refusal deletes nothing
        engine.step = from.step;
        engine.detour = setback.count = from.rollbacks ?? 0;
        for (const [name, saved] of Object.entries(from.schedules ?? {})) system.schedules[name]?.memory?.load(saved);
        const changes = environmentChanges(from.environment, now);
        if (changes.length > 0)
          await onEvent({
            type: 'warning',
            message: `resumed in another environment, so results may differ in their last bits: ${changes.join('; ')}`,
          });
      }
      if (!from && host.start) await onEvent({ type: 'warning', message: await startFrom(engine, system, host.start) });
      const time = clock(batch, from?.seconds ?? 0);
      const measuring = await makeMeasuring({
        config,
        system,
        engine,
        dataset,
        runtime,
        clock: time,
        features: host.features,
        before: await store.measures(),
      });
      const { options: entries, data } = host.system ?? kindOf(config.system);
      const options = new Set(Object.keys(entries));
      const reads = new Set(Object.values(data));
      const modes =
        dataset.modes && dataset.modes.centres.length / sizeOf(Object.values(dataset.fields)[0]?.shape ?? []);
      const diagnosing = makeDiagnosing({ config, options, reads, modes, engine, store });
      await diagnosing.recall();
      try {
        const previews = await previewsOf(system, dataset, seed);
        const reporting = makeReporting({
          config,
          system,
          engine,
          measuring,
          previews,
          store,
          clock: time,
          dataset,
          peakMemory: host.peakMemory,
        });
        const run: Run = {
          config,
          system,
          engine,
          measuring,
          diagnosing,
          reporting,
          previews,
          identity,
          store,
          clock: time,
          peakMemory: host.peakMemory,
          emit: onEvent,
          signal,
          stepsPerRun: stepsPerRun === 'auto' ? engine.stepsPerRun : stepsPerRun,
          setback,
        };
        await store.write('config.json', `${JSON.stringify(config, null, 2)}\n`);
        const sessions = (await store.sessions()).filter(({ fromStep }) => fromStep < engine.step);
        sessions.push({ fromStep: engine.step, device: engine.device, environment: now });
        await store.write('sessions.json', `${JSON.stringify(sessions, null, 2)}\n`);
        await onEvent({
          type: 'start',
          config,
          step: engine.step,
          device: engine.device,
          examples: dataset.count,
          where: store.where,
          parameters: parametersOf(run),
        });
        const { report } = reporting;
        await host.onReady?.({ system, state: engine.state, evaluate: engine.evaluate, report });
        const reason = await loop(run);
        const exported = reason === 'finished' ? await finish(run, dataset, runtime) : {};
        await onEvent({ type: 'end', step: engine.step, reason });
        return { step: engine.step, reason, seconds: run.clock.seconds(), device: engine.device, store, ...exported };
      } finally {
        await measuring?.dispose();
      }
    } finally {
      await engine.dispose();
    }
  } finally {
    system.dispose();
  }
}

/**
 * Returns the system that a configuration describes for these data, and the configuration with the values that follow
 * from the data.
 * @throws UsageError `config.invalid` if they do not fit each other.
 */
export function prepare(
  config: ResolvedConfig,
  dataset: Dataset,
  { system: own, networks = {} }: Pick<TrainHost, 'system' | 'networks'> = {},
): { system: GanSystem; config: ResolvedConfig } {
  const kind = own ?? kindOf(config.system);
  checkData(kind, dataset);
  checkSize(config, dataset);
  const stranger = Object.keys(networks).find((role) => !kind.roles.includes(role));
  if (stranger !== undefined)
    throw new UsageError(
      `train.host.networks: expected roles of the system '${kind.name}' (${kind.roles.join(', ')}), got '${stranger}'`,
      { code: 'config.invalid' },
    );
  for (const [role, network] of Object.entries(networks) as [string, unknown][])
    if (!(network instanceof tf.LayersModel))
      throw new UsageError(
        `train.host.networks.${role}: expected a tf.LayersModel, got ${describeValue(network)}; ` +
          'it must come from the same copy of tfjs',
        { code: 'config.invalid' },
      );
  const parsed = systemOptions(kind, ownOptions(kind, config));
  const options = kind.fit?.(parsed, dataset) ?? parsed;
  const { batch, seed, steps, sampleCount: samples } = config;
  const made = makeOf(kind, own !== undefined, options, { batch, seed, steps, samples, networks, data: dataset });
  const system = checkMade(kind.name, made);
  try {
    checkInputs(system, dataset);
    // now rather than at the end of the run, when it is exported
    for (const [name, { inputs, outputs }] of Object.entries({ ...system.outputs, ...system.discriminators }))
      checkOptions({ inputs: [...inputs], outputs: [...outputs] }, `system '${kind.name}', output '${name}'`);
    if (config.exportDiscriminator && Object.keys(system.discriminators ?? {}).length === 0)
      throw new UsageError(
        'config.exportDiscriminator: expected a discriminator that judges examples one by one, got the ' +
          `system '${system.name}', which has none with these options; leave it out`,
        { code: 'config.invalid' },
      );
    if (config.exportProjector && !Object.values(system.outputs).some(isProjectable))
      throw new UsageError(
        'config.exportProjector: expected a generator of pictures from latents, got the ' +
          `system '${system.name}', which has none; leave it out`,
        { code: 'config.invalid' },
      );
  } catch (error) {
    system.dispose();
    throw error;
  }
  return { system, config: { ...config, ...options } };
}

/** What `make` of the kind returns; a failure of a user's own is said to be theirs. */
function makeOf(kind: SystemKind, own: boolean, options: Record<string, unknown>, at: Circumstances): unknown {
  try {
    return kind.make(options, at);
  } catch (cause) {
    if (!own || isForjaError(cause)) throw cause;
    throw new UsageError(`system '${kind.name}': make failed: ${messageOf(cause)}`, { code: 'config.invalid', cause });
  }
}

/** The system with its learning rates (schedules named `rate…`) multiplied by a factor that may change. */
function slowed(system: GanSystem, factor: () => number): GanSystem {
  const schedules = Object.entries(system.schedules).map(([name, schedule]): [string, Schedule] => {
    const slower = (step: number): number => schedule(step) * factor();
    const { memory } = schedule;
    return [name, name.startsWith('rate') ? Object.assign(slower, memory === undefined ? {} : { memory }) : schedule];
  });
  return { ...system, schedules: Object.fromEntries(schedules) };
}

/** Refuses a dataset of the caller whose size differs from the configuration's: only loaders resize. */
function checkSize({ size, channels }: ResolvedConfig, { fields, name }: Dataset): void {
  const [height, width, depth] = fields['image']?.shape ?? [];
  const refuse = (field: string, wanted: unknown, got: unknown): never => {
    throw new UsageError(`config.${field}: expected ${shown(wanted)}, as ${name} has, got ${shown(got)}`, {
      code: 'config.invalid',
    });
  };
  if (height === undefined) return;
  if (size !== undefined && (size !== height || size !== width)) refuse('size', height, size);
  if (channels !== undefined && channels !== depth) refuse('channels', depth, channels);
}

async function previewsOf(system: GanSystem, dataset: Dataset, seed: number): Promise<Map<string, PreviewFeeds>> {
  const previews = new Map<string, PreviewFeeds>();
  for (const [name, output] of Object.entries(system.outputs)) {
    const feeds = await previewFeeds(output, dataset, seed);
    if (feeds) previews.set(name, feeds);
  }
  return previews;
}

function datasetOf({ data }: ResolvedConfig): Dataset {
  if (isComputed(data)) return computedDataset(data);
  throw new UsageError(
    `train.host.dataset: expected a dataset, got none, and files (config.data.kind '${data.kind}') ` +
      'are read by @forja/trainer/node only; pass one made by idxDataset() or arrayDataset(), or import ' +
      'train from @forja/trainer/node',
  );
}
