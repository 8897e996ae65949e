// One onnxruntime session and its state, in the executing thread. Independent of queues and messages.
import {
  AS_WRITTEN,
  countNodes,
  declaredShapes,
  externalLocations,
  ForjaError,
  inPrecision,
  ModelFormatError,
  runFailure,
  specsOf,
  UsageError,
} from '@forja/core';
import type { DeviceReport, NamedTensors, Tensor, TensorSpec } from '@forja/core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { ExecutorOptions, ExecutorSessionOptions } from './contract.js';
import type { Device } from './devices/index.js';
import { failed, obstacle, rungs, unavailable } from './ladder.js';
import { halfOf, lowerForCpu } from './lower.js';
import { createError } from './ort.js';
import { placementOf } from './placement.js';
import type { ReadBack } from './read-back.js';
import type { SharedSlots } from './slots.js';
import { SessionState } from './state.js';
import { bytesFor, fromOrt, toOrt } from './tensors.js';
import type { Ort } from './tensors.js';

/** The parts of an executor that its sessions share. */
export interface Surroundings {
  slots: SharedSlots;
  readBack: ReadBack;
}

/** A session with its state. */
export class OrtSession {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly device: DeviceReport;
  readonly #ort: Ort;
  readonly #session: InferenceSession;
  readonly #state: SessionState;

  /** Whether runs write state into the buffers given to them. */
  readonly #inPlace: boolean;

  private constructor(
    ort: Ort,
    session: InferenceSession,
    model: Uint8Array,
    report: DeviceReport,
    device: Device,
    options: ExecutorSessionOptions,
    around: Surroundings,
  ) {
    this.#ort = ort;
    this.#session = session;
    this.device = report;
    this.#inPlace = device.state === 'in-place';
    this.inputs = specsOf(model, session.inputMetadata);
    this.outputs = specsOf(model, session.outputMetadata);
    const reader =
      device.state === 'gpu-buffer' ? (tensor: OrtTensor) => around.readBack.read(ort, device.name, tensor) : undefined;
    this.#state = new SessionState(ort, options.state ?? {}, around.slots, this.inputs, this.outputs, reader);
  }

  /**
   * Tries the candidate devices (ladder.ts) in order with this model. A bad model is reported as such, not as a missing
   * device. `around` has the shared state that the options refer to.
   */
  static async create(
    model: Uint8Array,
    host: ExecutorOptions,
    options: ExecutorSessionOptions,
    around: Surroundings,
  ): Promise<OrtSession> {
    // onnxruntime would look for files that were not given in the working folder, which must not be read.
    const missing = externalLocations(model).find((location) => !options.external?.has(location));
    if (missing !== undefined)
      throw new ModelFormatError(
        'model.notFound',
        `model: expected its external data '${missing}' in the option 'external', got none`,
      );
    const reasons: string[] = [];
    const ladder = rungs(host.device);
    for (const device of ladder) {
      const reason = obstacle(device, host.device);
      if (reason !== undefined) {
        reasons.push(reason);
        continue;
      }
      let ort: Ort;
      try {
        ort = await device.load();
      } catch (error) {
        reasons.push(`${device.name}: ${error instanceof Error ? error.message : String(error)}`);
        continue;
      }
      try {
        return await OrtSession.#inPrecision(ort, model, device, reasons, host, options, around);
      } catch (error) {
        const failure = createError(error);
        // An unreadable file fails on every device; any other error may be caused by this provider, so the next one is
        // tried. On the last one, an error about the model is thrown as it is.
        const last = device === ladder.at(-1) && failure instanceof ModelFormatError;
        if (device.final === true || last || failure instanceof UsageError) throw failure;
        // After a lost device, another executor tries again.
        if (failure.code === 'model.format' || failure.code === 'device.lost') throw failure;
        reasons.push(failed(device, failure.message));
      }
    }
    throw unavailable(host.device, reasons);
  }

  static async #inPrecision(
    ort: Ort,
    model: Uint8Array,
    device: Device,
    reasons: string[],
    host: ExecutorOptions,
    options: ExecutorSessionOptions,
    around: Surroundings,
  ): Promise<OrtSession> {
    const attempt = (bytes: Uint8Array, own: ExecutorSessionOptions): Promise<OrtSession> =>
      OrtSession.#attempt(ort, bytes, device, reasons, host, own, around);
    return inPrecision(await attempt(model, options), {
      asked: options.precision ?? 'auto',
      strict: options.strict ?? false,
      model,
      obstacle: device.withoutHalf ?? (options.state ? 'models with state keep their precision' : undefined),
      openHalf: async () => {
        const { external: files, ...own } = options;
        const half = await halfOf(model, files);
        if (half === undefined) return undefined;
        const session = await attempt(half, own);
        session.device.precision = 'fp16';
        return session;
      },
    });
  }

  static async #attempt(
    ort: Ort,
    model: Uint8Array,
    device: Device,
    reasons: string[],
    host: ExecutorOptions,
    options: ExecutorSessionOptions,
    around: Surroundings,
  ): Promise<OrtSession> {
    const threads = device.native ? (options.threads ?? host.threads) : 1;
    const report: DeviceReport = {
      requested: host.device,
      actual: device.name,
      reasons: [...reasons],
      threads,
      executor: host.executor,
      placement: {},
      cpuOps: [],
    };
    const nodes = countNodes(model);
    const open = (
      strict: boolean,
      bytes = model,
      more: InferenceSession.SessionOptions = {},
    ): Promise<InferenceSession> =>
      ort.InferenceSession.create(bytesFor(ort, bytes), {
        ...settings(ort, model, device, threads, strict, options),
        ...external(ort, options),
        ...more,
      });
    let session: InferenceSession;
    if (!device.leavesNodes) {
      const lowers = device.lowers === true && options.lowering === 'auto' && !options.state;
      const lowered = lowers ? await lowerForCpu(model) : undefined;
      session = await open(false, lowered?.bytes);
      report.placement = { [device.name]: nodes };
      if (lowered) report.convolutions = lowered.convolutions;
    } else {
      try {
        // First without the CPU fallback: if this succeeds, every node runs on the requested device, and the report can
        // say so.
        session = await open(true);
        report.placement = { [device.name]: nodes };
      } catch (error) {
        if (options.strict || createError(error) instanceof ModelFormatError) throw error;
        if (!/fallback/i.test(String(error))) throw error;
        const found = await placementOf(ort, model, (profile) => open(false, model, profile));
        session = await open(false);
        Object.assign(report, found);
        const all = Object.values(report.placement).reduce((sum, count) => sum + count, 0);
        report.reasons.push(
          `${device.name}: ${found ? `${report.placement['cpu'] ?? 0} of ${all}` : 'some'} nodes run on the ` +
            `CPU${found ? `: ${report.cpuOps.join(', ')}` : ''}`,
        );
      }
    }
    try {
      return new OrtSession(ort, session, model, report, device, options, around);
    } catch (error) {
      await session.release(); // would leak otherwise
      throw error;
    }
  }

  /** One run. The state advances only if the whole run succeeds. */
  async run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors> {
    const inputs: Record<string, OrtTensor> = await this.#state.feeds();
    for (const name in feeds) inputs[name] = toOrt(this.#ort, feeds[name] as Tensor);
    const fetches: Record<string, OrtTensor | null> = this.#state.targets;
    if (!this.#inPlace) for (const name in fetches) fetches[name] = null;
    for (const name of outputs) if (!Object.hasOwn(fetches, name)) fetches[name] = null;
    if (Object.keys(fetches).length === 0) return {};
    let fetched: Readonly<Record<string, OrtTensor>>;
    try {
      // The cast: `run` returns tensors by name, because models with outputs of other types were refused.
      fetched = (await this.#session.run(inputs, fetches)) as unknown as Record<string, OrtTensor>;
    } catch (error) {
      throw runFailure(error, feeds, this.inputs);
    }
    if (!this.#inPlace) this.#state.take(fetched);
    this.#state.advance();
    const results: NamedTensors = {};
    for (const name of outputs) {
      const value = fetched[name];
      if (!value) throw new ForjaError('internal', `run: onnxruntime returned no '${name}'`);
      const state = this.#state.written(name);
      results[name] = state ? await state : fromOrt(value);
    }
    return results;
  }

  /** Copies of the state. */
  readState(names: readonly string[] | undefined): Promise<NamedTensors> {
    return this.#state.read(names);
  }

  /** Replaces state. */
  writeState(values: NamedTensors): void {
    this.#state.write(values);
  }

  /** Frees the native session. */
  async release(): Promise<void> {
    await this.#state.free();
    await this.abandon();
  }

  /** Frees the native session after its device was lost. */
  async abandon(): Promise<void> {
    await this.#session.release();
  }
}

/** How long an idle thread of the pool spins: long enough to be awake when a caller asks for the next picture. */
const SPIN_MICROSECONDS = '500';

/**
 * Without a limit, threads spin for some 50 ms after a run and take the cores from whatever runs next. onnxruntime has
 * a limit since 1.30 at the latest; earlier versions can only stop at the end of each run.
 */
function spin({ env }: Ort): Record<string, unknown> {
  const [major = 0, minor = 0] = (env.versions.node ?? env.versions.common).split('.').map(Number);
  return major > 1 || minor >= 30
    ? { intra_op: { spin_duration_us: SPIN_MICROSECONDS } }
    : { force_spinning_stop: '1' };
}

function settings(
  ort: Ort,
  model: Uint8Array,
  device: Device,
  threads: number,
  strict: boolean,
  options: ExecutorSessionOptions,
): InferenceSession.SessionOptions {
  const common = {
    executionProviders: [device.name],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: { session: AS_WRITTEN },
  } as const;
  if (!device.native) return common;
  // Values of `extra` must be strings; undefined throws.
  const spinning =
    options.spinning === false ? { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } : spin(ort);
  const fallback = strict ? { disable_cpu_ep_fallback: '1' } : {};
  return {
    ...common,
    ...(device.state === 'gpu-buffer' ? staying(model, options) : {}),
    intraOpNumThreads: threads,
    extra: { session: { ...AS_WRITTEN, ...spinning, ...fallback } },
  };
}

/** Options that keep written state in GPU buffers. Unknown names are refused later. */
function staying(model: Uint8Array, { state = {} }: ExecutorSessionOptions): InferenceSession.SessionOptions {
  const known = declaredShapes(model);
  const names = Object.values(state).flatMap(({ output = '' }) => (known.has(output) ? [output] : []));
  return names.length === 0
    ? {}
    : { preferredOutputLocation: Object.fromEntries(names.map((name) => [name, 'gpu-buffer'])) };
}

function external(ort: Ort, { external: files }: ExecutorSessionOptions): InferenceSession.SessionOptions {
  return files ? { externalData: [...files].map(([path, data]) => ({ path, data: bytesFor(ort, data) })) } : {};
}
