// The judge recognises real test digits, and rejects every kind of junk. (Its scores of our samples are tested with
// training.)
import { expect, test } from 'vitest';
import { judgeImages, readJudge } from '../judge/judge.mjs';
import { makeJunk } from '../judge/junk.mjs';
import { loadMnist } from '../judge/mnist.mjs';

const test10k = loadMnist('t10k');

test('judge.onnx is the committed file and small', async () => {
  expect((await readJudge()).byteLength).toBeLessThan(500_000); // readJudge compares the SHA-256
});

test('at least 85 % of the 10,000 real test digits score above 0.9, in every class, with the right label', async () => {
  const { fractionAbove, scores, labels } = await judgeImages(test10k.images, test10k.count);
  expect(fractionAbove).toBeGreaterThanOrEqual(0.85);
  for (let digit = 0; digit < 10; digit++) {
    const own = [...test10k.labels.keys()].filter((i) => test10k.labels[i] === digit);
    const sure = own.filter((i) => (scores[i] ?? 0) > 0.9);
    expect(sure.length / own.length, `digit ${digit}`).toBeGreaterThanOrEqual(0.85);
    expect(sure.filter((i) => labels[i] === digit).length / sure.length, `digit ${digit}`).toBeGreaterThanOrEqual(0.99);
  }
});

const junk = makeJunk(20240, 2000, test10k.images, test10k.labels);
test.each(Object.entries(junk))('at most 1 %% of junk scores above 0.9: %s', async (_name, pictures) => {
  expect((await judgeImages(pictures, 2000)).fractionAbove).toBeLessThanOrEqual(0.01);
});

test('a wrong number of pixels is refused', async () => {
  await expect(judgeImages(new Float32Array(783), 1)).rejects.toThrow('expected 1 × 784 pixels, got 783');
});
