// Compares Forja with PyTorch in several modes (memory layouts, numbers of threads) over a list of cases. Shared by
// step.mjs, sample.mjs and others, which name the cases.
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { GAMES } from './games.mjs';
import { alternate, startPeer } from './peer.mjs';
import { machine, ratio, save, summarise, table } from './report.mjs';

/** Path of a file of bench/. */
export const local = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Command line of a bench. */
export function options(what, defaults) {
  const { values } = parseArgs({
    options: {
      blocks: { type: 'string', default: '7' },
      seconds: { type: 'string', default: String(defaults.seconds) },
      threads: { type: 'string', default: '2' },
      base: { type: 'string', default: '64' },
      only: { type: 'string' },
      spinning: { type: 'boolean', default: false },
      name: { type: 'string', default: what },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(`npm run bench:${what} -- [--blocks 7] [--seconds ${defaults.seconds}] [--threads 2]
  [--base 64] [--only text] [--spinning] [--name file]
${defaults.peers ?? 'FORJA_TORCH_PYTHON=<a Python with torch> adds PyTorch, default layout and channels_last.'}
--only runs the cases whose name contains the text.
--spinning lets idle threads spin (both sides); published ratios are without it.
The result is bench/results/<name>.json.`);
    process.exit(0);
  }
  const number = (key) => {
    const value = Number(values[key]);
    if (!(value > 0)) throw new Error(`--${key}: expected a positive number, got ${values[key]}`);
    return value;
  };
  return {
    ...values,
    blocks: Math.max(5, number('blocks')),
    seconds: number('seconds'),
    threads: number('threads'),
    base: number('base'),
  };
}

/** The case and the options as a peer's command line. */
export const flagsOf = (c, o) =>
  Object.entries({
    network: c.network,
    size: c.size,
    channels: c.channels,
    pool: c.pool,
    base: c.base,
    batch: c.batch,
    latent: c.latent,
    threads: o.threads,
  }).flatMap(([key, value]) => (value === undefined ? [] : [`--${key}`, String(value)]));

/** Forja's peer `peers/<script>.mjs`. */
export const ours = (script, c, o) => ({
  name: 'forja',
  command: process.execPath,
  args: [local(`peers/${script}.mjs`), ...flagsOf(c, o), ...(o.spinning ? ['--spinning'] : [])],
});

/** Forja, and PyTorch's modes if FORJA_TORCH_PYTHON is set. */
function withTorch(script, c, o) {
  const flags = flagsOf(c, o);
  const python = process.env.FORJA_TORCH_PYTHON;
  const own = ours(c.network in GAMES ? 'games' : script, c, o);
  if (!python) return [own];
  // waiting OpenMP threads spin by default; use the same policy for both sides
  const env = { OMP_WAIT_POLICY: o.spinning ? 'ACTIVE' : 'PASSIVE', OMP_NUM_THREADS: String(o.threads) };
  const modes =
    c.network === 'mlp'
      ? { default: [], 'one thread': ['--threads', '1'] }
      : { default: [], channels_last: ['--layout', 'channels_last'] };
  if (script === 'sample') modes['channels_last folded'] = ['--layout', 'channels_last', '--fold'];
  const torch = Object.entries(modes).map(([mode, more]) => ({
    name: `pytorch ${mode}`,
    command: python,
    args: [local(`torch/${script}_bench.py`), ...flags, ...more, '--serve'],
    env,
  }));
  return [own, ...torch];
}

/** Twins have as many parameters as we have; a peer that does not say how many is not compared. */
function sameParameters({ name }, peers) {
  const counts = peers.flatMap((peer) => (peer.about?.parameters === undefined ? [] : [peer.about.parameters]));
  if (new Set(counts).size > 1)
    throw new Error(`${name}: expected networks of the same number of parameters, got ${counts.join(', ')}`);
}

/** Runs every case and saves one JSON file. `peersOf` names the peers, 'forja' first. */
export async function compare(what, cases, o, peersOf = withTorch) {
  if (peersOf === withTorch && !process.env.FORJA_TORCH_PYTHON)
    console.log('FORJA_TORCH_PYTHON is not set: measuring Forja alone, no ratios.');
  const results = [];
  let versions = {};
  for (const c of cases.filter(({ name }) => !o.only || name.includes(o.only))) {
    const peers = [];
    try {
      for (const peer of peersOf(what, c, o)) peers.push(await startPeer(peer));
      sameParameters(c, peers);
      const blocks = await alternate(peers, o.blocks, o.seconds);
      const summaries = Object.fromEntries([...blocks].map(([name, list]) => [name, summarise(list)]));
      const ratios = Object.fromEntries(
        [...blocks]
          .filter(([name]) => name !== 'forja')
          .map(([name, list]) => [name, ratio(blocks.get('forja'), list)]),
      );
      for (const { name, versions: own, about } of peers) {
        versions = { ...versions, ...own };
        if (about !== undefined && Object.keys(about).length > 0) summaries[name].about = about;
      }
      table(c.name, summaries, ratios);
      results.push({ case: c, peers: summaries, forjaIsFasterBy: ratios });
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()));
    }
  }
  const { blocks, seconds, threads, spinning } = o;
  const options = { blocks, seconds, threads, spinning };
  console.log(`\nwritten: ${save(o.name, { bench: what, machine: machine(), versions, options, results })}`);
  return results;
}
