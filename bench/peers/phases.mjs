// Peer of bench:phases: iterations of DCGAN (D, G, average; Adam) on the CPU. Started by lib/compare.mjs. --form:
// `single` is the system's own graph; `recomputed` and `handed` are two steps over one state, where the second step
// runs the generator again or, respectively, reads the first step's pictures from state; `always` has R1 in the single
// graph, `lazy` as a separate phase in every 16th iteration, and `apart` as a separate phase in every iteration.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { serve } from '../lib/serve.mjs';
import { batchesOf, cpuRuntime, flags, trainer, versions } from './forja.mjs';

const EVERY = 16;
const o = flags();
const { form } = parseArgs({ options: { form: { type: 'string', default: 'single' } }, strict: false }).values;
const { adam, applyUpdates, averageOf, compileAll, dcgan, nameWeights, phaseStep } = await trainer();
const runtime = await cpuRuntime(o);
const lazy = { r1: { weight: 0.1, every: EVERY } };
const penalties = { always: { r1: 0.1 }, lazy, apart: lazy }[form] ?? {};
const { size, channels, base, latent, batch } = o;
const system = dcgan({ size, channels, base, latent, batch, penalties });

/** The system's phases, or the same updates in two phases. */
function phasesOf() {
  if (form !== 'recomputed' && form !== 'handed')
    return system.phases.map((phase) => ({
      ...phaseStep(system, phase),
      every: form === 'apart' ? 1 : (phase.every ?? 1),
    }));
  const { g, d } = system.networks;
  const [all, trained] = [
    [...nameWeights(g, 'g'), ...nameWeights(d, 'd')],
    (of) => of.trainableWeights.map((w) => w.read()),
  ];
  const [gWeights, dWeights] = [trained(g), trained(d)];
  const adamG = adam({ beta1: 0.5, name: 'adam_g' }).prepare(gWeights);
  const adamD = adam({ beta1: 0.5, name: 'adam_d' }).prepare(dWeights);
  const average = averageOf(g, { decay: 0.999, warmup: true, statistics: 'last' });
  const { real, z, rate_g, rate_d } = phaseStep(system).inputs;
  const fakes = tf.variable(tf.zeros(real.shape), false, 'fakes');
  const variables = [...all, ...adamG.state, ...adamD.state, ...average.variables, fakes];
  const apply = (model, x) => model.apply(x, { training: true });
  const right = (logits) => tf.mean(tf.cast(tf.greater(logits, 0), 'float32'));
  const generator = ({ z: noise, rate_g: rate }) => {
    const { value, grads } = tf.variableGrads(() => {
      const made = apply(g, noise);
      if (form === 'handed') fakes.assign(made);
      return tf.mean(tf.softplus(tf.neg(apply(d, made))));
    }, gWeights);
    applyUpdates(adamG(gWeights, grads, rate));
    average.follow();
    return { loss_g: value };
  };
  const discriminator = ({ real: x, z: noise, rate_d: rate }) => {
    const fake = form === 'handed' ? fakes : apply(g, noise);
    let shares;
    const { value, grads } = tf.variableGrads(() => {
      const [onReal, onFake] = [apply(d, x), apply(d, fake)];
      shares = [tf.keep(right(onReal)), tf.keep(right(tf.neg(onFake)))];
      return tf.add(tf.mean(tf.softplus(tf.neg(onReal))), tf.mean(tf.softplus(onFake)));
    }, dWeights);
    applyUpdates(adamD(dWeights, grads, rate));
    return { loss_d: value, d_real: shares[0], d_fake: shares[1] };
  };
  return [
    { name: 'generator', step: generator, inputs: { z, rate_g }, variables, every: 1 },
    {
      name: 'discriminator',
      step: discriminator,
      inputs: { real, rate_d, ...(form === 'handed' ? {} : { z }) },
      variables,
      every: 1,
    },
  ];
}

const phases = phasesOf();
const steps = await compileAll(
  Object.fromEntries(phases.map(({ name, step, inputs, variables }) => [name, { step, inputs, variables }])),
  { runtime },
);
const batches = phases.map(batchesOf);
let i = 0;
/** One iteration, a call per phase; blocks are multiples of the lazy phase's period. */
async function iterate() {
  for (const [at, { name, every }] of phases.entries())
    if (i % every === 0) await steps[name].run(batches[at][i % batches[at].length]);
  i++;
}
async function round() {
  for (let k = 0; k < EVERY; k++) await iterate();
}
const about = Object.fromEntries(
  Object.entries(steps).map(([name, { summary }]) => [name, { nodes: summary.nodes, lowering: summary.lowering }]),
);
await serve(round, await versions(), { about, steps: EVERY, warmup: 1, least: 1 });
for (const step of Object.values(steps)) await step.dispose();
await runtime.dispose();
