// One scenario of training, run in the page and in Node: a small DCGAN's step compiled, and three steps of it. The
// numbers fed depend on nothing but arithmetic.
import type { Runtime } from '@forja/core';
import { compile, dcgan, phaseStep, scalarOf } from '@forja/trainer';

/** Results of both sides; plain arrays, which can be serialized. */
export interface Outcome {
  losses: number[];
  state: Record<string, number[]>;
  graph: number[];
}

/** Three steps from initial weights of seed 3, with noise of seed 5. */
export async function threeSteps(runtime: Runtime): Promise<Outcome> {
  const system = dcgan({ size: 16, channels: 3, base: 4, latent: 8, batch: 4, seed: 3 });
  const step = await compile(phaseStep(system).step, {
    inputs: phaseStep(system).inputs,
    variables: system.variables,
    runtime,
    seed: 5,
  });
  const losses: number[] = [];
  for (let i = 0; i < 3; i++) {
    const real = Float32Array.from(
      { length: 4 * 16 * 16 * 3 },
      (_, j) => (((j + 1) * 7919 + i * 104729) % 2003) / 1001.5 - 1,
    );
    const results = await step.run({ real, rate_g: 2e-3, rate_d: 1e-3 });
    losses.push(scalarOf(results, 'loss_d'), scalarOf(results, 'loss_g'));
  }
  const state = Object.entries(await step.state()).map(
    ([name, { data }]) => [name, Array.from(data as Float32Array)] as const,
  ); // all are float32
  const graph = Array.from(step.onnx());
  await step.dispose();
  system.dispose();
  return { losses, state: Object.fromEntries(state), graph };
}
