// One onnxruntime session and its state, in the worker. The caller (executor.ts) makes sure that only one of these runs
// at a time.
import { checkTensor, copyOf, countNodes, UsageError } from '@forja/core';
import type { DeviceReport, DType, NamedTensors, TensorSpec } from '@forja/core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web/wasm';
import type { PostedSessionOptions } from '../protocol.js';
import { entered, leaving, lossOf } from './ort.js';
import type { OrtBuild } from './ort.js';
import { consoleIsWatched, withPlacement } from './placement.js';
import type { Placement } from './placement.js';
import { createRefusal, runRefusal } from './refusal.js';
import { fromOrt, specsOf, toOrt } from './tensors.js';

/** Element types whose state may stay in GPU buffers; others live on the CPU side. */
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
  readonly #stateOutput: ReadonlyMap<string, string>;
  readonly #state: Map<string, OrtTensor>;

  private constructor(build: OrtBuild, session: InferenceSession, device: DeviceReport, options: PostedSessionOptions) {
    this.#build = build;
    this.#session = session;
    this.device = device;
    this.inputs = specsOf(session.inputMetadata);
    this.outputs = specsOf(session.outputMetadata);
    this.#checkBindings(options);
    const bindings = Object.entries(options.state ?? {});
    this.#stateOutput = new Map(bindings.map(([input, { output }]) => [input, output]));
    this.#state = new Map(bindings.map(([input, { initial }]) => [input, toOrt(build.ort, initial)]));
  }

  /** Makes the session on `device.actual`. onnxruntime's refusals become our codes. */
  static async create(
    build: OrtBuild,
    { model, external }: ModelFiles,
    device: DeviceReport,
    options: PostedSessionOptions,
  ): Promise<WorkerSession> {
    const onGpu = device.actual === 'webgpu';
    const location: Record<string, 'gpu-buffer'> = {};
    if (onGpu)
      for (const { output, initial } of Object.values(options.state ?? {}))
        if (ON_GPU.has(initial.dtype)) location[output] = 'gpu-buffer';
    const open = ({ strict = false, verbose = false }): Promise<InferenceSession> =>
      build.ort.InferenceSession.create(model, {
        executionProviders: [onGpu ? 'webgpu' : 'wasm'],
        graphOptimizationLevel: 'all',
        logSeverityLevel: verbose ? 0 : 2,
        ...(Object.keys(location).length > 0 ? { preferredOutputLocation: location } : {}),
        ...(strict ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
        ...(external.size > 0 ? { externalData: [...external].map(([path, data]) => ({ path, data })) } : {}),
      });
    let session: InferenceSession;
    try {
      if (build.lost) throw build.lost;
      const made = onGpu ? await openOnGpu(open, model, options.strict === true) : await openOnCpu(open, model);
      session = made.value;
      device = { ...device, placement: made.placement, cpuOps: onGpu ? made.cpuOps : [] };
      await entered(build, onGpu);
    } catch (error) {
      throw (onGpu && (await lossOf(build))) || createRefusal(error);
    }
    try {
      return new WorkerSession(build, session, device, options);
    } catch (error) {
      leaving(build);
      await session.release();
      throw error;
    }
  }

  /**
   * One run. State moves on only when all of it succeeds, and nothing is returned that a lost device may have left
   * empty.
   */
  async run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors> {
    if (this.#build.lost) throw this.#build.lost; // onnxruntime would wait for ever
    const inputs: Record<string, OrtTensor> = Object.fromEntries(this.#state);
    for (const [name, tensor] of Object.entries(feeds)) inputs[name] = toOrt(this.#build.ort, tensor);
    let fetched: InferenceSession.OnnxValueMapType;
    const results: NamedTensors = {};
    try {
      fetched = await this.#session.run(inputs, [...new Set([...outputs, ...this.#stateOutput.values()])], {
        logSeverityLevel: 3,
      });
      const moved = new Set(this.#stateOutput.values());
      for (const name of outputs) {
        const value = fetched[name];
        if (value) results[name] = moved.has(name) ? copyOf(await fromOrt(value, false)) : await fromOrt(value);
      }
    } catch (error) {
      throw (this.device.actual === 'webgpu' && (await lossOf(this.#build))) || runRefusal(error);
    }
    const { lost } = this.#build;
    if (lost) throw lost;
    for (const [input, output] of this.#stateOutput) {
      const value = fetched[output];
      if (!value) continue;
      this.#state.get(input)?.dispose();
      this.#state.set(input, value);
    }
    return results;
  }

  /** Copies of the state; GPU buffers are read back, and uploaded again by the next run. */
  async readState(names: readonly string[] = [...this.#state.keys()]): Promise<NamedTensors> {
    if (this.#build.lost) throw this.#build.lost;
    const values: NamedTensors = {};
    const tensors = names.map((name) => [name, this.#stateTensor(name)] as const);
    try {
      for (const [name, tensor] of tensors) values[name] = copyOf(await fromOrt(tensor));
    } catch (error) {
      throw (this.device.actual === 'webgpu' && (await lossOf(this.#build))) || runRefusal(error);
    }
    return values;
  }

  /** Replaces state. All values are checked before any is taken. */
  writeState(values: NamedTensors): void {
    for (const [name, value] of Object.entries(values)) {
      const { type, dims } = this.#stateTensor(name);
      checkTensor(`writeState.${name}`, { name, dtype: type as DType, shape: [...dims] }, value); // it was made from one of ours
    }
    for (const [name, value] of Object.entries(values)) {
      this.#stateTensor(name).dispose();
      this.#state.set(name, toOrt(this.#build.ort, value));
    }
  }

  /** Frees GPU buffers and the session. */
  async release(): Promise<void> {
    for (const tensor of this.#state.values()) tensor.dispose();
    this.#state.clear();
    leaving(this.#build);
    await this.#session.release();
  }

  #stateTensor(name: string): OrtTensor {
    const tensor = this.#state.get(name);
    if (!tensor)
      throw new UsageError(
        `state.${name}: expected one of ${[...this.#state.keys()].join(', ') || '(this session has no state)'}`,
      );
    return tensor;
  }

  #checkBindings(options: PostedSessionOptions): void {
    const taken = new Set<string>();
    for (const [input, { output, initial }] of Object.entries(options.state ?? {})) {
      const from = this.inputs.find(({ name }) => name === input);
      const to = this.outputs.find(({ name }) => name === output);
      if (!from) throw new UsageError(`state.${input}: expected an input of the model (${namesOf(this.inputs)})`);
      if (!to)
        throw new UsageError(
          `state.${input}.output: expected an output of the model (${namesOf(this.outputs)}), got '${output}'`,
        );
      if (taken.has(output))
        throw new UsageError(
          `state.${input}.output: expected an output of its own, got '${output}', which feeds another input too`,
        );
      taken.add(output);
      checkTensor(`state.${input}.initial`, from, initial);
      checkTensor(`state.${input}.output '${output}'`, to, initial);
    }
  }
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}

/** All nodes are on the CPU; onnxruntime says how many are left of them where its console can be read. */
async function openOnCpu(open: Open, model: Uint8Array): Promise<{ value: InferenceSession } & Placement> {
  if (!consoleIsWatched()) return { value: await open({}), placement: { cpu: countNodes(model) }, cpuOps: [] };
  return withPlacement(() => open({ verbose: true }));
}

type Open = (how: { strict?: boolean; verbose?: boolean }) => Promise<InferenceSession>;

/**
 * Without the CPU first: when that succeeds, every node is on the GPU. Otherwise once more in verbose mode to learn
 * what is where, and then quietly: a verbose session would log a line for every GPU program of every run (measured: 50
 * µs each).
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
