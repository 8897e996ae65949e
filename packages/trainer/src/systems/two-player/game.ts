// The two-player game that systems share: D and G trained against each other, penalties on D, labels if the networks
// take them, and the generator's moving average.
import type { TensorSpec } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import type { FieldSpec } from '../../data/dataset.js';
import type { OutputOption } from '../../export/describe.js';
import { classification, featureMatching, lossOf, type Verdict } from '../../losses/index.js';
import { withTaps } from '../../models/taps.js';
import { applyUpdates } from '../../optimizers/index.js';
import { kernelsOf, orthogonality } from '../../penalties/index.js';
import { nameWeights, variablesOf } from '../../tfjs/variables.js';
import { averageOf } from '../average.js';
import { discriminatorOutput } from '../discriminator.js';
import type { Circumstances } from '../kind.js';
import type { Phase, PhaseInput } from '../phase.js';
import { disposeOwn } from '../network.js';
import type { GanSystem, Preview } from '../system.js';
import { checkAugment, shiftedSight, sightOf } from './augment.js';
import { descentOf } from './descent.js';
import type { PlayerOptions } from './options.js';
import { paceOf, accuracyOf } from './pace.js';
import { probeOf } from './probe.js';
import { checkPictures, drawsOf, lossIn, penaltiesOf, type Weighed } from './penalties.js';
import { scalarsOf } from './scalars.js';
import { noisy, packed, perExample } from './seen.js';
import { applied, collecting, shareAbove, sumOf, type Inputs, type Keep } from './step.js';

/** The networks, with their initial weights, and the data that they use. */
export interface Players {
  readonly name: string;
  /** z, or [z, label] → example. */
  readonly g: tf.LayersModel;
  /** Example, or [example, label] → logits, or [logits, logits of classes]. */
  readonly d: tf.LayersModel;
  /** Field of the data that D sees. */
  readonly field: string;
  readonly example: FieldSpec;
  /** Names of the classes, if the networks take a label. */
  readonly classes?: readonly string[];
  readonly output: OutputOption;
}

/** The game as a system: optimizers, average, phases and the list of all state. */
export function twoPlayer(players: Players, options: PlayerOptions, at: Circumstances): GanSystem {
  const { name, g, d, field, example, classes, output } = players;
  checkAugment(options, example, at.data.name);
  checkPictures(options, example, at.data.name);
  const sight = sightOf(options);
  const scalars = scalarsOf(options, at.steps);
  const penalties = penaltiesOf(options.penalties, scalars);
  const { relativistic = false } = lossOf(options.loss);
  const matched = options.featureMatching;
  const looksAtReal = relativistic || matched !== undefined;
  const [always, lazy] = [penalties.filter(({ every }) => every === 1), penalties.filter(({ every }) => every > 1)];
  const own = [...nameWeights(g, 'g'), ...nameWeights(d, 'd')];
  const tapped = matched === undefined ? d : tappedOf(d, matched.layer, () => disposeOwn(own, at));
  const [ofG, ofD] = [variablesOf(g.trainableWeights), variablesOf(d.trainableWeights)];
  // Lazy regularisation (Karras et al. 2020, appendix B): D's optimizer runs more often than once per iteration; its
  // rate and betas are scaled so that its time constants stay the same.
  const part = 1 / lazy.reduce((sum, { every }) => sum + 1 / every, 1);
  const descentG = descentOf('g', ofG, options);
  const descentD = descentOf('d', ofD, options, part);
  const pace = paceOf(options);
  const average = averageOf(g, { decay: options.ema, warmup: options.emaWarmup, statistics: options.emaStatistics });

  const realOf = (inputs: Inputs): tf.Tensor => packed(input(inputs, 'real'), options.pack);
  const generate = (inputs: Inputs): tf.Tensor =>
    packed(asData(first(applied(g, latentsOf(inputs), inputs['label']))), options.pack);
  /** The latents; uniform numbers in [0, 1) are mapped to [-1, 1). */
  const latentsOf = (inputs: Inputs): tf.Tensor =>
    options.distribution === 'uniform' ? tf.sub(tf.mul(input(inputs, 'z'), 2), 1) : input(inputs, 'z');
  /** Generated examples, rescaled from the output's range to the data's. */
  const asData = (x: tf.Tensor): tf.Tensor => {
    const [low, high] = output.range ?? example.range ?? [-1, 1];
    const [least, most] = example.range ?? [low, high];
    if (low === least && high === most) return x;
    const scale = (most - least) / (high - low);
    return tf.add(tf.mul(x, scale), least - low * scale);
  };
  /** Pictures as D sees them: augmented and, in the game but not in penalties, with noise. */
  const seen = (x: tf.Tensor, inputs: Inputs, turn: string, noise: boolean): tf.Tensor => {
    const pictures = options.augment.length === 0 ? x : perExample(x, options.pack, (one) => sight.see(one, turn));
    return noise && scalars.uses('instanceNoise')
      ? noisy(pictures, scalars.of(inputs, 'instanceNoise'), turn)
      : pictures;
  };
  /** D's logits of pictures as it sees them; `turn` names their random numbers. */
  const judge = (x: tf.Tensor, inputs: Inputs, turn: string, noise = true): Verdict =>
    verdictOf(seen(x, inputs, turn, noise), inputs);
  /** D's logits of pictures as they are. */
  const verdictOf = (x: tf.Tensor, inputs: Inputs): Verdict => {
    const said = applied(tapped, x, inputs['label']);
    const features = matched === undefined ? undefined : said.pop();
    const [logits, ofClasses] = said;
    return {
      logits: first([logits]),
      ...(ofClasses === undefined ? {} : { classes: ofClasses }),
      ...(features === undefined ? {} : { features: { matched: features } }),
    };
  };
  const classified = ({ classes: logits }: Verdict, { label }: Inputs): tf.Scalar[] =>
    logits === undefined || label === undefined ? [] : [classification({ logits, classes: logits }, label)];
  const penalised = (one: Weighed, inputs: Inputs, fake: () => tf.Tensor, keep: Keep): tf.Scalar => {
    const value = one.penalty.of({
      judge: (x) => judge(x, inputs, one.name, false).logits,
      plain: (x) => verdictOf(x, inputs).logits,
      augment: (x) =>
        perExample(x, options.pack, (alone) =>
          (options.augment.length > 0 ? sight : shiftedSight).see(alone, `${one.name}/t`),
        ),
      real: realOf(inputs),
      get fake() {
        return fake(); // a getter, because only some penalties read it
      },
      draw: drawsOf(one.name),
    });
    keep(one.name, value);
    return value;
  };

  /** Orthogonal regularisation of a player; empty if its weight is 0. */
  const regular = (player: 'g' | 'd', inputs: Inputs): tf.Scalar[] => {
    const name = `orthogonal_${player}`;
    if (!scalars.uses(name)) return [];
    return [tf.mul<tf.Scalar>(orthogonality(kernelsOf({ g, d }[player])), scalars.of(inputs, name))];
  };
  const updateD = (inputs: Inputs, fake: tf.Tensor, keep: Keep): void => {
    let accuracy: tf.Tensor | undefined;
    const objective = (): tf.Scalar => {
      const [onReal, onFake] = [judge(realOf(inputs), inputs, 'd_real'), judge(fake, inputs, 'd_fake')];
      sight.follow(onReal.logits, keep);
      keep('d_real', shareAbove(onReal.logits));
      keep('d_fake', shareAbove(tf.neg(onFake.logits)));
      if (pace.state.length > 0 || relativistic) accuracy = keep('d_right', accuracyOf(options.loss, onReal, onFake));
      const terms = always.map((one) =>
        tf.mul<tf.Scalar>(
          penalised(one, inputs, () => fake, keep),
          scalars.of(inputs, one.name),
        ),
      );
      return sumOf([
        lossIn(options, scalars, inputs).discriminator(onReal, onFake),
        ...classified(onReal, inputs),
        ...classified(onFake, inputs),
        ...terms,
        ...regular('d', inputs),
      ]);
    };
    keep('loss_d', descentD.descend(objective, paced(inputs, keep), { keep }));
    if (accuracy !== undefined) applyUpdates(pace.follow(accuracy));
  };
  /** D's rate, scaled by how much it wins or loses. */
  const paced = (inputs: Inputs, keep?: Keep): tf.Tensor => {
    const factor = pace.factor();
    if (factor === undefined) return input(inputs, 'rate_d');
    keep?.('pace_d', factor);
    return tf.mul(input(inputs, 'rate_d'), factor);
  };
  const lossG = (inputs: Inputs, fake: tf.Tensor, keep: Keep): tf.Scalar => {
    const onFake = judge(fake, inputs, 'g_fake');
    // Only relativistic losses and feature matching need the real batch.
    const onReal = looksAtReal ? judge(realOf(inputs), inputs, 'g_real') : onFake;
    const terms = [
      lossOf(options.loss).generator(onFake, onReal),
      ...classified(onFake, inputs),
      ...regular('g', inputs),
    ];
    if (matched === undefined) return sumOf(terms);
    const distance = featureMatching(onFake, onReal);
    keep('feature_matching', distance);
    return sumOf([...terms, tf.mul<tf.Scalar>(distance, scalars.of(inputs, 'featureMatching'))]);
  };
  const updateG = (inputs: Inputs, objective: () => tf.Scalar, keep: Keep): void => {
    const share = descentG.last();
    keep('loss_g', descentG.descend(objective, input(inputs, 'rate_g'), { keep }));
    average.follow({ decay: inputs['ema'], share });
  };

  const real: PhaseInput = { shape: [at.batch, ...example.shape], from: { data: field } };
  const z: PhaseInput = { shape: [at.batch, options.latent], from: { random: options.distribution } };
  const label: PhaseInput = { shape: [at.batch], dtype: 'int32', from: { data: 'label' } };
  const shared = { ...(classes === undefined ? {} : { label }), z };
  const ofGame = {
    g: scalars.inputs('rate_g', 'ema', 'instanceNoise', 'featureMatching', 'orthogonal_g'),
    d: scalars.inputs(
      'rate_d',
      ...always.map((one) => one.name),
      ...['labelNoise', 'labelFlips', 'instanceNoise', 'orthogonal_d'],
    ),
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
          // D is updated inside G's objective, but G's gradient does not flow through the update.
          updateD(inputs, fake, keep);
          return lossG(inputs, fake, keep);
        },
        keep,
      ),
    ),
  };
  const separate: readonly Phase[] = [
    {
      name: 'discriminator',
      repeat: options.dSteps * options.accumulate,
      inputs: { real, ...shared, ...ofGame.d },
      step: collecting((inputs, keep) => updateD(inputs, generate(inputs), keep)),
    },
    {
      name: 'generator',
      repeat: options.accumulate,
      inputs: { ...(looksAtReal ? { real } : {}), ...shared, ...ofGame.g },
      step: collecting((inputs, keep) => updateG(inputs, () => lossG(inputs, generate(inputs), keep), keep)),
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
      // `fill`: zeros for weights that a penalty does not depend on, such as the last bias, as in the authors' code.
      descentD.descend(objective, paced(inputs), { fill: true });
    }),
  }));

  /** In inference mode: uses the present moving statistics and does not change them. */
  const still = (model: tf.LayersModel, x: tf.Tensor, { label }: Inputs): tf.Tensor =>
    first([model.apply(model.inputs.length > 1 && label ? [x, label] : x, { training: false })].flat() as tf.Tensor[]);
  const probe = probeOf({
    batch: at.batch,
    pack: options.pack,
    inputs: (rows) =>
      Object.fromEntries(
        Object.entries({ real, ...shared }).map(([key, { shape, ...rest }]) => [
          key,
          { ...rest, shape: [rows, ...shape.slice(1)] },
        ]),
      ),
    holdout: at.data.holdout !== undefined,
    signed: !relativistic && lossOf(options.loss).signless !== true,
    generate: (inputs) => still(g, input(inputs, 'z'), inputs),
    judge: (x, inputs) => still(d, packed(x, options.pack), inputs),
  });

  const variables = [
    ...own,
    ...[...descentG.state, ...descentD.state],
    ...[...pace.state, ...average.variables, ...sight.variables],
  ];
  return {
    name,
    networks: { g, d },
    variables,
    phases: [...(options.dSteps === 1 && options.accumulate === 1 ? [together] : separate), ...regularised],
    probe,
    outputs: {
      generator: {
        model: (...given: tf.Tensor[]) =>
          average.during(() => g.apply(given.length === 1 ? first(given) : given, { training: false })) as tf.Tensor,
        inputs: [
          {
            name: 'z',
            role: 'latent',
            dtype: 'float32',
            shape: ['batch', options.latent],
            random: options.distribution,
          },
          ...(classes === undefined ? [] : [ofClass(classes)]),
        ],
        outputs: [output],
        file: 'generator.onnx',
        kind: output.role === 'image' ? 'latent' : 'function',
        preview: previewOf(at.samples, classes, options.distribution),
      },
    },
    // not for packs, because D gives a single logit for a whole pack
    ...(options.pack > 1
      ? {}
      : {
          discriminators: {
            discriminator: discriminatorOutput({
              judge: (x, given) =>
                first([d.apply(given === undefined ? x : [x, given], { training: false })].flat() as tf.Tensor[]),
              example,
              loss: lossOf(options.loss),
              ...(classes === undefined || d.inputs.length < 2 ? {} : { condition: ofClass(classes) }),
            }),
          },
        }),
    schedules: scalars.schedules,
    charts: {
      Losses: ['loss_d', 'loss_g'],
      'Accuracy of the discriminator (1/2: chance)': ['d_real', 'd_fake', 'd_right'],
      'Norms of the gradients': ['grad_d', 'grad_g'],
      'Generated examples: spread (1: like the data), and distance from the data (0: same distribution)': [
        'spread',
        'apart',
      ],
      'Discriminator on training and held-out examples (d_overfit 1/2: no difference)': [
        'd_overfit',
        'd_train',
        'd_holdout',
      ],
    },
    dispose: () => disposeOwn(variables, at),
  };
}

const ofClass = (classes: readonly string[]): TensorSpec & { name: string } => ({
  name: 'label',
  role: 'label',
  dtype: 'int32',
  shape: ['batch'],
  classes,
});

/** The one output of a network, or the one input of a call. */
const first = (tensors: readonly (tf.Tensor | undefined)[]): tf.Tensor => tensors[0] as tf.Tensor;
/** An input that the phase has. */
const input = (inputs: Inputs, name: string): tf.Tensor => inputs[name] as tf.Tensor;

/** D with a hidden layer as a further output; `name` may omit D's prefix. Calls `undo` and throws if there is none. */
function tappedOf(d: tf.LayersModel, name: string, undo: () => void): tf.LayersModel {
  const layerName = d.layers.find((layer) => layer.name === name || layer.name === `d/${name}`)?.name ?? name;
  try {
    return withTaps(d, [layerName]);
  } catch (error) {
    undo();
    throw error;
  }
}

/** A grid of latents, with a row per class if there are classes. */
function previewOf(
  samples: number,
  classes: readonly string[] | undefined,
  random: PlayerOptions['distribution'],
): Preview {
  if (classes === undefined) return { count: samples, inputs: { z: { random } } };
  const columns = Math.max(1, Math.round(samples / classes.length));
  const count = columns * classes.length;
  const data = Int32Array.from({ length: count }, (_, i) => Math.floor(i / columns));
  return {
    count,
    columns,
    inputs: { z: { random }, label: { fixed: { dtype: 'int32', shape: [count], data } } },
  };
}
