// A session in two forms: as the file says, at once, and with faster convolutions for large batches, which are slower
// for small ones. The second is prepared beside the runs when a large batch is first asked for.
import { disposable, messageOf } from '@forja/core';
import type { DeviceReport, NamedTensors, RunOptions, Session, TensorSpec } from '@forja/core';
import type { FastBytes } from '@forja/core/onnx';
import type { prepare as prepareModel, Preparation } from './executor/prepare.js';

/** Rows of a run from which on faster convolutions may pay. */
export const LARGE = 8;

/** What an {@link AdaptiveSession} is made of. */
export interface AdaptiveParts {
  /** As the file says. */
  plain: Session;
  model: Uint8Array;
  prepare: typeof prepareModel;
  /** Opens what was prepared beside `plain`. */
  open: (model: Uint8Array) => Promise<Session>;
}

/** The second form. */
interface Fast extends Pick<FastBytes, 'convolutions' | 'from'> {
  session: Session;
}

/** A session without state that runs large batches in another form than small ones, as soon as it has it. */
export class AdaptiveSession implements Session {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
  /** For `await using`. */
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #plain: Session;
  /** Until the second form was prepared. */
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

  /** That of the file's own form; with the second one, its convolutions and what decides. */
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

  /** Resolves when a second form that was asked for is there, or cannot be. */
  async prepared(): Promise<void> {
    await this.#prepared;
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  #formFor(rows: number): Session {
    // The CPU only: another executor may have had to take another device.
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

/** The most rows among the feeds; what is no tensor is refused later. */
function rowsOf(feeds: NamedTensors): number {
  let rows = 0;
  for (const name in feeds) rows = Math.max(rows, Number(feeds[name]?.shape?.[0]) || 0);
  return rows;
}
