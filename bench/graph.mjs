// npm run bench:graph: compares the CPU time, in onnxruntime, of exported networks with that of the same trace without
// passes, and of tf2onnx's file of the same network (with FORJA_TF2ONNX_PYTHON=<a Python with tf2onnx and
// tensorflowjs>). 'forja, again' is the same file in another process: the distance of its ratio from 1 is the noise of
// the machine. `--help` lists the flags.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { local } from './lib/compare.mjs';
import { alternate, startPeer } from './lib/peer.mjs';
import { machine, ratio, save, summarise, table } from './lib/report.mjs';

const { values: o } = parseArgs({
  options: {
    blocks: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    name: { type: 'string', default: 'graph' },
    help: { type: 'boolean', default: false },
  },
});
if (o.help) {
  console.log(`npm run bench:graph -- [--blocks 5] [--seconds 1] [--threads 1] [--only text] [--name file]
FORJA_TF2ONNX_PYTHON=<a Python with tf2onnx and tensorflowjs> adds tf2onnx's files.
The result is bench/results/<name>.json.`);
  process.exit(0);
}

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'forja-graph-'));
const bundle = join(root, `tests/node_modules/.cache/forja-graphs-${process.pid}.mjs`);
await build({
  entryPoints: [local('lib/graphs.mjs')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'es2022',
  logLevel: 'error',
  external: ['@tensorflow/*', 'onnxruntime-node', 'onnxruntime-web', 'commander', '@clack/prompts', '@forja/node'],
  alias: {
    '@forja/core/onnx': join(root, 'packages/core/src/onnx.ts'),
    '@forja/core': join(root, 'packages/core/src/index.ts'),
    '@forja/trainer/node': join(root, 'packages/trainer/src/node.ts'),
    '@forja/trainer': join(root, 'packages/trainer/src/index.ts'),
  },
  banner: {
    js:
      "import { createRequire as forjaCreateRequire } from 'node:module'; const require = " +
      'forjaCreateRequire(import.meta.url);',
  },
});
const results = [];
let versions = {};
try {
  const { graphs, nodesOf } = await import(pathToFileURL(bundle).href);
  for (const { name, files, inputs } of await graphs(folder, {
    only: o.only,
    python: process.env.FORJA_TF2ONNX_PYTHON,
  })) {
    const peers = [];
    // onnxruntime optimizes too, so it may run the same nodes for different files. By operator: how many more nodes the
    // peer has.
    const own = await nodesOf(files.forja);
    const more = {};
    for (const [peer, file] of Object.entries(files).filter(([peer]) => peer !== 'forja')) {
      const theirs = await nodesOf(file);
      const count = (nodes, operator) => nodes.filter((node) => node.split(' ')[0] === operator).length;
      more[peer] =
        theirs.join() === own.join()
          ? 'the same nodes'
          : Object.fromEntries(
              [...new Set([...own, ...theirs].map((node) => node.split(' ')[0]))]
                .map((operator) => [operator, count(theirs, operator) - count(own, operator)])
                .filter(([, n]) => n !== 0),
            );
    }
    try {
      for (const [peer, file] of Object.entries({ ...files, 'forja, again': files.forja }))
        peers.push(
          await startPeer({
            name: peer,
            command: process.execPath,
            args: [local('peers/onnx.mjs'), file, JSON.stringify(inputs), o.threads],
          }),
        );
      const blocks = await alternate(peers, Number(o.blocks), Number(o.seconds));
      const summaries = Object.fromEntries([...blocks].map(([peer, list]) => [peer, summarise(list)]));
      const ratios = Object.fromEntries(
        [...blocks]
          .filter(([peer]) => peer !== 'forja')
          .map(([peer, list]) => [peer, ratio(blocks.get('forja'), list)]),
      );
      versions = peers[0].versions;
      table(name, summaries, ratios);
      console.log(
        `additional nodes that onnxruntime runs, compared with forja: ${Object.entries(more)
          .map(([peer, what]) => `${peer} ${typeof what === 'string' ? what : JSON.stringify(what)}`)
          .join(', ')}`,
      );
      results.push({ case: { name, inputs }, moreNodes: more, peers: summaries, forjaIsFasterBy: ratios });
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(bundle, { force: true });
}
const { blocks, seconds, threads } = o;
const options = { blocks: Number(blocks), seconds: Number(seconds), threads: Number(threads), spinning: false };
const written = { bench: 'graph', machine: machine(), versions, options, results };
console.log(`\nwritten: ${save(o.name, written)}`);
