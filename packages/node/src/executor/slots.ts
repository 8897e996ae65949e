// State tensors, of one session or shared. Each has two buffers that alternate: a run reads one and writes the other in
// place, without copies. On a GPU, the value is the buffer of the last run's output, until it is read.
import { checkTensor, copyOf, sizeOf, ARRAY_OF, UsageError } from '@forja/core';
import type { DType, NamedTensors, Tensor, TensorSpec } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-node';

/** A value in a GPU buffer. */
export interface OnGpu {
  readonly tensor: OrtTensor;
  /** A copy on the CPU. */
  read(): Promise<Tensor>;
}

/** One tensor of state. */
export class Slot {
  readonly spec: { name: string; dtype: DType; shape: number[] };
  #current: Tensor;
  /** Allocated by the first run that writes it; read-only state needs none. */
  #next: Tensor | undefined;
  #onGpu: OnGpu | undefined;

  /** Data is copied; without it the value is zeros. */
  constructor(name: string, { dtype, shape, data }: Pick<Tensor, 'dtype' | 'shape'> & Partial<Tensor>) {
    this.spec = { name, dtype, shape: [...shape] };
    this.#current = data === undefined ? this.#room() : copyOf({ dtype, shape, data });
  }

  /** The value that the next run on the CPU reads; call {@link toCpu} first if it may be on a GPU. */
  get current(): Tensor {
    return this.#current;
  }

  /** The value, if it is in a GPU buffer. */
  get onGpu(): OnGpu | undefined {
    return this.#onGpu;
  }

  /** Sets the value to a run's output in a GPU buffer. */
  take(value: OnGpu): void {
    this.free();
    this.#onGpu = value;
  }

  /** Moves a value in a GPU buffer to the CPU, and frees the buffer. */
  async toCpu(): Promise<void> {
    if (this.#onGpu === undefined) return;
    const value = await this.#onGpu.read();
    this.free();
    this.write(value);
  }

  /** A copy of the value, which stays where it is. */
  async copy(): Promise<Tensor> {
    return this.#onGpu?.read() ?? copyOf(this.#current);
  }

  /** Frees the GPU buffer. */
  free(): void {
    this.#onGpu?.tensor.dispose();
    this.#onGpu = undefined;
  }

  /** The buffer that the next run writes. */
  get next(): Tensor {
    return (this.#next ??= this.#room());
  }

  /** Makes the buffer that the last run wrote the current value. Not called after a failed run. */
  advance(): void {
    [this.#current, this.#next] = [this.next, this.#current];
  }

  /** Replaces the value by `value`, which must have been checked. */
  write(value: Tensor): void {
    this.free();
    // The specs agree, so both have the same array type, which TypeScript cannot see.
    (this.#current.data as Uint8Array).set(value.data as Uint8Array);
  }

  #room(): Tensor {
    const { dtype, shape } = this.spec;
    return { dtype, shape: [...shape], data: new ARRAY_OF[dtype](sizeOf(shape)) };
  }
}

/** Slots by name. */
export class Slots {
  readonly #slots: ReadonlyMap<string, Slot>;

  constructor(slots: ReadonlyMap<string, Slot>) {
    this.#slots = slots;
  }

  /** New slots of zeros. Specs must have names, types and fixed sizes. */
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
    for (const [name, slot] of slots) values[name] = await slot.copy();
    return values;
  }

  /** Replaces values; all are checked before any is replaced. */
  write(values: NamedTensors): void {
    for (const [name, value] of Object.entries(values))
      checkTensor(`writeState.${name}`, { ...this.at(name).spec, name }, value);
    for (const [name, value] of Object.entries(values)) this.at(name).write(value);
  }

  /** Frees all GPU buffers. */
  free(): void {
    for (const slot of this.#slots.values()) slot.free();
  }
}

/** Finds shared state by its number. */
export type SharedSlots = (shared: number) => Slots;
