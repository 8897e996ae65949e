// The state of steps that are compiled on one runtime: a variable is one tensor for all of them, from the first step
// that uses it until the last is disposed.
import { copyOf, ForjaError, type NamedTensors, type Runtime, type SharedState, type Tensor } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { Stored } from '../lower/contract.js';
import type { Lowered } from '../lower/lower.js';
import type { ProgramDType } from '../program/program.js';
import { checkValue, readVariable, stateNamed, toLogical, toStored, type Layout, type StateHome } from './state.js';
import type { StepState } from './step.js';

/** One runtime state, made for one step and shared by others. */
interface Group {
  ready: Promise<SharedState>;
  /** Set once it is ready. */
  state?: SharedState;
  /** Number of its variables that some step still uses. */
  live: number;
}

/** Where a variable is in the runtime, and how it is stored there. */
interface Place {
  group: Group;
  tensor: string;
  layout: Layout;
}

/**
 * A variable that some step uses. Its value is held here until a step computes with it, which decides its storage
 * order.
 */
interface Entry {
  users: number;
  at: Place | { held: Tensor };
}

/** A runtime that has shared state. */
type Sharing = Runtime & Required<Pick<Runtime, 'createState'>>;

const runtimes = new WeakMap<Runtime, RuntimeVariables>();

/** The variables of one runtime's steps. */
export class RuntimeVariables {
  readonly #runtime: Sharing;
  readonly #entries = new WeakMap<tf.Variable, Entry>();

  private constructor(runtime: Sharing) {
    this.#runtime = runtime;
  }

  /** The variables of a runtime; undefined if it cannot share state. */
  static of(runtime: Runtime): RuntimeVariables | undefined {
    if (runtime.createState === undefined) return undefined;
    const known = runtimes.get(runtime) ?? new RuntimeVariables(runtime as Sharing); // createState checked above
    runtimes.set(runtime, known);
    return known;
  }

  /** The storage order of those variables that are already in the runtime. */
  stored(variables: ReadonlyMap<string, tf.Variable>): Record<string, Stored> {
    return Object.fromEntries(
      [...variables].flatMap(([name, variable]) => {
        const at = this.#entries.get(variable)?.at;
        if (at === undefined || 'held' in at) return [];
        const { perm, split } = at.layout;
        return [[name, { perm, ...(split === undefined ? {} : { split }) }]];
      }),
    );
  }

  /**
   * Adds a step that was lowered with the result of {@link stored}. No other step may be added between the two calls.
   * State that no step uses yet starts at its variable's present value.
   */
  enter(variables: ReadonlyMap<string, tf.Variable>, { state, fixed }: Pick<Lowered, 'state' | 'fixed'>): StateHome {
    const entries = new Map([...variables].map(([name, variable]) => [name, this.#entryOf(variable)]));
    const bound = [...state, ...fixed].map((layout) => ({ layout, entry: stateNamed(entries, layout.input) }));
    const fresh = bound.flatMap(({ layout, entry }) =>
      'held' in entry.at ? [{ layout, entry, held: entry.at.held }] : [],
    );
    if (fresh.length > 0) {
      const values = fresh.map(({ layout, held }) => [layout.input, toStored(layout, held)] as const);
      const ready = this.#runtime.createState(Object.fromEntries(values));
      const group: Group = { ready, live: fresh.length };
      for (const { layout, entry } of fresh) {
        const { input: tensor, output: _, ...kind } = layout;
        entry.at = { group, tensor, layout: kind };
      }
      ready.then(
        (made) => (group.state = made),
        () => fresh.forEach(({ entry, held }) => (entry.at = { held })),
      );
    }
    for (const [name, variable] of variables) {
      const entry = stateNamed(entries, name);
      entry.users++;
      this.#entries.set(variable, entry);
    }
    const bindings = async (): Promise<Awaited<StateHome['bindings']>> =>
      Object.fromEntries(
        await Promise.all(
          bound.map(async ({ layout: { input, output }, entry: { at } }) => {
            if ('held' in at) throw new ForjaError('internal', `state.${input}: expected a place, got none`);
            const binding = { state: await at.group.ready, tensor: at.tensor };
            return [input, { ...binding, ...(output === undefined ? {} : { output }) }] as const;
          }),
        ),
      );
    return new SharedHome(entries, bindings(), () => this.#leave(variables, entries));
  }

  #entryOf(variable: tf.Variable): Entry {
    return this.#entries.get(variable) ?? { users: 0, at: { held: readVariable(variable) } };
  }

  async #leave(variables: ReadonlyMap<string, tf.Variable>, entries: ReadonlyMap<string, Entry>): Promise<void> {
    const over = new Set<Group>();
    for (const [name, variable] of variables) {
      const entry = stateNamed(entries, name);
      if (--entry.users > 0) continue;
      this.#entries.delete(variable);
      if (!('held' in entry.at) && --entry.at.group.live === 0) over.add(entry.at.group);
    }
    await Promise.all([...over].map(({ ready }) => ready.then((state) => state.dispose())));
  }
}

/** One step's view of the shared variables. */
class SharedHome implements StateHome {
  readonly bindings: StateHome['bindings'];
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #leave: () => Promise<void>;
  #over: Promise<void> | undefined;

  constructor(entries: ReadonlyMap<string, Entry>, bindings: StateHome['bindings'], leave: () => Promise<void>) {
    this.#entries = entries;
    this.bindings = bindings;
    bindings.catch(() => undefined); // avoids an unhandled rejection if nobody awaits them
    this.#leave = leave;
  }

  async read(names: readonly string[] = [...this.#entries.keys()]): Promise<StepState> {
    this.#check();
    const found = names.map((name) => ({ name, at: stateNamed(this.#entries, name).at }));
    const wanted = new Map<Group, string[]>();
    for (const { at } of found) if (!('held' in at)) wanted.set(at.group, [...(wanted.get(at.group) ?? []), at.tensor]);
    // requested synchronously, so that no run comes in between
    const reading = [...wanted].map(async ([group, tensors]) => [
      group,
      await withState(group, (s) => s.read(tensors)),
    ]);
    const read = new Map((await Promise.all(reading)) as [Group, NamedTensors][]); // pairs, as just made
    return Object.fromEntries(
      found.map(({ name, at }) => {
        if ('held' in at) return [name, copyOf(at.held)];
        const value = read.get(at.group)?.[at.tensor];
        if (value === undefined) throw new ForjaError('internal', `state.${name}: the runtime returned none`);
        return [name, toLogical(at.layout, value)];
      }),
    );
  }

  async load(values: StepState): Promise<void> {
    this.#check();
    const given = Object.entries(values).map(([name, value]) => {
      const entry = stateNamed(this.#entries, name);
      const kind = 'held' in entry.at ? entry.at.held : entry.at.layout;
      checkValue(name, { dtype: kind.dtype as ProgramDType, shape: kind.shape }, value); // a variable's dtype
      return { entry, value };
    });
    const writes = new Map<Group, NamedTensors>();
    for (const { entry, value } of given) {
      if ('held' in entry.at) {
        entry.at = { held: copyOf(value) };
        continue;
      }
      const { group, tensor, layout } = entry.at;
      writes.set(group, { ...writes.get(group), [tensor]: toStored(layout, value) });
    }
    await Promise.all([...writes].map(([group, tensors]) => withState(group, (state) => state.write(tensors))));
  }

  release(): Promise<void> {
    return (this.#over ??= this.#leave());
  }

  #check(): void {
    if (this.#over) throw new ForjaError('disposed', 'step: expected a live step, got a disposed one');
  }
}

/** Runs `job` on a group's state; synchronously if it is ready, so that calls keep their order. */
function withState<T>({ state, ready }: Group, job: (state: SharedState) => Promise<T>): Promise<T> {
  return state === undefined ? ready.then(job) : job(state);
}
