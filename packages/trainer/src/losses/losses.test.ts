// Losses against their definitions in double precision, and their gradients where σ is 0 or 1 in float32.
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { withGradients } from '../gradients/index.js';
import { lossOf, losses, type LossName } from './index.js';

const REAL = [-100, -20, -1.5, 0, 0.3, 4, 100];
const FAKE = [100, 30, 2, 0, -0.7, -9, -100];

/** −log σ(x) in double precision; Math.log1p and exp are the host's. */
const costOfReal = (x: number): number => Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const column = (values: readonly number[]): tf.Tensor => tf.tensor2d(values.map((x) => [x]));

const GENERATOR: Record<LossName, { value: (x: number) => number; slope: (x: number) => number }> = {
  'non-saturating': { value: costOfReal, slope: (x) => sigmoid(x) - 1 },
  saturating: { value: (x) => -costOfReal(-x), slope: (x) => -sigmoid(x) },
};

describe.each(Object.keys(losses) as LossName[])('%s', (name) => {
  const loss = lossOf(name);

  test.each([0, 0.1])(
    'of the discriminator is binary cross-entropy, with the target of real examples 1 − %d',
    (smoothing) => {
      const wanted =
        mean(REAL.map((x) => (1 - smoothing) * costOfReal(x) + smoothing * costOfReal(-x))) +
        mean(FAKE.map((x) => costOfReal(-x)));
      const value = tf.tidy(() => loss.discriminator(column(REAL), column(FAKE), smoothing).dataSync());
      expect(value).toBeAllclose([wanted], { rtol: 1e-6 });
      const slopes = tf.tidy(() =>
        withGradients(() =>
          tf
            .grads((real: tf.Tensor, fake: tf.Tensor) => loss.discriminator(real, fake, smoothing))([
              column(REAL),
              column(FAKE),
            ])
            .map((g) => g.dataSync()),
        ),
      );
      expect(slopes[0] ?? []).toBeAllclose(
        REAL.map((x) => (sigmoid(x) - 1 + smoothing) / REAL.length),
        { rtol: 1e-5, atol: 1e-8 },
      );
      expect(slopes[1] ?? []).toBeAllclose(
        FAKE.map((x) => sigmoid(x) / FAKE.length),
        { rtol: 1e-5, atol: 1e-8 },
      );
    },
  );

  test('of the generator has the value and the slope of its definition', () => {
    const { value, slope } = GENERATOR[name];
    expect(tf.tidy(() => loss.generator(column(FAKE)).dataSync())).toBeAllclose([mean(FAKE.map(value))], {
      rtol: 1e-6,
    });
    const slopes = tf.tidy(() =>
      withGradients(() =>
        tf
          .grad((x: tf.Tensor) => loss.generator(x))(column(FAKE))
          .dataSync(),
      ),
    );
    expect(slopes).toBeAllclose(
      FAKE.map((x) => slope(x) / FAKE.length),
      { rtol: 1e-5, atol: 1e-8 },
    );
  });
});

test('an unknown name is refused with the known ones', () => {
  expect(() => lossOf('hinge' as LossName)).toThrow(
    expect.objectContaining({
      code: 'config.invalid',
      message: "loss: expected one of non-saturating, saturating, got 'hinge'",
    }),
  );
});
