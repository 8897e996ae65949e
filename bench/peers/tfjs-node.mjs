// Peer of bench/tfjs-node.mjs: the same DCGAN training step, eagerly on @tensorflow/tfjs-node; `--gradients stock`
// leaves tfjs's own gradient functions in place.
import { parseArgs } from 'node:util';
import { serve } from '../lib/serve.mjs';
import { batchesOf, flags, trainer, versions } from './forja.mjs';

const {
  values: { gradients },
} = parseArgs({ options: { gradients: { type: 'string', default: 'forja' } }, strict: false });
const o = flags();
const { default: tf } = await import('@tensorflow/tfjs');
const { dcgan, eagerStep, phaseStep, useTfjsNode } = await trainer();
const reason = await useTfjsNode();
if (reason !== undefined) throw new Error(reason);
const system = dcgan({ size: o.size, channels: o.channels, base: o.base, latent: o.latent, batch: o.batch });
const { step: play, ...options } = phaseStep(system);
const batches = batchesOf(options);

/** A step without Forja: makes tensors from the arrays, draws latents with tf.randomNormal, reads both losses. */
function stock(feeds) {
  tf.tidy(() => {
    const inputs = Object.entries(options.inputs).map(([name, { shape, random }]) => [
      name,
      random ? tf.randomNormal(shape) : tf.tensor(feeds[name].data, shape),
    ]);
    for (const loss of Object.values(play(Object.fromEntries(inputs)))) loss.dataSync();
  });
}

const step = eagerStep(play, options);
const run = gradients === 'stock' ? stock : (feeds) => step.run(feeds);
let i = 0;
await serve(() => run(batches[i++ % batches.length]), {
  ...(await versions()),
  'tfjs-node': '4.22.0',
  tensorflow: tf.backend().binding.TF_Version,
});
