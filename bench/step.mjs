// npm run bench:step: compares Forja's GAN training step (D, G, Adam, EMA) with that of the PyTorch twin. `--help`
// lists the flags.
import { compare, options } from './lib/compare.mjs';

const o = options('step', { seconds: 4 });
const dcgans = [
  { name: 'DCGAN-28', size: 28, channels: 1 },
  { name: 'DCGAN-32', size: 32, channels: 3 },
  { name: 'DCGAN-28 with max pools', size: 28, channels: 1, pool: 'max' },
].map((c) => ({ ...c, name: `${c.name}, base ${o.base}, batch 64`, base: o.base, batch: 64, latent: 100 }));

const mlp = { name: 'MLP GAN 2-400-400-2, batch 100', network: 'mlp', size: 2, batch: 100, latent: 2 };

await compare('step', [...dcgans, mlp], o);
