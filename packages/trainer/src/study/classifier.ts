// The classifier of a study, with four convolutions. Network, batch size, rates and number of steps are the same for
// every arm. It is trained with a compiled step.
import { ForjaError, type Runtime } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { augmented, type Augmentation } from '../augment/index.js';
import { compileAll, scalarOf } from '../compile/compile.js';
import { batchOrder } from '../data/order.js';
import { heDeviation, initialise } from '../models/initialise.js';
import { adam, applyUpdates } from '../optimizers/index.js';
import { cosineDecay } from '../schedules/index.js';
import { examplesOf, type Examples, type Part } from './small-set.js';

const BATCH = 64;
const RATE = 3e-3;
/** Batch size while testing. */
const ROWS = 250;

/** Training data and settings of a classifier. */
export interface Training {
  runtime: Runtime;
  classes: number;
  real: Examples;
  /** Generated examples, and their share of every batch. */
  made?: { examples: Examples; share: number } | undefined;
  augment: readonly Augmentation[];
  steps: number;
  /** Seed of the weights, the order of the examples, and the augmentation. */
  seed: number;
}

/** Result of a classifier. */
export interface Trained {
  /** Share of the test set that is classified correctly. */
  accuracy: number;
  /** Mean cross-entropy of the last tenth of the steps. */
  loss: number;
}

/** Trains a classifier and tests it. @throws ForjaError `train.nan` if the loss is not finite. */
export async function trainedClassifier(training: Training, test: Part): Promise<Trained> {
  const { runtime, classes, real, made, augment, steps, seed } = training;
  const model = network(real.shape, classes);
  initialise(model, { seed, deviation: heDeviation });
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable); // the model is built
  const optimizer = adam({ beta1: 0.9 }).prepare(weights);
  const outside = borderOf(real);
  const shape = (rows: number): number[] => [rows, ...real.shape];
  try {
    const { train, predict } = await compileAll(
      {
        train: {
          name: 'train',
          step: ({ image, label, rate }) => {
            const { value, grads } = tf.variableGrads(() => {
              const seen = seenOf(image as tf.Tensor4D, augment, outside);
              const logits = model.apply(seen, { training: true }) as tf.Tensor2D;
              const target = tf.oneHot(label as tf.Tensor1D, classes);
              return tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(target, tf.logSoftmax(logits)), 1)));
            }, weights);
            applyUpdates(optimizer(weights, grads, rate as tf.Scalar));
            return { loss: value };
          },
          variables: [...weights, ...optimizer.state],
          inputs: {
            image: { shape: shape(BATCH) },
            label: { shape: [BATCH], dtype: 'int32' },
            rate: { shape: [] },
          },
        },
        predict: {
          name: 'predict',
          step: ({ image }) => ({ logits: model.apply(image as tf.Tensor4D, { training: false }) as tf.Tensor }),
          inputs: { image: { shape: shape(ROWS) } },
        },
      },
      { runtime, seed },
    );
    try {
      const batches = batchesOf(real, made, seed);
      const rates = cosineDecay(RATE, RATE / 100, steps);
      const losses: number[] = [];
      for (let n = 0; n < steps;) {
        const count = Math.min(train.summary.stepsPerRun, steps - n);
        const feeds = Array.from({ length: count }, (_, i) => ({ ...batches(n + i), rate: rates(n + i) }));
        for (const results of await train.runMany(feeds)) losses.push(scalarOf(results, 'loss'));
        n += count;
      }
      const last = losses.slice(-Math.ceil(steps / 10));
      const loss = last.reduce((a, b) => a + b, 0) / last.length;
      if (!Number.isFinite(loss))
        throw new ForjaError(
          'train.nan',
          `augment: expected a finite loss of the classifier of seed ${seed}, got ${loss}`,
        );
      const logitsOf = async (images: Float32Array): Promise<Float32Array> =>
        (await predict.run({ image: images }))['logits']?.data as Float32Array; // logits are float32
      return { accuracy: await accuracyOf(logitsOf, test, real.shape, classes), loss };
    } finally {
      await Promise.all([train.dispose(), predict.dispose()]);
    }
  } finally {
    tf.dispose([...optimizer.state]);
    model.dispose();
  }
}

/** Four convolutions, then the mean over all positions, so that pictures may have any size. */
function network(shape: readonly number[], classes: number): tf.LayersModel {
  const conv = (filters: number, kernelSize: number, strides: number, name: string): tf.layers.Layer =>
    tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', activation: 'relu', name });
  return tf.sequential({
    layers: [
      tf.layers.inputLayer({ inputShape: [...shape], name: 'image' }),
      conv(16, 5, 2, 'conv1'),
      conv(24, 3, 2, 'conv2'),
      conv(32, 3, 1, 'conv3'),
      conv(64, 3, 2, 'conv4'),
      tf.layers.globalAveragePooling2d({ name: 'features' }),
      tf.layers.dense({ units: classes, name: 'logits' }),
    ],
  });
}

/** Augmented pictures. Pixels from outside get the mean value of the data's borders (black for digits). */
function seenOf(pictures: tf.Tensor4D, augment: readonly Augmentation[], outside: number): tf.Tensor4D {
  return augment.length === 0 ? pictures : tf.add(augmented(tf.sub(pictures, outside), augment, 'classical'), outside);
}

/** The mean of the pixels at the borders. */
export function borderOf({ count, shape, images }: Examples): number {
  const [h = 0, w = 0, c = 0] = shape;
  let sum = 0;
  let pixels = 0;
  for (let i = 0; i < count; i++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x += y === 0 || y === h - 1 || w === 1 ? 1 : w - 1)
        for (let k = 0; k < c; k++, pixels++) sum += images[((i * h + y) * w + x) * c + k] as number; // in the picture
  return sum / pixels;
}

/** Batches of the arm: real and generated examples, each shuffled in its own epochs. */
function batchesOf(real: Examples, made: Training['made'], seed: number) {
  const share = Math.round((made?.share ?? 0) * BATCH);
  const parts = [
    { from: real, order: batchOrder(seed, real.count, BATCH - share, 'study/real') },
    ...(made ? [{ from: made.examples, order: batchOrder(seed, made.examples.count, share, 'study/made') }] : []),
  ];
  const size = real.images.length / real.count;
  return (n: number): { image: Float32Array; label: Int32Array } => {
    const image = new Float32Array(BATCH * size);
    const label = new Int32Array(BATCH);
    let at = 0;
    for (const { from, order } of parts)
      for (const index of order(n)) {
        image.set(from.images.subarray(index * size, (index + 1) * size), at * size);
        label[at++] = from.labels[index] as number; // batchOrder gives valid indices
      }
    return { image, label };
  };
}

/** Accuracy on a part, which is read in batches. */
async function accuracyOf(
  logitsOf: (images: Float32Array) => Promise<Float32Array>,
  { dataset, indices }: Part,
  shape: readonly number[],
  classes: number,
): Promise<number> {
  const size = shape.reduce((a, b) => a * b, 1);
  let right = 0;
  for (let start = 0; start < indices.length; start += ROWS) {
    const part = await examplesOf({ dataset, indices: indices.subarray(start, start + ROWS) });
    const images = new Float32Array(ROWS * size);
    images.set(part.images);
    const logits = await logitsOf(images);
    for (let i = 0; i < part.count; i++) {
      const own = logits.subarray(i * classes, (i + 1) * classes);
      if (own.indexOf(Math.max(...own)) === part.labels[i]) right++;
    }
  }
  return right / indices.length;
}
