// The state of one session in the worker: which slots, own or shared, its inputs read and its outputs replace.
import { checkKind, checkTensor, UsageError } from '@forja/core';
import type { ExecutorBinding, NamedTensors, TensorSpec } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-web/wasm';
import type { OrtBuild } from './ort.js';
import { Slot, Slots, type SharedSlots } from './slots.js';

/** Inputs and outputs bound to slots. */
export class SessionState {
  readonly #bindings: Readonly<Record<string, ExecutorBinding>>;
  readonly #read = new Map<string, Slot>();
  readonly #written = new Map<string, Slot>();
  readonly #own: Slot[] = [];
  readonly #slots = new Slots(this.#read);

  /** The model is not known yet; {@link check} compares the bindings with it. */
  constructor(bindings: Readonly<Record<string, ExecutorBinding>>, shared: SharedSlots) {
    this.#bindings = bindings;
    for (const [input, binding] of Object.entries(bindings)) {
      let slot: Slot;
      if ('shared' in binding) slot = shared(binding.shared).at(binding.tensor);
      else this.#own.push((slot = new Slot(input, binding.initial, binding.initial)));
      this.#read.set(input, slot);
      if (binding.output !== undefined) this.#written.set(binding.output, slot);
    }
  }

  /** Slots that the outputs replace, by output. */
  get written(): ReadonlyMap<string, Slot> {
    return this.#written;
  }

  /** Throws if the bindings do not fit the model. */
  check(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): void {
    const taken = new Set<string | Slot>();
    for (const [input, slot] of this.#read) {
      const binding = this.#bindings[input];
      const from = inputs.find(({ name }) => name === input);
      if (!from) throw new UsageError(`state.${input}: expected an input of the model (${namesOf(inputs)})`);
      if (binding && 'initial' in binding) checkTensor(`state.${input}.initial`, from, binding.initial);
      checkKind(`state.${input}`, from, slot.spec, new Map());
      const output = binding?.output;
      if (output === undefined) continue;
      const to = outputs.find(({ name }) => name === output);
      if (!to)
        throw new UsageError(
          `state.${input}.output: expected an output of the model (${namesOf(outputs)}), got '${output}'`,
        );
      if (taken.has(output))
        throw new UsageError(`state.${input}.output: expected an output that no other input uses, got '${output}'`);
      if (taken.has(slot))
        throw new UsageError(
          `state.${input}.output: expected one output for each tensor of a state, got '${output}' as a second ` +
            `one of '${slot.spec.name}'`,
        );
      taken.add(output).add(slot);
      checkKind(`state.${input}.output '${output}'`, to, slot.spec, new Map());
    }
  }

  /** Tensors that a run of `build` reads, by input. */
  async feeds(build: OrtBuild): Promise<Record<string, OrtTensor>> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [input, slot] of this.#read) feeds[input] = await slot.feed(build);
    return feeds;
  }

  /** Takes a run's outputs as the state. Not called after a failed run. */
  take(build: OrtBuild, fetched: Readonly<Record<string, OrtTensor | undefined>>): void {
    for (const [output, slot] of this.#written) {
      const value = fetched[output];
      if (value) slot.take(build, value);
    }
  }

  /** Copies, by input name. */
  read(names?: readonly string[]): Promise<NamedTensors> {
    return this.#slots.read(names);
  }

  /** Replaces values by input name; all are checked before any is replaced. */
  write(values: NamedTensors): void {
    this.#slots.write(values);
  }

  /** Frees the session's own slots. */
  release(): void {
    for (const slot of this.#own) slot.free();
  }
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}
