// The state of steps on a runtime without shared state: each session keeps its own. If one step only reads a variable
// that another step assigns, its value is copied from the other session before each run.
import { ForjaError, UsageError, type NamedTensors, type Runtime, type Session, type StateBinding } from '@forja/core';
import type * as tf from '@tensorflow/tfjs';
import type { Lowered, StateLayout } from '../lower/lower.js';
import { checkValue, readVariable, stateNamed, toLogical, toStored, type StateHome } from './state.js';
import type { StepState } from './step.js';

/** The step that assigns a variable, by runtime and variable. */
const runtimes = new WeakMap<Runtime, WeakMap<tf.Variable, OwnHome>>();

interface Kept {
  variable: tf.Variable;
  layout: StateLayout;
}

/** One step's state, in its session. */
export class OwnHome implements StateHome {
  readonly bindings: Promise<Record<string, StateBinding>>;
  readonly #kept: ReadonlyMap<string, Kept>;
  readonly #owners: WeakMap<tf.Variable, OwnHome>;
  #session: Session | undefined;

  /** @throws UsageError if another step already assigns one of this step's variables. */
  constructor(
    runtime: Runtime,
    variables: ReadonlyMap<string, tf.Variable>,
    { state, fixed }: Pick<Lowered, 'state' | 'fixed'>,
  ) {
    this.#owners = runtimes.get(runtime) ?? new WeakMap();
    runtimes.set(runtime, this.#owners);
    this.#kept = new Map(
      [...state, ...fixed].map((layout) => [layout.input, { layout, variable: stateNamed(variables, layout.input) }]),
    );
    for (const { input } of state)
      if (this.#owners.has(stateNamed(variables, input)))
        throw new UsageError(
          `compile: expected a runtime with shared state (createState), as another step assigns '${input}' as ` +
            'well, got one without; dispose of that step first, or take runtime() of @forja/node or @forja/web',
        );
    this.bindings = Promise.resolve(
      Object.fromEntries(
        [...this.#kept].map(([input, { layout, variable }]) => {
          const { output } = layout;
          if (output === undefined) throw new ForjaError('internal', `state.${input}: expected an output, got none`);
          return [input, { output, initial: toStored(layout, readVariable(variable)) }];
        }),
      ),
    );
    for (const { input } of state) this.#owners.set(stateNamed(variables, input), this);
  }

  attach(session: Session): void {
    this.#session = session;
  }

  async refresh(): Promise<void> {
    for (const [owner, names] of this.#foreign()) {
      const theirs = names.map((name) => [name, owner.#nameOf(stateNamed(this.#kept, name).variable)] as const);
      const values = await owner.#open.readState(theirs.map(([, name]) => name));
      const copied: NamedTensors = {};
      for (const [name, their] of theirs) {
        const value = values[their];
        if (value === undefined) throw new ForjaError('internal', `state.${their}: the runtime returned none`);
        const logical = toLogical(stateNamed(owner.#kept, their).layout, value);
        copied[name] = toStored(stateNamed(this.#kept, name).layout, logical);
      }
      await this.#open.writeState(copied);
    }
  }

  async read(names: readonly string[] = [...this.#kept.keys()]): Promise<StepState> {
    const layouts = names.map((name) => [name, stateNamed(this.#kept, name).layout] as const);
    if (this.#foreign().size > 0) await this.refresh();
    const values = await this.#open.readState([...names]);
    return Object.fromEntries(
      layouts.flatMap(([name, layout]) => {
        const value = values[name];
        return value === undefined ? [] : [[name, toLogical(layout, value)]];
      }),
    );
  }

  async load(values: StepState): Promise<void> {
    const entries = Object.entries(values);
    for (const [name, value] of entries) checkValue(name, stateNamed(this.#kept, name).layout, value);
    const writes = new Map<OwnHome, NamedTensors>();
    for (const [name, value] of entries) {
      const { variable, layout } = stateNamed(this.#kept, name);
      writes.set(this, { ...writes.get(this), [name]: toStored(layout, value) });
      const owner = this.#owners.get(variable);
      if (owner === undefined || owner === this) continue;
      const their = owner.#nameOf(variable);
      const stored = toStored(stateNamed(owner.#kept, their).layout, value);
      writes.set(owner, { ...writes.get(owner), [their]: stored });
    }
    await Promise.all([...writes].map(([home, tensors]) => home.#open.writeState(tensors)));
  }

  release(): Promise<void> {
    for (const { variable } of this.#kept.values())
      if (this.#owners.get(variable) === this) this.#owners.delete(variable);
    return Promise.resolve();
  }

  get #open(): Session {
    if (this.#session === undefined) throw new ForjaError('internal', 'step: expected a session, got none yet');
    return this.#session;
  }

  /** Names of the variables that other steps assign, by step. */
  #foreign(): Map<OwnHome, string[]> {
    const foreign = new Map<OwnHome, string[]>();
    for (const [name, { variable }] of this.#kept) {
      const owner = this.#owners.get(variable);
      if (owner !== undefined && owner !== this) foreign.set(owner, [...(foreign.get(owner) ?? []), name]);
    }
    return foreign;
  }

  #nameOf(variable: tf.Variable): string {
    return [...this.#kept].find(([, kept]) => kept.variable === variable)?.[0] ?? '';
  }
}
