// Runs a system: its phases as compiled ONNX graphs or eagerly in tfjs, over one state, and its outputs for previews
// and measures.
import { deviceTraits, ForjaError, UsageError, type NamedTensors, type Runtime, type Tensor } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { compileAll, scalarOf } from '../compile/compile.js';
import { eagerStep } from '../compile/eager.js';
import type { CompiledStep, StepDefinition, StepFunction } from '../compile/step.js';
import { checkedStep, checkSystem } from '../systems/check.js';
import { phaseStep, runOf, runsIn } from '../systems/phase.js';
import type { GanSystem, Output } from '../systems/system.js';
import type { PhaseFeeds } from './feeds.js';

/** Scalars of one iteration, by name; means over the runs of a phase. */
export type Scalars = Record<string, number>;

/** What the training loop needs to run a system. */
export interface Engine {
  /** The device that runs the phases, for messages. */
  readonly device: string;
  /** Number of the next iteration; set it to resume. */
  step: number;
  /** Number of the set of random numbers that iterations use; initially 0. A rollback changes it. */
  detour: number;
  /** Iterations to pass to {@link run} at once; 1 if they are large. */
  readonly stepsPerRun: number;
  /** Runs iterations: every phase as often as it is due. */
  run(count: number): Promise<Scalars[]>;
  /** A copy of all state, by variable name, in the system's order. */
  state(): Promise<NamedTensors>;
  /** Replaces all state. @throws ForjaError `checkpoint.mismatch` if names or shapes differ. */
  load(state: NamedTensors): Promise<void>;
  /** The first result of an output for a batch of inputs. */
  generate(output: string, inputs: NamedTensors): Promise<Tensor>;
  /** The pictures of an output's grid, for the inputs of its preview. */
  preview(output: string, inputs: NamedTensors): Promise<Tensor>;
  /** Applies a network, by role, to inputs in its own order, with the present weights. */
  evaluate(role: string, inputs: NamedTensors): Promise<Tensor>;
  /** The scalars of run `run` of the system's probe; none without a probe, or if state cannot be shared with it. */
  probe(run: number): Promise<Scalars>;
  /** Writes the state to the system's variables, for the export. */
  writeVariables(): Promise<void>;
  dispose(): Promise<void>;
}

/** Options of {@link makeEngine}. */
export interface EngineOptions {
  kind: 'onnx' | 'tfjs';
  system: GanSystem;
  seed: number;
  /** Feeds of each phase, in the system's order. */
  feeds: readonly PhaseFeeds[];
  /** Feeds of the system's probe. */
  probeFeeds?: PhaseFeeds | undefined;
  /** Needed for `onnx`. */
  runtime?: Runtime | undefined;
  lowering?: 'portable' | 'fast' | 'auto';
  /** Number of threads; undefined: the step's choice. */
  threads?: number | undefined;
}

/** Offset, in runs, between the random numbers of two detours: more runs than any training has. */
const DETOUR = 2 ** 40;

/** Makes the steps of an engine, over one state. */
interface Maker {
  readonly device: string;
  make(steps: Readonly<Record<string, StepDefinition>>): Promise<Record<string, CompiledStep>>;
  /** True if steps made in separate calls share state. */
  readonly shares: boolean;
}

/** Makes the engine. @throws UsageError for `onnx` without a runtime, and for a system that breaks its contract. */
export async function makeEngine(options: EngineOptions): Promise<Engine> {
  const { system, seed, feeds } = options;
  checkSystem(system);
  const maker = makerOf(options);
  if (!maker.shares && system.phases.length > 1)
    throw new UsageError(
      'train.host.runtime: expected a runtime with shared state (createState) for the ' +
        `${system.phases.length} phases of '${system.name}', got one without; use that of @forja/node or ` +
        `@forja/web, or engine: 'tfjs'`,
    );
  const definitions = system.phases.map((phase): [string, StepDefinition] => [
    phase.name,
    { ...phaseStep(system, phase), step: checkedStep(system, phase), seed },
  ]);
  const made = await maker.make(Object.fromEntries(definitions));
  const steps = system.phases.map(({ name }) => made[name] as CompiledStep); // made under these names
  const { probe } = system;
  if (probe === undefined || options.probeFeeds === undefined || !maker.shares)
    return engineOf(system, steps, feeds, maker);
  const { name, inputs = {} } = phaseStep(system, probe);
  // a probe may not assign variables
  const look = { name, inputs, step: checkedStep({ ...system, variables: [] }, probe), seed };
  return engineOf(system, steps, feeds, maker, { look, fed: options.probeFeeds });
}

function makerOf({ kind, runtime, lowering = 'auto', threads }: EngineOptions): Maker {
  if (kind === 'tfjs')
    return {
      device: `tfjs, ${tf.getBackend()}`,
      shares: true, // all steps use the variables themselves
      make: (steps) =>
        Promise.resolve(
          Object.fromEntries(Object.entries(steps).map(([name, { step, ...own }]) => [name, eagerStep(step, own)])),
        ),
    };
  if (runtime === undefined)
    throw new UsageError(
      "train.host.runtime: expected a runtime for the engine 'onnx', got none; pass runtime() of " +
        "@forja/web or @forja/node, import train from @forja/trainer/node, or set engine: 'tfjs'",
    );
  const session = threads === undefined ? {} : { session: { threads } };
  return {
    get device() {
      const { actual, threads: used } = runtime.device;
      return (
        'onnxruntime, ' +
        `${actual}${deviceTraits(actual).cpuKernels ? `, ${used} thread${used === 1 ? '' : 's'}` : ''}`
      );
    },
    shares: runtime.createState !== undefined,
    make: (steps) => compileAll(steps, { runtime, lowering, ...session }),
  };
}

function engineOf(
  system: GanSystem,
  steps: readonly CompiledStep[],
  feeds: readonly PhaseFeeds[],
  maker: Maker,
  probe?: { look: StepDefinition; fed: PhaseFeeds },
): Engine {
  const { phases, variables } = system;
  const names = variables.map(({ name }) => name);
  const [only] = steps;
  const { every = 1, repeat = 1, from = 0, until = Infinity } = phases[0] ?? {};
  const single = phases.length === 1 && every === 1 && repeat === 1 && from === 0 && until === Infinity;
  let prober: CompiledStep | undefined; // made on first use
  const samplers = new Map<string, { step: CompiledStep; copied: string[] }>(); // by key and number of rows

  /** Runs of one phase, in one call if the step supports it. */
  const runs = async (index: number, due: readonly { step: number; run: number }[]): Promise<Scalars[]> => {
    const [phase, compiled, fed] = [phases[index], steps[index], feeds[index]];
    const first = due[0];
    if (phase === undefined || compiled === undefined || fed === undefined || first === undefined) return [];
    const draw = (run: number): number => run + engine.detour * DETOUR;
    compiled.step = draw(first.run);
    const results = await compiled.runMany(await Promise.all(due.map(({ step, run }) => fed(step, run, draw(run)))));
    return results.map((result) =>
      Object.fromEntries(Object.keys(result).map((name) => [name, scalarOf(result, name)])),
    );
  };
  const iteration = async (step: number): Promise<Scalars> => {
    const all: Scalars = {};
    for (const [index, phase] of phases.entries()) {
      const due = Array.from({ length: runsIn(phase, step) }, (_, i) => ({ step, run: runOf(phase, step, i) }));
      Object.assign(all, meanOf(await runs(index, due)));
    }
    return all;
  };
  const outputOf = (name: string): Output => {
    const output = system.outputs[name];
    if (output !== undefined) return output;
    throw new UsageError(`output: expected one of ${Object.keys(system.outputs).join(', ')}, got '${name}'`);
  };
  /** Runs a step that only reads the state; it is kept under `key` and the number of rows. */
  const sample = async (key: string, step: StepFunction, inputs: NamedTensors): Promise<Tensor> => {
    const at = `${key}/${Object.values(inputs)[0]?.shape[0] ?? 0}`;
    let sampler = samplers.get(at);
    if (sampler === undefined) {
      const specs = Object.fromEntries(
        Object.entries(inputs).map(([input, { dtype, shape }]) => [input, { dtype, shape: [...shape] }]),
      );
      const made = (await maker.make({ sample: { step, inputs: specs } }))['sample'] as CompiledStep; // under this name
      sampler = { step: made, copied: maker.shares ? [] : Object.keys(await made.state()) };
      samplers.set(at, sampler);
    }
    if (sampler.copied.length > 0 && only !== undefined) await sampler.step.load(await only.state(sampler.copied));
    return (await sampler.step.run(inputs))['result'] as Tensor; // the name that forward() gives it
  };
  const engine: Engine = {
    device: maker.device,
    step: 0,
    detour: 0,
    stepsPerRun: single ? (only?.summary.stepsPerRun ?? 1) : 1,
    run: async (count) => {
      const from = engine.step;
      const numbers = Array.from({ length: count }, (_, i) => from + i);
      const results: Scalars[] = [];
      if (single)
        results.push(
          ...(await runs(
            0,
            numbers.map((step) => ({ step, run: step })),
          )),
        );
      else for (const step of numbers) results.push(await iteration(step));
      engine.step = from + count;
      return results;
    },
    state: async () => {
      const state = (await only?.state(names)) ?? {};
      return Object.fromEntries(names.map((name) => [name, state[name] as Tensor])); // requested just now
    },
    load: async (state) => {
      refuseOther(state, system);
      await only?.load(state);
    },
    generate: (name, inputs) => {
      const { model, inputs: specs } = outputOf(name);
      return sample(name, forward(model, namesOf(specs)), inputs);
    },
    preview: (name, inputs) => {
      const { preview } = outputOf(name);
      if (preview?.model === undefined) return engine.generate(name, inputs);
      return sample(`${name}/preview`, forward(preview.model, Object.keys(preview.inputs)), inputs);
    },
    evaluate: async (role, inputs) => {
      const network = system.networks[role];
      if (network === undefined)
        throw new UsageError(
          `evaluate: expected one of the networks ${Object.keys(system.networks).join(', ')}, got '${role}'`,
        );
      return sample(`${role}/network`, forward(network, Object.keys(inputs)), inputs);
    },
    probe: async (run) => {
      if (probe === undefined) return {};
      prober ??= (await maker.make({ probe: probe.look }))['probe'] as CompiledStep; // made under this name
      prober.step = run;
      const result = await prober.run(await probe.fed(engine.step, run));
      return Object.fromEntries(Object.keys(result).map((name) => [name, scalarOf(result, name)]));
    },
    writeVariables: async () => {
      await only?.writeVariables();
    },
    dispose: async () => {
      for (const { step } of samplers.values()) await step.dispose();
      await prober?.dispose();
      for (const step of steps) await step.dispose();
    },
  };
  return engine;
}

const namesOf = (specs: Output['inputs']): string[] => specs.map(({ name }) => name);

/** A step without updates that returns the first result of a model for these inputs. */
function forward(model: Output['model'], names: readonly string[]): StepFunction {
  return (given) => {
    const tensors = names.map((name) => given[name] as tf.Tensor); // every input is fed
    const made =
      typeof model === 'function'
        ? model(...tensors)
        : (model.apply(tensors.length === 1 ? (tensors[0] as tf.Tensor) : tensors, { training: false }) as
            tf.Tensor | tf.Tensor[]);
    const result = made instanceof tf.Tensor ? made : Object.values(made)[0];
    return { result: result as tf.Tensor };
  };
}

function meanOf(results: readonly Scalars[]): Scalars {
  const [first = {}] = results;
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      results.reduce((sum, one) => sum + (one[name] ?? NaN), 0) / results.length,
    ]),
  );
}

function refuseOther(state: NamedTensors, { variables, name }: GanSystem): void {
  const wayOut = 'resume with the configuration that the checkpoint was made with';
  for (const v of variables) {
    const got = state[v.name];
    if (got !== undefined && String(got.shape) === String(v.shape)) continue;
    const found = got === undefined ? 'none' : `[${got.shape.join(', ')}]`;
    throw new ForjaError(
      'checkpoint.mismatch',
      `state of ${name}: expected '${v.name}' [${v.shape.join(', ')}], got ${found}; ${wayOut}`,
    );
  }
  const extra = Object.keys(state).filter((key) => !variables.some((v) => v.name === key));
  if (extra.length > 0)
    throw new ForjaError(
      'checkpoint.mismatch',
      `state of ${name}: expected ${variables.length} tensors, got also ${extra.join(', ')}; ${wayOut}`,
    );
}
