// The two-player game that systems share, given their networks: D and G trained against each other, penalties on D,
// labels where the networks take them, and the generator's moving average.
import type { TensorSpec } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { FieldSpec } from '../../data/dataset.js';
import type { OutputOption } from '../../export/describe.js';
import { classification, lossOf, smoothed, type Verdict } from '../../losses/index.js';
import { nameWeights, variablesOf } from '../../tfjs/variables.js';
import { averageOf } from '../average.js';
import type { Circumstances } from '../kind.js';
import type { Phase, PhaseInput } from '../phase.js';
import { disposeOwn } from '../network.js';
import type { GanSystem, Preview } from '../system.js';
import { checkAugment, sightOf } from './augment.js';
import { descentOf } from './descent.js';
import type { PlayerOptions } from './options.js';
import { drawsOf, penaltiesOf, type Weighed } from './penalties.js';
import { scalarsOf } from './scalars.js';
import { applied, collecting, shareAbove, sumOf, type Inputs, type Keep } from './step.js';

/** The networks, with their initial weights, and what they work on. */
export interface Players {
  readonly name: string;
  /** z, or [z, label] → example. */
  readonly g: tf.LayersModel;
  /** Example, or [example, label] → logits, or [logits, logits of classes]. */
  readonly d: tf.LayersModel;
  /** Field of the data that D sees. */
  readonly field: string;
  readonly example: FieldSpec;
  /** Names of the classes, where the networks take a label. */
  readonly classes?: readonly string[];
  readonly output: OutputOption;
}

/** The game as a system: optimizers, average, phases and the list of all state. */
export function twoPlayer(players: Players, options: PlayerOptions, at: Circumstances): GanSystem {
  const { name, g, d, field, example, classes, output } = players;
  checkAugment(options, example, at.data.name);
  const sight = sightOf(options);
  const loss = smoothed(lossOf(options.loss), { real: options.labelSmoothing });
  const scalars = scalarsOf(options, at.steps);
  const penalties = penaltiesOf(options.penalties, scalars);
  const [always, lazy] = [penalties.filter(({ every }) => every === 1), penalties.filter(({ every }) => every > 1)];
  const own = [...nameWeights(g, 'g'), ...nameWeights(d, 'd')];
  const [ofG, ofD] = [variablesOf(g.trainableWeights), variablesOf(d.trainableWeights)];
  // Lazy regularisation (Karras et al. 2020, appendix B): D's optimizer runs more often than once an iteration, so its
  // rate and betas are scaled to the same time constants.
  const part = 1 / lazy.reduce((sum, { every }) => sum + 1 / every, 1);
  const descentG = descentOf('g', ofG, options);
  const descentD = descentOf('d', ofD, options, part);
  const average = averageOf(g, { decay: options.ema, warmup: options.emaWarmup, statistics: options.emaStatistics });

  const generate = (inputs: Inputs): tf.Tensor => first(applied(g, input(inputs, 'z'), inputs['label']));
  /** What D says of pictures as it sees them; `turn` names the random numbers of that. */
  const judge = (x: tf.Tensor, { label }: Inputs, turn: string): Verdict => {
    const [logits, ofClasses] = applied(d, sight.see(x, turn), label);
    return { logits: first([logits]), ...(ofClasses === undefined ? {} : { classes: ofClasses }) };
  };
  const classified = ({ classes: logits }: Verdict, { label }: Inputs): tf.Scalar[] =>
    logits === undefined || label === undefined ? [] : [classification({ logits, classes: logits }, label)];
  const penalised = (one: Weighed, inputs: Inputs, fake: () => tf.Tensor, keep: Keep): tf.Scalar => {
    const value = one.penalty.of({
      judge: (x) => judge(x, inputs, one.name).logits,
      real: input(inputs, 'real'),
      get fake() {
        return fake(); // asked for by some penalties only
      },
      draw: drawsOf(one.name),
    });
    keep(one.name, value);
    return value;
  };

  const updateD = (inputs: Inputs, fake: tf.Tensor, keep: Keep): void => {
    const objective = (): tf.Scalar => {
      const [onReal, onFake] = [judge(input(inputs, 'real'), inputs, 'd_real'), judge(fake, inputs, 'd_fake')];
      sight.follow(onReal.logits, keep);
      keep('d_real', shareAbove(onReal.logits));
      keep('d_fake', shareAbove(tf.neg(onFake.logits)));
      const terms = always.map((one) =>
        tf.mul<tf.Scalar>(
          penalised(one, inputs, () => fake, keep),
          scalars.of(inputs, one.name),
        ),
      );
      return sumOf([
        loss.discriminator(onReal, onFake),
        ...classified(onReal, inputs),
        ...classified(onFake, inputs),
        ...terms,
      ]);
    };
    keep('loss_d', descentD.descend(objective, input(inputs, 'rate_d')));
  };
  const lossG = (inputs: Inputs, fake: tf.Tensor): tf.Scalar => {
    const onFake = judge(fake, inputs, 'g_fake');
    // Only a relativistic loss looks at the real batch: the others ignore it, and D is not applied to it in vain.
    const onReal = loss.relativistic === true ? judge(input(inputs, 'real'), inputs, 'g_real') : onFake;
    return sumOf([loss.generator(onFake, onReal), ...classified(onFake, inputs)]);
  };
  const updateG = (inputs: Inputs, objective: () => tf.Scalar, keep: Keep): void => {
    const share = descentG.last();
    keep('loss_g', descentG.descend(objective, input(inputs, 'rate_g')));
    average.follow({ decay: inputs['ema'], share });
  };

  const real: PhaseInput = { shape: [at.batch, ...example.shape], from: { data: field } };
  const z: PhaseInput = { shape: [at.batch, options.latent], from: { random: 'normal' } };
  const label: PhaseInput = { shape: [at.batch], dtype: 'int32', from: { data: 'label' } };
  const shared = { ...(classes === undefined ? {} : { label }), z };
  const ofGame = {
    g: scalars.inputs('rate_g', 'ema'),
    d: scalars.inputs('rate_d', ...always.map((one) => one.name)),
  };

  /** D and G in one graph, so that the generator runs once for both. */
  const together: Phase = {
    name: 'game',
    inputs: { real, ...shared, ...ofGame.g, ...ofGame.d },
    step: collecting((inputs, keep) =>
      updateG(
        inputs,
        () => {
          const fake = generate(inputs);
          // Inside G's objective, but not of it: what updateD assigns is cut off from G's gradient.
          updateD(inputs, fake, keep);
          return lossG(inputs, fake);
        },
        keep,
      ),
    ),
  };
  const apart: readonly Phase[] = [
    {
      name: 'discriminator',
      repeat: options.dSteps * options.accumulate,
      inputs: { real, ...shared, ...ofGame.d },
      step: collecting((inputs, keep) => updateD(inputs, generate(inputs), keep)),
    },
    {
      name: 'generator',
      repeat: options.accumulate,
      inputs: { ...(loss.relativistic === true ? { real } : {}), ...shared, ...ofGame.g },
      step: collecting((inputs, keep) => updateG(inputs, () => lossG(inputs, generate(inputs)), keep)),
    },
  ];
  const regularised = lazy.map((one): Phase => ({
    name: one.name,
    every: one.every,
    repeat: options.accumulate,
    inputs: { real, ...shared, ...scalars.inputs('rate_d', one.name) },
    step: collecting((inputs, keep) => {
      const objective = (): tf.Scalar =>
        tf.mul(
          penalised(one, inputs, () => generate(inputs), keep),
          tf.mul(scalars.of(inputs, one.name), one.every),
        );
      // A slope does not depend on every weight: the last bias has no part in it. Zeros, as in the authors' code.
      descentD.descend(objective, input(inputs, 'rate_d'), true);
    }),
  }));

  const variables = [...own, ...descentG.state, ...descentD.state, ...average.variables, ...sight.variables];
  return {
    name,
    networks: { g, d },
    variables,
    phases: [...(options.dSteps === 1 && options.accumulate === 1 ? [together] : apart), ...regularised],
    outputs: {
      generator: {
        model: (...given: tf.Tensor[]) =>
          average.during(() => g.apply(given.length === 1 ? first(given) : given, { training: false })) as tf.Tensor,
        inputs: [
          { name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', options.latent], random: 'normal' },
          ...(classes === undefined
            ? []
            : [
                { name: 'label', role: 'label', dtype: 'int32', shape: ['batch'], classes } satisfies TensorSpec & {
                  name: string;
                },
              ]),
        ],
        outputs: [output],
        file: 'generator.onnx',
        kind: output.role === 'image' ? 'latent' : 'function',
        preview: previewOf(at.samples, classes),
      },
    },
    schedules: scalars.schedules,
    charts: {
      Losses: ['loss_d', 'loss_g'],
      'Share that the discriminator gets right (1/2: it cannot tell)': ['d_real', 'd_fake'],
    },
    dispose: () => disposeOwn(variables, at),
  };
}

/** The one output of a network, or the one input of a call. */
const first = (tensors: readonly (tf.Tensor | undefined)[]): tf.Tensor => tensors[0] as tf.Tensor;
/** An input that the phase has. */
const input = (inputs: Inputs, name: string): tf.Tensor => inputs[name] as tf.Tensor;

/** A grid of latents; with classes a row each. */
function previewOf(samples: number, classes: readonly string[] | undefined): Preview {
  if (classes === undefined) return { count: samples, inputs: { z: { random: 'normal' } } };
  const columns = Math.max(1, Math.round(samples / classes.length));
  const count = columns * classes.length;
  const data = Int32Array.from({ length: count }, (_, i) => Math.floor(i / columns));
  return {
    count,
    columns,
    inputs: { z: { random: 'normal' }, label: { fixed: { dtype: 'int32', shape: [count], data } } },
  };
}
