// A session with two forms of its model: the file's own, and one with convolutions that are faster for large batches
// but slower for small ones. The second is prepared in the background on the first large batch.
import { disposable, messageOf } from '@forja/core';
import type { DeviceReport, NamedTensors, RunOptions, Session, TensorSpec } from '@forja/core';
import type { FastBytes } from '@forja/core/onnx';
import type { prepare as prepareModel, Preparation } from './executor/prepare.js';

/** Minimum batch size for the faster convolutions. */
export const LARGE = 8;

/** Arguments of {@link AdaptiveSession}. */
export interface AdaptiveParts {
  /** The file's own form. */
  plain: Session;
  model: Uint8Array;
  prepare: typeof prepareModel;
  /** Opens the prepared form, in addition to `plain`. */
  open: (model: Uint8Array) => Promise<Session>;
}

/** The second form. */
interface Fast extends Pick<FastBytes, 'convolutions' | 'from'> {
  session: Session;
}

/** A session without state that runs large batches in the second form, once it is prepared. */
export class AdaptiveSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #plain: Session;
  /** Set until the second form is prepared. */
  #parts: AdaptiveParts | undefined;
  #preparation: Preparation | undefined;
  #prepared: Promise<void> | undefined;
  #fast: Fast | undefined;
  /** Why there is no second form. */
  #trouble: string | undefined;
  #disposal: Promise<void> | undefined;

  constructor(parts: AdaptiveParts) {
    this.#plain = parts.plain;
    this.#parts = parts;
    this.inputs = parts.plain.inputs;
    this.outputs = parts.plain.outputs;
    disposable(this);
  }

  /** The report of the file's own form; once there is a second one, also its convolutions and when it is used. */
  get device(): DeviceReport {
    const { device } = this.#plain;
    const note = (text: string): string[] => [...device.reasons, `convolutions: ${text}`];
    if (this.#fast)
      return {
        ...device,
        convolutions: this.#fast.convolutions,
        reasons: note(
          `replaced in runs of ${this.#fast.from} rows and more, as the file says in smaller ones; they differ by less than 1e-5 of the range. deterministic: true takes one form for all`,
        ),
      };
    return this.#trouble === undefined ? device : { ...device, reasons: note(`as the file says: ${this.#trouble}`) };
  }

  run(feeds: NamedTensors, options?: RunOptions): Promise<NamedTensors> {
    return this.#formFor(rowsOf(feeds)).run(feeds, options);
  }

  readState(names?: string[]): Promise<NamedTensors> {
    return this.#plain.readState(names);
  }

  writeState(values: NamedTensors): Promise<void> {
    return this.#plain.writeState(values);
  }

  /** Resolves when a preparation that was started has succeeded or failed. */
  async prepared(): Promise<void> {
    await this.#prepared;
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  #formFor(rows: number): Session {
    // Only on the CPU: a replaced executor may have another device.
    if (rows < LARGE || this.#disposal || this.#plain.device.actual !== 'cpu') return this.#plain;
    this.#prepared ??= this.#prepare();
    return this.#fast && rows >= this.#fast.from ? this.#fast.session : this.#plain;
  }

  async #prepare(): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    try {
      this.#preparation = parts.prepare(parts.model);
      const found = await this.#preparation.done;
      if (!found || found.from === Infinity || this.#disposal) return;
      const { bytes, convolutions, from } = found;
      const session = await parts.open(bytes);
      if (this.#disposal) await session.dispose();
      else this.#fast = { session, convolutions, from: Math.max(LARGE, from) };
    } catch (error) {
      this.#trouble = messageOf(error);
    } finally {
      this.#parts = undefined;
    }
  }

  async #end(): Promise<void> {
    this.#parts = undefined;
    const forms = [this.#plain, this.#fast?.session].map((form) => form?.dispose());
    await Promise.all([...forms, this.#preparation?.cancel()]);
    await this.#prepared;
  }
}

/** The largest batch size among the feeds; values that are not tensors are refused later. */
function rowsOf(feeds: NamedTensors): number {
  let rows = 0;
  for (const name in feeds) rows = Math.max(rows, Number(feeds[name]?.shape?.[0]) || 0);
  return rows;
}
