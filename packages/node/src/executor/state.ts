// State that stays beside the model: two preallocated buffer sets used in turn, so that a run reads one, writes the
// other in place, and copies nothing.
import { checkTensor, copyOf, sizeOf, ARRAY_OF, UsageError } from '@forja/core';
import type { NamedTensors, StateBinding, Tensor, TensorSpec } from '@forja/core';
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { toOrt } from './tensors.js';
import type { Ort } from './tensors.js';

interface Slot {
  output: string;
  spec: TensorSpec;
  /** Buffer sets 0 and 1, in our form and onnxruntime's. */
  ours: readonly [Tensor, Tensor];
  theirs: readonly [OrtTensor, OrtTensor];
}

/** The state of one session. Buffers are of this object alone. */
export class SessionState {
  readonly #slots: ReadonlyMap<string, Slot>;
  #turn: 0 | 1 = 0;

  constructor(
    ort: Ort,
    bindings: Readonly<Record<string, StateBinding>>,
    inputs: readonly TensorSpec[],
    outputs: readonly TensorSpec[],
  ) {
    const taken = new Map<string, string>();
    this.#slots = new Map(
      Object.entries(bindings).map(([input, { output, initial }]) => {
        const from = inputs.find(({ name }) => name === input);
        const to = outputs.find(({ name }) => name === output);
        if (!from) throw new UsageError(`state.${input}: expected an input of the model (${namesOf(inputs)})`);
        if (!to)
          throw new UsageError(
            `state.${input}.output: expected an output of the model (${namesOf(outputs)}), got '${output}'`,
          );
        if (taken.has(output))
          throw new UsageError(
            `state.${input}.output: expected an output of its own, got '${output}', which also feeds '${taken.get(output)}'`,
          );
        taken.set(output, input);
        checkTensor(`state.${input}.initial`, from, initial);
        checkTensor(`state.${input}.output '${output}'`, to, initial);
        const first = copyOf(initial);
        const second: Tensor = {
          dtype: initial.dtype,
          shape: [...initial.shape],
          data: new ARRAY_OF[initial.dtype](sizeOf(initial.shape)),
        };
        const spec: TensorSpec = { name: input, dtype: initial.dtype, shape: [...initial.shape] };
        return [input, { output, spec, ours: [first, second], theirs: [toOrt(ort, first), toOrt(ort, second)] }];
      }),
    );
  }

  /** What the next run reads, by input. */
  get feeds(): Record<string, OrtTensor> {
    return Object.fromEntries([...this.#slots].map(([input, slot]) => [input, slot.theirs[this.#turn]]));
  }

  /** Where the next run writes, by output. */
  get targets(): Record<string, OrtTensor> {
    const next = this.#turn === 0 ? 1 : 0;
    return Object.fromEntries([...this.#slots.values()].map((slot) => [slot.output, slot.theirs[next]]));
  }

  /** Copies what a run gave by output to where the next state is: for an onnxruntime that did not write it there. */
  take(fetched: Readonly<Record<string, OrtTensor>>): void {
    for (const { output, ours } of this.#slots.values()) {
      const value = fetched[output];
      // The array types agree, as the specs were checked; TypeScript does not know that they go together.
      if (value) (ours[this.#turn === 0 ? 1 : 0].data as Uint8Array).set(value.data as Uint8Array);
    }
  }

  /** Takes what the last run wrote as the state. Not called after a run that failed. */
  advance(): void {
    this.#turn = this.#turn === 0 ? 1 : 0;
  }

  /** A copy of the value that `output` now holds; undefined when it is not state. */
  written(output: string): Tensor | undefined {
    for (const slot of this.#slots.values()) if (slot.output === output) return copyOf(slot.ours[this.#turn]);
    return undefined;
  }

  /** Copies, by input name. */
  read(names: readonly string[] = [...this.#slots.keys()]): NamedTensors {
    return Object.fromEntries(names.map((name) => [name, copyOf(this.#slot(name).ours[this.#turn])]));
  }

  /** Replaces values. All are checked before any is taken. */
  write(values: NamedTensors): void {
    for (const [name, value] of Object.entries(values)) checkTensor(`writeState.${name}`, this.#slot(name).spec, value);
    for (const [name, value] of Object.entries(values)) {
      // Same array type as `value.data`: just checked.
      const into = this.#slot(name).ours[this.#turn].data as Uint8Array;
      into.set(value.data as Uint8Array);
    }
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name);
    if (!slot)
      throw new UsageError(
        `state.${name}: expected one of ${[...this.#slots.keys()].join(', ') || '(this session has no state)'}`,
      );
    return slot;
  }
}

function namesOf(specs: readonly TensorSpec[]): string {
  return specs.map(({ name }) => name).join(', ');
}
