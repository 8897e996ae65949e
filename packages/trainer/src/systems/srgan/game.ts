// The game of SRGAN over one state, in two phases: `pixel` until training of the discriminator begins, then `game`. The
// graph computes the small picture from the large one, as means of blocks.
import * as tf from '@tensorflow/tfjs';
import type * as v from 'valibot';
import { charbonnier, l1, l2, lossOf, type Reconstruction, type Verdict } from '../../losses/index.js';
import { enlarged } from '../../models/layers/index.js';
import { adam, applyUpdates } from '../../optimizers/index.js';
import { cosineDecay } from '../../schedules/index.js';
import { nameWeights, variablesOf } from '../../tfjs/variables.js';
import { averageOf } from '../average.js';
import type { Circumstances } from '../kind.js';
import { disposeOwn } from '../network.js';
import type { Phase, PhaseInput } from '../phase.js';
import type { GanSystem } from '../system.js';
import { collecting, shareAbove, sumOf, type Inputs, type Keep } from '../two-player/step.js';
import { cropped, turned } from './crop.js';
import type { srganOptions } from './options.js';

/** Options, parsed. */
type Options = v.InferOutput<v.ObjectSchema<typeof srganOptions, undefined>>;

/** Pictures, and where and how they are cropped. */
type InputName = 'image' | 'top' | 'left' | 'mirror' | 'upend' | 'transpose';

const DISTANCES: Readonly<Record<Options['distance'], Reconstruction>> = { l1, charbonnier, l2 };

/** [n, h, w, c] → [n, h / scale, w / scale, c]: the mean of each block. */
export const shrunk = (x: tf.Tensor4D, scale: number): tf.Tensor4D => tf.avgPool(x, scale, scale, 'valid');

/** The game over networks that have their initial weights; without `d` there is only the pixel phase. */
export function game(
  { g, d }: { g: tf.LayersModel; d?: tf.LayersModel },
  { crop, channels }: { crop: number; channels: number },
  options: Options,
  at: Circumstances,
): GanSystem {
  const { scale, beta1, beta2, rates, adversarialFrom } = options;
  const distance = DISTANCES[options.distance];
  const loss = lossOf(options.loss);
  const f = at.networks['f'];
  const own = [...nameWeights(g, 'g'), ...(d ? nameWeights(d, 'd') : [])];
  const ofG = variablesOf(g.trainableWeights);
  const ofD = d ? variablesOf(d.trainableWeights) : [];
  const adamG = adam({ beta1, beta2, name: 'adam_g' }).prepare(ofG);
  const adamD = d ? adam({ beta1, beta2, name: 'adam_d' }).prepare(ofD) : undefined;
  const average = averageOf(g, { decay: options.ema, warmup: options.emaWarmup, statistics: 'last' });

  // each network has one input and one output
  const apply = (model: tf.LayersModel, x: tf.Tensor, training = true): tf.Tensor4D =>
    model.apply(x, { training }) as tf.Tensor4D;
  const features = (model: tf.LayersModel, x: tf.Tensor): tf.Tensor[] =>
    [model.apply(x, { training: false }) as tf.Tensor | tf.Tensor[]].flat();
  const [height = 0, width = 0] = at.data.fields['image']?.shape ?? [];
  const whole = height === crop && width === crop;
  const pictureOf = (inputs: Inputs): tf.Tensor4D => {
    // the phase's inputs
    const { image, top, left, mirror, upend, transpose } = inputs as Inputs & Record<InputName, tf.Tensor>;
    const part = whole ? (image as tf.Tensor4D) : cropped(image as tf.Tensor4D, top, left, crop);
    return options.turn ? turned(part, { mirror, upend, transpose }) : part;
  };

  const updateG = (objective: () => tf.Scalar, rate: tf.Tensor): tf.Scalar => {
    const { value, grads } = tf.variableGrads(objective, ofG);
    applyUpdates(adamG(ofG, grads, rate));
    average.follow();
    return value;
  };
  const pixelStep = (inputs: Inputs, keep: Keep): void => {
    const truth = pictureOf(inputs);
    keep(
      'pixel',
      updateG(() => distance(apply(g, shrunk(truth, scale)), truth), inputs['rate_g'] as tf.Tensor),
    );
  };
  const gameStep = (inputs: Inputs, keep: Keep): void => {
    if (d === undefined || adamD === undefined) return;
    const truth = pictureOf(inputs);
    const judge = (picture: tf.Tensor): Verdict => ({ logits: apply(d, picture) });
    const updateD = (fake: tf.Tensor): void => {
      const { value, grads } = tf.variableGrads(() => {
        const [onReal, onFake] = [judge(truth), judge(fake)];
        keep('d_real', shareAbove(tf.sub(onReal.logits, tf.mean(onFake.logits))));
        keep('d_fake', shareAbove(tf.sub(tf.mean(onReal.logits), onFake.logits)));
        return loss.discriminator(onReal, onFake);
      }, ofD);
      applyUpdates(adamD(ofD, grads, inputs['rate_d'] as tf.Tensor));
      keep('loss_d', value);
    };
    const total = updateG(() => {
      const made = apply(g, shrunk(truth, scale));
      // D is updated inside G's objective, but G's gradient does not flow through the update.
      updateD(made);
      const onFake = judge(made);
      const onReal = loss.relativistic === true ? judge(truth) : onFake;
      const [pixel, adversarial] = [distance(made, truth), loss.generator(onFake, onReal)];
      keep('pixel', pixel);
      keep('adversarial', adversarial);
      const terms = [tf.mul<tf.Scalar>(pixel, options.pixel), tf.mul<tf.Scalar>(adversarial, options.adversarial)];
      if (f !== undefined && options.perceptual > 0) {
        const wanted = features(f, truth);
        const perceptual = sumOf(features(f, made).map((map, i) => l1(map, wanted[i] as tf.Tensor))); // of equal length
        keep('perceptual', perceptual);
        terms.push(tf.mul(perceptual, options.perceptual));
      }
      return sumOf(terms);
    }, inputs['rate_g'] as tf.Tensor);
    keep('loss_g', total);
  };

  const place = (size: number): PhaseInput => ({
    shape: [at.batch],
    dtype: 'int32',
    from: { random: 'int', from: 0, below: size - crop + 1 },
  });
  const coin: PhaseInput = { shape: [at.batch], from: { random: 'bernoulli', p: 0.5 } };
  const scalar = (schedule: string): PhaseInput => ({ shape: [], from: { schedule } });
  const inputs: Phase['inputs'] = {
    image: { shape: [at.batch, height, width, channels], from: { data: 'image' } },
    ...(whole ? {} : { top: place(height), left: place(width) }),
    ...(options.turn ? { mirror: coin, upend: coin, transpose: coin } : {}),
    rate_g: scalar('rate_g'),
  };
  const pixelPhase: Phase = {
    name: 'pixel',
    inputs,
    step: collecting(pixelStep),
    ...(d ? { until: adversarialFrom } : {}),
  };
  const gamePhase: Phase = {
    name: 'game',
    from: adversarialFrom,
    inputs: { ...inputs, rate_d: scalar('rate_d') },
    step: collecting(gameStep),
  };
  const alone = d ? Math.min(adversarialFrom, at.steps) : at.steps;
  const falling = cosineDecay(rates.pixel, rates.pixel / 10, Math.max(1, alone));
  const variables = [...own, ...adamG.state, ...(adamD?.state ?? []), ...average.variables];
  const generate = (x: tf.Tensor): tf.Tensor4D =>
    tf.clipByValue(
      average.during(() => apply(g, x, false)),
      -1,
      1,
    );
  return {
    name: 'srgan',
    networks: { g, ...(d ? { d } : {}) },
    variables,
    phases: [...(d && adversarialFrom === 0 ? [] : [pixelPhase]), ...(d ? [gamePhase] : [])],
    outputs: {
      generator: {
        model: generate,
        inputs: [
          {
            name: 'input',
            role: 'image',
            dtype: 'float32',
            shape: ['batch', 'height', 'width', channels],
            range: [-1, 1],
          },
        ],
        outputs: [{ name: 'image', role: 'image', range: [-1, 1] }],
        file: 'generator.onnx',
        kind: 'super-resolution',
        preview: {
          count: at.samples,
          columns: 1,
          inputs: { image: { data: 'image' } },
          // side by side: bicubic, generated, original
          model: (x) => {
            const truth = evenly(x as tf.Tensor4D, scale);
            const given = shrunk(truth, scale);
            return tf.concat([tf.clipByValue(enlarged(given, scale), -1, 1), generate(given), truth], 2);
          },
        },
      },
    },
    schedules: {
      rate_g: (step) => (d && step >= adversarialFrom ? rates.g : falling(step)),
      ...(d ? { rate_d: () => rates.d } : {}),
    },
    charts: {
      'Distance of pixels': ['pixel'],
      ...(d
        ? {
            Losses: ['loss_d', 'loss_g', 'adversarial'],
            'Accuracy of the discriminator (1/2: chance)': ['d_real', 'd_fake'],
          }
        : {}),
    },
    dispose: () => disposeOwn(variables, at),
  };
}

/** The picture cropped to multiples of the scale. */
function evenly(x: tf.Tensor4D, scale: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  const [height, width] = [h - (h % scale), w - (w % scale)];
  return h === height && w === width ? x : tf.slice(x, [0, 0, 0, 0], [n, height, width, c]);
}
