// The mean of words by hand: padding counts for nothing, the order neither, and a word that is there twice counts
// twice.
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

test('is their mean; of padding alone, zeros', () => {
  const ids = tf.tensor2d([1, 2, 0, 0, 2, 1, 3, 0, 0, 1, 1, 3, 0, 0, 0], [5, 3], 'int32');
  expect((model().predict(ids) as tf.Tensor).arraySync()).toEqual([
    [0.5, 1],
    [0.5, 1],
    [4, 4],
    [2, expect.closeTo(4 / 3, 6)],
    [0, 0],
  ]);
});

test('its slope reaches the words that are there, and not padding', () => {
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

test('is found again by its name and options', async () => {
  const made = model();
  let saved: tf.io.ModelArtifacts | undefined;
  await made.save(
    tf.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  const again = await tf.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
  expect(again.getWeights()[0]?.arraySync()).toEqual(TABLE);
});
