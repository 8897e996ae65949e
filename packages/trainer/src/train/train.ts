// `train`: from a configuration to a trained, exported generator and its report. Isomorphic; @forja/trainer/node fills
// runtime, files and environment in.
import { UsageError, latents, type AbortSignalLike, type Runtime } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Dataset } from '../data/dataset.js';
import { imagesOf } from '../data/images-of.js';
import { batchReader } from '../data/order.js';
import { syntheticDataset } from '../data/synthetic.js';
import { constantRate, cosineDecay, linearDecay, type Schedule } from '../schedules/index.js';
import { systems } from '../systems/index.js';
import type { GanSystem } from '../systems/system.js';
import { decodeCheckpoint, environmentChanges, type Checkpoint, type Environment } from '../records/checkpoint.js';
import { clock } from './clock.js';
import { parseConfig, type ResolvedConfig, type TrainConfig } from './config.js';
import { makeEngine } from './engine.js';
import type { TrainEvent } from './events.js';
import { finish } from './finish.js';
import { loop, type Run } from './loop.js';
import { MemoryStore, type RunStore } from '../records/store.js';

/** What a run gets from its surroundings. */
export interface TrainHost {
  /** Needed for the engine `onnx`; also runs the exported model for its verification. */
  runtime?: Runtime;
  /** Examples; needed in `.` for every kind of data but `synthetic`. */
  dataset?: Dataset;
  /** Aborted: the step is finished, the state saved, and the result says `interrupted`. */
  signal?: AbortSignalLike;
  onEvent?: (event: TrainEvent) => void | Promise<void>;
  /**
   * Steps that share a call of the runtime. Events come and the signal is looked at between calls. `auto`: several
   * where steps are so small that calls would cost as much. Default: 1 with `onEvent` or `signal`, else `auto`.
   */
  stepsPerRun?: number | 'auto';
  /** Where files go. Default: memory. */
  store?: RunStore;
  /** Versions and hardware, saved in checkpoints and shown in the report. */
  environment?: Environment;
  /** Bytes of a checkpoint to go on from. */
  checkpoint?: Uint8Array;
}

/** What a run ends with. */
export interface TrainResult {
  /** Steps done. */
  step: number;
  reason: 'finished' | 'interrupted';
  /** Seconds of training over all sessions. */
  seconds: number;
  /** What ran the steps. */
  device: string;
  store: RunStore;
  /** The averaged generator as ONNX, NCHW, compared with tfjs; not there after an interruption. */
  model?: Uint8Array;
  /** Largest error of the export against tfjs, relative as design section 7 says it. */
  exportError?: number;
}

/**
 * Trains a system and exports its averaged generator.
 * @throws UsageError `config.invalid` with a line for each wrong field; ForjaError `train.nan` when a loss or the state
 * stops being finite, `checkpoint.format` or `checkpoint.mismatch` for a checkpoint that is damaged or of another
 * configuration.
 */
export async function train(config: TrainConfig, host: TrainHost = {}): Promise<TrainResult> {
  const parsed = parseConfig(config);
  const dataset = host.dataset ?? datasetOf(parsed);
  const resolved = fitted(parsed, dataset);
  const { onEvent = () => {}, store = new MemoryStore(), environment = {}, signal, runtime } = host;
  const { stepsPerRun = host.onEvent === undefined && signal === undefined ? 'auto' : 1 } = host;
  if (stepsPerRun !== 'auto' && !(Number.isInteger(stepsPerRun) && stepsPerRun >= 1))
    throw new UsageError(`train.host.stepsPerRun: expected 'auto' or a whole number ≥ 1, got ${String(stepsPerRun)}`);

  const system = systemOf(resolved, dataset);
  try {
    const engine = await makeEngine({
      kind: resolved.engine,
      system,
      seed: resolved.seed,
      samples: resolved.sampleCount,
      runtime,
      lowering: resolved.lowering,
      threads: resolved.threads,
    });
    try {
      const { system: name, seed, batch } = resolved;
      const now: Environment = {
        ...environment,
        tfjs: tf.version.tfjs,
        engine: engine.device,
        lowering: resolved.lowering,
      };
      const identity = { system: name, seed, batch, count: dataset.count, environment: now };
      const from = host.checkpoint && (await decodeCheckpoint(host.checkpoint));
      if (from) {
        refuseOther(from, identity);
        await engine.load(from.state);
        engine.step = from.step;
        const changes = environmentChanges(from.environment, now);
        if (changes.length > 0)
          await onEvent({
            type: 'warning',
            message: `resumed elsewhere than saved, so not bit for bit: ${changes.join('; ')}`,
          });
      }
      const run: Run = {
        config: resolved,
        system,
        engine,
        batches: imageBatches(dataset, seed, batch),
        rates: ratesOf(resolved),
        fixed: latents(seed, 0, resolved.sampleCount, system.sample.latent),
        identity,
        store,
        clock: clock(batch, from?.seconds ?? 0),
        emit: onEvent,
        signal,
        stepsPerRun: stepsPerRun === 'auto' ? engine.stepsPerRun : stepsPerRun,
      };
      await store.write('config.json', `${JSON.stringify(resolved, null, 2)}\n`);
      const sessions = (await store.sessions()).filter(({ fromStep }) => fromStep < engine.step);
      await store.write(
        'sessions.json',
        `${JSON.stringify([...sessions, { fromStep: engine.step, device: engine.device, environment: now }], null, 2)}\n`,
      );
      await onEvent({
        type: 'start',
        config: resolved,
        step: engine.step,
        device: engine.device,
        examples: dataset.count,
        where: store.where,
        parameters: { generator: system.generator.countParams(), discriminator: system.discriminator.countParams() },
      });
      const reason = await loop(run);
      const exported = reason === 'finished' ? await finish(run, dataset, runtime) : {};
      await onEvent({ type: 'end', step: engine.step, reason });
      return { step: engine.step, reason, seconds: run.clock.seconds(), device: engine.device, store, ...exported };
    } finally {
      await engine.dispose();
    }
  } finally {
    system.dispose();
  }
}

/** Batches of the dataset's pictures or points. */
function imageBatches(dataset: Dataset, seed: number, batch: number): (step: number) => Promise<Float32Array> {
  const { field } = imagesOf(dataset);
  const read = batchReader(dataset, seed, batch, [field]);
  return async (step) => (await read(step))[field] as Float32Array; // pictures and points are float32
}

/** The system a configuration names, for the data's shape. */
export function systemOf(config: ResolvedConfig, dataset: Dataset): GanSystem {
  const { base, baseD, latent, batch, loss, ema, emaWarmup, emaStatistics, labelSmoothing, seed, pool } = config;
  const shared = { batch, latent, loss, ema, emaWarmup, emaStatistics, labelSmoothing, seed };
  if (config.system === 'mlp')
    return systems.mlp({ ...shared, size: imagesOf(dataset).shape[0] ?? 2, hidden: base, hiddenD: baseD ?? base });
  const [size = 28, , channels = 1] = imagesOf(dataset).shape;
  return systems.dcgan({
    ...shared,
    size,
    channels,
    base,
    ...(baseD === undefined ? {} : { baseD }),
    ...(pool === undefined ? {} : { pool }),
  });
}

/** The configuration with the data's size and channels; refuses what does not fit. */
export function fitted(config: ResolvedConfig, dataset: Dataset): ResolvedConfig {
  const { shape, name } = imagesOf(dataset);
  if (config.system === 'mlp') {
    if (shape.length !== 1)
      throw new UsageError(
        `config.data: expected points for the system 'mlp', got examples of shape [${shape.join(', ')}] from ${name}`,
        { code: 'config.invalid' },
      );
    return config;
  }
  const [height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 3)
    throw new UsageError(
      `config.data: expected pictures for the system 'dcgan', got examples of shape [${shape.join(', ')}] from ${name}`,
      { code: 'config.invalid' },
    );
  if (height !== width || height % 4 !== 0)
    throw new UsageError(
      `config.data: expected square pictures whose edge is a multiple of 4, got ${height} × ${width} from ${name}; a folder's are resized to config.size`,
      { code: 'config.invalid' },
    );
  if (config.size !== undefined && config.size !== height)
    throw new UsageError(`config.size: expected ${height}, the size of ${name}, got ${config.size}`, {
      code: 'config.invalid',
    });
  if (config.channels !== undefined && config.channels !== channels)
    throw new UsageError(`config.channels: expected ${channels}, as ${name} has, got ${config.channels}`, {
      code: 'config.invalid',
    });
  // in the order of a parsed one, so that a resume writes the same file
  return parseConfig({ ...config, size: height, channels });
}

/** Rates of each step: constant, or falling to a tenth at the last. */
export function ratesOf({
  rates,
  schedule,
  steps,
}: Pick<ResolvedConfig, 'rates' | 'schedule' | 'steps'>): (step: number) => { g: number; d: number } {
  const made: Record<ResolvedConfig['schedule'], (rate: number) => Schedule> = {
    constant: constantRate,
    linear: (rate) => linearDecay(rate, rate / 10, steps),
    cosine: (rate) => cosineDecay(rate, rate / 10, steps),
  };
  const [g, d] = [made[schedule](rates.g), made[schedule](rates.d)];
  return (step) => ({ g: g(step), d: d(step) });
}

function datasetOf({ data }: ResolvedConfig): Dataset {
  if (data.kind === 'synthetic') return syntheticDataset(data);
  throw new UsageError(
    `train.host.dataset: expected a dataset, got none, and files (config.data.kind '${data.kind}') are read by @forja/trainer/node only; pass one made by idxDataset() or arrayDataset(), or import train from @forja/trainer/node`,
  );
}

function refuseOther(from: Checkpoint, identity: Run['identity']): void {
  for (const key of ['system', 'seed', 'batch', 'count'] as const) {
    if (from[key] !== identity[key])
      throw new UsageError(
        `resume: expected a checkpoint with ${key} ${identity[key]}, got ${from[key]}; resume with the configuration that it was made with`,
        { code: 'config.invalid' },
      );
  }
}
