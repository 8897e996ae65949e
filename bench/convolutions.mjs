// npm run bench:convolutions: CPU time of single convolutions of generators in onnxruntime, unchanged and with each
// algorithm that `lowering: 'auto'` can choose (including layout changes at both ends). The variants are timed
// alternately. The cost model in packages/core/src/onnx/fast/price.ts was fitted to these layers.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { encodeModel, fastConvolutions, GraphBuilder } from '@forja/core/onnx';
import { cpuRuntime, versions } from './peers/forja.mjs';

const { values: o } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
});
const up = (size, from, to) => ({ op: 'ConvTranspose', size, from, to, kernel: 4, stride: 2 });
const same = (size, from, to) => ({ op: 'Conv', size, from, to, kernel: 3, stride: 1 });
const down = (size, from, to) => ({ op: 'Conv', size, from, to, kernel: 4, stride: 2 });
const LAYERS = [
  up(4, 512, 256),
  up(4, 256, 128),
  up(4, 128, 64),
  up(7, 128, 64),
  up(7, 256, 128),
  up(8, 256, 128),
  up(8, 128, 64),
  up(14, 128, 64),
  up(16, 128, 64),
  up(16, 64, 32),
  up(32, 64, 32),
  up(32, 32, 16),
  same(8, 256, 256),
  same(8, 128, 128),
  same(16, 64, 64),
  same(16, 128, 128),
  same(32, 32, 32),
  same(32, 64, 64),
  down(32, 64, 128),
  down(16, 128, 256),
];

const random = (count) => Float32Array.from({ length: count }, () => Math.random() - 0.5);
const median = (x) => [...x].sort((a, b) => a - b)[x.length >> 1];

function modelOf({ op, size, from, to, kernel, stride }) {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['n', from, size, size]);
  const w = g.constant(
    'float32',
    op === 'Conv' ? [to, from, kernel, kernel] : [from, to, kernel, kernel],
    random(from * to * kernel * kernel),
  );
  g.output(
    'y',
    g.op(op, [x, w, g.constant('float32', [to], random(to))], { strides: [stride, stride], pads: [1, 1, 1, 1] }),
  );
  return g.build();
}

const runtime = await cpuRuntime({ threads: Number(o.threads), spinning: false });
const results = [];
for (const layer of LAYERS) {
  const { op, kernel, stride } = layer;
  const name = `${op} ${kernel}×${kernel} s${stride}, ${layer.size}², ${layer.from} → ${layer.to}`;
  if (o.only && !name.includes(o.only)) continue;
  const model = modelOf(layer);
  const sessions = { portable: await runtime.createSession(encodeModel(model)) };
  for (const algorithm of [2, 3, 4].flatMap((tile) =>
    ['', ', packed'].map((end) => `winograd F(${tile}, ${layer.kernel / layer.stride})${end}`),
  )) {
    try {
      sessions[algorithm] = await runtime.createSession(
        encodeModel(fastConvolutions(model, { algorithms: { [layer.op]: algorithm } }).model),
      );
    } catch (error) {
      if (error.code !== 'usage') throw error; // the algorithm cannot compute this layer
    }
  }
  const chosen = fastConvolutions(model).convolutions[layer.op] ?? 'portable';
  for (const batch of [1, 16, 64]) {
    const feeds = {
      x: {
        dtype: 'float32',
        shape: [batch, layer.from, layer.size, layer.size],
        data: random(batch * layer.from * layer.size ** 2),
      },
    };
    const cpuMs = Object.fromEntries(Object.keys(sessions).map((key) => [key, []]));
    for (let round = -1; round < Number(o.rounds); round++) {
      for (const [key, session] of Object.entries(sessions)) {
        const before = process.cpuUsage();
        const until = performance.now() + (round < 0 ? 0 : 15);
        let runs = 0;
        do {
          await session.run(feeds);
          runs++;
        } while (performance.now() < until);
        const { user, system } = process.cpuUsage(before);
        if (round >= 0) cpuMs[key].push((user + system) / 1000 / runs);
      }
    }
    const medians = Object.fromEntries(
      Object.entries(cpuMs).map(([key, times]) => [key, Number(median(times).toFixed(3))]),
    );
    results.push({ layer: name, batch, chosen, cpuMs: medians });
    console.log(
      `${name}, batch ${batch}: portable ${medians.portable} ms; ${Object.entries(medians)
        .filter(([key]) => key !== 'portable')
        .map(([key, ms]) => `${key} ${(medians.portable / ms).toFixed(2)}×`)
        .join(', ')}; auto chooses ${chosen} for this layer alone`,
    );
  }
  await Promise.all(Object.values(sessions).map((session) => session.dispose()));
}
await runtime.dispose();
if (!o.only) {
  const date = new Date().toISOString().slice(0, 10);
  const written = { bench: 'convolutions', date, versions: await versions(), options: o, results };
  writeFileSync(new URL('results/convolutions.json', import.meta.url), `${JSON.stringify(written, undefined, 2)}\n`);
}
