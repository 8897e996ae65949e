// Feature matching: on average, hidden layers of the discriminator should have the same values for fakes as for real
// examples. Salimans et al. 2016, section 3.1.
import { UsageError } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { Verdict } from './loss.js';

/**
 * ‖E f(x) − E f(G(z))‖², summed over the features f in `layers`; default: all of the verdicts.
 * @throws UsageError `input.shape` for verdicts without these features.
 */
export function featureMatching(fake: Verdict, real: Verdict, layers?: readonly string[]): tf.Scalar {
  const names = layers ?? Object.keys(real.features ?? {});
  const costs = names.map((name) => {
    const [wanted, got] = [real.features?.[name], fake.features?.[name]];
    if (wanted === undefined || got === undefined)
      throw new UsageError(
        `featureMatching: expected features '${name}' of real and fake, got ` +
          `${Object.keys(real.features ?? {}).join(', ') || 'none'}`,
        { code: 'input.shape' },
      );
    return tf.sum<tf.Scalar>(tf.square(tf.sub(tf.mean(wanted, 0), tf.mean(got, 0))));
  });
  if (costs.length === 0)
    throw new UsageError(
      'featureMatching: expected verdicts with features, got none; return some together with the logits',
      {
        code: 'input.shape',
      },
    );
  return tf.addN(costs);
}
