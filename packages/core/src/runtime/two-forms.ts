// Two forms of one model: the file's own, and one with convolutions that are faster for large batches but slower for
// small ones. The second is prepared in the background on the first large batch. The sessions of @forja/node and of
// @forja/web's worker are built on this.
import { messageOf } from '../errors.js';
import type { FastBytes } from '../onnx/fast/bytes.js';
import type { NamedTensors } from '../tensor.js';
import type { DeviceReport } from './session.js';

/** Minimum batch size for the faster convolutions. */
export const LARGE = 8;

/** A running preparation of a model's faster convolutions. */
export interface Preparation {
  /** Undefined if the model is unchanged, and after `cancel`. */
  readonly done: Promise<FastBytes | undefined>;
  /** Stops the preparation; resolves when its thread has ended. */
  cancel(): Promise<void>;
}

/** Arguments of {@link TwoForms}: a form is an `F`, the model an `M`. */
export interface FormParts<F, M> {
  /** The file's own form, which belongs to the caller. */
  plain: F;
  model: M;
  prepare: (model: M) => Preparation;
  /** Opens the prepared form, in addition to `plain`. */
  open: (model: Uint8Array) => Promise<F>;
  /** Frees the prepared form. */
  free: (form: F) => Promise<unknown>;
  /** Called when the report has changed. */
  onChange?: () => void;
}

/** The second form. */
interface Fast<F> extends Pick<FastBytes, 'convolutions' | 'from'> {
  form: F;
}

/** Chooses the form for each run: large batches use the second form, once it is prepared. */
export class TwoForms<F, M> {
  readonly #plain: F;
  /** Set until the second form is prepared. */
  #parts: FormParts<F, M> | undefined;
  readonly #free: FormParts<F, M>['free'];
  #preparation: Preparation | undefined;
  #prepared: Promise<void> | undefined;
  #fast: Fast<F> | undefined;
  /** Why there is no second form. */
  #trouble: string | undefined;
  #end: Promise<void> | undefined;

  constructor(parts: FormParts<F, M>) {
    this.#plain = parts.plain;
    this.#free = parts.free;
    this.#parts = parts;
  }

  /** The form for a run of `feeds`. The first large batch starts the preparation. */
  of(feeds: NamedTensors): F {
    const rows = rowsOf(feeds);
    if (rows < LARGE || this.#end) return this.#plain;
    void this.prepare();
    return this.#fast && rows >= this.#fast.from ? this.#fast.form : this.#plain;
  }

  /**
   * The report `device` of the file's own form. Once there is a second form, its convolutions, and when it is used, are
   * added.
   */
  report(device: DeviceReport): DeviceReport {
    const note = (text: string): string[] => [...device.reasons, `convolutions: ${text}`];
    if (this.#fast)
      return {
        ...device,
        convolutions: this.#fast.convolutions,
        reasons: note(
          `replaced in runs of ${this.#fast.from} rows and more, unchanged in smaller ones; results differ by ` +
            'less than 1e-5 of the range. set deterministic: true to use one form for all runs',
        ),
      };
    return this.#trouble === undefined ? device : { ...device, reasons: note(`unchanged: ${this.#trouble}`) };
  }

  /** Prepares the second form, if that has not begun yet. Resolves when the preparation has succeeded or failed. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare();
    return this.#prepared;
  }

  /** Ends the preparation and frees the second form. */
  end(): Promise<void> {
    this.#end ??= this.#stop();
    return this.#end;
  }

  async #prepare(): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    try {
      this.#preparation = parts.prepare(parts.model);
      const found = await this.#preparation.done;
      if (!found || found.from === Infinity || this.#end) return;
      const { bytes, convolutions, from } = found;
      const form = await parts.open(bytes);
      if (this.#end) return void (await parts.free(form));
      this.#fast = { form, convolutions, from: Math.max(LARGE, from) };
    } catch (error) {
      this.#trouble = messageOf(error);
    } finally {
      this.#parts = undefined;
    }
    parts.onChange?.();
  }

  async #stop(): Promise<void> {
    this.#parts = undefined;
    const form = this.#fast?.form;
    await Promise.all([form && this.#free(form), this.#preparation?.cancel()]);
    await this.#prepared;
  }
}

/** The largest batch size among the feeds; values that are not tensors are refused later. */
function rowsOf(feeds: NamedTensors): number {
  let rows = 0;
  for (const name in feeds) rows = Math.max(rows, Number(feeds[name]?.shape?.[0]) || 0);
  return rows;
}
