// Trains the extractors that measures use for digits, clothes, faces and emoji, with the compiled step, and writes each
// as src/metrics/features/<name>.ts (the ONNX file in base64) with <name>.report.json beside it; prints the SHA-256 for
// ready.ts. After a build, where the npm packages of the data (docs/data.md) are found from the working folder:
//   node packages/trainer/scripts/extractors.mjs [digits|clothes|faces|emoji] [epochs]
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
const BATCH = 128;
const RATE = 3e-3;
const FEATURES = 64;
/** Share of a target that is spread over all classes: a classifier that is surer learns nothing more. */
const SMOOTHING = 0.055;

/**
 * How far examples are moved (pixels), turned (radians) and scaled, `edge` beyond them; flips where a mirrored thing is
 * still one. `filters` are those of the first three convolutions; `others` are fields that are predicted besides the
 * label, so that features describe more than the label needs.
 */
const KINDS = {
  digits: {
    data: 'mnist',
    trainedOn: 'MNIST',
    license: 'MIT',
    epochs: 7,
    shape: [28, 28, 1],
    filters: [16, 24, 32],
    augment: { move: 2, turn: 0.2, scale: 0.12, flip: false, edge: -1 },
  },
  clothes: {
    data: 'fashion',
    trainedOn: 'Fashion-MNIST',
    license: 'MIT',
    epochs: 8,
    shape: [28, 28, 1],
    filters: [16, 24, 32],
    augment: { move: 2, turn: 0.1, scale: 0.1, flip: true, edge: -1 },
  },
  faces: {
    data: 'faces',
    trainedOn: 'Pixel Art by DiceBear',
    license: 'CC0 1.0',
    epochs: 24,
    shape: [32, 32, 3],
    filters: [24, 32, 48],
    weights: 'fp16',
    augment: { move: 2, turn: 0.1, scale: 0.1, flip: true, edge: 1 },
    others: ['length', 'glasses', 'hat', 'beard', 'mouth', 'clothes'],
  },
  emoji: {
    data: 'emoji-groups',
    trainedOn: 'Noto Emoji',
    license: 'Apache-2.0 (Noto Emoji)',
    epochs: 60,
    shape: [32, 32, 3],
    filters: [24, 32, 48],
    weights: 'fp16',
    augment: { move: 3, turn: 0.2, scale: 0.15, flip: true, edge: 1 },
    // the most frequent words of the same emoji's captions; a flip turns the ones that are left out into each other
    words: { data: 'emoji-names', most: 128, without: ['left', 'right'] },
    balanced: true,
  },
};

const position = (step, name) => ({ seed: SEED, step, stream: streamOf(`extractors/${name}`) });

/** Four convolutions and the mean over what is left: 64 features, and the logits of each head made of them. */
function network({ shape, filters }, heads) {
  const conv = (count, kernelSize, strides, name) =>
    tf.layers.conv2d({ filters: count, kernelSize, strides, padding: 'same', activation: 'relu', name });
  const image = tf.input({ shape, name: 'image' });
  const layers = [
    conv(filters[0], 5, 2, 'conv1'),
    conv(filters[1], 3, 2, 'conv2'),
    conv(filters[2], 3, 1, 'conv3'),
    conv(FEATURES, 3, 2, 'conv4'),
    tf.layers.globalAveragePooling2d({ name: 'features' }),
  ];
  const features = layers.reduce((x, layer) => layer.apply(x), image);
  const logits = heads.map(({ name, classes }) =>
    tf.layers.dense({ units: classes, name: name === 'label' ? 'logits' : name }).apply(features),
  );
  return tf.model({ inputs: image, outputs: [features, ...logits] });
}

/** The example under a small turn, scale and move, linear between pixels; `edge` outside. */
function moved([size, , channels], from, into, { angle, scale, dx, dy, flip, edge }) {
  const [c, s, middle] = [Math.cos(angle) / scale, Math.sin(angle) / scale, (size - 1) / 2];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [u, v] = [(flip ? size - 1 - x : x) - middle - dx, y - middle - dy];
      const [p, q] = [c * u + s * v + middle, c * v - s * u + middle];
      const [x0, y0] = [Math.floor(p), Math.floor(q)];
      const [a, b] = [p - x0, q - y0];
      for (let k = 0; k < channels; k++) {
        const at = (i, j) => (i < 0 || j < 0 || i >= size || j >= size ? edge : from[(j * size + i) * channels + k]);
        into[(y * size + x) * channels + k] =
          (1 - b) * ((1 - a) * at(x0, y0) + a * at(x0 + 1, y0)) +
          b * ((1 - a) * at(x0, y0 + 1) + a * at(x0 + 1, y0 + 1));
      }
    }
}

/** Training examples and those held out. Fashion-MNIST's package has lost the split: every seventh is held out. */
async function examples(data, shape, fields) {
  const set = await loadData({ data, ...(shape[2] === 3 ? { size: shape[0] } : {}) }, process.cwd());
  const all = (count) => Uint32Array.from({ length: count }, (_, i) => i);
  const read = (from, indices) => readFields(from, indices, fields);
  const classes = (field) => set.fields[field].classes?.length ?? 10;
  if (set.holdout)
    return {
      set,
      classes,
      train: await read(set, all(set.count)),
      test: await read(set.holdout, all(set.holdout.count)),
    };
  const [train, test] = [false, true].map((held) => all(set.count).filter((i) => (i % 7 === 0) === held));
  return { set, classes, train: await read(set, train), test: await read(set, test) };
}

/** Adds `words` to the examples: 1 for each of the most frequent words that the caption has, [words] per example. */
async function addWords(found, { data, most, without }, shape) {
  const named = await examples(data, shape, ['image', 'text']);
  const { vocabulary, shape: length } = named.set.fields.text;
  const counts = new Map();
  for (const id of named.train.text) counts.set(id, (counts.get(id) ?? 0) + 1);
  const chosen = [...counts.keys()]
    .filter((id) => id > 0 && !without.includes(vocabulary[id]))
    .sort((a, b) => counts.get(b) - counts.get(a) || a - b)
    .slice(0, most);
  for (const part of ['train', 'test']) {
    if (Buffer.compare(Buffer.from(named[part].image.buffer), Buffer.from(found[part].image.buffer)) !== 0)
      throw new Error(`expected the pictures of ${data} in the order of the classes`);
    found[part].words = new Float32Array(found[part].label.length * most);
    named[part].text.forEach((id, i) => {
      const word = chosen.indexOf(id);
      if (word >= 0) found[part].words[Math.floor(i / length[0]) * most + word] = 1;
    });
  }
}

/** Positions in an epoch. `balanced`: those of a class √(largest class / class) times, so that none is forgotten. */
function drawnFrom(label, balanced) {
  const each = Array.from(label.keys());
  if (!balanced) return each;
  const sizes = [...label].reduce((map, c) => map.set(c, (map.get(c) ?? 0) + 1), new Map());
  const largest = Math.max(...sizes.values());
  return each.flatMap((i) => new Array(Math.round(Math.sqrt(largest / sizes.get(label[i])))).fill(i));
}

/** Probability that an example with the word scores above one without, mean over the words that both kinds have. */
function areaUnderCurve(scores, truth, words) {
  const areas = [];
  for (let w = 0; w < words; w++) {
    const [yes, no] = [1, 0].map((t) => scores.filter((_, i) => i % words === w && truth[i] === t));
    if (yes.length === 0 || no.length === 0) continue;
    const above = yes.reduce((sum, a) => sum + no.reduce((n, b) => n + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0);
    areas.push(above / (yes.length * no.length));
  }
  return areas.reduce((a, b) => a + b) / areas.length;
}

/** Cross-entropy of a head: over classes, or of each word for itself. */
function lossOf({ name, classes }, logits, target) {
  if (name === 'words') return tf.mean(tf.sum(tf.sub(tf.softplus(logits), tf.mul(target, logits)), 1));
  const smooth = tf.add(tf.mul(tf.oneHot(target, classes), 1 - SMOOTHING), SMOOTHING / classes);
  return tf.neg(tf.mean(tf.sum(tf.mul(smooth, tf.logSoftmax(logits)), 1)));
}

async function trained(name, asked) {
  const kind = KINDS[name];
  const { data, shape, others = [], words, balanced, augment } = kind;
  const epochs = asked ?? kind.epochs;
  const size = shape.reduce((a, b) => a * b);
  const found = await examples(data, shape, ['image', 'label', ...others]);
  if (words) await addWords(found, words, shape);
  const { train, test } = found;
  const heads = [
    ...['label', ...others].map((field) => ({ name: field, classes: found.classes(field) })),
    ...(words ? [{ name: 'words', classes: words.most }] : []),
  ];
  const from = drawnFrom(train.label, balanced);
  const model = network(kind, heads);
  initialise(model, { seed: SEED, deviation: heDeviation });
  const weights = model.trainableWeights.map((weight) => weight.read());
  const optimizer = adam({ beta1: 0.9 }).prepare(weights);
  const runtime = nodeRuntime({ device: 'cpu' });
  const step = await compile(
    ({ image, rate, ...targets }) => {
      const { value, grads } = tf.variableGrads(() => {
        const [, ...logits] = model.apply(image, { training: true });
        return heads.map((head, i) => lossOf(head, logits[i], targets[head.name])).reduce((a, b) => tf.add(a, b));
      }, weights);
      applyUpdates(optimizer(weights, grads, rate));
      return { loss: value };
    },
    {
      runtime,
      variables: [...weights, ...optimizer.state],
      inputs: {
        image: { shape: [BATCH, ...shape] },
        ...Object.fromEntries(
          heads.map((head) => [
            head.name,
            head.name === 'words' ? { shape: [BATCH, head.classes] } : { shape: [BATCH], dtype: 'int32' },
          ]),
        ),
        rate: { shape: [] },
      },
    },
  );
  const perEpoch = Math.floor(from.length / BATCH);
  const steps = epochs * perEpoch;
  const rates = cosineDecay(RATE, RATE / 100, steps);
  const image = new Float32Array(BATCH * size);
  const targets = Object.fromEntries(
    heads.map((head) => [
      head.name,
      head.name === 'words' ? new Float32Array(BATCH * head.classes) : new Int32Array(BATCH),
    ]),
  );
  let order;
  let loss = 0;
  for (let n = 0; n < steps; n++) {
    if (n % perEpoch === 0) order = permutation(SEED, n / perEpoch, from.length);
    const draws = philoxUniform(position(n, 'draws'), 5 * BATCH);
    for (let i = 0; i < BATCH; i++) {
      const at = from[order[(n % perEpoch) * BATCH + i]];
      const [a, b, c, d, e] = draws.subarray(5 * i, 5 * i + 5);
      moved(shape, train.image.subarray(at * size, (at + 1) * size), image.subarray(i * size, (i + 1) * size), {
        angle: augment.turn * (2 * a - 1),
        scale: 1 + augment.scale * (2 * b - 1),
        dx: augment.move * (2 * c - 1),
        dy: augment.move * (2 * d - 1),
        flip: augment.flip && e < 0.5,
        edge: augment.edge,
      });
      for (const [field, into] of Object.entries(targets)) {
        const each = into.length / BATCH;
        into.set(train[field].subarray(at * each, (at + 1) * each), i * each);
      }
    }
    loss += scalarOf(await step.run({ image, ...targets, rate: rates(n) }), 'loss') / perEpoch;
    if (n % perEpoch === perEpoch - 1) {
      console.log(`${name}, epoch ${(n + 1) / perEpoch} of ${epochs}: loss ${loss.toFixed(4)}`);
      loss = 0;
    }
  }
  await step.writeVariables();
  await step.dispose();
  /** The network's file, with the probabilities of the label or of all heads. */
  const exported = async (all) =>
    (
      await exportOnnx(
        (pictures) => {
          const [features, label, ...rest] = model.apply(pictures, { training: false });
          return {
            features,
            probabilities: tf.softmax(label),
            ...(all ? Object.fromEntries(rest.map((logits, i) => [heads[i + 1].name, logits])) : {}),
          };
        },
        {
          inputs: [{ name: 'image', role: 'image', shape: ['batch', ...shape], range: [-1, 1] }],
          outputs: ['features', 'probabilities', ...(all ? heads.slice(1).map((head) => head.name) : [])].map(
            (output) => ({ name: output }),
          ),
          layout: { inputs: 'nchw' },
          ...(kind.weights ? { weights: kind.weights } : {}),
          metadata: { kind: 'function', trainedOn: kind.trainedOn, license: kind.license },
          verify: { runtime },
        },
      )
    ).model;
  const bytes = await exported(false);
  const session = await runtime.createSession(await exported(true));
  const scores = Object.fromEntries(heads.map((head) => [head.name, []]));
  const [height, width, channels] = shape;
  for (let start = 0; start < test.label.length; start += 500) {
    const part = test.image.slice(start * size, (start + 500) * size);
    const rows = part.length / size;
    const nchw = part.map((_, i) => {
      const [own, k, p] = [Math.floor(i / size), Math.floor(i / (height * width)) % channels, i % (height * width)];
      return part[own * size + p * channels + k];
    });
    const results = await session.run({
      image: { dtype: 'float32', shape: [rows, channels, height, width], data: nchw },
    });
    for (const head of heads)
      scores[head.name].push(...results[head.name === 'label' ? 'probabilities' : head.name].data);
  }
  await runtime.dispose();
  const right = ({ name: field, classes }) =>
    Array.from(test[field], (own, i) => {
      const row = scores[field].slice(i * classes, (i + 1) * classes);
      return row.indexOf(Math.max(...row)) === own;
    });
  const share = (flags) => flags.filter(Boolean).length / flags.length;
  const [label, ...rest] = heads;
  const classes = Array.from({ length: label.classes }, (_, c) => right(label).filter((__, i) => test.label[i] === c));
  const filled = classes.filter((flags) => flags.length > 0);
  const accuracies = Object.fromEntries(
    rest.filter((head) => head.name !== 'words').map((head) => [head.name, share(right(head))]),
  );
  return {
    bytes,
    report: {
      trainedOn: data,
      seed: SEED,
      epochs,
      examples: train.label.length,
      heldOut: test.label.length,
      accuracy: share(right(label)),
      ...(balanced ? { meanOfClasses: filled.reduce((sum, flags) => sum + share(flags), 0) / filled.length } : {}),
      ...(others.length > 0 ? { others: accuracies } : {}),
      ...(words ? { words: words.most, areaUnderCurve: areaUnderCurve(scores.words, test.words, words.most) } : {}),
      features: FEATURES,
      weights: model.countParams(),
      bytes: bytes.length,
    },
  };
}

const [only, epochs] = process.argv.slice(2);
for (const name of Object.keys(KINDS).filter((kind) => only === undefined || kind === only)) {
  const { bytes, report } = await trained(name, epochs && Number(epochs));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const folder = new URL('../src/metrics/features/', import.meta.url);
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,120}/g);
  writeFileSync(
    new URL(`${name}.ts`, folder),
    `// The extractor for ${name} as ONNX in base64. Made by scripts/extractors.mjs: do not edit.\n\n/** SHA-256 ` +
      `${sha256}. */\nexport const model: string = \`\n${lines.join('\n')}\n\`;\n`,
  );
  writeFileSync(new URL(`${name}.report.json`, folder), `${JSON.stringify({ ...report, sha256 }, null, 2)}\n`);
  console.log(name, report.accuracy, report.bytes, sha256);
}
