// Trains the system of my-gan.mjs on a ring of eight Gaussians, in memory, loads the exported generator, and throws if
// it misses a mode. node examples/own-gan/main.mjs
import assert from 'node:assert/strict';
import { latents } from '@forja/core';
import { load } from '@forja/node';
import { MemoryStore, train } from '@forja/trainer/node';
import { enableProdMode } from '@tensorflow/tfjs';
import system from './my-gan.mjs';

enableProdMode(); // suppresses tfjs's advice to install a native backend
const [COUNT, MODES] = [4096, 8];
const { model, step, store } = await train(
  { data: 'ring', steps: 2000, batch: 128, seed: 1, sampleEvery: 0, checkpointEvery: 0 },
  { system, store: new MemoryStore() },
);
for (const { step: at, scalars } of (await store.lines()).filter(({ step: at }) => at % 500 === 0))
  console.log(`step ${at}: D ${scalars.loss_d.toFixed(3)}, G ${scalars.loss_g.toFixed(3)}`);

const generator = await load(model);
const { points } = await generator.run({ z: latents(7, 0, COUNT, 4) });
await generator.dispose();

// A mode is covered if at least a tenth of its share of the points is within 0.15 of its centre.
const hits = new Array(MODES).fill(0);
for (let i = 0; i < COUNT; i++) {
  const [x, y] = points.data.subarray(2 * i, 2 * i + 2);
  const angle = (k) => (2 * Math.PI * k) / MODES;
  const at = hits.findIndex((_, k) => Math.hypot(x - 0.8 * Math.cos(angle(k)), y - 0.8 * Math.sin(angle(k))) < 0.15);
  if (at >= 0) hits[at]++;
}
const covered = hits.filter((n) => n >= COUNT / MODES / 10).length;
const nearPoints = hits.reduce((a, b) => a + b) / COUNT;
console.log(`${step} steps; points near each mode: ${hits.join(' ')}`);
assert.equal(covered, MODES, `expected all ${MODES} modes, got ${covered}`);
assert.ok(nearPoints >= 0.6, `expected 60 % of the points near a mode, got ${(100 * nearPoints).toFixed(0)} %`);
console.log(`ok: ${covered} of ${MODES} modes, ${(100 * nearPoints).toFixed(0)} % of the points near one`);
