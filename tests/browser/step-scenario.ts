// One scenario of training, run in the page and in Node: the step of a small game compiled, and a few steps of it. The
// numbers fed depend on nothing but arithmetic.
import type { Runtime } from '@forja/core';
import { compile, dcgan, mlpGan, phaseStep, scalarOf, type GanSystem } from '@forja/trainer';

/** Results of both sides; plain arrays, which can be serialized. */
export interface Outcome {
  losses: number[];
  state: Record<string, number[]>;
  graph: number[];
}

/** The games of the page that trains in a tab: pictures, and points of a plane; with the size of a batch of data. */
export const GAMES = {
  dcgan: {
    make: (): GanSystem => dcgan({ size: 16, channels: 3, base: 4, latent: 8, batch: 4, seed: 3 }),
    fed: 4 * 16 * 16 * 3,
  },
  mlpGan: { make: (): GanSystem => mlpGan({ base: 16, baseD: 16, latent: 2, batch: 8, seed: 3 }), fed: 8 * 2 },
} as const;

/** A game's name. */
export type Game = keyof typeof GAMES;

/** So many steps from initial weights of seed 3, with noise of seed 5. */
export async function stepsOf(runtime: Runtime, game: Game, count: number): Promise<Outcome> {
  const { make, fed } = GAMES[game];
  const system = make();
  const step = await compile(phaseStep(system).step, {
    inputs: phaseStep(system).inputs,
    variables: system.variables,
    runtime,
    seed: 5,
  });
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const real = Float32Array.from({ length: fed }, (_, j) => (((j + 1) * 7919 + i * 104729) % 2003) / 1001.5 - 1);
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
