// A session that waits for permission before each run, and counts runs: for tests of queueing and shutdown. Not part of
// the package.
import {
  Generator,
  manifestFor,
  type DeviceReport,
  type NamedTensors,
  type RunOptions,
  type Session,
  type TensorSpec,
} from '@forja/core';

/** z [batch, 2] → image [batch, 1, 1, 2] of zeros, once opened. */
export class Gate implements Session {
  readonly inputs: TensorSpec[] = [{ name: 'z', dtype: 'float32', shape: ['batch', 2] }];
  readonly outputs: TensorSpec[] = [{ name: 'image', dtype: 'float32', shape: ['batch', 1, 1, 2] }];
  readonly device: DeviceReport = {
    requested: 'cpu',
    actual: 'cpu',
    reasons: [],
    threads: 1,
    executor: 'inline',
    placement: {},
    cpuOps: [],
  };
  /** Rows of each run. */
  readonly runs: number[] = [];
  disposed = 0;
  failure: Error | undefined;
  /** Lets all runs continue from now on. */
  open = (): void => undefined;
  #gate = new Promise<void>((resolve) => (this.open = resolve));

  async run(feeds: NamedTensors, _options?: RunOptions): Promise<NamedTensors> {
    const rows = feeds['z']!.shape[0]!;
    this.runs.push(rows);
    await this.#gate;
    if (this.failure) throw this.failure;
    return { image: { dtype: 'float32', shape: [rows, 1, 1, 2], data: new Float32Array(rows * 2) } };
  }
  readState = (): Promise<NamedTensors> => Promise.resolve({});
  writeState = (): Promise<void> => Promise.resolve();
  dispose = (): Promise<void> => Promise.resolve(void this.disposed++);
  [Symbol.asyncDispose] = (): Promise<void> => this.dispose();

  /** A generator over it. */
  generator(): Generator {
    return new Generator({
      session: this,
      manifest: manifestFor(undefined, undefined, this.inputs, this.outputs),
      modelBytes: 1,
      dispose: () => this.dispose(),
    });
  }
}
