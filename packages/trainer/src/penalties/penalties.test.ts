// Penalties of a small critic against PyTorch's double backward in float64 (tests/vectors/losses.py): the value, and
// the gradient by each weight.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { withGradients } from '../gradients/index.js';
import { namedVariable } from '../tfjs/variables.js';
import {
  clipWeights,
  dragan,
  gradientPenalty,
  pathLength,
  penalties,
  penaltyNames,
  penaltyOf,
  registerPenalty,
  type PathLengthOf,
  type Penalty,
  type PenaltyName,
  type PenaltyOf,
  type PenaltyOptions,
} from './index.js';

interface Packed {
  shape: number[];
  data: number[];
}
interface Path {
  w: Packed;
  direction: Packed;
  before: number;
  decay: number;
  penalty: number;
  mean: number;
  gradients: Packed[];
}
const { critic, paths } = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/losses.json', import.meta.url), 'utf8'),
) as {
  critic: Record<'real' | 'fake' | 'mix' | 'noise', Packed> & {
    weights: Packed[];
    penalties: Record<string, { name: PenaltyName; options: PenaltyOptions; value: number; gradients: Packed[] }>;
  };
  paths: { k1: Packed; k2: Packed; one: Path; layers: Path };
};

const tensor = ({ data, shape }: Packed): tf.Tensor => tf.tensor(data, shape);
const invalid = expect.objectContaining({ code: 'config.invalid' }) as Error;

/** Logits of the vectors' critic with these weights. */
const judgeOf =
  ([f, b, d1, b1, d2]: readonly tf.Tensor[]) =>
  (x: tf.Tensor): tf.Tensor => {
    if (f === undefined || b === undefined || d1 === undefined || b1 === undefined || d2 === undefined)
      throw new Error('expected five weights');
    const map = tf.leakyRelu(tf.add(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 2, 'same'), b), 0.2);
    const hidden = tf.tanh(tf.add(tf.matMul(map.reshape([x.shape[0] ?? 0, -1]), d1), b1));
    return tf.matMul(hidden as tf.Tensor2D, d2 as tf.Tensor2D);
  };

/** Returns the vectors' random numbers, after checking shapes. */
const draw: PenaltyOf['draw'] = {
  uniform: (name, shape) => {
    const given = critic[name as 'mix' | 'noise'];
    expect(shape).toEqual(given.shape);
    return tensor(given);
  },
  normal: (name) => {
    throw new Error(`no penalty draws normal numbers, got ${name}`);
  },
};

/** The vectors' augmentation: examples whose `mix` is above a half are flipped. */
const augment = (x: tf.Tensor): tf.Tensor => tf.where(tf.greater(tensor(critic.mix), 0.5), tf.reverse(x, 2), x);

/** Relative to the largest gradient of a weight. */
function expectGradients(grads: readonly tf.Tensor[], wanted: readonly Packed[]): void {
  expect(grads).toHaveLength(wanted.length);
  wanted.forEach(({ data }, i) =>
    expect(grads[i]?.dataSync() ?? []).toBeAllclose(data, { rtol: 1e-4, atol: 1e-5 * Math.max(...data.map(Math.abs)) }),
  );
}

test('every ready penalty has its definition in tests/vectors/losses.py', () => {
  const defined = Object.values(critic.penalties).map(({ name }) => name);
  expect([...new Set(defined)].sort()).toEqual(Object.keys(penalties).sort());
});

describe.each(Object.entries(critic.penalties))('%s', (_, { name, options, value, gradients }) => {
  const penalty: Penalty = penalties[name](options);

  test('is PyTorch’s, and so are its gradients by the critic’s weights', () => {
    expect(penalty.name).toBe(name);
    tf.tidy(() =>
      withGradients(() => {
        const made = tf.valueAndGrads((...weights: tf.Tensor[]) => {
          const cost = penalty.of({
            judge: judgeOf(weights),
            real: tensor(critic.real),
            fake: tensor(critic.fake),
            augment,
            draw,
          });
          // gradients do not depend on the last bias
          return tf.addN([cost, ...weights.map((w) => tf.sum<tf.Scalar>(tf.mul(w, 0)))]);
        })(critic.weights.map(tensor));
        expect(made.value.dataSync()).toBeAllclose([value], { rtol: 1e-5 });
        expectGradients(made.grads, gradients);
      }),
    );
  });

  test('is finite, and has finite gradients, if the critic is dead or its logits are ±100', () => {
    tf.tidy(() =>
      withGradients(() => {
        for (const scale of [0, 100]) {
          const { value, grad } = tf.valueAndGrad((w: tf.Tensor) =>
            penalty.of({
              judge: (x) => tf.sum(tf.mul(x, w), [1, 2, 3]),
              real: tensor(critic.real),
              fake: tensor(critic.fake),
              augment,
              draw,
            }),
          )(tf.fill([1, 6, 6, 2], scale));
          const all: tf.Tensor[] = [value, grad];
          expect(all.flatMap((x) => [...x.dataSync()]).filter((x) => !Number.isFinite(x))).toEqual([]);
        }
      }),
    );
  });
});

test('consistency judges pictures as they are, and needs an augmentation', () => {
  tf.tidy(() => {
    const [real, fake] = [tf.ones([3, 2, 2, 1]), tf.zeros([3, 2, 2, 1])];
    const judge = (): tf.Tensor => tf.fill([3, 1], NaN); // would augment a second time
    const plain = (x: tf.Tensor): tf.Tensor => tf.mean(x, [1, 2]);
    const twice = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.tensor4d([1, 2, 4], [3, 1, 1, 1]));
    const value = penalties.consistency().of({ judge, plain, augment: twice, real, fake, draw });
    expect(value.dataSync()).toBeAllclose([(0 + 1 + 9) / 3], { rtol: 1e-6 });
    expect(() => penalties.consistency().of({ judge: plain, real, fake, draw })).toThrow(invalid);
  });
});

test('parameters are checked', () => {
  for (const make of [
    () => gradientPenalty({ k: -1 }),
    () => gradientPenalty({ k: NaN }),
    () => dragan({ width: -1 }),
    () => pathLength({ decay: 0 }),
    () => clipWeights([], 0),
  ])
    expect(make).toThrow(invalid);
});

test('penalties are made by name, including users’ own', () => {
  expect((Object.keys(penalties) as PenaltyName[]).map((name) => penaltyOf(name).name)).toEqual(Object.keys(penalties));
  const own: Penalty = { name: 'own', of: ({ judge, real }) => tf.mean(tf.square(judge(real))) };
  registerPenalty({ name: 'own', make: () => own });
  expect(penaltyOf('own')).toBe(own);
  expect(penaltyNames()).toEqual([...Object.keys(penalties), 'own']);
  expect(() => penaltyOf('r3')).toThrow(invalid);
  expect(() => registerPenalty({ name: 'half' } as never)).toRefuse('usage', 'penalty.make', "'half'");
  registerPenalty({ name: 'bad', make: () => undefined as never });
  expect(() => penaltyOf('bad')).toRefuse('config.invalid', "'bad'", 'nothing');
});

test('clipping keeps weights within bounds, and assigns nothing itself', () => {
  const weight = tf.tidy(() => namedVariable('w', tf.tensor1d([-3, -0.25, 0, 0.5, 2])));
  tf.tidy(() => {
    const [update] = clipWeights([weight], 0.5);
    expect(update?.variable).toBe(weight);
    expect([...(update?.value.dataSync() ?? [])]).toEqual([-0.5, -0.25, 0, 0.5, 0.5]);
    expect([...weight.dataSync()]).toEqual([-3, -0.25, 0, 0.5, 2]);
  });
  weight.dispose();
});

describe('path length', () => {
  const synthesise = {
    one: (w: tf.Tensor, k1: tf.Tensor) => tf.tanh(tf.matMul(w as tf.Tensor2D, k1 as tf.Tensor2D)),
    layers: (w: tf.Tensor, k1: tf.Tensor) => {
      const [first, second] = tf.unstack(w, 1).map((x) => tf.matMul(x as tf.Tensor2D, k1 as tf.Tensor2D));
      if (first === undefined || second === undefined) throw new Error('expected two layers');
      return tf.mul(tf.tanh(first), tf.add(1, second));
    },
  };
  test.each(['one', 'layers'] as const)('with %s style(s) is the authors’, with its mean and its gradients', (kind) => {
    const path = paths[kind];
    const length = pathLength({ decay: path.decay, name: 'pl' });
    expect(length.mean.name).toBe('pl/mean');
    tf.tidy(() => length.mean.assign(tf.scalar(path.before)));
    const normal: PathLengthOf['draw']['normal'] = (_, shape) => {
      expect(shape).toEqual(path.direction.shape);
      return tensor(path.direction);
    };
    tf.tidy(() =>
      withGradients(() => {
        let mean: tf.Scalar | undefined;
        const { value, grads } = tf.valueAndGrads((k1: tf.Tensor, k2: tf.Tensor) => {
          const made = length.of({
            w: tensor(path.w),
            synthesise: (w) => tf.tanh(tf.matMul(synthesise[kind](w, k1), k2)).reshape([3, 4, 4, 2]),
            draw: { normal },
          });
          mean = tf.keep(made.mean);
          return made.penalty;
        })([tensor(paths.k1), tensor(paths.k2)]);
        expect(value.dataSync()).toBeAllclose([path.penalty], { rtol: 1e-5 });
        expect(mean?.dataSync() ?? []).toBeAllclose([path.mean], { rtol: 1e-6 });
        mean?.dispose();
        expectGradients(grads, path.gradients);
      }),
    );
    length.mean.dispose();
  });
});
