// npm run bench:sample: compares making pictures with Forja's exported generator and with its PyTorch twin, at batch 1,
// 16 and 64. `--help` lists the flags.
import { compare, options } from './lib/compare.mjs';

const o = options('sample', { seconds: 2 });
const cases = [
  [28, 1],
  [32, 3],
  [64, 3],
].flatMap(([size, channels]) =>
  [1, 16, 64].map((batch) => ({
    name: `DCGAN-${size}, base ${o.base}, batch ${batch}`,
    size,
    channels,
    base: o.base,
    batch,
    latent: 100,
  })),
);

await compare('sample', cases, o);
