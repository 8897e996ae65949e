// A session with two forms of its model: the file's own, and one with convolutions that are faster for large batches.
import { disposable, TwoForms } from '@forja/core';
import type { DeviceReport, FormParts, NamedTensors, RunOptions, Session, TensorSpec } from '@forja/core';
import { NODE_DEVICES } from './executor/devices/index.js';

/** Arguments of {@link AdaptiveSession}. */
export type AdaptiveParts = Pick<FormParts<Session, Uint8Array>, 'plain' | 'model' | 'prepare' | 'open'>;

/** A session without state that runs large batches in the second form, once it is prepared. */
export class AdaptiveSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #plain: Session;
  readonly #forms: TwoForms<Session, Uint8Array>;

  constructor(parts: AdaptiveParts) {
    this.#plain = parts.plain;
    this.#forms = new TwoForms({ ...parts, free: (form) => form.dispose() });
    this.inputs = parts.plain.inputs;
    this.outputs = parts.plain.outputs;
    disposable(this);
  }

  /** The report of the file's own form; once the second form is ready, also its convolutions and when it is used. */
  get device(): DeviceReport {
    return this.#forms.report(this.#plain.device);
  }

  run(feeds: NamedTensors, options?: RunOptions): Promise<NamedTensors> {
    return (this.#lowers ? this.#forms.of(feeds) : this.#plain).run(feeds, options);
  }

  readState(names?: string[]): Promise<NamedTensors> {
    return this.#plain.readState(names);
  }

  writeState(values: NamedTensors): Promise<void> {
    return this.#plain.writeState(values);
  }

  /**
   * Prepares the second form, if the device has one and that has not begun yet. Resolves when it has succeeded or
   * failed.
   */
  async prepare(): Promise<void> {
    if (this.#lowers) await this.#forms.prepare();
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#plain.dispose(), this.#forms.end()]);
  }

  /**
   * Whether the device runs a second form. Read at each run, because an executor that replaces a lost one may use
   * another device.
   */
  get #lowers(): boolean {
    return NODE_DEVICES[this.#plain.device.actual].lowers === true;
  }
}
