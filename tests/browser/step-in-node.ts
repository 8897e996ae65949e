// The Node side of train.test.ts: the scenario on @forja/node's runtime, bundled by bundle.ts.
import { runtime } from '@forja/node';
import { enableProdMode } from '@tensorflow/tfjs';
import { stepsOf, type Game, type Outcome } from './step-scenario.js';

enableProdMode(); // suppresses tfjs's advice to install a native backend, as our commands do

/** The scenario on the CPU, in this thread. */
export async function stepsInNode(game: Game, count: number): Promise<Outcome> {
  const host = runtime({ device: 'cpu', threads: 1, executor: 'inline' });
  try {
    return await stepsOf(host, game, count);
  } finally {
    await host.dispose();
  }
}
