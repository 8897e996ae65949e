// A GAN of one's own as a system of Forja: networks, a step in plain tfjs with noise that fades, and what is exported.
// `forja train ./my-gan.mjs --data ring` trains it with log, report, checkpoints and resume, as main.mjs does.
import { adam, applyUpdates, averageOf, losses, random, systemKind } from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import * as v from 'valibot';

const net = (input, output, name, seed) =>
  tf.sequential({
    layers: [64, 64, output].map((units, i) =>
      tf.layers.dense({
        ...(i === 0 ? { inputShape: [input] } : {}),
        units,
        name: `${name}/dense${i}`,
        ...(i < 2 ? { activation: 'relu' } : {}),
        kernelInitializer: tf.initializers.heNormal({ seed: seed + i }),
      }),
    ),
  });
/** The network's variables, under names that a checkpoint can be read by. */
const own = (model) => model.weights.map((weight) => Object.assign(weight.read(), { name: weight.originalName }));

export default systemKind({
  name: 'my-gan',
  summary: 'points by hinge loss and noise that fades',
  options: {
    latent: v.optional(v.number(), 4),
    noise: v.optional(v.number(), 0.2),
    rate: v.optional(v.number(), 3e-3),
  },
  data: { vector: 'vector' },
  roles: [],
  make({ latent, noise, rate }, { batch, steps, seed }) {
    const [generator, critic] = [net(latent, 2, 'g', seed + 1), net(2, 1, 'd', seed + 11)];
    const [g, d] = [own(generator), own(critic)];
    // What remembers things between steps is made before the step, which only reads and assigns.
    const [adamG, adamD] = ['g', 'd'].map((to, i) => adam({ beta1: 0.5, name: `adam_${to}` }).prepare([g, d][i]));
    const average = averageOf(generator, { decay: 0.995, warmup: true, statistics: 'last' });
    const step = ({ real, z, rate: at, noise: width }) => {
      const judge = (x) => ({ logits: critic.apply(tf.add(x, tf.mul(random.normal([batch, 2]), width))) });
      const { hinge } = losses;
      const onD = tf.variableGrads(() => hinge.discriminator(judge(real), judge(generator.apply(z))), d);
      applyUpdates(adamD(d, onD.grads, at));
      const onG = tf.variableGrads(() => hinge.generator(judge(generator.apply(z))), g);
      applyUpdates(adamG(g, onG.grads, at));
      average.follow();
      return { loss_d: onD.value, loss_g: onG.value };
    };
    const fading = (from) => (at) => from * Math.max(1 - at / steps, 0.1);
    const scalar = (schedule) => ({ shape: [], from: { schedule } });
    const real = { shape: [batch, 2], from: { data: 'vector' } };
    const z = { shape: [batch, latent], from: { random: 'normal' } };
    const variables = [...g, ...d, ...adamG.state, ...adamD.state, ...average.variables];
    return {
      name: 'my-gan',
      networks: { g: generator, d: critic },
      variables,
      phases: [{ name: 'game', inputs: { real, z, rate: scalar('rate'), noise: scalar('noise') }, step }],
      outputs: {
        generator: {
          model: (x) => average.during(() => generator.apply(x)),
          inputs: [{ name: 'z', role: 'latent', shape: ['batch', latent] }],
          outputs: [{ name: 'points' }],
          file: 'generator.onnx',
          kind: 'function',
          preview: { count: 512, inputs: { z: { random: 'normal' } } },
        },
      },
      schedules: { rate: fading(rate), noise: fading(noise) },
      dispose: () => tf.dispose(variables),
    };
  },
});
