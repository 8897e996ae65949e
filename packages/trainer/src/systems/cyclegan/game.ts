// The game of CycleGAN in one phase, in the order of the authors' code: both generators, then both discriminators on
// pictures of the pools.
import * as tf from '@tensorflow/tfjs';
import type * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { l1 } from '../../losses/index.js';
import { leastSquares } from '../../losses/least-squares.js';
import { adam, applyUpdates } from '../../optimizers/index.js';
import { nameWeights, namedVariable, variablesOf } from '../../tfjs/variables.js';
import { averageOf, type Average } from '../average.js';
import { discriminatorOutput } from '../discriminator.js';
import type { Circumstances } from '../kind.js';
import { disposeOwn } from '../network.js';
import type { PhaseInput } from '../phase.js';
import type { GanSystem, Output } from '../system.js';
import { scheduled } from '../two-player/rates.js';
import { collecting, shareAbove, sumOf, type Keep } from '../two-player/step.js';
import type { cycleganOptions } from './options.js';
import { poolOf } from './pool.js';

/** Options, parsed. */
type Options = v.InferOutput<v.ObjectSchema<typeof cycleganOptions, undefined>>;
type Role = 'g_ab' | 'g_ba' | 'd_a' | 'd_b';
type GameInputs = Record<'a' | 'b' | 'row_a' | 'row_b' | 'swap_a' | 'swap_b' | 'rate_g' | 'rate_d', tf.Tensor>;

/** The game over networks that have their initial weights. */
export function game(
  networks: Readonly<Record<Role, tf.LayersModel>>,
  fields: Readonly<Record<'a' | 'b', FieldSpec>>,
  options: Options,
  at: Circumstances,
): GanSystem {
  const { g_ab, g_ba, d_a, d_b } = networks;
  const { beta1, beta2 } = options;
  const own = Object.entries(networks).flatMap(([role, model]) => nameWeights(model, role));
  const ofG = variablesOf([...g_ab.trainableWeights, ...g_ba.trainableWeights]);
  const ofD = variablesOf([...d_a.trainableWeights, ...d_b.trainableWeights]);
  const adamG = adam({ beta1, beta2, name: 'adam_g' }).prepare(ofG);
  const adamD = adam({ beta1, beta2, name: 'adam_d' }).prepare(ofD);
  const averaged = { decay: options.ema, warmup: options.emaWarmup, statistics: options.emaStatistics };
  const averages = {
    ab: averageOf(g_ab, { ...averaged, name: 'average_ab' }),
    ba: averageOf(g_ba, { ...averaged, name: 'average_ba' }),
  };
  const rows = Math.max(1, Math.floor(options.pool / at.batch));
  const pools = {
    a: poolOf('pool_a', rows, [at.batch, ...fields.a.shape]),
    b: poolOf('pool_b', rows, [at.batch, ...fields.b.shape]),
  };
  const filled = tf.tidy(() => namedVariable('pool/count', tf.scalar(0)));

  // each network has one input and one output
  const apply = (model: tf.LayersModel, x: tf.Tensor, training = true): tf.Tensor =>
    model.apply(x, { training }) as tf.Tensor;

  const updateG = ({ a, b, rate_g }: GameInputs, keep: Keep): Record<'a' | 'b', tf.Tensor> => {
    const made: Partial<Record<'a' | 'b', tf.Tensor>> = {};
    const { value, grads } = tf.variableGrads(() => {
      const [fakeB, fakeA] = [apply(g_ab, a), apply(g_ba, b)];
      Object.assign(made, { a: tf.keep(tf.clone(fakeA)), b: tf.keep(tf.clone(fakeB)) });
      const cycle = tf.add<tf.Scalar>(l1(apply(g_ba, fakeB), a), l1(apply(g_ab, fakeA), b));
      keep('cycle', cycle);
      const deceived = [apply(d_b, fakeB), apply(d_a, fakeA)].map((logits) =>
        leastSquares.generator({ logits }, { logits }),
      );
      const terms = [
        // Zhu et al., section 3.1, have no factor ½ before the generator's squares, unlike Mao et al.
        tf.mul<tf.Scalar>(sumOf(deceived), 2),
        tf.mul<tf.Scalar>(cycle, options.cycle),
      ];
      if (options.identity > 0) {
        const identity = tf.add<tf.Scalar>(l1(apply(g_ab, b), b), l1(apply(g_ba, a), a));
        keep('identity', identity);
        terms.push(tf.mul<tf.Scalar>(identity, options.identity));
      }
      return sumOf(terms);
    }, ofG);
    applyUpdates(adamG(ofG, grads, rate_g));
    for (const average of Object.values(averages)) average.follow();
    keep('loss_g', value);
    return made as Record<'a' | 'b', tf.Tensor>; // variableGrads has called the objective, which sets them
  };
  const updateD = (given: GameInputs, shown: Readonly<Record<'a' | 'b', tf.Tensor>>, keep: Keep): void => {
    const { value, grads } = tf.variableGrads(() => {
      const verdicts = (['a', 'b'] as const).map((side) => {
        const d = side === 'a' ? d_a : d_b;
        return { onReal: { logits: apply(d, given[side]) }, onFake: { logits: apply(d, shown[side]) } };
      });
      // least squares with targets 0 and 1: the decision threshold is ½
      keep('d_real', tf.mean(tf.stack(verdicts.map(({ onReal }) => shareAbove(tf.sub(onReal.logits, 0.5))))));
      keep('d_fake', tf.mean(tf.stack(verdicts.map(({ onFake }) => shareAbove(tf.sub(0.5, onFake.logits))))));
      return sumOf(verdicts.map(({ onReal, onFake }) => leastSquares.discriminator(onReal, onFake)));
    }, ofD);
    applyUpdates(adamD(ofD, grads, given.rate_d));
    keep('loss_d', value);
  };
  const step = (inputs: Readonly<Record<string, tf.Tensor>>, keep: Keep): void => {
    const given = inputs as GameInputs; // the inputs that the phase declares
    const made = updateG(given, keep);
    const a = pools.a.query({ made: made.a, filled, row: given.row_a, swap: given.swap_a });
    const b = pools.b.query({ made: made.b, filled, row: given.row_b, swap: given.swap_b });
    updateD(given, { a: a.shown, b: b.shown }, keep);
    applyUpdates([a.update, b.update, { variable: filled, value: tf.minimum(tf.add(filled, 1), rows) }]);
    tf.dispose(made);
  };

  const perPicture = { shape: [at.batch] };
  const row: PhaseInput = { ...perPicture, dtype: 'int32', from: { random: 'int', from: 0, below: rows } };
  const swap: PhaseInput = { ...perPicture, from: { random: 'bernoulli', p: 0.5 } };
  const scalar = (schedule: string): PhaseInput => ({ shape: [], from: { schedule } });
  const picture = (side: 'a' | 'b'): PhaseInput => ({
    shape: [at.batch, ...fields[side].shape],
    from: { data: side },
  });
  /** Pictures that a network takes: of any height and width, unless the network says which (it may be a user's). */
  const shapeOf = ({ inputs: [input] }: tf.LayersModel, from: 'a' | 'b'): (number | string)[] => [
    'batch',
    input?.shape[1] ?? 'height',
    input?.shape[2] ?? 'width',
    fields[from].shape[2] ?? 1,
  ];
  const output = (from: 'a' | 'b', model: tf.LayersModel, average: Average, file: string): Output => ({
    model: (x: tf.Tensor) => average.during(() => apply(model, x, false)),
    inputs: [{ name: from, role: 'image', dtype: 'float32', shape: shapeOf(model, from), range: [-1, 1] }],
    outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
    file,
    kind: 'image-to-image',
    preview: { count: at.samples, inputs: { [from]: { data: from } }, beside: [from] },
    like: from === 'a' ? 'b' : 'a',
  });
  const variables = [
    ...own,
    ...adamG.state,
    ...adamD.state,
    ...averages.ab.variables,
    ...averages.ba.variables,
    pools.a.pictures,
    pools.b.pictures,
    filled,
  ];
  return {
    name: 'cyclegan',
    networks,
    variables,
    phases: [
      {
        name: 'game',
        inputs: {
          a: picture('a'),
          b: picture('b'),
          row_a: row,
          row_b: row,
          swap_a: swap,
          swap_b: swap,
          rate_g: scalar('rate_g'),
          rate_d: scalar('rate_d'),
        },
        step: collecting(step),
      },
    ],
    outputs: {
      ab: output('a', g_ab, averages.ab, 'a-to-b.onnx'),
      ba: output('b', g_ba, averages.ba, 'b-to-a.onnx'),
    },
    discriminators: Object.fromEntries(
      (['a', 'b'] as const).map((side) => [
        `d_${side}`,
        discriminatorOutput({
          judge: (x) => apply(side === 'a' ? d_a : d_b, x, false),
          example: fields[side],
          loss: leastSquares,
          file: `discriminator-${side}.onnx`,
        }),
      ]),
    ),
    schedules: {
      rate_g: scheduled(options.schedule, options.rates.g, at.steps),
      rate_d: scheduled(options.schedule, options.rates.d, at.steps),
    },
    charts: {
      Losses: ['loss_d', 'loss_g'],
      'Distances: cycle consistency and identity': ['cycle', 'identity'],
      'Accuracy of the discriminators (1/2: chance)': ['d_real', 'd_fake'],
    },
    dispose: () => disposeOwn(variables, at),
  };
}
