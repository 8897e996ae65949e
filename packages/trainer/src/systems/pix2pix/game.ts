// The game of pix2pix in one phase: the U-Net runs once, D is updated on its picture, then G is updated through the
// updated D.
import * as tf from '@tensorflow/tfjs';
import type * as v from 'valibot';
import type { FieldSpec } from '../../data/dataset.js';
import { l1, lossOf, type Verdict } from '../../losses/index.js';
import { adam, applyUpdates } from '../../optimizers/index.js';
import { nameWeights, variablesOf } from '../../tfjs/variables.js';
import { averageOf } from '../average.js';
import type { Circumstances } from '../kind.js';
import { disposeOwn } from '../network.js';
import type { PhaseInput } from '../phase.js';
import type { GanSystem } from '../system.js';
import { scheduled } from '../two-player/rates.js';
import { collecting, shareAbove, type Keep } from '../two-player/step.js';
import type { pix2pixOptions } from './options.js';

/** Options, parsed. */
type Options = v.InferOutput<v.ObjectSchema<typeof pix2pixOptions, undefined>>;

/** The game over networks that have their initial weights; without `d` only the distance to the target counts. */
export function game(
  { g, d }: { readonly g: tf.LayersModel; readonly d?: tf.LayersModel },
  fields: Readonly<Record<'input' | 'target', FieldSpec>>,
  options: Options,
  at: Circumstances,
): GanSystem {
  const loss = lossOf(options.loss);
  const { beta1, beta2 } = options;
  const own = [...nameWeights(g, 'g'), ...(d ? nameWeights(d, 'd') : [])];
  const [ofG, ofD] = [variablesOf(g.trainableWeights), d ? variablesOf(d.trainableWeights) : []];
  const adamG = adam({ beta1, beta2, name: 'adam_g' }).prepare(ofG);
  const adamD = d ? adam({ beta1, beta2, name: 'adam_d' }).prepare(ofD) : undefined;
  const average = averageOf(g, { decay: options.ema, warmup: options.emaWarmup, statistics: options.emaStatistics });

  // each network has one input and one output
  const apply = (model: tf.LayersModel, x: tf.Tensor, training = true): tf.Tensor =>
    model.apply(x, { training }) as tf.Tensor;
  const step = (inputs: Readonly<Record<string, tf.Tensor>>, keep: Keep): void => {
    // the phase's inputs
    const { input, target, rate_g, rate_d } = inputs as Record<'input' | 'target' | 'rate_g' | 'rate_d', tf.Tensor>;
    /** G's adversarial loss, after D was updated on the same picture. */
    const deceiving = (judge: (picture: tf.Tensor) => Verdict, update: typeof adamD, fake: tf.Tensor): tf.Scalar => {
      const d = tf.variableGrads(() => {
        const [onReal, onFake] = [judge(target), judge(fake)];
        keep('d_real', shareAbove(onReal.logits));
        keep('d_fake', shareAbove(tf.neg(onFake.logits)));
        return tf.mul<tf.Scalar>(loss.discriminator(onReal, onFake), 0.5); // section 3.3: D learns at half the speed
      }, ofD);
      if (update) applyUpdates(update(ofD, d.grads, rate_d));
      keep('loss_d', d.value);
      const onFake = judge(fake);
      return loss.generator(onFake, loss.relativistic === true ? judge(target) : onFake);
    };
    const { value, grads } = tf.variableGrads(() => {
      const fake = apply(g, input);
      const distance = l1(fake, target);
      keep('l1', distance);
      const weighted = tf.mul<tf.Scalar>(distance, options.l1);
      if (d === undefined) return weighted;
      const judge = (picture: tf.Tensor): Verdict => ({ logits: apply(d, tf.concat([input, picture], 3)) });
      // D is updated inside G's objective, but G's gradient does not flow through the update.
      const adversarial = deceiving(judge, adamD, fake);
      return tf.add<tf.Scalar>(
        options.adversarial === 1 ? adversarial : tf.mul<tf.Scalar>(adversarial, options.adversarial),
        weighted,
      );
    }, ofG);
    applyUpdates(adamG(ofG, grads, rate_g));
    average.follow();
    keep('loss_g', value);
  };

  const field = (name: 'input' | 'target'): PhaseInput => ({
    shape: [at.batch, ...fields[name].shape],
    from: { data: name },
  });
  const scalar = (schedule: string): PhaseInput => ({ shape: [], from: { schedule } });
  const variables = [...own, ...adamG.state, ...(adamD?.state ?? []), ...average.variables];
  return {
    name: 'pix2pix',
    networks: { g, ...(d ? { d } : {}) },
    variables,
    phases: [
      {
        name: 'game',
        inputs: {
          input: field('input'),
          target: field('target'),
          rate_g: scalar('rate_g'),
          ...(d ? { rate_d: scalar('rate_d') } : {}),
        },
        step: collecting(step),
      },
    ],
    outputs: {
      generator: {
        model: (x: tf.Tensor) => average.during(() => apply(g, x, false)),
        inputs: [
          { name: 'input', role: 'image', dtype: 'float32', shape: ['batch', ...fields.input.shape], range: [-1, 1] },
        ],
        outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
        file: 'generator.onnx',
        kind: 'image-to-image',
        preview: { count: at.samples, inputs: { input: { data: 'input' } }, beside: ['input', 'target'] },
        like: 'target',
      },
    },
    schedules: {
      rate_g: scheduled(options.schedule, options.rates.g, at.steps),
      rate_d: scheduled(options.schedule, options.rates.d, at.steps),
    },
    charts: {
      Losses: ['loss_d', 'loss_g'],
      'Accuracy of the discriminator (1/2: chance)': ['d_real', 'd_fake'],
    },
    dispose: () => disposeOwn(variables, at),
  };
}
