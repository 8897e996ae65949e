// The judge: a committed classifier of 28×28 pictures with an eleventh class "not a digit" (see README.md), run by
// onnxruntime-node alone.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A picture counts as a digit if some digit's probability is above this. */
export const THRESHOLD = 0.9;
const CLASSES = 11;
const MODEL = new URL('./judge.onnx', import.meta.url);

/** The model's bytes, after comparing their SHA-256 with judge.onnx.sha256. */
export async function readJudge() {
  const bytes = await readFile(MODEL);
  const expected = (await readFile(new URL('./judge.onnx.sha256', import.meta.url), 'utf8')).split(/\s/)[0];
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== expected)
    throw new Error(
      `readJudge: expected SHA-256 ${expected}, got ${actual}; restore tests/judge/judge.onnx or run train_judge.py`,
    );
  return bytes;
}

/**
 * Judges `count` pictures, float32 NCHW [count, 1, 28, 28] in [-1, 1]. fractionAbove: share called some digit with more
 * than 0.9; classShare: share of all pictures by most likely digit (10 numbers); classShareAbove: the same among those
 * above 0.9; scores: the highest digit probability of each; labels: that digit.
 */
export async function judgeImages(pixels, count) {
  if (pixels.length !== count * 784)
    throw new Error(`judgeImages: expected ${count} × 784 pixels, got ${pixels.length}`);
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(await readJudge(), { intraOpNumThreads: 1 });
  const scores = new Float32Array(count);
  const labels = new Uint8Array(count);
  try {
    for (let start = 0; start < count; start += 500) {
      const n = Math.min(500, count - start);
      const image = new Tensor('float32', pixels.slice(start * 784, (start + n) * 784), [n, 1, 28, 28]);
      const { probabilities } = await session.run({ image });
      for (let i = 0; i < n; i++) {
        const digits = probabilities.data.subarray(i * CLASSES, i * CLASSES + 10);
        const best = digits.indexOf(Math.max(...digits));
        labels[start + i] = best;
        scores[start + i] = digits[best];
      }
    }
  } finally {
    await session.release();
  }
  const sure = scores.reduce((sum, s) => sum + (s > THRESHOLD ? 1 : 0), 0);
  const share = (keep, total) =>
    Array.from(
      { length: 10 },
      (_, digit) => labels.reduce((sum, l, i) => sum + (l === digit && keep(i) ? 1 : 0), 0) / Math.max(1, total),
    );
  return {
    fractionAbove: sure / count,
    classShare: share(() => true, count),
    classShareAbove: share((i) => scores[i] > THRESHOLD, sure),
    scores,
    labels,
  };
}
