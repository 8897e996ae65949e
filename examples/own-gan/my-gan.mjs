// Your own GAN as a system of Forja: networks, a step in plain tfjs with fading noise, and the exported generator.
// `forja train ./my-gan.mjs --data ring` trains it with log, report, checkpoints and resume, like main.mjs.
import { adam, applyUpdates, averageOf, losses, nameWeights, random, systemKind } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import * as v from 'valibot';

const LATENT = 4;
const network = (seed, inputs, ...sizes) => {
  const last = sizes.length - 1;
  const layer = (units, i) => ({
    units,
    activation: i < last ? 'relu' : 'linear',
    ...(i === 0 && { inputShape: [inputs] }),
  });
  const initial = (i) => ({ kernelInitializer: tf.initializers.heNormal({ seed: seed + i }) });
  return tf.sequential({ layers: sizes.map((units, i) => tf.layers.dense({ ...layer(units, i), ...initial(i) })) });
};

export default systemKind({
  name: 'my-gan',
  summary: 'points by hinge loss with fading noise',
  options: { noise: v.optional(v.number(), 0.2), rate: v.optional(v.number(), 3e-3) },
  data: { vector: 'vector' },
  roles: [],
  make({ noise, rate }, { batch, steps, seed }) {
    const networks = { g: network(seed + 1, LATENT, 64, 64, 2), d: network(seed + 11, 2, 64, 64, 1) };
    const [g, d] = [nameWeights(networks.g, 'g'), nameWeights(networks.d, 'd')];
    // State is created before the step, which only reads and assigns it.
    const adamG = adam({ beta1: 0.5, name: 'adam_g' }).prepare(g);
    const adamD = adam({ beta1: 0.5, name: 'adam_d' }).prepare(d);
    const average = averageOf(networks.g, { decay: 0.995, warmup: true, statistics: 'last' });
    const step = ({ real, z, rate: at, noise: width }) => {
      const judge = (x) => ({ logits: networks.d.apply(tf.add(x, tf.mul(random.normal([batch, 2]), width))) });
      const fake = () => judge(networks.g.apply(z));
      const onD = tf.variableGrads(() => losses.hinge.discriminator(judge(real), fake()), d);
      applyUpdates(adamD(d, onD.grads, at));
      const onG = tf.variableGrads(() => losses.hinge.generator(fake()), g);
      applyUpdates(adamG(g, onG.grads, at));
      average.follow();
      return { loss_d: onD.value, loss_g: onG.value };
    };
    const scalar = (schedule) => ({ shape: [], from: { schedule } });
    const real = { shape: [batch, 2], from: { data: 'vector' } };
    const z = { shape: [batch, LATENT], from: { random: 'normal' } };
    const fading = (from) => (iteration) => from * Math.max(1 - iteration / steps, 0.1);
    const variables = [...g, ...d, ...adamG.state, ...adamD.state, ...average.variables];
    const points = {
      model: (x) => average.during(() => networks.g.apply(x)),
      inputs: [{ name: 'z', role: 'latent', shape: ['batch', LATENT] }],
      outputs: [{ name: 'points' }],
      file: 'generator.onnx',
      kind: 'function',
      preview: { count: 512, inputs: { z: { random: 'normal' } } },
    };
    const phases = [{ name: 'game', inputs: { real, z, rate: scalar('rate'), noise: scalar('noise') }, step }];
    const schedules = { rate: fading(rate), noise: fading(noise) };
    const dispose = () => tf.dispose(variables);
    return { name: 'my-gan', networks, variables, phases, outputs: { points }, schedules, dispose };
  },
});
