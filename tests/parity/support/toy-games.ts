// Games for tests, written directly against the contract: feature matching, and path length regularisation.
import {
  adam,
  applyUpdates,
  constantRate,
  dcganDiscriminator,
  dcganGenerator,
  featureMatching,
  losses,
  mlp,
  pathLength,
  withTaps,
  type GanSystem,
  type Optimizer,
  type Phase,
  type PhaseInput,
} from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';

interface Rates {
  rates: { g: number; d: number };
}
/** Options of {@link featureMatchingGame}. */
export type FeatureMatching = Rates & { base: number; latent: number; layers: string[] };
/** Options of {@link pathLengthGame}. */
export type PathLengthOptions = Rates &
  Record<'latent' | 'style' | 'hidden' | 'edge' | 'weight' | 'every' | 'decay', number>;

type PhaseInputs = Record<'real' | 'z' | 'direction' | 'rate_g' | 'rate_d', tf.Tensor>;

const weightsOf = (model: tf.LayersModel, trainable = true): tf.Variable[] =>
  (trainable ? model.trainableWeights : model.weights).map((weight) => {
    const variable = weight.read() as tf.Variable; // it is the variable itself
    variable.name = weight.originalName;
    return variable;
  });
const apply = (model: tf.LayersModel, x: tf.Tensor): tf.Tensor => model.apply(x, { training: true }) as tf.Tensor;
const scalar = (schedule: string): PhaseInput => ({ shape: [], from: { schedule } });
const normal = (...shape: number[]): PhaseInput => ({ shape, from: { random: 'normal' } });

/** What all of these games share. */
function system(
  name: string,
  networks: Record<'g' | 'd', tf.LayersModel>,
  more: readonly tf.Variable[],
  phases: readonly Phase[],
  { rates }: Rates,
): GanSystem {
  const variables = [...weightsOf(networks.g, false), ...weightsOf(networks.d, false), ...more];
  const z = { name: 'z', dtype: 'float32' as const, shape: ['batch', Number(networks.g.inputs[0]?.shape[1])] };
  return {
    name,
    networks,
    variables,
    phases,
    outputs: { generator: { model: networks.g, inputs: [z], outputs: [{}], file: 'generator.onnx', kind: 'function' } },
    schedules: { rate_g: constantRate(rates.g), rate_d: constantRate(rates.d) },
    dispose: () => tf.dispose(variables),
  };
}

function descend(optimizer: Optimizer, variables: tf.Variable[], rate: tf.Tensor, of: () => tf.Scalar): tf.Scalar {
  const { value, grads } = tf.variableGrads(of, variables);
  // gradients do not depend on the last bias
  applyUpdates(
    optimizer(
      variables,
      variables.map((v) => grads[v.name] ?? tf.zerosLike(v)),
      rate,
    ),
  );
  return value;
}

/** D by cross-entropy; G by the means of hidden layers of the updated D. */
export function featureMatchingGame(options: FeatureMatching, batch: number): GanSystem {
  const { base, latent, layers } = options;
  const g = dcganGenerator({ size: 16, base, latent });
  const d = dcganDiscriminator({ size: 16, base, norm: 'none' });
  const tapped = withTaps(
    d,
    layers.map((layer) => `d/${layer}`),
  );
  const judge = (x: tf.Tensor) => {
    const [logits, ...hidden] = tapped.apply(x, { training: true }) as tf.Tensor[];
    if (logits === undefined) throw new Error('no logits');
    return { logits, features: Object.fromEntries(hidden.map((h, i) => [String(i), h])) };
  };
  const [ofG, ofD] = [weightsOf(g), weightsOf(d)];
  const adamG = adam({ beta1: 0.5, name: 'adam_g' }).prepare(ofG);
  const adamD = adam({ beta1: 0.5, name: 'adam_d' }).prepare(ofD);
  const step = (given: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
    const { real, z, rate_g, rate_d } = given as PhaseInputs; // the phase's inputs
    let loss_d: tf.Scalar | undefined;
    // D's update inside G's objective, so that the generator runs once
    const loss_g = descend(adamG, ofG, rate_g, () => {
      const fake = apply(g, z);
      const play = (): tf.Scalar => losses['non-saturating'].discriminator(judge(real), judge(fake));
      loss_d = tf.keep(tf.clone(descend(adamD, ofD, rate_d, play)));
      return featureMatching(judge(fake), judge(real));
    });
    if (loss_d === undefined) throw new Error('no loss');
    const returned = tf.clone(loss_d);
    loss_d.dispose();
    return { loss_d: returned, loss_g };
  };
  const inputs = {
    real: { shape: [batch, 16, 16, 1], from: { data: 'image' } },
    z: normal(batch, latent),
    rate_g: scalar('rate_g'),
    rate_d: scalar('rate_d'),
  };
  return system(
    'feature-matching',
    { g, d },
    [...adamG.state, ...adamD.state],
    [{ name: 'game', inputs, step }],
    options,
  );
}

/** Dense networks; path length as a phase of its own on G's moments. */
export function pathLengthGame(options: PathLengthOptions, batch: number): GanSystem {
  const { latent, style, hidden, edge, weight, every, decay } = options;
  const layer = (units: number, name: string, activation?: 'tanh'): tf.layers.Layer =>
    tf.layers.dense({ units, name, ...(activation === undefined ? {} : { activation }) });
  const z = tf.input({ shape: [latent] });
  const w = layer(style, 'g/mapping', 'tanh').apply(z) as tf.SymbolicTensor;
  const mapping = tf.model({ inputs: z, outputs: w });
  const synthesis = tf.sequential({
    layers: [
      tf.layers.inputLayer({ inputShape: [style] }),
      layer(hidden, 'g/hidden', 'tanh'),
      layer(edge * edge, 'g/last', 'tanh'),
      tf.layers.reshape({ targetShape: [edge, edge, 1] }),
    ],
  });
  const g = tf.model({ inputs: z, outputs: synthesis.apply(w) as tf.SymbolicTensor });
  const d = mlp({ input: edge * edge, hidden: [hidden], output: 1, activation: 'tanh', name: 'd' });
  const judge = (x: tf.Tensor) => ({ logits: apply(d, x.reshape([batch, edge * edge])) });
  const [ofG, ofD] = [weightsOf(g), weightsOf(d)];
  const part = every / (every + 1); // Karras et al. 2020, appendix B
  const adamG = adam({ beta1: 0.5 ** part, beta2: 0.999 ** part, name: 'adam_g' }).prepare(ofG);
  const adamD = adam({ beta1: 0.5, name: 'adam_d' }).prepare(ofD);
  const length = pathLength({ decay });
  const loss = losses['non-saturating'];
  const play: Phase = {
    name: 'game',
    inputs: {
      real: { shape: [batch, edge, edge, 1], from: { data: 'image' } },
      z: normal(batch, latent),
      rate_g: scalar('rate_g'),
      rate_d: scalar('rate_d'),
    },
    step: (given) => {
      const { real, z: latents, rate_g, rate_d } = given as PhaseInputs; // the phase's inputs
      const loss_d = descend(adamD, ofD, rate_d, () => loss.discriminator(judge(real), judge(apply(g, latents))));
      const loss_g = descend(adamG, ofG, tf.mul(rate_g, part), () => {
        const onFake = judge(apply(g, latents));
        return loss.generator(onFake, onFake);
      });
      return { loss_d, loss_g };
    },
  };
  const path: Phase = {
    name: 'path',
    every,
    inputs: { z: normal(batch, latent), direction: normal(batch, edge, edge, 1), rate_g: scalar('rate_g') },
    step: (given) => {
      const { z: latents, direction, rate_g } = given as PhaseInputs; // the phase's inputs
      const kept: tf.Scalar[] = [];
      descend(adamG, ofG, tf.mul(rate_g, part), () => {
        const { penalty, mean } = length.of({
          synthesise: (at) => apply(synthesis, at),
          w: apply(mapping, latents),
          draw: { normal: () => direction },
        });
        kept.push(...[mean, penalty].map((x) => tf.keep(tf.clone(x))));
        return tf.mul(penalty, weight * every);
      });
      const [mean, penalty] = kept.map((x) => tf.clone(x));
      tf.dispose(kept);
      if (mean === undefined || penalty === undefined) throw new Error('no penalty');
      length.mean.assign(mean);
      return { path_length: penalty };
    },
  };
  return system('path-length', { g, d }, [...adamG.state, ...adamD.state, length.mean], [play, path], options);
}
