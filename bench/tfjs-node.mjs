// npm run bench:tfjs-node: compares a compiled DCGAN-28 training step with the same step run eagerly on
// @tensorflow/tfjs-node (built by node scripts/tfjs-node.mjs). `--help` lists the flags.
import { compare, flagsOf, local, options, ours } from './lib/compare.mjs';

const o = options('tfjs-node', {
  seconds: 4,
  peers: 'The peer is @tensorflow/tfjs-node; build it with node scripts/tfjs-node.mjs.',
});
const base = {
  name: `DCGAN-28, base ${o.base}, batch 64`,
  size: 28,
  channels: 1,
  base: o.base,
  batch: 64,
  latent: 100,
};

// with oneDNN, which is faster, and as many threads as onnxruntime
const env = {
  TF_ENABLE_ONEDNN_OPTS: '1',
  TF_NUM_INTRAOP_THREADS: String(o.threads),
  OMP_NUM_THREADS: String(o.threads),
  TF_CPP_MIN_LOG_LEVEL: '1',
};
const eager = (c, name, ...more) => ({
  name,
  command: process.execPath,
  args: [local('peers/tfjs-node.mjs'), ...flagsOf(c, o), ...more],
  env,
});

await compare('tfjs-node', [base], o, (_, c) => [
  ours('step', c, o),
  eager(c, 'tfjs-node'),
  eager(c, 'tfjs-node, stock gradients', '--gradients', 'stock'),
]);
