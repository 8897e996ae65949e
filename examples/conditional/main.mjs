// A generator that is told what to draw: pictures of a row, a column or a square, a step of one's own with labels, and
// an ONNX file whose classes have names. Then asks the loaded file for each class by name and looks at what it drew:
// throws when that is something else. node examples/conditional/main.mjs [generator.onnx]
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { permutation } from '@forja/core';
import { load } from '@forja/node';
import { adam, applyUpdates, compile, exportOnnx, losses, scalarOf } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';

tf.enableProdMode(); // no advice to install a native backend
const CLASSES = ['row', 'column', 'square'];
const [SIZE, LATENT, BATCH, STEPS] = [8, 8, 96, 2500];

// Every picture there is: 8 rows, 8 columns, 36 squares of 3 × 3, white on black.
const drawn = [
  [SIZE, 1, SIZE, 1],
  [1, SIZE, 1, SIZE],
  [SIZE - 2, SIZE - 2, 3, 3],
].map(([down, across, width, height]) =>
  Array.from({ length: down * across }, (_, at) => {
    const [top, left] = [Math.floor(at / across), at % across];
    return Float32Array.from({ length: SIZE * SIZE }, (__, i) => {
      const [y, x] = [Math.floor(i / SIZE) - top, (i % SIZE) - left];
      return y >= 0 && y < height && x >= 0 && x < width ? 1 : -1;
    });
  }),
);

const net = (input, output, seed) =>
  tf.sequential({
    layers: [128, 128, output].map((units, i) =>
      tf.layers.dense({
        ...(i === 0 ? { inputShape: [input + CLASSES.length] } : {}),
        units,
        kernelInitializer: tf.initializers.heNormal({ seed: seed + i }),
      }),
    ),
  });
const [g, d] = [net(LATENT, SIZE * SIZE, 1), net(SIZE * SIZE, 1, 11)];
// Layer by layer with a leaky activation between; the label goes in beside what it is about.
const run = (model, x, label) =>
  model.layers.reduce(
    (h, layer, i) => layer.apply(i === 0 ? h : tf.leakyRelu(h, 0.2)),
    tf.concat([x, tf.cast(tf.oneHot(label, CLASSES.length), 'float32')], 1),
  );
const generate = (z, label) => tf.tanh(run(g, z, label));
const variables = (model) => model.trainableWeights.map((weight) => weight.read());
const [ofG, ofD] = [variables(g), variables(d)];
const [adamG, adamD] = [
  adam({ beta1: 0.5, name: 'adam_g' }).prepare(ofG),
  adam({ beta1: 0.5, name: 'adam_d' }).prepare(ofD),
];
const { discriminator, generator } = losses['non-saturating'];

const step = await compile(
  ({ real, label, z, blur, noise, rate }) => {
    // a little noise keeps the discriminator from learning pictures by heart
    const soft = (x) => tf.add(x, tf.mul(blur, noise));
    const onD = tf.variableGrads(
      () => discriminator(run(d, soft(real), label), run(d, soft(generate(z, label)), label)),
      ofD,
    );
    applyUpdates(adamD(ofD, onD.grads, rate));
    const onG = tf.variableGrads(() => generator(run(d, soft(generate(z, label)), label)), ofG);
    applyUpdates(adamG(ofG, onG.grads, rate));
    return { loss_d: onD.value, loss_g: onG.value };
  },
  {
    inputs: {
      real: { shape: [BATCH, SIZE * SIZE] },
      label: { dtype: 'int32', shape: [BATCH] },
      z: { shape: [BATCH, LATENT], random: 'normal' },
      blur: { shape: [BATCH, SIZE * SIZE], random: 'normal' },
      noise: { shape: [] },
      rate: { shape: [] },
    },
    variables: [...ofG, ...ofD, ...adamG.state, ...adamD.state],
    seed: 1,
    session: { threads: 1 },
  },
);
const label = Int32Array.from({ length: BATCH }, (_, i) => i % CLASSES.length);
const real = new Float32Array(BATCH * SIZE * SIZE);
for (let s = 0; s < STEPS; s++) {
  const order = permutation(1, s, BATCH * 12);
  label.forEach((kind, i) => real.set(drawn[kind][order[i] % drawn[kind].length], i * SIZE * SIZE));
  const left = Math.max(1 - s / STEPS, 0.1);
  const results = await step.run({ real, label, rate: 2e-3 * left, noise: Math.max(left, 0.2) });
  if (s % 500 === 0)
    console.log(`step ${s}: D ${scalarOf(results, 'loss_d').toFixed(3)}, G ${scalarOf(results, 'loss_g').toFixed(3)}`);
}
await step.writeVariables();
await step.dispose();

// The manifest names the classes, so `sample` takes them.
const z = { name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', LATENT] };
const label_ = { name: 'label', role: 'label', dtype: 'int32', shape: ['batch'] };
const { model } = await exportOnnx((x, y) => tf.reshape(generate(x, y), [-1, SIZE, SIZE, 1]), {
  inputs: [z, label_],
  outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
  metadata: {
    inputs: [
      { ...z, distribution: 'normal' },
      { ...label_, classes: CLASSES },
    ],
  },
});
if (process.argv[2]) await writeFile(process.argv[2], model);

const loaded = await load(model);
for (const [kind, name] of CLASSES.entries()) {
  const images = await loaded.sample({ count: 200, seed: 5, label: name });
  // What a picture shows: the nearest of all there are.
  const seen = Array.from(images, ({ data }) => {
    const distance = (picture) => picture.reduce((sum, v, i) => sum + (v - (data[i] / 127.5 - 1)) ** 2, 0);
    return drawn
      .flatMap((pictures, k) => pictures.map((picture, at) => ({ k, at, far: distance(picture) })))
      .reduce((a, b) => (b.far < a.far ? b : a));
  });
  const right = seen.filter(({ k }) => k === kind).length / images.count;
  const places = new Set(seen.filter(({ k }) => k === kind).map(({ at }) => at)).size;
  console.log(
    `${name}: ${(100 * right).toFixed(0)} % of 200 pictures show one, at ${places} of ${drawn[kind].length} places`,
  );
  assert.ok(right >= 0.8, `expected 80 % of the pictures to show a ${name}, got ${(100 * right).toFixed(0)} %`);
  assert.ok(places >= 2, `expected a ${name} at several places, got ${places}`); // which of them a GAN this small finds is luck
}
await assert.rejects(loaded.sample({ label: 'circle' }), { code: 'input.range' });
await loaded.dispose();
console.log(`ok: each of ${CLASSES.join(', ')} is drawn when asked for`);
