// Peer of bench:phases: an iteration of DCGAN (G, average, D; Adam) as one graph or as two steps over one state, on the
// CPU. Started by lib/compare.mjs. --form single|recomputed|handed.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { serve } from '../lib/serve.mjs';
import { batchesOf, cpuRuntime, flags, trainer, versions } from './forja.mjs';

const o = flags();
const { form } = parseArgs({ options: { form: { type: 'string', default: 'single' } }, strict: false }).values;
const { adam, applyUpdates, compileAll, dcgan, ema } = await trainer();
const runtime = await cpuRuntime(o);
const system = dcgan({ size: o.size, channels: o.channels, base: o.base, latent: o.latent, batch: o.batch });
const { generator, discriminator, average } = system;
const { real, z } = system.inputs;
const rate = { dtype: 'float32', shape: [] };
const weights = (list) => list.map((weight) => weight.read());
const [gWeights, dWeights] = [weights(generator.trainableWeights), weights(discriminator.trainableWeights)];

/** The system's own step is one graph. In phases: the same updates, with optimizers of the same kind. */
async function makeSteps() {
  if (form === 'single')
    return compileAll({ step: { step: system.step, inputs: system.inputs } }, { variables: system.variables, runtime });
  const optimizers = {
    g: adam({ beta1: 0.5, name: 'phases/adam_g' }).prepare(gWeights),
    d: adam({ beta1: 0.5, name: 'phases/adam_d' }).prepare(dWeights),
  };
  const averages = weights(average.trainableWeights);
  const follow = ema(gWeights, 0.999, { warmup: true, averages });
  const [from, to] = [weights(generator.nonTrainableWeights), weights(average.nonTrainableWeights)];
  const fakes = tf.variable(tf.zeros(real.shape), false, 'phases/fakes');
  const apply = (model, x) => model.apply(x, { training: true });
  const descend = (optimizer, of, at, objective) => {
    const { value, grads } = tf.variableGrads(objective, of);
    applyUpdates(optimizer(of, grads, at));
    return value;
  };
  const g = ({ z, rate_g }) => {
    let made;
    const loss_g = descend(optimizers.g, gWeights, rate_g, () => {
      made = apply(generator, z);
      if (form === 'handed') fakes.assign(made);
      return tf.mean(tf.softplus(tf.neg(apply(discriminator, made))));
    });
    applyUpdates([...follow(), ...to.map((variable, i) => ({ variable, value: from[i] }))]);
    return { loss_g };
  };
  const d = ({ real, z, rate_d }) => {
    const fake = form === 'handed' ? fakes : apply(generator, z);
    const objective = () =>
      tf.add(
        tf.mean(tf.softplus(tf.neg(apply(discriminator, real)))),
        tf.mean(tf.softplus(apply(discriminator, fake))),
      );
    return { loss_d: descend(optimizers.d, dWeights, rate_d, objective) };
  };
  return compileAll(
    {
      g: { step: g, inputs: { z, rate_g: rate } },
      d: { step: d, inputs: { real, rate_d: rate, ...(form === 'handed' ? {} : { z }) } },
    },
    { runtime },
  );
}

const steps = await makeSteps();
const batches = batchesOf({ inputs: { ...system.inputs } });
let i = 0;
/** One iteration, a call a phase. */
async function iterate() {
  const { real, rate_g, rate_d } = batches[i++ % batches.length];
  if (form === 'single') return steps.step.run({ real, rate_g, rate_d });
  await steps.g.run({ rate_g });
  return steps.d.run({ real, rate_d });
}
const about = Object.fromEntries(
  Object.entries(steps).map(([name, { summary }]) => [name, { nodes: summary.nodes, lowering: summary.lowering }]),
);
await serve(iterate, await versions(), { about });
for (const step of Object.values(steps)) await step.dispose();
await runtime.dispose();
