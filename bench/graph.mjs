// npm run bench:graph: exported networks against the same trace without passes, and against tf2onnx's file of the same network, by CPU time in onnxruntime.
// FORJA_TF2ONNX_PYTHON=<a Python with tf2onnx and tensorflowjs> adds the latter. `--help` lists the flags.
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
  options: { blocks: { type: 'string', default: '5' }, seconds: { type: 'string', default: '1' }, threads: { type: 'string', default: '1' }, only: { type: 'string', default: '' }, name: { type: 'string', default: 'graph' }, help: { type: 'boolean', default: false } },
});
if (o.help) {
  console.log(`npm run bench:graph -- [--blocks 5] [--seconds 1] [--threads 1] [--only text] [--name file]
FORJA_TF2ONNX_PYTHON=<a Python with tf2onnx and tensorflowjs> adds tf2onnx's files. The result is bench/results/<name>.json.`);
  process.exit(0);
}

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'forja-graph-'));
const bundle = join(root, `tests/node_modules/.cache/forja-graphs-${process.pid}.mjs`);
await build({
  entryPoints: [local('lib/graphs.mjs')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', target: 'es2022', logLevel: 'error',
  external: ['@tensorflow/*', 'onnxruntime-node', 'onnxruntime-web', 'commander', '@clack/prompts', '@forja/node'],
  alias: { '@forja/core/onnx': join(root, 'packages/core/src/onnx.ts'), '@forja/core': join(root, 'packages/core/src/index.ts'), '@forja/trainer/node': join(root, 'packages/trainer/src/node.ts'), '@forja/trainer': join(root, 'packages/trainer/src/index.ts') },
  banner: { js: "import { createRequire as forjaCreateRequire } from 'node:module'; const require = forjaCreateRequire(import.meta.url);" },
});
const results = [];
let versions = {};
try {
  const { graphs } = await import(pathToFileURL(bundle).href);
  for (const { name, files, inputs } of await graphs(folder, { only: o.only, python: process.env.FORJA_TF2ONNX_PYTHON })) {
    const peers = [];
    try {
      for (const [peer, file] of Object.entries(files)) peers.push(await startPeer({ name: peer, command: process.execPath, args: [local('peers/onnx.mjs'), file, JSON.stringify(inputs), o.threads] }));
      const blocks = await alternate(peers, Number(o.blocks), Number(o.seconds));
      const summaries = Object.fromEntries([...blocks].map(([peer, list]) => [peer, summarise(list)]));
      const ratios = Object.fromEntries([...blocks].filter(([peer]) => peer !== 'forja').map(([peer, list]) => [peer, ratio(blocks.get('forja'), list)]));
      versions = peers[0].versions;
      table(name, summaries, ratios);
      results.push({ case: { name, inputs }, peers: summaries, forjaIsFasterBy: ratios });
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(bundle, { force: true });
}
const { blocks, seconds, threads } = o;
console.log(`\nwritten: ${save(o.name, { bench: 'graph', machine: machine(), versions, options: { blocks: Number(blocks), seconds: Number(seconds), threads: Number(threads), spinning: false }, results })}`);
