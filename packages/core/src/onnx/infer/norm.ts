// Normalisations.
import { agree, axisOf, dimOf, fail, int, ranked, type InferNode, type Rule } from './fact.js';

/** Checks that the inputs after x are vectors with one element per channel of x. */
function channelVectors(node: InferNode, count: number): void {
  const channels = dimOf(node, ranked(node, 0, 2), 1);
  for (let i = 1; i <= count; i++) {
    const vector = ranked(node, i, 1, 1);
    if (!agree(dimOf(node, vector, 0), channels))
      fail(node, `input ${i}: expected [${channels}], got [${vector.shape.join(', ')}]`);
  }
}

/** In training mode there are two more outputs: the moving mean and variance, updated with this batch. */
const BatchNormalization: Rule = (node) => {
  channelVectors(node, 4);
  const x = ranked(node, 0, 2);
  if (int(node, 'training_mode', 0) === 0) return [{ dtype: x.dtype, shape: x.shape }];
  const [mean, variance] = [ranked(node, 3, 1, 1), ranked(node, 4, 1, 1)];
  return [
    { dtype: x.dtype, shape: x.shape },
    { dtype: mean.dtype, shape: mean.shape },
    { dtype: variance.dtype, shape: variance.shape },
  ];
};

const InstanceNormalization: Rule = (node) => {
  channelVectors(node, 2);
  const { dtype, shape } = ranked(node, 0, 3);
  return [{ dtype, shape }];
};

/** Optional outputs: mean and inverse standard deviation, in the type of `stash_type` (float32). */
const LayerNormalization: Rule = (node) => {
  const { dtype, shape } = ranked(node, 0, 1);
  const axis = axisOf(node, int(node, 'axis', -1), shape.length);
  if (int(node, 'stash_type', 1) !== 1) fail(node, 'stash_type: expected 1 (float32)');
  const statistics = { dtype: 'float32' as const, shape: shape.map((dim, i) => (i < axis ? dim : 1)) };
  return [{ dtype, shape }, statistics, statistics];
};

/** Rules of the normalisations. */
export const norm: Record<'BatchNormalization' | 'InstanceNormalization' | 'LayerNormalization', Rule> = {
  BatchNormalization,
  InstanceNormalization,
  LayerNormalization,
};
