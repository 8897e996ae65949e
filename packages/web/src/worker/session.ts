// One onnxruntime session and its state, in the worker. The caller (executor.ts) ensures that only one runs at a time.
import { AS_WRITTEN, copyOf, countNodes, runFailure, specsOf } from '@forja/core';
import type { DeviceReport, NamedTensors, TensorSpec } from '@forja/core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web/wasm';
import type { PostedSessionOptions } from '../protocol.js';
import { entered, leaving, lossOf } from './ort.js';
import type { OrtBuild } from './ort.js';
import { consoleIsWatched, withPlacement } from './placement.js';
import type { Placement } from './placement.js';
import { createRefusal } from './refusal.js';
import type { SharedSlots } from './slots.js';
import { SessionState } from './state.js';
import { fromOrt, toOrt } from './tensors.js';

/** Element types whose state may stay in GPU buffers; state of other types is kept in CPU memory. */
const ON_GPU: ReadonlySet<string> = new Set(['float32', 'float16', 'int32']);

/** A model in memory, with its external data by location. */
export interface ModelFiles {
  model: Uint8Array;
  external: ReadonlyMap<string, Uint8Array>;
}

/** A session with its state. */
export class WorkerSession {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly device: DeviceReport;
  readonly #build: OrtBuild;
  readonly #session: InferenceSession;
  readonly #state: SessionState;

  private constructor(
    build: OrtBuild,
    session: InferenceSession,
    model: Uint8Array,
    device: DeviceReport,
    state: SessionState,
  ) {
    this.#build = build;
    this.#session = session;
    this.device = device;
    this.inputs = specsOf(model, session.inputMetadata);
    this.outputs = specsOf(model, session.outputMetadata);
    state.check(this.inputs, this.outputs);
    this.#state = state;
  }

  /**
   * Makes the session on the build's device. onnxruntime's errors become ours. `shared` finds the state that the
   * options refer to.
   */
  static async create(
    build: OrtBuild,
    { model, external }: ModelFiles,
    device: DeviceReport,
    options: PostedSessionOptions,
    shared: SharedSlots,
  ): Promise<WorkerSession> {
    const { name: provider, gpu: onGpu } = build.device;
    const state = new SessionState(options.state ?? {}, shared);
    const location: Record<string, 'gpu-buffer'> = {};
    if (onGpu)
      for (const [output, { spec }] of state.written) if (ON_GPU.has(spec.dtype)) location[output] = 'gpu-buffer';
    const open = ({ strict = false, verbose = false }): Promise<InferenceSession> =>
      build.ort.InferenceSession.create(model, {
        executionProviders: [provider],
        graphOptimizationLevel: 'all',
        logSeverityLevel: verbose ? 0 : 2,
        ...(Object.keys(location).length > 0 ? { preferredOutputLocation: location } : {}),
        extra: { session: { ...AS_WRITTEN, ...(strict ? { disable_cpu_ep_fallback: '1' } : {}) } },
        ...(external.size > 0 ? { externalData: [...external].map(([path, data]) => ({ path, data })) } : {}),
      });
    let session: InferenceSession;
    try {
      if (build.lost) throw build.lost;
      const made = onGpu ? await openOnGpu(open, model, options.strict === true) : await openOnCpu(open, model);
      session = made.value;
      device = { ...device, placement: made.placement, cpuOps: onGpu ? made.cpuOps : [] };
      await entered(build);
    } catch (error) {
      throw (await lossOf(build)) ?? createRefusal(error);
    }
    try {
      return new WorkerSession(build, session, model, device, state);
    } catch (error) {
      leaving(build);
      await session.release();
      throw error;
    }
  }

  /**
   * One run. The state advances only if the whole run succeeds. Throws if the device was lost, because results may then
   * be empty.
   */
  async run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors> {
    if (this.#build.lost) throw this.#build.lost; // onnxruntime would wait for ever
    const { written } = this.#state;
    const inputs = await this.#state.feeds(this.#build);
    for (const [name, tensor] of Object.entries(feeds)) inputs[name] = toOrt(this.#build.ort, tensor);
    let fetched: InferenceSession.OnnxValueMapType;
    const results: NamedTensors = {};
    try {
      fetched = await this.#session.run(inputs, [...new Set([...outputs, ...written.keys()])], {
        logSeverityLevel: 3,
      });
      for (const name of outputs) {
        const value = fetched[name];
        if (value) results[name] = written.has(name) ? copyOf(await fromOrt(value, false)) : await fromOrt(value);
      }
    } catch (error) {
      throw (await lossOf(this.#build)) ?? runFailure(error, feeds, this.inputs);
    }
    const { lost } = this.#build;
    if (lost) throw lost;
    // The cast: `run` returns tensors by name, because models with outputs of other types were refused.
    this.#state.take(this.#build, fetched as Readonly<Record<string, OrtTensor>>);
    return results;
  }

  /** Copies of the state; GPU buffers are read back, and uploaded again by the next run. */
  async readState(names: readonly string[] | undefined): Promise<NamedTensors> {
    if (this.#build.lost) throw this.#build.lost;
    return this.#state.read(names);
  }

  /** Replaces state; all values are checked before any is replaced. */
  writeState(values: NamedTensors): void {
    this.#state.write(values);
  }

  /** Whether releasing this session destroys a GPU device. Values to keep must be moved to the CPU before that. */
  get holdsDevice(): boolean {
    const { live, gpu, lost } = this.#build;
    return live === 1 && gpu !== undefined && lost === undefined;
  }

  /** Frees GPU buffers and the session. */
  async release(): Promise<void> {
    this.#state.release();
    leaving(this.#build);
    await this.#session.release();
  }
}

/** Opens on the CPU; the node count comes from onnxruntime's log if the console can be read, else from the file. */
async function openOnCpu(open: Open, model: Uint8Array): Promise<{ value: InferenceSession } & Placement> {
  if (!consoleIsWatched()) return { value: await open({}), placement: { cpu: countNodes(model) }, cpuOps: [] };
  return withPlacement(() => open({ verbose: true }));
}

type Open = (how: { strict?: boolean; verbose?: boolean }) => Promise<InferenceSession>;

/**
 * Opens first without the CPU: if that succeeds, every node is on the GPU. Otherwise opens once in verbose mode to
 * learn the placement, and again without it, because a verbose session would log a line for every GPU program of every
 * run (measured: 50 µs per line).
 */
async function openOnGpu(
  open: Open,
  model: Uint8Array,
  strict: boolean,
): Promise<{ value: InferenceSession } & Placement> {
  try {
    return { value: await open({ strict: true }), placement: { webgpu: countNodes(model) }, cpuOps: [] };
  } catch (error) {
    if (strict || !/fallback/i.test(String(error))) throw error;
  }
  const { value: verbose, ...placed } = await withPlacement(() => open({ verbose: true }));
  await verbose.release();
  return { value: await open({}), ...placed };
}
