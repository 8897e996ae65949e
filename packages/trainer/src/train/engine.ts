// The two ways to run a system's step: compiled into one ONNX graph, or eagerly in tfjs. Both draw the same random numbers and name the state alike.
import { ForjaError, UsageError, sizeOf, type NamedTensors, type Runtime, type Tensor } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { compile } from '../compile/step.js';
import { withGradients } from '../gradients/index.js';
import { drawRandom, withRandom } from '../random.js';
import type { GanSystem } from '../systems/system.js';

/** What the loop drives. */
export interface Engine {
  /** What runs the step, for people. */
  readonly device: string;
  /** Number of the next step; settable, for a resume. */
  step: number;
  /** One step on real examples [batch, …]. */
  run(real: Float32Array, rates: { g: number; d: number }): Promise<{ loss_d: number; loss_g: number }>;
  /** A copy of all state, by variable name, in the system's order. */
  state(): Promise<NamedTensors>;
  load(state: NamedTensors): Promise<void>;
  /** The averaged generator's output for latents [count, latent]; `count` is always that of the engine's making. */
  generate(z: Float32Array): Promise<Float32Array>;
  /** Puts the state into the system's own variables, for the export. */
  writeVariables(): Promise<void>;
  dispose(): Promise<void>;
}

/** What an engine is made of. */
export interface EngineOptions {
  system: GanSystem;
  seed: number;
  /** Latents of a sample grid. */
  samples: number;
}

/** The compiled step on a runtime, and the averaged generator as a second session for sample grids, made on first use. */
export async function onnxEngine({ system, seed, samples }: EngineOptions, runtime: Runtime, lowering: 'portable' | 'fast'): Promise<Engine> {
  const step = await compile(system.step, { inputs: system.inputs, variables: system.variables, runtime, lowering, seed });
  const names = system.variables.map(({ name }) => name);
  let sampler: Awaited<ReturnType<typeof compile>> | undefined;
  const { actual, threads } = runtime.device;
  return {
    device: `onnxruntime, ${actual}${actual === 'cpu' || actual === 'wasm' ? `, ${threads} thread${threads === 1 ? '' : 's'}` : ''}`,
    get step() {
      return step.step;
    },
    set step(value) {
      step.step = value;
    },
    run: async (real, rates) => losses(await step.run({ real, rate_g: rates.g, rate_d: rates.d })),
    state: async () => ordered(await step.state(), names),
    load: (state) => step.load(complete(state, system)),
    generate: async (z) => {
      const averages = system.average.weights.map((w) => (w.read() as tf.Variable).name); // a layer's weight is a variable
      const forward = (inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> => ({ out: system.average.apply(inputs['z'] as tf.Tensor, { training: false }) as tf.Tensor }); // compile feeds `z`; one output
      sampler ??= await compile(forward, { inputs: { z: { dtype: 'float32', shape: [samples, system.sample.latent] } }, runtime });
      await sampler.load(await step.state(averages));
      return floats((await sampler.run({ z }))['out']);
    },
    writeVariables: () => step.writeVariables(),
    dispose: async () => {
      await sampler?.dispose();
      await step.dispose();
    },
  };
}

/** The step run by tfjs's current backend, kernel by kernel, with Forja's gradients. The event loop is blocked for each step's length. */
export function tfjsEngine({ system, seed }: EngineOptions): Engine {
  const entries = Object.entries(system.inputs);
  const randoms = entries.filter(([, spec]) => spec.random !== undefined);
  const { variables } = system;
  let step = 0;
  return {
    device: `tfjs, ${tf.getBackend()}`,
    get step() {
      return step;
    },
    set step(value) {
      step = value;
    },
    run: (real, rates) => {
      const feeds: Record<string, ArrayLike<number>> = { real, rate_g: [rates.g], rate_d: [rates.d] };
      const at = { seed, step };
      const before = tf.memory().numTensors;
      const result = withGradients(() => withRandom({ ...at, stream: randoms.length }, () => tf.tidy(() => {
        const inputs = Object.fromEntries(entries.map(([name, { shape, random }]) => {
          const dims = shape.map(Number);
          const values = random === undefined ? feeds[name] : drawRandom({ distribution: random }, { ...at, stream: randoms.findIndex(([r]) => r === name) }, sizeOf(dims));
          return [name, tf.tensor(Float32Array.from(values ?? []), dims, 'float32')];
        }));
        const out = system.step(inputs);
        const read = (name: string): number => out[name]?.dataSync()[0] ?? NaN;
        const values = { loss_d: read('loss_d'), loss_g: read('loss_g') };
        tf.dispose(out); // a kept tensor outlives the tidy
        return values as unknown as tf.TensorContainer; // plain numbers pass through tidy
      }))) as unknown as { loss_d: number; loss_g: number };
      const leaked = tf.memory().numTensors - before;
      if (leaked > 0) throw new ForjaError('internal', `tfjs step: expected no tensors left over, got ${leaked}`);
      step++;
      return Promise.resolve(result);
    },
    state: () => Promise.resolve(Object.fromEntries(variables.map((v) => [v.name, { dtype: v.dtype as 'float32', shape: [...v.shape], data: v.dataSync().slice() as Float32Array }]))), // state is float32
    load: (state) => {
      const whole = complete(state, system);
      tf.tidy(() => {
        for (const v of variables) {
          const { shape, data, dtype } = whole[v.name] as Tensor; // complete() has looked
          v.assign(tf.tensor(data as Float32Array, shape, dtype as 'float32'));
        }
      });
      return Promise.resolve();
    },
    generate: (z) => Promise.resolve(tf.tidy(() => {
      const latent = system.sample.latent;
      const out = system.average.apply(tf.tensor2d(z, [z.length / latent, latent]), { training: false }) as tf.Tensor; // one output
      return out.dataSync().slice() as unknown as tf.TensorContainer;
    }) as unknown as Float32Array),
    writeVariables: () => Promise.resolve(),
    dispose: () => Promise.resolve(),
  };
}

function losses(out: NamedTensors): { loss_d: number; loss_g: number } {
  const scalar = (name: string): number => floats(out[name])[0] ?? NaN;
  return { loss_d: scalar('loss_d'), loss_g: scalar('loss_g') };
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.dtype !== 'float32') throw new ForjaError('internal', `engine: expected a float32 output, got ${tensor?.dtype ?? 'none'}`);
  return tensor.data as Float32Array; // by its dtype
}

function ordered(state: NamedTensors, names: readonly string[]): NamedTensors {
  return Object.fromEntries(names.flatMap((name) => (state[name] ? [[name, state[name]]] : [])));
}

/** The state, if it is of this system: every variable with its shape, and no other. */
function complete(state: NamedTensors, { variables, name }: GanSystem): NamedTensors {
  for (const v of variables) {
    const got = state[v.name];
    if (got === undefined || String(got.shape) !== String(v.shape)) {
      throw new ForjaError('checkpoint.mismatch', `state of ${name}: expected '${v.name}' [${v.shape.join(', ')}], got ${got === undefined ? 'none' : `[${got.shape.join(', ')}]`}; was it saved by another configuration?`);
    }
  }
  if (Object.keys(state).length !== variables.length) {
    const extra = Object.keys(state).filter((key) => !variables.some((v) => v.name === key));
    throw new ForjaError('checkpoint.mismatch', `state of ${name}: expected ${variables.length} tensors, got also ${extra.join(', ')}`);
  }
  return state;
}

/** The engine asked for. Throws UsageError for `onnx` without a runtime. */
export function makeEngine(kind: 'onnx' | 'tfjs', options: EngineOptions, runtime: Runtime | undefined, lowering: 'portable' | 'fast'): Promise<Engine> {
  if (kind === 'tfjs') return Promise.resolve(tfjsEngine(options));
  if (runtime === undefined) {
    throw new UsageError("train.host.runtime: expected a runtime for the engine 'onnx', got none; pass runtime() of @forja/web or @forja/node, import train from @forja/trainer/node, or set engine: 'tfjs'");
  }
  return onnxEngine(options, runtime, lowering);
}
