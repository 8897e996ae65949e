// Matrix products and einsum. Batch axes may broadcast; stock gradients then have the wrong shape.
import * as tf from '@tensorflow/tfjs';
import { at, unbroadcast, type GradientTable, type KernelGradient } from './tape.js';

/**
 * Each operand's gradient is the einsum of `dy` with the other operands. An index that only this operand has is summed
 * in the forward pass, so the operand's gradient is broadcast along it.
 */
const einsum: KernelGradient<'Einsum'> = {
  inputs: [],
  all: true,
  grad: (dy, saved, attrs) => {
    const [terms = '', result = ''] = String(attrs['equation']).replaceAll(' ', '').split('->');
    const indices = terms.split(',');
    return Object.fromEntries(
      saved.map((operand, i) => [
        String(i),
        () => {
          const own = indices[i] ?? '';
          const others = saved.flatMap((tensor, j) => (j === i ? [] : [{ tensor, index: indices[j] ?? '' }]));
          const reachable = result + others.map((o) => o.index).join('');
          const kept = [...own].filter((letter) => reachable.includes(letter)).join('');
          // An identity einsum returns its operand itself, which the tape cannot follow.
          const slope =
            others.length === 0
              ? tf.transpose(
                  dy,
                  [...kept].map((letter) => result.indexOf(letter)),
                )
              : tf.einsum(
                  `${[result, ...others.map((o) => o.index)].join(',')}->${kept}`,
                  dy,
                  ...others.map((o) => o.tensor),
                );
          const shape = operand.shape.map((size, axis) => (kept.includes(own[axis] ?? '') ? size : 1));
          return tf.broadcastTo(tf.reshape(slope, shape), operand.shape);
        },
      ]),
    );
  },
};

/** Gradients of matrix products. */
export const productGradients: GradientTable = {
  Einsum: einsum,
  BatchMatMul: {
    inputs: ['a', 'b'],
    grad: (dy, saved, attrs) => {
      const [a, b] = [at(saved, 0), at(saved, 1)];
      const [ta, tb] = [attrs['transposeA'] === true, attrs['transposeB'] === true];
      return {
        a: () => unbroadcast(ta ? tf.matMul(b, dy, tb, true) : tf.matMul(dy, b, false, !tb), a.shape),
        b: () => unbroadcast(tb ? tf.matMul(dy, a, true, ta) : tf.matMul(a, dy, !ta, false), b.shape),
      };
    },
  },
};
