// A GAN whose training step is written here, in tfjs, and runs as one ONNX graph: points on a ring of eight Gaussians,
// with a hinge loss and noise that fades, neither of which Forja has. The generator is then exported, loaded and
// sampled, and must cover the ring: throws when it does not. node examples/own-gan/main.mjs
import assert from 'node:assert/strict';
import { latents } from '@forja/core';
import { load } from '@forja/node';
import { adam, applyUpdates, compile, ema, exportOnnx, random, scalarOf, syntheticDataset } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';

tf.enableProdMode(); // no advice to install a native backend
const [LATENT, BATCH, STEPS, MODES] = [4, 128, 2000, 8];

// The players, and a copy of the generator that follows it slowly. Any tf.LayersModel will do.
const net = (input, output, seed) =>
  tf.sequential({
    layers: [64, 64, output].map((units, i) =>
      tf.layers.dense({
        ...(i === 0 ? { inputShape: [input] } : {}),
        units,
        ...(i < 2 ? { activation: 'relu' } : {}),
        kernelInitializer: tf.initializers.heNormal({ seed: seed + i }),
      }),
    ),
  });
const [generator, average, critic] = [net(LATENT, 2, 1), net(LATENT, 2, 1), net(2, 1, 11)];
const variables = (model) => model.trainableWeights.map((weight) => weight.read());
const [g, d] = [variables(generator), variables(critic)];

// What remembers things between steps is made before the step; the step only reads and assigns.
const adamG = adam({ beta1: 0.5, name: 'adam_g' }).prepare(g);
const adamD = adam({ beta1: 0.5, name: 'adam_d' }).prepare(d);
const follow = ema(g, 0.995, { averages: variables(average) });

function step({ real, rate, noise }) {
  // Random numbers become inputs of the graph, filled from (seed, step); never constants of it.
  const fake = () => generator.apply(random.normal([BATCH, LATENT]));
  const score = (points) => critic.apply(tf.add(points, tf.mul(random.normal([BATCH, 2]), noise)));

  const onD = tf.variableGrads(
    () => tf.add(tf.mean(tf.relu(tf.sub(1, score(real)))), tf.mean(tf.relu(tf.add(1, score(fake()))))),
    d,
  );
  applyUpdates(adamD(d, onD.grads, rate));
  const onG = tf.variableGrads(() => tf.neg(tf.mean(score(fake()))), g);
  applyUpdates(adamG(g, onG.grads, rate));
  applyUpdates(follow());
  return { loss_d: onD.value, loss_g: onG.value };
}

const compiled = await compile(step, {
  inputs: { real: { shape: [BATCH, 2] }, rate: { shape: [] }, noise: { shape: [] } },
  variables: [...g, ...d, ...adamG.state, ...adamD.state, ...follow.averages],
  seed: 1,
  session: { threads: 1 }, // for networks this small, a second thread costs more than it brings
});
const { calls, nodes, traceMs } = compiled.summary;
console.log(`one step: ${calls} kernel calls, ${nodes} ONNX nodes, traced in ${traceMs.toFixed(0)} ms`);

const points = syntheticDataset({ shape: 'ring', modes: MODES, count: 8192, deviation: 0.02 });
const real = new Float32Array(BATCH * 2);
for (let s = 0; s < STEPS; s++) {
  points.read(
    Array.from({ length: BATCH }, (_, i) => (s * BATCH + i) % points.count),
    { vector: real },
  );
  const left = Math.max(1 - s / STEPS, 0.1);
  // schedules are numbers that change; the graph stays
  const losses = await compiled.run({ real, rate: 3e-3 * left, noise: 0.2 * left });
  if (s % 500 === 0)
    console.log(`step ${s}: D ${scalarOf(losses, 'loss_d').toFixed(3)}, G ${scalarOf(losses, 'loss_g').toFixed(3)}`);
}
await compiled.writeVariables(); // back into the tf.Variables, for the export
await compiled.dispose();

const { model } = await exportOnnx(average, {
  inputs: [{ name: 'z', shape: ['batch', LATENT] }],
  outputs: [{ name: 'points' }],
});
const loaded = await load(model);
const { points: made } = await loaded.run({ z: latents(7, 0, 4096, LATENT) });
await loaded.dispose();

// A mode is covered when it got at least a tenth of its share of the points, within 0.15 of its centre.
const hits = new Array(MODES).fill(0);
for (let i = 0; i < 4096; i++) {
  const [x, y] = made.data.subarray(2 * i, 2 * i + 2);
  for (let k = 0; k < MODES; k++)
    if (Math.hypot(x - 0.8 * Math.cos((2 * Math.PI * k) / MODES), y - 0.8 * Math.sin((2 * Math.PI * k) / MODES)) < 0.15)
      hits[k]++;
}
const covered = hits.filter((n) => n >= 4096 / MODES / 10).length;
const near = hits.reduce((a, b) => a + b) / 4096;
console.log(`points near each mode: ${hits.join(' ')}`);
assert.equal(covered, MODES, `expected all ${MODES} modes, got ${covered}`);
assert.ok(near >= 0.6, `expected 60 % of the points near a mode, got ${(100 * near).toFixed(0)} %`);
console.log(`ok: ${covered} of ${MODES} modes, ${(100 * near).toFixed(0)} % of the points near one`);
