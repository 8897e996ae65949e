// The runtime contract: what a package that can execute ONNX offers. Implementations are @forja/node and @forja/web;
// each runs the conformance suite of `@forja/core/conformance`. Nothing here knows onnxruntime.
import type { AsyncHandle } from '../disposable.js';
import type { AbortSignalLike } from '../platform.js';
import type { NamedTensors, Tensor, TensorSpec } from '../tensor.js';

/** Devices a caller may ask for. `auto` is a ladder over hardware adapters. */
export type DeviceName = 'auto' | 'cpu' | 'cuda' | 'webgpu' | 'wasm' | 'coreml' | 'dml';

/** What really runs, and why. */
export interface DeviceReport {
  requested: DeviceName;
  actual: Exclude<DeviceName, 'auto'>;
  /** One line per rung of the ladder that was tried and not taken. */
  reasons: string[];
  /** GPU adapter, where there is one. */
  adapter?: string;
  threads: number;
  /** Browsers only: whether SharedArrayBuffer, and so WASM threads, are available. */
  crossOriginIsolated?: boolean;
  executor: 'worker' | 'inline' | 'process';
  /** Nodes per execution provider, where the runtime says so. */
  placement: Record<string, number>;
  /** Op types that run on the CPU although another device was asked for. */
  cpuOps: string[];
  /**
   * Convolutions that are computed by another algorithm than their node's, by the node's name: what `lowering: 'auto'`
   * chose. Absent where it chose none.
   */
  convolutions?: Record<string, string>;
  /** Set where the runtime itself converted the model to half precision. */
  precision?: 'fp16';
}

/** State of one session: an input fed with the named output of the run before, at first with `initial`. */
export interface StateBinding {
  output: string;
  initial: Tensor;
}

/** State of the runtime: an input fed with a tensor of a {@link SharedState}. */
export interface SharedBinding {
  state: SharedState;
  /** Its name there. Default: the input's. */
  tensor?: string;
  /** The output that becomes its next value. Absent: this session only reads it. */
  output?: string;
}

/** Options of {@link Runtime.createSession}. */
export interface SessionOptions {
  /** Threads inside one op. Default: the runtime's. */
  threads?: number;
  /** Fail when any node would run elsewhere than on the device asked for. */
  strict?: boolean;
  /** External data files of the model, by location. */
  external?: Map<string, Uint8Array>;
  /**
   * State that stays inside the executor from run to run; keyed by graph input. Its outputs are not returned by `run`.
   * A {@link SharedBinding} needs a runtime with {@link Runtime.createState}, and a state that this very runtime made.
   */
  state?: Record<string, StateBinding | SharedBinding>;
  /**
   * `auto`: on the CPU of Node and on WASM in a browser's worker, convolutions are computed by the algorithm that is
   * priced lowest, which changes results by rounding. Default `portable`: as the file says.
   */
  lowering?: 'auto' | 'portable';
  /**
   * Let the thread pool spin between ops of a run. Default true; it never spins between runs where the runtime can tell
   * it so.
   */
  spinning?: boolean;
}

/** Options of {@link Session.run}. */
export interface RunOptions {
  /** Outputs wanted; default: all that are not state. */
  outputs?: string[];
  signal?: AbortSignalLike;
}

/** A model ready to run. Calls may overlap; they are executed in order. */
export interface Session extends AsyncHandle {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly device: DeviceReport;
  run(feeds: NamedTensors, options?: RunOptions): Promise<NamedTensors>;
  /** Current state by input name; default: all of it. Copies. */
  readState(names?: string[]): Promise<NamedTensors>;
  /** Replaces state by input name; names left out keep their value. */
  writeState(values: NamedTensors): Promise<void>;
  /** Frees the session after the runs already queued. Idempotent; later calls reject with code `disposed`. */
  dispose(): Promise<void>;
}

/**
 * Tensors that several sessions of one runtime read and update. All runs, reads and writes of a runtime are executed in
 * the order of the calls, whichever session or state they are of. Outlives the sessions that it is bound to.
 */
export interface SharedState extends AsyncHandle {
  /** Name, type and shape of each tensor. */
  readonly tensors: TensorSpec[];
  /** Current values by name; default: all. Copies. */
  read(names?: string[]): Promise<NamedTensors>;
  /**
   * Replaces values by name; names left out keep theirs. When the executor that held the values is lost, runs and reads
   * that need them reject with `device.lost` until they are written again; sessions need not be made again.
   */
  write(values: NamedTensors): Promise<void>;
  /** Frees it after what is queued. Idempotent; later calls, of sessions bound to it too, reject with `disposed`. */
  dispose(): Promise<void>;
}

/** Something that can execute ONNX. Owns its worker; `dispose` ends it after draining. */
export interface Runtime extends AsyncHandle {
  /** What runs, as far as it is known: before the first session a guess, where devices have to be tried. */
  readonly device: DeviceReport;
  /** What really runs, found out if need be. Absent where `device` says so from the start. */
  ready?(): Promise<DeviceReport>;
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
  /**
   * State that sessions of this runtime can share, see {@link SharedBinding}. Absent where a runtime cannot: there each
   * session has state of its own.
   */
  createState?(tensors: NamedTensors): Promise<SharedState>;
  dispose(): Promise<void>;
}

/**
 * What a runtime tells of itself. `restarted`: its executor had died, hung or lost its device (`reason`) and was
 * replaced; what it was doing is done once more.
 */
export interface RuntimeEvent {
  type: 'restarted';
  reason: string;
}

/** Counters of a runtime or generator, for health pages. */
export interface RuntimeStats {
  runs: number;
  images: number;
  queued: number;
  sessions: number;
  /** Mean milliseconds inside `run`, over all runs. */
  meanRunMs: number;
  /** Bytes of the loaded model. */
  modelBytes: number;
  /**
   * Milliseconds that it took to begin, where the runtime says so: reading and checking the file, making the session
   * (with its worker and onnxruntime where they were not there yet), and the first run.
   */
  startMs?: { read: number; session: number; firstRun?: number };
}
