// The game of StyleGAN2: mixed styles, a running mean of w, path length regularisation of the generator, lazy penalties
// on the discriminator. Karras et al. 2019 and 2020. Built from the parts of two-player games.
import type { TensorSpec } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { FieldSpec } from '../../data/dataset.js';
import { lossOf, type Verdict } from '../../losses/index.js';
import { adam, applyUpdates, type Optimizer } from '../../optimizers/index.js';
import { pathLength } from '../../penalties/index.js';
import { nameWeights, namedVariable, variablesOf } from '../../tfjs/variables.js';
import { averageOf } from '../average.js';
import type { Circumstances } from '../kind.js';
import { disposeOwn } from '../network.js';
import type { Phase, PhaseInput } from '../phase.js';
import type { GanSystem, Output } from '../system.js';
import { sightOf } from '../two-player/augment.js';
import { drawsOf, penaltiesOf, type Weighed } from '../two-player/penalties.js';
import { scheduled } from '../two-player/rates.js';
import { applied, collecting, shareAbove, sumOf, type Inputs, type Keep } from '../two-player/step.js';
import type { StyleganOptions } from './options.js';
import { mixed, truncated } from './styles.js';

/** The networks, with their initial weights, and the data that they use. */
export interface StyleNetworks {
  /** z [n, latent] → w [n, style]. */
  readonly mapping: tf.LayersModel;
  /** Styles [n, layers, style] and noise [n, numbers] → pictures. */
  readonly synthesis: tf.LayersModel;
  /** Pictures → logits. */
  readonly d: tf.LayersModel;
  readonly example: FieldSpec;
}

/** Share of a batch's mean in the running mean of w. */
const MEAN_DECAY = 0.002;

/** The game as a system. */
export function styleGame(networks: StyleNetworks, options: StyleganOptions, at: Circumstances): GanSystem {
  const { mapping, synthesis, d, example } = networks;
  const [layers = 0, style = 0] = synthesis.inputs[0]?.shape.slice(1).map(Number) ?? [];
  const numbers = Number(synthesis.inputs[1]?.shape[1]);
  const loss = lossOf(options.loss);
  const sight = sightOf(options);
  const penalties = penaltiesOf(options.penalties);
  const [always, lazy] = [penalties.filter(({ every }) => every === 1), penalties.filter(({ every }) => every > 1)];
  const own = [...nameWeights(mapping, 'mapping'), ...nameWeights(synthesis, 'synthesis'), ...nameWeights(d, 'd')];
  const ofG = variablesOf([...mapping.trainableWeights, ...synthesis.trainableWeights]);
  const ofD = variablesOf(d.trainableWeights);

  // Lazy regularisation (Karras et al. 2020, appendix B): if an optimizer runs more often than once per iteration, its
  // rate and betas are scaled so that its time constants stay the same.
  const { weight: pathWeight, every: pathEvery } = options.pathLength;
  const parts = {
    g: 1 / (1 + (pathWeight > 0 ? 1 / pathEvery : 0)),
    d: 1 / lazy.reduce((sum, { every }) => sum + 1 / every, 1),
  };
  const { beta1, beta2 } = options;
  const optimizerOf = (role: 'g' | 'd', of: tf.Variable[]): Optimizer =>
    adam({ beta1: beta1 ** parts[role], beta2: beta2 ** parts[role], name: `adam_${role}` }).prepare(of);
  const [adamG, adamD] = [optimizerOf('g', ofG), optimizerOf('d', ofD)];
  const averaging = { decay: options.ema, warmup: options.emaWarmup, statistics: 'last' } as const;
  const averages = [
    averageOf(mapping, { ...averaging, name: 'average_mapping' }),
    averageOf(synthesis, { ...averaging, name: 'average' }),
  ];
  const meanW = tf.tidy(() => namedVariable('mean_w', tf.zeros([style])));
  const paths = pathLength({ decay: 0.01 });

  const one = (model: tf.LayersModel, ...given: [tf.Tensor, tf.Tensor?]): tf.Tensor =>
    applied(model, given[0], given[1])[0] as tf.Tensor; // each network has one output
  /**
   * Pictures from two latents; the second one styles the layers from `crossing` on. With `follow`, updates the mean of
   * w.
   */
  const generate = (inputs: Inputs, follow: boolean): tf.Tensor => {
    const { z, z_mix, crossing, mixes, noise } = inputs as Record<string, tf.Tensor>; // the inputs that `drawn` lists
    const [w, other] = [one(mapping, z as tf.Tensor), one(mapping, z_mix as tf.Tensor)];
    if (follow) meanW.assign(tf.add(meanW, tf.mul(tf.sub(tf.mean(w, 0), meanW), MEAN_DECAY)));
    // without mixing, the crossing is beyond the last layer
    const from = tf.add(crossing as tf.Tensor, tf.mul(tf.sub(1, mixes as tf.Tensor), layers));
    return one(synthesis, mixed(w, other, from, layers), noise);
  };
  const judge = (x: tf.Tensor, turn: string): Verdict => ({ logits: one(d, sight.see(x, turn)) });
  const descend = (
    role: 'g' | 'd',
    rate: tf.Tensor,
    objective: () => tf.Scalar,
    fill = false, // zeros for weights that the objective does not depend on
  ): tf.Scalar => {
    const [of, optimizer] = role === 'g' ? [ofG, adamG] : [ofD, adamD];
    const { value, grads: found } = tf.variableGrads(objective, of);
    const grads = fill ? of.map((variable) => found[variable.name] ?? tf.zerosLike(variable)) : found;
    applyUpdates(optimizer(of, grads, parts[role] === 1 ? rate : tf.mul(rate, parts[role])));
    return value;
  };
  const penalised = (penalty: Weighed, inputs: Inputs, fake: () => tf.Tensor, keep: Keep): tf.Scalar => {
    const value = penalty.penalty.of({
      judge: (x) => judge(x, penalty.name).logits,
      real: inputs['real'] as tf.Tensor,
      get fake() {
        return fake(); // a getter, because only some penalties read it
      },
      draw: drawsOf(penalty.name),
    });
    keep(penalty.name, value);
    return value;
  };

  const scalar = (schedule: string): PhaseInput => ({ shape: [], from: { schedule } });
  const normal = (...shape: number[]): PhaseInput => ({ shape, from: { random: 'normal' } });
  const real: PhaseInput = { shape: [at.batch, ...example.shape], from: { data: 'image' } };
  const [rate_g, rate_d] = [scalar('rate_g'), scalar('rate_d')];
  const drawn: Phase['inputs'] = {
    z: normal(at.batch, options.latent),
    z_mix: normal(at.batch, options.latent),
    crossing: { shape: [at.batch], dtype: 'int32', from: { random: 'int', from: 1, below: layers } },
    mixes: { shape: [at.batch], from: { random: 'bernoulli', p: options.mixing } },
    noise: normal(at.batch, numbers),
  };

  const game: Phase = {
    name: 'game',
    inputs: { real, ...drawn, rate_g, rate_d },
    step: collecting((inputs, keep) => {
      const given = inputs as Record<'real' | 'rate_g' | 'rate_d', tf.Tensor>; // the phase's inputs
      const updateD = (fake: tf.Tensor): void => {
        const value = descend('d', given.rate_d, () => {
          const [onReal, onFake] = [judge(given.real, 'd_real'), judge(fake, 'd_fake')];
          sight.follow(onReal.logits, keep);
          keep('d_real', shareAbove(onReal.logits));
          keep('d_fake', shareAbove(tf.neg(onFake.logits)));
          const terms = always.map((penalty) =>
            tf.mul<tf.Scalar>(
              penalised(penalty, inputs, () => fake, keep),
              penalty.weight,
            ),
          );
          return sumOf([loss.discriminator(onReal, onFake), ...terms]);
        });
        keep('loss_d', value);
      };
      const value = descend('g', given.rate_g, () => {
        const fake = generate(inputs, true);
        // D is updated inside G's objective, but G's gradient does not flow through the update.
        updateD(fake);
        const onFake = judge(fake, 'g_fake');
        return loss.generator(onFake, loss.relativistic === true ? judge(given.real, 'g_real') : onFake);
      });
      for (const average of averages) average.follow();
      keep('loss_g', value);
    }),
  };
  const regularised = lazy.map((penalty): Phase => ({
    name: penalty.name,
    every: penalty.every,
    inputs: { real, ...drawn, rate_d },
    step: collecting((inputs, keep) => {
      const objective = (): tf.Scalar =>
        tf.mul(
          penalised(penalty, inputs, () => generate(inputs, false), keep),
          penalty.weight * penalty.every,
        );
      descend('d', inputs['rate_d'] as tf.Tensor, objective, true);
    }),
  }));
  const few = Math.max(1, Math.floor(at.batch / 2)); // half a batch, as in the authors' code
  const path: Phase = {
    name: 'path',
    every: pathEvery,
    inputs: {
      z: normal(few, options.latent),
      noise: normal(few, numbers),
      direction: normal(few, ...example.shape),
      rate_g,
    },
    step: collecting((inputs, keep) => {
      const { z, noise, direction, rate_g: rate } = inputs as Record<string, tf.Tensor>; // the phase's inputs
      const objective = (): tf.Scalar => {
        const w = tf.tile(tf.expandDims(one(mapping, z as tf.Tensor), 1), [1, layers, 1]);
        const { penalty, mean } = paths.of({
          synthesise: (styles) => one(synthesis, styles, noise),
          w,
          draw: { normal: () => direction as tf.Tensor },
        });
        keep('path_length', mean);
        paths.mean.assign(mean);
        return tf.mul(penalty, pathWeight * pathEvery);
      };
      descend('g', rate as tf.Tensor, objective, true);
    }),
  };

  const variables = [
    ...own,
    ...adamG.state,
    ...adamD.state,
    ...averages.flatMap((average) => average.variables),
    meanW,
    paths.mean,
    ...sight.variables,
  ];
  /** Runs `fn` with all averages instead of the weights. */
  const averaged = <T>(fn: () => T): T =>
    averages.reduceRight(
      (inner, { during }) =>
        () =>
          during(inner),
      fn,
    )();
  const infer = (model: tf.LayersModel, given: tf.Tensor | tf.Tensor[]): tf.Tensor =>
    model.apply(given, { training: false }) as tf.Tensor; // each network has one output
  const synthesise = (styles: tf.Tensor, noise: tf.Tensor): tf.Tensor =>
    tf.clipByValue(infer(synthesis, [styles, noise]), -1, 1); // the network's output is unbounded

  type Input = TensorSpec & { name: string };
  const rows = (name: string, role: NonNullable<TensorSpec['role']>, ...shape: number[]): Input => ({
    name,
    role,
    dtype: 'float32',
    shape: ['batch', ...shape],
  });
  const noise: Input = { ...rows('noise', 'noise', numbers), random: 'normal' };
  const picture = { name: 'image', role: 'image', range: [-1, 1] } satisfies Output['outputs'][number];
  const filled = (value: number) => ({
    fixed: { dtype: 'float32' as const, shape: [at.samples], data: new Float32Array(at.samples).fill(value) },
  });
  return {
    name: 'stylegan',
    networks: { mapping, synthesis, d },
    variables,
    phases: [game, ...regularised, ...(pathWeight > 0 ? [path] : [])],
    outputs: {
      generator: {
        model: (...[z, psi, mix, layer, given]: tf.Tensor[]) =>
          averaged(() => {
            // the inputs declared below, in order
            const [w, other] = [z, mix].map((latent) =>
              truncated(infer(mapping, latent as tf.Tensor), meanW, psi as tf.Tensor),
            );
            const styles = mixed(w as tf.Tensor, other as tf.Tensor, layer as tf.Tensor, layers);
            return { image: synthesise(styles, given as tf.Tensor), styles };
          }),
        inputs: [
          { ...rows('z', 'latent', options.latent), random: 'normal' },
          { ...rows('psi', 'psi'), range: [0, 2] },
          { ...rows('mix', 'mix', options.latent), random: 'normal' },
          { name: 'layer', role: 'layer', dtype: 'int32', shape: ['batch'], range: [0, layers] },
          noise,
        ],
        outputs: [picture, { name: 'styles' }],
        file: 'generator.onnx',
        kind: 'latent',
        preview: {
          count: at.samples,
          inputs: {
            z: { random: 'normal' },
            psi: filled(1),
            mix: { random: 'normal' },
            layer: {
              fixed: { dtype: 'int32', shape: [at.samples], data: new Int32Array(at.samples).fill(layers) },
            },
            noise: { random: 'normal' },
          },
        },
      },
      synthesis: {
        model: (...[styles, given]: tf.Tensor[]) => averaged(() => synthesise(styles as tf.Tensor, given as tf.Tensor)),
        inputs: [rows('styles', 'tensor', layers, style), noise],
        outputs: [picture],
        file: 'synthesis.onnx',
        kind: 'function',
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
