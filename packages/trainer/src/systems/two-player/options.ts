// Options of every two-player game: rates, loss, penalties, balance, moving average. Each has one entry with schema,
// default and help.
import * as v from 'valibot';
import { lossNames } from '../../losses/index.js';
import { penaltyNames, type PenaltyOptions } from '../../penalties/index.js';
import { augmentOptions } from './augment.js';
import { above0, atLeast, described, named, rate, share, whole } from '../entries.js';
import { scheduleOption } from './schedule-option.js';

/** Parameters of penalties; a parameter that is missing here is a compile error. */
const parameters = {
  k: v.optional(atLeast(0)),
  sided: v.optional(v.picklist(['one', 'two'])),
} satisfies Record<keyof PenaltyOptions, v.GenericSchema>;

/** A penalty's weight, or its weight with other parameters. */
const penalty = v.union([
  atLeast(0),
  v.strictObject({
    weight: atLeast(0),
    every: v.optional(whole(1, 1024), 1),
    ...parameters,
  }),
]);

/** A share above ½, better than chance. */
const accuracy = v.pipe(
  v.number(),
  v.gtValue(0.5, 'a number above 0.5, below 1'),
  v.ltValue(1, 'a number above 0.5, below 1'),
);

/** Schedules that need only a rate and the length of the run. */
const RATE_SCHEDULES = ['constant', 'linear', 'cosine', 'exponential'] as const;

/** Defaults that differ between games. */
export interface PlayerDefaults {
  rates: { g: number; d: number };
  latent: number;
  loss?: string;
  penalties?: Record<string, v.InferInput<typeof penalty>>;
  beta1?: number;
  dSteps?: number;
  schedule?: (typeof RATE_SCHEDULES)[number];
  augment?: string;
}

/** The entries, with a game's own defaults. */
export const playerOptions = (defaults: PlayerDefaults) => ({
  latent: described(v.optional(whole(1, 65_536), defaults.latent), 'size of the latent vector'),
  distribution: described(
    v.optional(v.picklist(['normal', 'uniform']), 'normal'),
    'distribution of the latents: standard normal, or uniform on [-1, 1)',
  ),
  rates: described(
    v.optional(
      v.strictObject({ g: v.optional(rate, defaults.rates.g), d: v.optional(rate, defaults.rates.d) }),
      defaults.rates,
    ),
    'learning rates of generator and discriminator',
  ),
  schedule: described(
    v.optional(v.picklist(RATE_SCHEDULES), defaults.schedule ?? 'constant'),
    'how both rates fall to a tenth over the run',
  ),
  schedules: described(
    v.optional(
      v.pipe(
        v.record(v.string(), scheduleOption),
        v.metadata({ words: '{ scalar: kind:from:to:steps }', value: 'scalar=kind:from:to:steps' }),
      ),
      {},
    ),
    'schedules of single scalars by name (rate_g, rate_d, ema, instanceNoise, labelFlips, a penalty, …): ' +
      'a kind, kind:from:to:steps, or { kind, … }',
  ),
  optimizer: described(
    v.optional(v.picklist(['adam', 'adamw', 'rmsprop', 'sgd']), 'adam'),
    'optimizer of both players',
  ),
  beta1: described(v.optional(share, defaults.beta1 ?? 0.5), "Adam's decay of the first moment"),
  beta2: described(v.optional(share, 0.999), "Adam's decay of the second moment"),
  weightDecay: described(v.optional(atLeast(0)), "AdamW's weight decay; default: 0.01"),
  rmsDecay: described(v.optional(share), "RMSProp's decay of the mean square; default: 0.99"),
  momentum: described(v.optional(share), "SGD's momentum; default: 0"),
  clipNorm: described(v.optional(above0), "largest global norm of a network's gradients; larger ones are scaled down"),
  clipValue: described(
    v.optional(above0),
    'largest magnitude of a single number of a gradient; larger ones are clipped',
  ),
  clipWeights: described(
    v.optional(above0),
    "largest magnitude of the discriminator's weights, which are clipped after each update (WGAN: 0.01)",
  ),
  accumulate: described(
    v.optional(whole(1, 1024), 1),
    'number of batches whose gradients are averaged for one update, like a batch that many times as large',
  ),
  loss: described(v.optional(named('loss', lossNames), defaults.loss ?? 'non-saturating'), 'adversarial loss'),
  labelSmoothing: described(
    v.optional(share, 0),
    'how far the target of real examples moves from 1 (cross-entropy losses)',
  ),
  labelSmoothingFake: described(
    v.optional(share, 0),
    'how far the target of fake examples moves from 0 (cross-entropy losses)',
  ),
  labelNoise: described(v.optional(share, 0), 'largest random change of targets, in addition (cross-entropy losses)'),
  labelFlips: described(
    v.optional(share, 0),
    "share of the discriminator's targets that are flipped at random (cross-entropy losses)",
  ),
  instanceNoise: described(
    v.optional(atLeast(0), 0),
    'deviation of Gaussian noise on what the discriminator sees; usually decreased by a schedule',
  ),
  featureMatching: described(
    v.optional(
      v.strictObject({
        layer: v.pipe(v.string(), v.metadata({ words: 'a layer' })),
        weight: v.optional(atLeast(0), 1),
      }),
    ),
    "feature matching in the generator's loss: difference of the means of a layer of the discriminator, real " +
      'against fake',
  ),
  slowD: described(
    v.optional(
      v.strictObject({
        above: v.optional(accuracy, 0.8),
        least: v.optional(v.pipe(atLeast(0), v.maxValue(1, 'a number of at most 1')), 0),
        decay: v.optional(share, 0.99),
      }),
    ),
    "lower the discriminator's rate while its running accuracy is over `above`: " +
      'down to `least` times the rate at accuracy 1',
  ),
  boostD: described(
    v.optional(
      v.strictObject({
        below: v.optional(accuracy, 0.55),
        most: v.optional(v.pipe(atLeast(1), v.maxValue(100, 'a number of at most 100')), 4),
        decay: v.optional(share, 0.99),
      }),
    ),
    "raise the discriminator's rate while its running accuracy is under `below`: " +
      'up to `most` times the rate at accuracy 1/2',
  ),
  pack: described(v.optional(whole(1, 64), 1), 'examples that the discriminator judges together (PacGAN)'),
  init: described(v.optional(v.picklist(['normal', 'orthogonal']), 'normal'), 'initial kernels of both networks'),
  orthogonal: described(
    v.optional(v.strictObject({ g: v.optional(atLeast(0), 0), d: v.optional(atLeast(0), 0) }), {}),
    'weight of orthogonal regularisation of generator and discriminator',
  ),
  penalties: described(
    v.optional(v.record(named('penalty', penaltyNames), penalty), defaults.penalties ?? {}),
    `penalties on the discriminator by name: a weight, or { weight, every, ${Object.keys(parameters).join(', ')} }`,
  ),
  dSteps: described(
    v.optional(whole(1, 100), defaults.dSteps ?? 1),
    'steps of the discriminator for each of the generator',
  ),
  ...augmentOptions(defaults.augment ?? 'none'),
  ema: described(v.optional(share, 0.999), "decay of the generator's moving average"),
  emaWarmup: described(v.optional(v.boolean(), true), 'start the average with a small decay'),
  emaStatistics: described(
    v.optional(v.picklist(['last', 'averaged']), 'last'),
    "statistics of the averaged generator's batch norms",
  ),
});

/** Options of two-player games, parsed. */
export type PlayerOptions = v.InferOutput<v.ObjectSchema<ReturnType<typeof playerOptions>, undefined>>;
