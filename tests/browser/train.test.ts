// Training in Chromium: the step is traced, lowered and compiled in the page, and gives the same on onnxruntime-web's
// WASM as on onnxruntime-node.
import { runtime } from '@forja/web';
import { afterAll, expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { threeSteps } from './step-scenario.js';

const host = runtime({ device: 'wasm', threads: 1 });
afterAll(() => host.dispose());

test('three steps of a DCGAN on WASM equal Node’s within 1e-4, from the same graph bytes', async () => {
  const [here, there] = [await threeSteps(host), await commands.threeStepsInNode()];
  expect(here.graph.length).toBeGreaterThan(1000);
  expect(here.graph, 'graph bytes').toEqual(there.graph);
  expect(here.losses).toBeAllclose(there.losses, { rtol: 1e-4 });
  expect(Object.keys(here.state)).toEqual(Object.keys(there.state));
  for (const [name, values] of Object.entries(there.state)) {
    const size = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(here.state[name] ?? [], name).toBeAllclose(values, { atol: 1e-4 * size });
  }
  // Something was learned: Adam counts three steps, and the generator moved.
  expect(here.state['adam_g/step']).toEqual([3]);
  expect(here.state['g/last/kernel']).not.toEqual(here.state['average/g/last/kernel']);
});
