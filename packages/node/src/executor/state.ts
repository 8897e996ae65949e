// The state of one session: which slots, own or shared, its inputs read and its outputs write.
import { checkKind, checkTensor, UsageError } from '@forja/core';
import type { ExecutorBinding, NamedTensors, Tensor, TensorSpec } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { Slot, Slots, type SharedSlots } from './slots.js';
import { toOrt } from './tensors.js';
import type { Ort } from './tensors.js';

/** Copies a tensor from a GPU buffer to the CPU. */
export type Reader = (tensor: OrtTensor) => Promise<Tensor>;

/** Inputs and outputs bound to slots. */
export class SessionState {
  readonly #ort: Ort;
  readonly #slots: Slots;
  readonly #read: readonly (readonly [input: string, slot: Slot])[];
  readonly #written: ReadonlyMap<string, Slot>;
  readonly #own: readonly Slot[];
  /** Set if the state of this session stays in GPU buffers. */
  readonly #reader: Reader | undefined;
  /** onnxruntime's tensor for each buffer, made once. */
  readonly #wrapped = new WeakMap<Tensor, OrtTensor>();

  constructor(
    ort: Ort,
    bindings: Readonly<Record<string, ExecutorBinding>>,
    shared: SharedSlots,
    inputs: readonly TensorSpec[],
    outputs: readonly TensorSpec[],
    reader?: Reader,
  ) {
    const slots = new Map<string, Slot>();
    const written = new Map<string, Slot>();
    for (const [input, binding] of Object.entries(bindings)) {
      const from = inputs.find(({ name }) => name === input);
      if (!from) throw new UsageError(`state.${input}: expected an input of the model (${namesOf(inputs)})`);
      const slot =
        'shared' in binding ? shared(binding.shared).at(binding.tensor) : ownSlot(input, from, binding.initial);
      checkKind(`state.${input}`, from, slot.spec, new Map());
      slots.set(input, slot);
      const { output } = binding;
      if (output === undefined) continue;
      const to = outputs.find(({ name }) => name === output);
      if (!to)
        throw new UsageError(
          `state.${input}.output: expected an output of the model (${namesOf(outputs)}), got '${output}'`,
        );
      if (written.has(output))
        throw new UsageError(`state.${input}.output: expected an output that no other input uses, got '${output}'`);
      if ([...written.values()].includes(slot))
        throw new UsageError(
          `state.${input}.output: expected one output for each tensor of a state, got '${output}' as a second ` +
            `one of '${slot.spec.name}'`,
        );
      checkKind(`state.${input}.output '${output}'`, to, slot.spec, new Map());
      written.set(output, slot);
    }
    this.#ort = ort;
    this.#slots = new Slots(slots);
    this.#read = [...slots];
    this.#written = written;
    this.#own = this.#read.flatMap(([input, slot]) => ('shared' in (bindings[input] ?? {}) ? [] : [slot]));
    this.#reader = reader;
  }

  /** Tensors that the next run reads, by input. */
  async feeds(): Promise<Record<string, OrtTensor>> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [input, slot] of this.#read) {
      const { onGpu } = slot;
      if (onGpu !== undefined && this.#reader === undefined) await slot.toCpu(); // written by a session on a GPU
      feeds[input] = slot.onGpu?.tensor ?? this.#wrap(slot.current);
    }
    return feeds;
  }

  /** Tensors that the next run writes, by output. */
  get targets(): Record<string, OrtTensor> {
    return Object.fromEntries([...this.#written].map(([output, slot]) => [output, this.#wrap(slot.next)]));
  }

  /**
   * Stores the outputs of a run: GPU buffers are kept; other outputs are copied to the next state unless onnxruntime
   * wrote them there.
   */
  take(fetched: Readonly<Record<string, OrtTensor>>): void {
    const reader = this.#reader;
    for (const [output, slot] of this.#written) {
      const tensor = fetched[output];
      if (!tensor) continue;
      if (reader) slot.take({ tensor, read: () => reader(tensor) });
      // The specs were checked, so the array types are equal, which TypeScript cannot see.
      else (slot.next.data as Uint8Array).set(tensor.data as Uint8Array);
    }
  }

  /** Makes the state that the last run wrote the current state. Not called after a failed run. */
  advance(): void {
    if (this.#reader === undefined) for (const slot of this.#written.values()) slot.advance();
  }

  /** A copy of the current value of `output`; undefined if it is not state. */
  written(output: string): Promise<Tensor> | undefined {
    return this.#written.get(output)?.copy();
  }

  /** Copies, by input name. */
  read(names?: readonly string[]): Promise<NamedTensors> {
    return this.#slots.read(names);
  }

  /** Replaces values by input name; all are checked before any is replaced. */
  write(values: NamedTensors): void {
    this.#slots.write(values);
  }

  /** Frees its own state. Moves shared state to the CPU, because the GPU device may end with this session. */
  async free(): Promise<void> {
    for (const slot of this.#own) slot.free();
    for (const [, slot] of this.#read) await slot.toCpu();
  }

  #wrap(tensor: Tensor): OrtTensor {
    const known = this.#wrapped.get(tensor);
    if (known) return known;
    const made = toOrt(this.#ort, tensor);
    this.#wrapped.set(tensor, made);
    return made;
  }
}

/** A slot owned by the session. */
function ownSlot(input: string, spec: TensorSpec, initial: Tensor): Slot {
  checkTensor(`state.${input}.initial`, spec, initial);
  return new Slot(input, initial);
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}
