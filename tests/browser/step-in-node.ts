// The Node side of train.test.ts: the scenario on @forja/node's runtime, bundled by bundle.ts.
import { runtime } from '@forja/node';
import { threeSteps, type Outcome } from './step-scenario.js';

/** The scenario on the CPU, in this thread. */
export async function threeStepsInNode(): Promise<Outcome> {
  const host = runtime({ device: 'cpu', threads: 1, executor: 'inline' });
  try {
    return await threeSteps(host);
  } finally {
    await host.dispose();
  }
}
