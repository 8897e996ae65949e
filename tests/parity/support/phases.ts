// A DCGAN as phases: a critic update and a generator update over one state, a preview of the averages, and an update of
// the averages.
import {
  adam,
  applyUpdates,
  averageOf,
  phaseStep,
  type GanSystem,
  type StepDefinition,
  type StepFunction,
} from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';

/** The phases of a game. */
export interface Phases {
  variables: tf.Variable[];
  critic: StepDefinition;
  generator: StepDefinition;
  /** Moves the averages: reads weights, with no convolution. */
  average: StepDefinition;
  /** Pictures of the averaged generator; assigns nothing. */
  preview: StepDefinition;
  dispose(): void;
}

// one input, one output
const apply = (model: tf.LayersModel, x: tf.Tensor, training = true): tf.Tensor =>
  model.apply(x, { training }) as tf.Tensor;
const weightsOf = (model: tf.LayersModel): tf.Variable[] =>
  model.trainableWeights.map((weight) => weight.read() as tf.Variable); // it is the variable itself
const bce = (logits: tf.Tensor, real: boolean): tf.Scalar => tf.mean(tf.softplus(real ? tf.neg(logits) : logits));

/** The networks of `system`, played in phases. Random inputs are named. */
export function phasesOf(system: GanSystem): Phases {
  const { g, d } = system.networks as Record<'g' | 'd', tf.LayersModel>; // the roles of two players
  const [gWeights, dWeights] = [weightsOf(g), weightsOf(d)];
  const optimizers = {
    g: adam({ beta1: 0.5, name: 'adam_g' }).prepare(gWeights),
    d: adam({ beta1: 0.5, name: 'adam_d' }).prepare(dWeights),
  };
  const average = averageOf(g, { decay: 0.5, warmup: false, statistics: 'last', name: 'mean' });
  const all = [g, d].flatMap((model) => model.weights.map((weight) => weight.read() as tf.Variable)); // as above
  const variables = [...all, ...optimizers.g.state, ...optimizers.d.state, ...average.variables];
  const { real, z } = phaseStep(system).inputs;
  const rate = { dtype: 'float32' as const, shape: [] };
  if (real === undefined || z === undefined) throw new Error('inputs');

  const descend = (
    which: 'g' | 'd',
    weights: tf.Variable[],
    at: tf.Tensor | undefined,
    of: () => tf.Scalar,
  ): tf.Scalar => {
    const { value, grads } = tf.variableGrads(of, weights);
    applyUpdates(optimizers[which](weights, grads, at as tf.Tensor)); // an input of the phase
    return value;
  };
  const critic: StepFunction = (given) => {
    const { real: x, z: latent, rate: at } = given as Record<'real' | 'z' | 'rate', tf.Tensor>; // the phase's inputs
    const fake = apply(g, latent);
    const loss = (): tf.Scalar => tf.add(bce(apply(d, x), true), bce(apply(d, fake), false));
    return { loss_d: descend('d', dWeights, at, loss) };
  };
  const generator: StepFunction = (given) => {
    const { z: latent, rate: at } = given as Record<'z' | 'rate', tf.Tensor>; // the phase's inputs
    return { loss_g: descend('g', gWeights, at, () => bce(apply(d, apply(g, latent)), true)) };
  };
  const latent = { dtype: 'float32' as const, shape: [3, Number(z.shape[1])] };
  return {
    variables,
    critic: { step: critic, inputs: { real, z, rate }, name: 'critic' },
    generator: { step: generator, inputs: { z, rate }, name: 'generator' },
    average: { step: () => (average.follow(), {}), inputs: {}, name: 'average' },
    preview: {
      step: ({ z: at }) => ({ out: average.during(() => apply(g, at as tf.Tensor, false)) }),
      inputs: { z: latent },
    },
    dispose: () => {
      tf.dispose([...optimizers.g.state, ...optimizers.d.state, ...average.variables]);
      system.dispose();
    },
  };
}
