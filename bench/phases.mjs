// npm run bench:phases: compares the CPU time of a DCGAN iteration as several phases over shared state with that of a
// single graph. `recomputed`: separate steps of G and D, where D's step runs the generator again. `handed on`: G's step
// keeps its pictures as state for D's step. `R1 …`: the penalty in the single graph, as a separate phase in every
// iteration, and in every 16th, which should cost a sixteenth of that (bench:lazy measures this more exactly). `--help`
// lists the flags.
import { compare, options, ours } from './lib/compare.mjs';

const o = options('phases', {
  seconds: 3,
  peers: 'The peers are the iteration in several phases, and with an R1 penalty.',
});
const cases = [
  { size: 28, channels: 1, base: 64, batch: 64 },
  { size: 32, channels: 3, base: 64, batch: 64 },
  { size: 28, channels: 1, base: 16, batch: 32 },
].map((c) => ({ ...c, latent: 100, name: `DCGAN-${c.size}, base ${c.base}, batch ${c.batch}` }));
const forms = {
  forja: 'single',
  recomputed: 'recomputed',
  'handed on': 'handed',
  'R1 in the graph': 'always',
  'R1 apart': 'apart',
  'R1 lazy': 'lazy',
};

await compare('phases', cases, o, (_, c) =>
  Object.entries(forms).map(([name, form]) => {
    const { args, ...rest } = ours('phases', c, o);
    return { ...rest, name, args: [...args, '--form', form] };
  }),
);
