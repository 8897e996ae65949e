// Training in Chromium: steps are traced, lowered and compiled in the page, and give the same on onnxruntime-web's WASM
// and WebGPU as on onnxruntime-node.
import { runtime } from '@forja/web';
import { expect, test } from 'vitest';
import { commands } from 'vitest/browser';
import { GAMES, stepsOf, type Game, type Outcome } from './step-scenario.js';

const games = Object.keys(GAMES) as Game[]; // Object.keys loses the key type

/** Losses, and weights, moments and counters: each within 1e-4, of state relative to its largest value. */
function expectEqual(here: Outcome, there: Outcome): void {
  expect(here.losses).toBeAllclose(there.losses, { rtol: 1e-4 });
  expect(Object.keys(here.state)).toEqual(Object.keys(there.state));
  for (const [name, values] of Object.entries(there.state)) {
    const size = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(here.state[name] ?? [], name).toBeAllclose(values, { atol: 1e-4 * size });
  }
}

test.each(games)('%s: three steps on WASM equal Node’s within 1e-4, from the same graph bytes', async (game) => {
  await using host = runtime({ device: 'wasm', threads: 1 });
  const [here, there] = [await stepsOf(host, game, 3), await commands.stepsInNode(game, 3)];
  expect(here.graph.length).toBeGreaterThan(1000);
  expect(here.graph, 'graph bytes').toEqual(there.graph);
  expectEqual(here, there);
  // Something was learned: Adam counts three steps, and the generator moved.
  expect(here.state['adam_g/step']).toEqual([3]);
  const kernel = Object.keys(here.state).find((name) => /^g\/.*kernel$/.test(name)) ?? 'none';
  expect(here.state[kernel]).not.toEqual(here.state[`average/${kernel}`]);
});

test.for(games)('%s: the first step on WebGPU equals Node’s within 1e-4', async (game, { skip }) => {
  if (!(await navigator.gpu?.requestAdapter())) skip('this browser has no WebGPU adapter');
  await using host = runtime({ device: 'webgpu' });
  const here = await stepsOf(host, game, 1);
  expectEqual(here, await commands.stepsInNode(game, 1));
  expect(here.state['adam_g/step']).toEqual([1]);
});
