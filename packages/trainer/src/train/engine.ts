// A system made ready to run: its step as one compiled ONNX graph or eagerly in tfjs, and its averaged generator for
// sample grids.
import { ForjaError, UsageError, type NamedTensors, type Runtime, type Tensor } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { compile, scalarOf } from '../compile/compile.js';
import { eagerStep } from '../compile/eager.js';
import type { CompiledStep, StepFunction } from '../compile/step.js';
import type { GanSystem } from '../systems/system.js';
import { variablesOf } from '../tfjs/variables.js';

/** What one step is given beside its random numbers. */
export interface StepInputs {
  real: Float32Array;
  rates: { g: number; d: number };
}

/** What one step returns. */
export interface StepLosses {
  loss_d: number;
  loss_g: number;
}

/** What the loop drives. */
export interface Engine {
  /** What runs the step, for people. */
  readonly device: string;
  /** Number of the next step; settable, for a resume. */
  step: number;
  /** Steps that should be given to {@link run} at once; 1 where steps are large. */
  readonly stepsPerRun: number;
  /** Steps one after the other, each on real examples [batch, …]. */
  run(steps: readonly StepInputs[]): Promise<StepLosses[]>;
  /** A copy of all state, by variable name, in the system's order. */
  state(): Promise<NamedTensors>;
  /** Replaces all state. Throws ForjaError `checkpoint.mismatch` for the state of another network. */
  load(state: NamedTensors): Promise<void>;
  /** The averaged generator's output for latents [samples, latent]. */
  generate(z: Float32Array): Promise<Float32Array>;
  /** Puts the state into the system's own variables, for the export. */
  writeVariables(): Promise<void>;
  dispose(): Promise<void>;
}

/** What an engine is made of. */
export interface EngineOptions {
  kind: 'onnx' | 'tfjs';
  system: GanSystem;
  seed: number;
  /** Latents of a sample grid. */
  samples: number;
  /** Needed for `onnx`. */
  runtime?: Runtime | undefined;
  lowering?: 'portable' | 'fast' | 'auto';
  /** Threads asked for; undefined: the step's choice. */
  threads?: number | undefined;
}

/** The engine asked for. Throws UsageError for `onnx` without a runtime. */
export async function makeEngine(options: EngineOptions): Promise<Engine> {
  const { kind, system, seed, samples, runtime, lowering = 'auto', threads: asked } = options;
  const shared = { inputs: system.inputs, variables: system.variables, seed };
  if (kind === 'tfjs')
    return engineOf(system, eagerStep(system.step, shared), `tfjs, ${tf.getBackend()}`, () =>
      eagerSampler(system, samples),
    );
  if (runtime === undefined) {
    throw new UsageError(
      "train.host.runtime: expected a runtime for the engine 'onnx', got none; pass runtime() of @forja/web or @forja/node, import train from @forja/trainer/node, or set engine: 'tfjs'",
    );
  }
  const step = await compile(system.step, {
    ...shared,
    runtime,
    lowering,
    ...(asked === undefined ? {} : { session: { threads: asked } }),
  });
  const { actual, threads } = runtime.device;
  const device = `onnxruntime, ${actual}${actual === 'cpu' || actual === 'wasm' ? `, ${threads} thread${threads === 1 ? '' : 's'}` : ''}`;
  return engineOf(system, step, device, async () =>
    compile(forward(system), { inputs: samplerInputs(system, samples), runtime }),
  );
}

type Sampler = Pick<CompiledStep, 'run' | 'load' | 'dispose'>;

function engineOf(
  system: GanSystem,
  step: CompiledStep,
  device: string,
  makeSampler: () => Sampler | Promise<Sampler>,
): Engine {
  const averages = variablesOf(system.average.weights).map(({ name }) => name);
  let sampler: Sampler | undefined; // made on first use: a run without sample grids needs none
  return {
    device,
    get step() {
      return step.step;
    },
    set step(value) {
      step.step = value;
    },
    stepsPerRun: step.summary.stepsPerRun,
    run: async (steps) => {
      const results = await step.runMany(steps.map(({ real, rates: { g, d } }) => ({ real, rate_g: g, rate_d: d })));
      return results.map((result) => ({ loss_d: scalarOf(result, 'loss_d'), loss_g: scalarOf(result, 'loss_g') }));
    },
    state: async () => {
      const state = await step.state();
      // every variable of the system is state
      return Object.fromEntries(system.variables.map(({ name }) => [name, state[name] as Tensor]));
    },
    load: async (state) => {
      refuseOther(state, system);
      await step.load(state);
    },
    generate: async (z) => {
      sampler ??= await makeSampler();
      await sampler.load(await step.state(averages));
      // forward() names it; pictures and points are float32
      return (await sampler.run({ z }))['out']?.data as Float32Array;
    },
    writeVariables: () => step.writeVariables(),
    dispose: async () => {
      await sampler?.dispose();
      await step.dispose();
    },
  };
}

/** The averaged generator in inference as a step without updates: its weights are state that is only read. */
function forward(system: GanSystem): StepFunction {
  // `z` is the one input; one output.
  return ({ z }) => ({ out: system.average.apply(z as tf.Tensor, { training: false }) as tf.Tensor });
}

const samplerInputs = (
  { sample }: GanSystem,
  samples: number,
): Record<string, { dtype: 'float32'; shape: number[] }> => ({
  z: { dtype: 'float32', shape: [samples, sample.latent] },
});

/** Eagerly the weights are the system's own, and hold the state already. */
function eagerSampler(system: GanSystem, samples: number): Sampler {
  const step = eagerStep(forward(system), { inputs: samplerInputs(system, samples), variables: [] });
  return { run: (feeds) => step.run(feeds), load: () => Promise.resolve(), dispose: () => step.dispose() };
}

function refuseOther(state: NamedTensors, { variables, name }: GanSystem): void {
  for (const v of variables) {
    const got = state[v.name];
    if (got !== undefined && String(got.shape) === String(v.shape)) continue;
    throw new ForjaError(
      'checkpoint.mismatch',
      `state of ${name}: expected '${v.name}' [${v.shape.join(', ')}], got ${got === undefined ? 'none' : `[${got.shape.join(', ')}]`}; resume with the configuration that the checkpoint was made with`,
    );
  }
  const extra = Object.keys(state).filter((key) => !variables.some((v) => v.name === key));
  if (extra.length > 0)
    throw new ForjaError(
      'checkpoint.mismatch',
      `state of ${name}: expected ${variables.length} tensors, got also ${extra.join(', ')}; resume with the configuration that the checkpoint was made with`,
    );
}
