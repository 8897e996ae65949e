// The matching-aware game (Reed et al. 2016, algorithm 1): D sees a real picture with its caption, the same picture
// with another picture's caption, and a generated picture with its caption. The last two are the fakes, with weight ½
// each.
import type { TensorSpec } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { lossOf, type Verdict } from '../../losses/index.js';
import { adam, applyUpdates } from '../../optimizers/index.js';
import { nameWeights, variablesOf } from '../../tfjs/variables.js';
import { averageOf } from '../average.js';
import { discriminatorOutput } from '../discriminator.js';
import type { Circumstances } from '../kind.js';
import { disposeOwn } from '../network.js';
import type { Phase, PhaseInput } from '../phase.js';
import type { GanSystem } from '../system.js';
import { drawsOf, penaltiesOf, type Weighed } from '../two-player/penalties.js';
import { scheduled } from '../two-player/rates.js';
import { applied, collecting, shareAbove, sumOf, type Inputs, type Keep } from '../two-player/step.js';
import type { text2imageOptions } from './options.js';

/** Options, parsed. */
type Options = v.InferOutput<v.ObjectSchema<typeof text2imageOptions, undefined>>;

/** Pictures per caption, a row of the grid. */
const COLUMNS = 8;

/** The game over networks that have their initial weights. */
export function game(
  { g, d }: Readonly<Record<'g' | 'd', tf.LayersModel>>,
  { image, text: caption }: Readonly<Record<'image' | 'text', FieldSpec>>,
  options: Options,
  at: Circumstances,
): GanSystem {
  const loss = lossOf(options.loss);
  const penalties = penaltiesOf(options.penalties);
  const [always, lazy] = [penalties.filter(({ every }) => every === 1), penalties.filter(({ every }) => every > 1)];
  const own = [...nameWeights(g, 'g'), ...nameWeights(d, 'd')];
  const [ofG, ofD] = [variablesOf(g.trainableWeights), variablesOf(d.trainableWeights)];
  // Lazy regularisation, as in the two-player game.
  const part = 1 / lazy.reduce((sum, { every }) => sum + 1 / every, 1);
  const { beta1, beta2 } = options;
  const adamG = adam({ beta1, beta2, name: 'adam_g' }).prepare(ofG);
  const adamD = adam({ beta1: beta1 ** part, beta2: beta2 ** part, name: 'adam_d' }).prepare(ofD);
  const average = averageOf(g, { decay: options.ema, warmup: options.emaWarmup, statistics: options.emaStatistics });

  const input = (inputs: Inputs, name: string): tf.Tensor => inputs[name] as tf.Tensor; // the phase has this input
  // each network has one output
  const generate = (inputs: Inputs): tf.Tensor => applied(g, input(inputs, 'z'), input(inputs, 'text'))[0] as tf.Tensor;
  const judge = (x: tf.Tensor, text: tf.Tensor): Verdict => ({ logits: applied(d, x, text)[0] as tf.Tensor });
  const penalised = (one: Weighed, inputs: Inputs, fake: () => tf.Tensor, keep: Keep): tf.Scalar => {
    const value = one.penalty.of({
      judge: (x) => judge(x, input(inputs, 'text')).logits,
      real: input(inputs, 'real'),
      get fake() {
        return fake(); // a getter, because only some penalties read it
      },
      draw: drawsOf(one.name),
    });
    keep(one.name, value);
    return value;
  };

  const descendD = (inputs: Inputs, objective: () => tf.Scalar): tf.Scalar => {
    const { value, grads: found } = tf.variableGrads(objective, ofD);
    // Zeros for weights that the objective does not depend on, such as the last bias.
    const grads = ofD.map((variable) => found[variable.name] ?? tf.zerosLike(variable));
    const rate = input(inputs, 'rate_d');
    applyUpdates(adamD(ofD, grads, part === 1 ? rate : tf.mul(rate, part)));
    return value;
  };
  const updateD = (inputs: Inputs, fake: tf.Tensor, keep: Keep): void => {
    const [real, text] = [input(inputs, 'real'), input(inputs, 'text')];
    const other = nextOf(text);
    const value = descendD(inputs, () => {
      const [onReal, onFake, onOther] = [judge(real, text), judge(fake, text), judge(real, other)];
      keep('d_real', shareAbove(onReal.logits));
      keep('d_fake', shareAbove(tf.neg(onFake.logits)));
      keep('d_wrong', shareAbove(tf.neg(onOther.logits)));
      // If the other caption has the same text it is not wrong: the generated picture is used instead.
      const onWrong = { logits: tf.where(sameRows(text, other), onFake.logits, onOther.logits) };
      const terms = always.map((one) =>
        tf.mul<tf.Scalar>(
          penalised(one, inputs, () => fake, keep),
          one.weight,
        ),
      );
      const matching = tf.add<tf.Scalar>(loss.discriminator(onReal, onFake), loss.discriminator(onReal, onWrong));
      return sumOf([tf.mul<tf.Scalar>(matching, 0.5), ...terms]);
    });
    keep('loss_d', value);
  };
  const lossG = (inputs: Inputs, fake: tf.Tensor): tf.Scalar => {
    const onFake = judge(fake, input(inputs, 'text'));
    // Only a relativistic loss needs the real batch.
    const onReal = loss.relativistic === true ? judge(input(inputs, 'real'), input(inputs, 'text')) : onFake;
    return loss.generator(onFake, onReal);
  };

  const scalar = (schedule: string): PhaseInput => ({ shape: [], from: { schedule } });
  const inputs: Phase['inputs'] = {
    real: { shape: [at.batch, ...image.shape], from: { data: 'image' } },
    text: { shape: [at.batch, ...caption.shape], dtype: 'int32', from: { data: 'text' } },
    z: { shape: [at.batch, options.latent], from: { random: 'normal' } },
    rate_d: scalar('rate_d'),
  };
  /** D and G in one graph, so that the generator runs once for both. */
  const together: Phase = {
    name: 'game',
    inputs: { ...inputs, rate_g: scalar('rate_g') },
    step: collecting((given, keep) => {
      const { value, grads } = tf.variableGrads(() => {
        const fake = generate(given);
        // D is updated inside G's objective, but G's gradient does not flow through the update.
        updateD(given, fake, keep);
        return lossG(given, fake);
      }, ofG);
      applyUpdates(adamG(ofG, grads, input(given, 'rate_g')));
      average.follow();
      keep('loss_g', value);
    }),
  };
  const regularised = lazy.map((one): Phase => ({
    name: one.name,
    every: one.every,
    inputs,
    step: collecting(
      (given, keep) =>
        void descendD(given, () =>
          tf.mul(
            penalised(one, given, () => generate(given), keep),
            one.weight * one.every,
          ),
        ),
    ),
  }));

  const rows = Math.max(1, Math.round(at.samples / COLUMNS));
  const vocabulary = caption.vocabulary ?? []; // `fit` refuses data without a vocabulary
  const variables = [...own, ...adamG.state, ...adamD.state, ...average.variables];
  const ofText: TensorSpec & { name: string } = {
    name: 'text',
    role: 'text',
    dtype: 'int32',
    shape: ['batch', ...caption.shape],
    vocabulary,
  };
  return {
    name: 'text2image',
    networks: { g, d },
    variables,
    phases: [together, ...regularised],
    outputs: {
      generator: {
        model: (z: tf.Tensor, text: tf.Tensor) =>
          average.during(() => g.apply([z, text], { training: false })) as tf.Tensor, // concrete inputs give tensors
        inputs: [
          { name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', options.latent], random: 'normal' },
          ofText,
        ],
        outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
        file: 'generator.onnx',
        kind: 'latent',
        preview: {
          count: rows * COLUMNS,
          columns: COLUMNS,
          each: COLUMNS,
          inputs: { z: { random: 'normal' }, text: { data: 'text' } },
        },
      },
    },
    discriminators: {
      discriminator: discriminatorOutput({
        judge: (x, text) => [d.apply([x, text as tf.Tensor], { training: false })].flat()[0] as tf.Tensor, // as g above
        example: image,
        loss,
        condition: ofText,
      }),
    },
    schedules: {
      rate_g: scheduled(options.schedule, options.rates.g, at.steps),
      rate_d: scheduled(options.schedule, options.rates.d, at.steps),
    },
    charts: {
      Losses: ['loss_d', 'loss_g'],
      'Accuracy of the discriminator (1/2: chance)': ['d_real', 'd_fake', 'd_wrong'],
    },
    dispose: () => disposeOwn(variables, at),
  };
}

/** Rows shifted by one, cyclically: each row's successor. */
const nextOf = (rows: tf.Tensor): tf.Tensor =>
  tf.concat([tf.slice(rows, [1, 0], [(rows.shape[0] ?? 1) - 1, -1]), tf.slice(rows, [0, 0], [1, -1])], 0);

/** Which rows of two matrices are equal, [n, 1]. */
const sameRows = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.all(tf.equal(a, b), 1, true);
