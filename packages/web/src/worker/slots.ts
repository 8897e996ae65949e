// State tensors in the worker, of one session or shared: on the CPU, or in a buffer of the GPU device that produced
// them.
import { checkTensor, copyOf, ForjaError, runFailure, UsageError } from '@forja/core';
import type { DType, NamedTensors, Tensor, TensorSpec } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-web/wasm';
import { lossOf } from './ort.js';
import type { OrtBuild } from './ort.js';
import { fromOrt, toOrt } from './tensors.js';

/** A tensor of onnxruntime's, and the build that it belongs to. */
interface Built {
  build: OrtBuild;
  tensor: OrtTensor;
}

/** One tensor of state. */
export class Slot {
  readonly spec: { name: string; dtype: DType; shape: number[] };
  #value: Tensor | Built | undefined;

  /** `initial` is not copied. */
  constructor(name: string, { dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>, initial?: Tensor) {
    this.spec = { name, dtype, shape: [...shape] };
    this.#value = initial;
  }

  /** Whether its value is in a buffer of a GPU device. */
  get onGpu(): boolean {
    return this.#value !== undefined && 'build' in this.#value && this.#value.tensor.location !== 'cpu';
  }

  /** The tensor to feed to a run of `build`. */
  async feed(build: OrtBuild): Promise<OrtTensor> {
    if (this.#value && 'build' in this.#value && this.#value.build === build) return this.#value.tensor;
    const tensor = toOrt(build.ort, await this.toCpu());
    this.#value = { build, tensor };
    return tensor;
  }

  /** Takes the output of a run of `build` as the value. */
  take(build: OrtBuild, tensor: OrtTensor): void {
    this.free();
    this.#value = { build, tensor };
  }

  /** Replaces the value by `value`, which must have been checked and is not copied. */
  write(value: Tensor): void {
    this.free();
    this.#value = value;
  }

  /** The value, not a copy. One in a GPU buffer is read back, which frees the buffer; the next run uploads it again. */
  async toCpu(): Promise<Tensor> {
    const value = this.#value;
    if (!value) throw new ForjaError('internal', `state.${this.spec.name}: expected a value, got none`);
    if (!('build' in value)) return value;
    if (value.tensor.location !== 'cpu' && value.build.lost) throw value.build.lost;
    try {
      return (this.#value = await fromOrt(value.tensor));
    } catch (error) {
      throw (value.build.gpu && (await lossOf(value.build))) || runFailure(error, {}, []);
    }
  }

  /** Drops the value; frees its tensor if a run produced it. */
  free(): void {
    if (this.#value && 'build' in this.#value) this.#value.tensor.dispose();
    this.#value = undefined;
  }
}

/** Slots by name. */
export class Slots {
  readonly #slots: ReadonlyMap<string, Slot>;

  constructor(slots: ReadonlyMap<string, Slot>) {
    this.#slots = slots;
  }

  /** New slots without values. Specs must have names, types and fixed sizes. */
  static of(tensors: readonly TensorSpec[]): Slots {
    return new Slots(
      new Map(
        tensors.map(({ name = '', dtype = 'float32', shape }) => [
          name,
          new Slot(name, { dtype, shape: shape.map(Number) }),
        ]),
      ),
    );
  }

  /** Throws `usage` for an unknown name. */
  at(name: string): Slot {
    const slot = this.#slots.get(name);
    if (!slot)
      throw new UsageError(
        `state.${name}: expected one of ${[...this.#slots.keys()].join(', ') || '(this session has no state)'}`,
      );
    return slot;
  }

  /** Copies, by name. */
  async read(names: readonly string[] = [...this.#slots.keys()]): Promise<NamedTensors> {
    const slots = names.map((name) => [name, this.at(name)] as const);
    const values: NamedTensors = {};
    for (const [name, slot] of slots) values[name] = copyOf(await slot.toCpu());
    return values;
  }

  /** Replaces values; all are checked before any is replaced. */
  write(values: NamedTensors): void {
    for (const [name, value] of Object.entries(values))
      checkTensor(`writeState.${name}`, { ...this.at(name).spec, name }, value);
    for (const [name, value] of Object.entries(values)) this.at(name).write(value);
  }

  /** Moves all values to the CPU, before the last session of their device is released. */
  async toCpu(): Promise<void> {
    for (const slot of this.#slots.values()) if (slot.onGpu) await slot.toCpu();
  }

  /** Frees all slots. */
  free(): void {
    for (const slot of this.#slots.values()) slot.free();
  }
}

/** Finds shared state by its number. */
export type SharedSlots = (shared: number) => Slots;
