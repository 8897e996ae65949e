// Pictures of rows, columns and squares by class: the system `conditional` with your own networks, stopped and resumed
// in a run folder. Throws if a class is not drawn on request. node examples/conditional/main.mjs [run folder]
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from '@forja/node';
import { arrayDataset, resume, train } from '@forja/trainer/node';
import * as tf from '@tensorflow/tfjs';

tf.enableProdMode(); // suppresses tfjs's advice to install a native backend
const [CLASSES, SIZE, LATENT] = [['row', 'column', 'square'], 8, 8];

// All possible pictures: 8 rows, 8 columns, 36 squares of 3 × 3, white on black; repeated so that classes are balanced.
const places = [[SIZE, 1, SIZE, 1], [1, SIZE, 1, SIZE], [SIZE - 2, SIZE - 2, 3, 3]]; // prettier-ignore
const all = places.flatMap(([down, across, width, height], label) =>
  Array.from({ length: down * across }, (_, at) => {
    const inside = (v, from, length) => v >= from && v < from + length;
    const rows = (y) => inside(y, Math.floor(at / across), height);
    const white = (i) => rows(Math.floor(i / SIZE)) && inside(i % SIZE, at % across, width);
    return { label, pixels: Array.from({ length: SIZE * SIZE }, (__, i) => (white(i) ? 1 : -1)) };
  }),
);
const even = all.flatMap((one) => new Array(one.label === 2 ? 2 : 9).fill(one));
const data = Float32Array.from(even.flatMap(({ pixels }) => pixels));
const labels = even.map(({ label }) => label);
const dataset = arrayDataset({ name: 'shapes', data, shape: [SIZE, SIZE, 1], labels, classes: CLASSES });

// Any tf.LayersModel with two inputs will do: [z, label] → picture, [picture, label] → logit.
const dense = (units, activation) => tf.layers.dense({ units, activation, kernelInitializer: 'heNormal' });
const network = (input, ...layers) => {
  const [x, label] = [tf.input({ shape: input }), tf.input({ shape: [], dtype: 'int32' })];
  const row = tf.layers.embedding({ inputDim: CLASSES.length, outputDim: 16 }).apply(label);
  const flat = tf.layers.concatenate().apply([input.length > 1 ? tf.layers.flatten().apply(x) : x, row]);
  return tf.model({ inputs: [x, label], outputs: layers.reduce((h, layer) => layer.apply(h), flat) });
};
const pictures = [dense(SIZE * SIZE, 'tanh'), tf.layers.reshape({ targetShape: [SIZE, SIZE, 1] })];
const g = network([LATENT], dense(128, 'relu'), dense(128, 'relu'), ...pictures);
const d = network([SIZE, SIZE, 1], dense(128, 'relu'), dense(128, 'relu'), dense(1));
const out = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'forja-shapes-')));
const options = { steps: 2500, batch: 96, latent: LATENT, seed: 1, penalties: { r1: 0.1 } };
const host = { dataset, networks: { g, d }, stepsPerRun: 'auto' };
// Like Ctrl-C in the middle: the state is saved, and the resumed run has the bits of one that was never stopped.
const stop = new AbortController();
const onEvent = ({ type, step }) => type === 'step' && step >= 1000 && stop.abort();
await train({ system: 'conditional', data: 'drawn', out, ...options }, { ...host, signal: stop.signal, onEvent });
await resume(out, host);
const generator = await load(join(out, 'generator.onnx'));
for (const [kind, label] of CLASSES.entries()) {
  const images = await generator.sample({ count: 200, seed: 5, label });
  // The content of a generated picture is that of the nearest of all possible pictures.
  const far = ({ pixels }, { data }) => pixels.reduce((sum, p, i) => sum + (p - (data[i] / 127.5 - 1)) ** 2, 0);
  const seen = Array.from(images, (image) => all.reduce((a, b) => (far(b, image) < far(a, image) ? b : a)));
  const right = Math.round((100 * seen.filter((one) => one.label === kind).length) / images.count);
  console.log(`${label}: ${right} % of 200 pictures show one, with ${new Set(seen).size} kinds`);
  assert.ok(right >= 80, `expected 80 % of the pictures to show a ${label}, got ${right} %`);
}
await assert.rejects(generator.sample({ label: 'circle' }), { code: 'input.range' });
await generator.dispose();
console.log(`ok: each of ${CLASSES.join(', ')} is drawn on request; see ${join(out, 'report.html')}`);
