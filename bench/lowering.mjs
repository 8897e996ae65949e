// npm run bench:lowering: one DCGAN training step in the lowerings `fast` and `portable`, between which `auto` chooses.
// `--explain` only prints that choice for every convolution. `--help` lists the other flags.
import { spawnSync } from 'node:child_process';
import { compare, flagsOf, local, options, ours } from './lib/compare.mjs';

const explain = process.argv.includes('--explain');
if (explain) process.argv.splice(process.argv.indexOf('--explain'), 1);
const o = options('lowering', {
  seconds: 3,
  peers: '--explain prints the estimated cost of each convolution. The peer is the portable lowering.',
});
const cases = [
  { size: 28, channels: 1, base: 64, batch: 64 },
  { size: 28, channels: 1, base: 24, batch: 32 },
  { size: 28, channels: 1, base: 8, batch: 16 },
  { size: 32, channels: 3, base: 64, batch: 64 },
  { size: 64, channels: 3, base: 16, batch: 16 },
].map((c) => ({ ...c, latent: 100, name: `DCGAN-${c.size}, base ${c.base}, batch ${c.batch}` }));

if (explain) {
  for (const c of cases.filter(({ name }) => !o.only || name.includes(o.only))) {
    console.log(`\n${c.name}`);
    const { status } = spawnSync(process.execPath, [local('peers/step.mjs'), ...flagsOf(c, o), '--explain'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) process.exit(1);
  }
} else {
  const peer = (c, name, lowering) => ({
    ...ours('step', c, o),
    name,
    args: [...ours('step', c, o).args, '--lowering', lowering],
  });
  await compare('lowering', cases, o, (_, c) => [peer(c, 'forja', 'fast'), peer(c, 'portable', 'portable')]);
}
