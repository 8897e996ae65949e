// Tensors of state, of one session or shared: each has two buffers used in turn, so that a run reads one, writes the
// other in place, and copies nothing.
import { checkTensor, copyOf, sizeOf, ARRAY_OF, UsageError } from '@forja/core';
import type { DType, NamedTensors, Tensor, TensorSpec } from '@forja/core';

/** One tensor of state. */
export class Slot {
  readonly spec: { name: string; dtype: DType; shape: number[] };
  #current: Tensor;
  /** Made with the first run that writes it: what is only read needs none. */
  #next: Tensor | undefined;

  /** `initial` is copied; without it the value is zeros. */
  constructor(name: string, { dtype, shape, data }: Pick<Tensor, 'dtype' | 'shape'> & Partial<Tensor>) {
    this.spec = { name, dtype, shape: [...shape] };
    this.#current = data === undefined ? this.#room() : copyOf({ dtype, shape, data });
  }

  /** What the next run reads. */
  get current(): Tensor {
    return this.#current;
  }

  /** Where the next run writes. */
  get next(): Tensor {
    return (this.#next ??= this.#room());
  }

  /** Takes what the last run wrote as the value. Not called after a run that failed. */
  advance(): void {
    [this.#current, this.#next] = [this.next, this.#current];
  }

  /** Replaces the value with one that was checked. */
  write(value: Tensor): void {
    // The same array type, as the specs agree; TypeScript does not know that they go together.
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

  /** Slots of their own, with zeros. The specs are those of tensors: with names, types and fixed sizes. */
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

  /** Throws `usage` for a name that is none of them. */
  at(name: string): Slot {
    const slot = this.#slots.get(name);
    if (!slot)
      throw new UsageError(
        `state.${name}: expected one of ${[...this.#slots.keys()].join(', ') || '(this session has no state)'}`,
      );
    return slot;
  }

  /** Copies, by name. */
  read(names: readonly string[] = [...this.#slots.keys()]): NamedTensors {
    return Object.fromEntries(names.map((name) => [name, copyOf(this.at(name).current)]));
  }

  /** Replaces values. All are checked before any is taken. */
  write(values: NamedTensors): void {
    for (const [name, value] of Object.entries(values))
      checkTensor(`writeState.${name}`, { ...this.at(name).spec, name }, value);
    for (const [name, value] of Object.entries(values)) this.at(name).write(value);
  }
}

/** Finds shared state by its number. */
export type SharedSlots = (shared: number) => Slots;
