// A session in the worker with two forms of its model: the file's own, and one for large batches.
import { TwoForms } from '@forja/core';
import type { DeviceReport, FormParts, NamedTensors, TensorSpec } from '@forja/core';
import type { WorkerSession } from './session.js';

/** A session as the executor sees it: the public members of {@link WorkerSession}. */
export type OpenSession = Pick<WorkerSession, keyof WorkerSession>;

/** A session on WASM, without state, with two forms of its model. */
export class TwoFormSession implements OpenSession {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  readonly #plain: WorkerSession;
  readonly #forms: TwoForms<WorkerSession, Blob>;

  constructor(parts: FormParts<WorkerSession, Blob>) {
    this.#plain = parts.plain;
    this.#forms = new TwoForms(parts);
    this.inputs = parts.plain.inputs;
    this.outputs = parts.plain.outputs;
  }

  get device(): DeviceReport {
    return this.#forms.report(this.#plain.device);
  }

  get holdsDevice(): boolean {
    return this.#plain.holdsDevice;
  }

  run(feeds: NamedTensors, outputs: readonly string[]): Promise<NamedTensors> {
    return this.#forms.of(feeds).run(feeds, outputs);
  }

  readState(names: readonly string[] | undefined): Promise<NamedTensors> {
    return this.#plain.readState(names);
  }

  writeState(values: NamedTensors): void {
    this.#plain.writeState(values);
  }

  /** Prepares the second form. Resolves when that has succeeded or failed. */
  prepare(): Promise<void> {
    return this.#forms.prepare();
  }

  async release(): Promise<void> {
    await this.#forms.end();
    await this.#plain.release();
  }
}
