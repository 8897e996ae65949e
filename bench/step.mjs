// npm run bench:step: compares Forja's GAN training step (D, G, Adam, EMA) with that of the PyTorch twin: DCGAN, a GAN
// of points, and an iteration of each of the other games (lib/games.mjs). `--help` lists the flags.
import { compare, options } from './lib/compare.mjs';

const o = options('step', { seconds: 4 });
const dcgans = [
  { name: 'DCGAN-28', size: 28, channels: 1 },
  { name: 'DCGAN-32', size: 32, channels: 3 },
  { name: 'DCGAN-28 with max pools', size: 28, channels: 1, pool: 'max' },
].map((c) => ({ ...c, name: `${c.name}, base ${o.base}, batch 64`, base: o.base, batch: 64, latent: 100 }));

const mlp = { name: 'MLP GAN 2-400-400-2, batch 100', network: 'mlp', size: 2, batch: 100, latent: 2 };

/** Twice the base of the others for DCGAN's networks, as above; the rest have the defaults of their systems. */
const games = [
  { name: 'SNGAN residual 32, base 32', network: 'sngan', base: o.base / 2, batch: 64, latent: 128 },
  { name: 'WGAN-GP DCGAN-32, 5 critic runs and 1 of G', network: 'wgan-gp', base: o.base, batch: 64, latent: 128 },
  { name: 'RpGAN + R1 + R2, DCGAN-32', network: 'rpgan', base: o.base, batch: 64, latent: 128 },
  { name: 'pix2pix 32: U-Net and patches', network: 'pix2pix', base: o.base / 2, batch: 16, latent: 1 },
  { name: 'StyleGAN2 32, without lazy phases', network: 'stylegan', base: o.base / 2, batch: 16, latent: 128 },
].map((c) => ({
  ...c,
  name: `${c.name.replace('base 32', `base ${c.base}`)}, batch ${c.batch}`,
  size: 32,
  channels: 3,
}));

await compare('step', [...dcgans, mlp, ...games], o);
