// The two-player step that systems share, given their networks: one update of D, one of G through the updated D, one of
// the average.
import { UsageError, type TensorSpec } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { StepFunction } from '../compile/step.js';
import { smoothed, type GanLoss, type Verdict } from '../losses/index.js';
import { adam, applyUpdates, ema as emaOf, type Optimizer, type Update } from '../optimizers/index.js';
import { nameWeights, variablesOf } from '../tfjs/variables.js';
import type { GanSystem } from './system.js';

/** What the step does beside the networks. */
export interface AdversarialConfig {
  /** Batch size of the step. */
  batch?: number;
  /** Which adversarial loss. Default `non-saturating`. */
  loss?: 'non-saturating' | 'saturating';
  /** Adam's decay of the first moment. Default 0.5. */
  beta1?: number;
  /** Adam's decay of the second moment. Default 0.999. */
  beta2?: number;
  /** Decay of the generator's moving average. Default 0.999. */
  ema?: number;
  /** Start the average with a small decay. Default true. */
  emaWarmup?: boolean;
  /**
   * Statistics of the averaged generator's batch norms: the generator's last moving ones, or their own moving average.
   * Default `last`.
   */
  emaStatistics?: 'last' | 'averaged';
  /** One-sided label smoothing, 0 to below 1. Default 0. */
  labelSmoothing?: number;
  /** Seed of the initial weights. Default 0. */
  seed?: number | bigint;
}

/** Networks of a two-player game. `average` has the generator's architecture; its weights become the generator's. */
export interface Players {
  name: string;
  generator: tf.LayersModel;
  discriminator: tf.LayersModel;
  average: tf.LayersModel;
  loss: GanLoss;
  /** The step's inputs `real` and `z`. */
  inputs: { real: TensorSpec; z: TensorSpec };
  sample: GanSystem['sample'];
}

/**
 * Checks what the step is told and the whole numbers of a system, before networks are made.
 * @throws UsageError `config.invalid`, naming the system and the field.
 */
export function checkConfig(system: string, config: AdversarialConfig, whole: Readonly<Record<string, number>>): void {
  const refuse = (field: string, wanted: string, got: unknown): never => {
    throw new UsageError(`${system}.${field}: expected ${wanted}, got ${String(got)}`, { code: 'config.invalid' });
  };
  for (const [field, value] of Object.entries(whole))
    if (!(Number.isInteger(value) && value >= 1)) refuse(field, 'a whole number ≥ 1', value);
  const { beta1 = 0, beta2 = 0, ema = 0, labelSmoothing = 0, emaStatistics = 'last' } = config;
  for (const [field, value] of Object.entries({ beta1, beta2, ema, labelSmoothing }))
    if (!(value >= 0 && value < 1)) refuse(field, 'a number from 0 to below 1', value);
  if (!['last', 'averaged'].includes(emaStatistics)) refuse('emaStatistics', "'last' or 'averaged'", emaStatistics);
}

// one input, one output
const apply = (model: tf.LayersModel, x: tf.Tensor): tf.Tensor => model.apply(x, { training: true }) as tf.Tensor;

/**
 * The game as a {@link GanSystem}: optimizer moments, averages, the step, and the list of all state. Weights of the
 * players are set already.
 */
export function adversarial(players: Players, config: AdversarialConfig): GanSystem {
  const { generator, discriminator, average, inputs, name, sample } = players;
  const {
    beta1 = 0.5,
    beta2 = 0.999,
    ema = 0.999,
    emaWarmup = true,
    emaStatistics = 'last',
    labelSmoothing = 0,
  } = config;
  const loss = smoothed(players.loss, { real: labelSmoothing });
  const judge = (x: tf.Tensor): Verdict => ({ logits: apply(discriminator, x) });
  average.setWeights(generator.getWeights());

  const all = [generator, discriminator, average].map(nameWeights);
  const [gWeights, dWeights] = [variablesOf(generator.trainableWeights), variablesOf(discriminator.trainableWeights)];
  const [gStatistics, statistics] = [
    variablesOf(generator.nonTrainableWeights),
    variablesOf(average.nonTrainableWeights),
  ];
  const optimizers = {
    g: adam({ beta1, beta2, name: 'adam_g' }).prepare(gWeights),
    d: adam({ beta1, beta2, name: 'adam_d' }).prepare(dWeights),
  };
  const averaged =
    emaStatistics === 'averaged'
      ? { from: [...gWeights, ...gStatistics], to: [...variablesOf(average.trainableWeights), ...statistics] }
      : { from: gWeights, to: variablesOf(average.trainableWeights) };
  const follow = emaOf(averaged.from, ema, { warmup: emaWarmup, averages: averaged.to });
  const copied = (): Update[] =>
    emaStatistics === 'averaged'
      ? []
      : statistics.flatMap((variable, i) =>
          gStatistics[i] === undefined ? [] : [{ variable, value: gStatistics[i] }],
        );

  const descend = (
    optimizer: Optimizer,
    variables: tf.Variable[],
    rate: tf.Tensor | undefined,
    objective: () => tf.Scalar,
  ): tf.Scalar => {
    const { value, grads } = tf.variableGrads(objective, variables);
    if (rate === undefined)
      throw new UsageError(`${name}: expected inputs 'real', 'z', 'rate_g' and 'rate_d'`, { code: 'input.shape' });
    applyUpdates(optimizer(variables, grads, rate));
    return value;
  };
  const step: StepFunction = ({ real, z, rate_g, rate_d }) => {
    if (real === undefined || z === undefined)
      throw new UsageError(`${name}: expected inputs 'real', 'z', 'rate_g' and 'rate_d'`, { code: 'input.shape' });
    let kept: tf.Scalar | undefined;
    // D's update stands inside G's objective, so that the generator runs once; assigning D's variables cuts it off from
    // G's gradient.
    const loss_g = descend(optimizers.g, gWeights, rate_g, () => {
      const fake = apply(generator, z);
      kept = tf.keep(descend(optimizers.d, dWeights, rate_d, () => loss.discriminator(judge(real), judge(fake))));
      const onFake = judge(fake);
      // batch norms of D would average over real examples once more
      return loss.generator(onFake, loss.relativistic === true ? judge(real) : onFake);
    });
    applyUpdates([...follow(), ...copied()]);
    const loss_d = kept === undefined ? loss_g : tf.clone(kept);
    kept?.dispose();
    return { loss_d, loss_g };
  };

  const state = [...all.flat(), ...optimizers.g.state, ...optimizers.d.state, ...follow.state];
  const scalar: TensorSpec = { dtype: 'float32', shape: [] };
  return {
    name,
    generator,
    discriminator,
    average,
    step,
    inputs: { ...inputs, rate_g: scalar, rate_d: scalar },
    variables: state,
    sample,
    dispose: () => {
      for (const variable of state) variable.dispose();
    },
  };
}
