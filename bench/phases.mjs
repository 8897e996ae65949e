// npm run bench:phases: one DCGAN iteration as two steps over shared state, a generator's and a discriminator's,
// against the single graph. `recomputed`: the discriminator's step runs the generator again. `handed on`: the
// generator's step leaves its pictures as state. Ratios are of CPU time. `--help` lists the flags.
import { compare, options, ours } from './lib/compare.mjs';

const o = options('phases', { seconds: 3, peers: 'The peers are the same iteration in two phases.' });
const cases = [
  { size: 28, channels: 1, base: 64, batch: 64 },
  { size: 32, channels: 3, base: 64, batch: 64 },
  { size: 28, channels: 1, base: 16, batch: 32 },
].map((c) => ({ ...c, latent: 100, name: `DCGAN-${c.size}, base ${c.base}, batch ${c.batch}` }));

const peer = (c, name, form) => {
  const { args, ...rest } = ours('phases', c, o);
  return { ...rest, name, args: [...args, '--form', form] };
};
await compare('phases', cases, o, (_, c) => [
  peer(c, 'forja', 'single'),
  peer(c, 'recomputed', 'recomputed'),
  peer(c, 'handed on', 'handed'),
]);
