// What tfjs-node.test.ts and its child process both run: the same system, the same feeds. No test framework here: the
// child has none.
import {
  dcgan,
  phaseStep,
  scalarOf,
  type CompiledStep,
  type Feed,
  type GanSystem,
  type StepState,
} from '@forja/trainer';

/** Steps of both engines that are compared, and steps of the compiled one before them. */
export const WARM = 4;
export const STEPS = 3;
export const SEED = 5;

/** A DCGAN for 16×16 RGB. */
export const small = (): GanSystem =>
  dcgan({ size: 16, channels: 3, base: 4, latent: 8, batch: 4, labelSmoothing: 0.1, seed: 3 });

/** Input from the parent process. */
export interface Given {
  state: StepState;
}

/** Results of the steps. */
export interface Outcome {
  losses: number[];
  state: StepState;
}

/** Numbers in [-1, 1) without our random generator. */
function spread(count: number, phase: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => 2 * ((((i + 1) * 0.754877666 + phase * 0.569840291) % 1) - 0.5),
  );
}

function feedsAt(system: GanSystem, step: number): Record<string, Feed> {
  const { shape } = phaseStep(system).inputs['real'] ?? { shape: [] };
  return {
    real: spread(
      shape.map(Number).reduce((a, b) => a * b, 1),
      step,
    ),
    rate_g: 2e-3,
    rate_d: 1e-3,
  };
}

/** Runs `count` steps, from the step's own number on. */
export async function steps(step: CompiledStep, system: GanSystem, count: number): Promise<Outcome> {
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const results = await step.run(feedsAt(system, step.step));
    losses.push(scalarOf(results, 'loss_d'), scalarOf(results, 'loss_g'));
  }
  return { losses, state: await step.state() };
}
