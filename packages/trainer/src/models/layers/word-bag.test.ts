// Mean of word vectors against values by hand: padding and order do not matter, a repeated word counts twice; with
// pairs of words the order matters.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { withGradients } from '../../gradients/index.js';
import { wordBag } from './index.js';

const TABLE = [
  [9, 9],
  [1, 0],
  [0, 2],
  [4, 4],
];

function model(): tf.LayersModel {
  const text = tf.input({ shape: [3], dtype: 'int32' });
  const made = tf.model({ inputs: text, outputs: wordBag({ words: 4, size: 2, name: 'bag' }).apply(text) as never });
  made.setWeights([tf.tensor2d(TABLE)]);
  return made;
}

test('is the mean of words; zeros for padding alone', () => {
  const ids = tf.tensor2d([1, 2, 0, 0, 2, 1, 3, 0, 0, 1, 1, 3, 0, 0, 0], [5, 3], 'int32');
  expect((model().predict(ids) as tf.Tensor).arraySync()).toEqual([
    [0.5, 1],
    [0.5, 1],
    [4, 4],
    [2, expect.closeTo(4 / 3, 6)],
    [0, 0],
  ]);
});

test('has gradients for the words that occur, and none for padding', () => {
  const made = model();
  const ids = tf.tensor2d([1, 3, 0], [1, 3], 'int32');
  const { grads } = withGradients(() => tf.variableGrads(() => tf.sum(made.apply(ids) as tf.Tensor)));
  expect(Object.values(grads)[0]?.arraySync()).toEqual([
    [0, 0],
    [0.5, 0.5],
    [0, 0],
    [0.5, 0.5],
  ]);
});

const BEFORE = [
  [-1, 0],
  [0, -3],
  [1, 1],
  [0, 0],
];

function pairs(): tf.LayersModel {
  const text = tf.input({ shape: [3], dtype: 'int32' });
  const layer = wordBag({ words: 4, size: 2, pairs: true, name: 'pairs' });
  const made = tf.model({ inputs: text, outputs: layer.apply(text) as never });
  made.setWeights([tf.tensor2d(TABLE), tf.tensor2d(BEFORE)]);
  return made;
}

test('with pairs depends on the order; padding precedes the first word', () => {
  const ids = tf.tensor2d([1, 2, 0, 2, 1, 0, 3, 0, 0, 0, 0, 0], [4, 3], 'int32');
  expect((pairs().predict(ids) as tf.Tensor).arraySync()).toEqual([
    [0.5, 1], // the words alone: of [1, 0] + [-1, 0] and [0, 2] + [0, -3] ReLU leaves nothing
    [1.5, 2.5], // and of [0, 2] + [-1, 0] and [1, 0] + [1, 1] it leaves [0, 2] and [2, 1], halved
    [7, 8],
    [0, 0],
  ]);
});

test.each([model, pairs])('survives serialization', async (make) => {
  const made = make();
  let saved: tf.io.ModelArtifacts | undefined;
  await made.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  const again = await tf.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
  const values = (of: tf.LayersModel): unknown[] => of.getWeights().map((weight) => weight.arraySync());
  expect(values(again)).toEqual(values(made));
  expect(values(again)[0]).toEqual(TABLE);
});
