// The runtime contract, for packages that execute ONNX. @forja/node and @forja/web implement it and pass the suite of
// `@forja/core/conformance`. Independent of onnxruntime.
import type { AsyncHandle } from '../disposable.js';
import type { AbortSignalLike } from '../platform.js';
import type { NamedTensors, Tensor, TensorSpec } from '../tensor.js';
import type { ActualDevice, DeviceName } from './devices.js';

export type { DeviceName } from './devices.js';

/** The device that really runs, and why. */
export interface DeviceReport {
  /** What the caller asked for. */
  requested: DeviceName;
  /** What really runs the model. */
  actual: ActualDevice;
  /** One line for each device that was tried and not used, and notes on precision and convolutions. */
  reasons: string[];
  /** GPU adapter, where there is one. */
  adapter?: string;
  /** Threads inside one op. */
  threads: number;
  /** Browsers only: whether SharedArrayBuffer, and so WASM threads, are available. */
  crossOriginIsolated?: boolean;
  /** Where onnxruntime runs: a worker, the calling thread, or a child process. */
  executor: 'worker' | 'inline' | 'process';
  /** Nodes per execution provider, if the runtime reports it. */
  placement: Record<string, number>;
  /** Op types that run on the CPU although another device was requested. */
  cpuOps: string[];
  /** Convolutions computed by another algorithm, by node name, as `lowering: 'auto'` chose. Absent if none. */
  convolutions?: Record<string, string>;
  /** Set if the runtime converted the model to half precision. */
  precision?: 'fp16';
}

/** State of one session: an input that receives the named output of the previous run, and `initial` in the first. */
export interface StateBinding {
  /** The output that becomes the next value; `run` does not return it. */
  output: string;
  /** The value of the first run; its type and shape must be the input's. */
  initial: Tensor;
}

/** Shared state: an input that receives a tensor of a {@link SharedState}. */
export interface SharedBinding {
  /** State made by `createState` of the same runtime. */
  state: SharedState;
  /** The tensor's name. Default: the input's. */
  tensor?: string;
  /** The output that becomes its next value. Absent: this session only reads it. */
  output?: string;
}

/** Options of {@link Runtime.createSession}. */
export interface SessionOptions {
  /** Threads inside one op. Default: the runtime's. */
  threads?: number;
  /** Fail if any node would run on another device than requested. */
  strict?: boolean;
  /** External data files of the model, by location. */
  external?: Map<string, Uint8Array>;
  /**
   * State that stays inside the executor between runs, by graph input. Its outputs are not returned by `run`. A {@link
   * SharedBinding} needs a runtime with {@link Runtime.createState}, and a state that the same runtime made.
   */
  state?: Record<string, StateBinding | SharedBinding>;
  /**
   * `auto`: on the CPU in Node and on WASM in a browser's worker, convolutions use the algorithm with the lowest
   * estimated cost, which changes results by rounding. Default `portable`: as in the file.
   */
  lowering?: 'auto' | 'portable';
  /**
   * Let idle threads of the pool spin, for at most 0.5 ms: between ops, and between runs that follow each other
   * closely. Default true.
   */
  spinning?: boolean;
}

/** Options of {@link Session.run}. */
export interface RunOptions {
  /** Outputs wanted; default: all that are not state. */
  outputs?: string[];
  /**
   * When aborted, the call rejects with `aborted`. A run that has already started is finished, and still advances
   * state.
   */
  signal?: AbortSignalLike;
}

/** A model ready to run. Calls may overlap; they are executed in order. */
export interface Session extends AsyncHandle {
  /** Inputs of the graph, including those of state, which `run` does not take. */
  readonly inputs: TensorSpec[];
  /** Outputs of the graph, including those of state, which `run` does not return. */
  readonly outputs: TensorSpec[];
  /** What really runs this session. */
  readonly device: DeviceReport;
  /**
   * One run. Rejects with `input.shape` or `input.range` for feeds that do not fit, `device.lost`, `aborted`,
   * `disposed`; a failed run leaves state as it was.
   */
  run(feeds: NamedTensors, options?: RunOptions): Promise<NamedTensors>;
  /** Current state by input name; default: all of it. Copies. */
  readState(names?: string[]): Promise<NamedTensors>;
  /** Replaces state by input name; names left out keep their value. */
  writeState(values: NamedTensors): Promise<void>;
  /** Frees the session after the runs already queued. Idempotent; later calls reject with code `disposed`. */
  dispose(): Promise<void>;
}

/**
 * Tensors that several sessions of one runtime read and update. A runtime executes all runs, reads and writes, of any
 * session or state, in the order of the calls. A state outlives the sessions bound to it.
 */
export interface SharedState extends AsyncHandle {
  /** Name, type and shape of each tensor. */
  readonly tensors: TensorSpec[];
  /** Current values by name; default: all. Copies. */
  read(names?: string[]): Promise<NamedTensors>;
  /**
   * Replaces values by name; other names keep theirs. If the executor that held the values is lost, runs and reads that
   * need them reject with `device.lost` until they are written again; sessions need not be remade.
   */
  write(values: NamedTensors): Promise<void>;
  /** Frees it after the queued jobs. Idempotent; later calls, also of sessions bound to it, reject with `disposed`. */
  dispose(): Promise<void>;
}

/** Something that can execute ONNX. Owns its worker, which `dispose` ends after the queued jobs. */
export interface Runtime extends AsyncHandle {
  /** The device, as far as known: a guess before the first session if devices have to be tried. */
  readonly device: DeviceReport;
  /** The device that really runs, determined by trying if needed. Absent if `device` is certain from the start. */
  ready?(): Promise<DeviceReport>;
  /**
   * Opens a model given as the bytes of an ONNX file. Rejects with `model.format`, `model.truncated`,
   * `model.unsupported`, `model.notFound` for missing external data, `device.unavailable` or `disposed`.
   */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
  /**
   * Creates state that sessions of this runtime can share, see {@link SharedBinding}. Absent if unsupported: then each
   * session has its own state.
   */
  createState?(tensors: NamedTensors): Promise<SharedState>;
  /** Ends the executor after the queued jobs, and with it all sessions and states. Idempotent. */
  dispose(): Promise<void>;
}

/**
 * Events of a runtime. `restarted`: its executor died, hung or lost its device (`reason`) and was replaced; the
 * interrupted job is retried once.
 */
export interface RuntimeEvent {
  /** Always 'restarted'. */
  type: 'restarted';
  /** Why: the exit, the timeout, or the lost device. */
  reason: string;
}

/** Counters of a runtime or generator, for health pages. */
export interface RuntimeStats {
  /** Runs finished. */
  runs: number;
  /** Pictures made. */
  images: number;
  /** Calls waiting or running now. */
  queued: number;
  /** Sessions open now. */
  sessions: number;
  /** Mean milliseconds inside `run`, over all runs. */
  meanRunMs: number;
  /** Bytes of the loaded model. */
  modelBytes: number;
  /**
   * Start-up milliseconds, if reported: reading and checking the file, making the session (including the worker and
   * onnxruntime if not yet started), and the first run.
   */
  startMs?: { read: number; session: number; firstRun?: number };
}
