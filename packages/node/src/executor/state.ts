// The state of one session: which slots its inputs read and its outputs write, its own or shared ones.
import { checkKind, checkTensor, copyOf, UsageError } from '@forja/core';
import type { ExecutorBinding, NamedTensors, Tensor, TensorSpec } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { Slot, Slots, type SharedSlots } from './slots.js';
import { toOrt } from './tensors.js';
import type { Ort } from './tensors.js';

/** Inputs and outputs bound to slots. */
export class SessionState {
  readonly #ort: Ort;
  readonly #slots: Slots;
  readonly #read: readonly (readonly [input: string, slot: Slot])[];
  readonly #written: ReadonlyMap<string, Slot>;
  /** Each buffer as onnxruntime's, made once. */
  readonly #wrapped = new WeakMap<Tensor, OrtTensor>();

  constructor(
    ort: Ort,
    bindings: Readonly<Record<string, ExecutorBinding>>,
    shared: SharedSlots,
    inputs: readonly TensorSpec[],
    outputs: readonly TensorSpec[],
  ) {
    const slots = new Map<string, Slot>();
    const written = new Map<string, Slot>();
    for (const [input, binding] of Object.entries(bindings)) {
      const from = inputs.find(({ name }) => name === input);
      if (!from) throw new UsageError(`state.${input}: expected an input of the model (${namesOf(inputs)})`);
      const slot = 'shared' in binding ? shared(binding.shared).at(binding.tensor) : own(input, from, binding.initial);
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
        throw new UsageError(
          `state.${input}.output: expected an output of its own, got '${output}', which feeds another input too`,
        );
      if ([...written.values()].includes(slot))
        throw new UsageError(
          `state.${input}.output: expected one output for each tensor of a state, got '${output}' as a second one of '${slot.spec.name}'`,
        );
      checkKind(`state.${input}.output '${output}'`, to, slot.spec, new Map());
      written.set(output, slot);
    }
    this.#ort = ort;
    this.#slots = new Slots(slots);
    this.#read = [...slots];
    this.#written = written;
  }

  /** What the next run reads, by input. */
  get feeds(): Record<string, OrtTensor> {
    return Object.fromEntries(this.#read.map(([input, slot]) => [input, this.#wrap(slot.current)]));
  }

  /** Where the next run writes, by output. */
  get targets(): Record<string, OrtTensor> {
    return Object.fromEntries([...this.#written].map(([output, slot]) => [output, this.#wrap(slot.next)]));
  }

  /** Copies what a run gave by output to where the next state is: for an onnxruntime that did not write it there. */
  take(fetched: Readonly<Record<string, OrtTensor>>): void {
    for (const [output, slot] of this.#written) {
      const value = fetched[output];
      // The array types agree, as the specs were checked; TypeScript does not know that they go together.
      if (value) (slot.next.data as Uint8Array).set(value.data as Uint8Array);
    }
  }

  /** Takes what the last run wrote as the state. Not called after a run that failed. */
  advance(): void {
    for (const slot of this.#written.values()) slot.advance();
  }

  /** A copy of the value that `output` now holds; undefined when it is not state. */
  written(output: string): Tensor | undefined {
    const slot = this.#written.get(output);
    return slot && copyOf(slot.current);
  }

  /** Copies, by input name. */
  read(names?: readonly string[]): NamedTensors {
    return this.#slots.read(names);
  }

  /** Replaces values, by input name. All are checked before any is taken. */
  write(values: NamedTensors): void {
    this.#slots.write(values);
  }

  #wrap(tensor: Tensor): OrtTensor {
    const known = this.#wrapped.get(tensor);
    if (known) return known;
    const made = toOrt(this.#ort, tensor);
    this.#wrapped.set(tensor, made);
    return made;
  }
}

/** A slot of the session alone. */
function own(input: string, spec: TensorSpec, initial: Tensor): Slot {
  checkTensor(`state.${input}.initial`, spec, initial);
  return new Slot(input, initial);
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}
