// npm run bench:data: the cost of a folder of JPEGs for a training run: seconds until the first step, cold and from the
// cache, and the share of a step's time spent waiting for its batch (limit: 5 %).
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { quantile } from './lib/report.mjs';
import { trainer } from './peers/forja.mjs';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '10000' },
    edge: { type: 'string', default: '256' },
    size: { type: 'string', default: '64' },
    batch: { type: 'string', default: '64' },
    steps: { type: 'string', default: '200' },
    base: { type: 'string', default: '64' },
    memory: { type: 'string', default: '1e9' },
    folder: { type: 'string' },
  },
});
const [pictures, edge, size, batch, steps, base, memory] = [
  'pictures',
  'edge',
  'size',
  'batch',
  'steps',
  'base',
  'memory',
].map((name) => Number(values[name]));
const place = values.folder ?? mkdtempSync(join(tmpdir(), 'forja-bench-data-'));
const folder = join(place, 'pictures');
const cache = join(place, 'cache');

/** JPEGs with the file size of photos: enlarged coarse noise plus a little fine noise. */
async function make() {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length >= pictures) return;
  const { default: sharp } = await import(createRequire(import.meta.resolve('@forja/trainer/node')).resolve('sharp'));
  const noise = (side) => ({
    create: {
      width: side,
      height: side,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 50 },
    },
  });
  for (let i = 0; i < pictures; i += 16)
    await Promise.all(
      Array.from({ length: Math.min(16, pictures - i) }, async (_, k) => {
        const coarse = await sharp(noise(12)).png().toBuffer();
        const large = await sharp(coarse)
          .resize(edge, edge, { kernel: 'cubic' })
          .modulate({ hue: (i + k) % 360 })
          .png()
          .toBuffer();
        const fine = await sharp(noise(edge)).ensureAlpha(0.1).png().toBuffer();
        await sharp(large)
          .composite([{ input: fine }])
          .jpeg({ quality: 85 })
          .toFile(join(folder, `${i + k}.jpg`));
      }),
    );
}

const { batchReader, loadData, train } = await trainer();
await make();
const timed = async (work) => {
  const start = performance.now();
  return [await work(), (performance.now() - start) / 1000];
};
rmSync(cache, { recursive: true, force: true });
const data = { kind: 'folder', path: folder, size };
const open = () => loadData({ data }, process.cwd(), { cache, memory });
const [, cold] = await timed(open);
const [set, warm] = await timed(open);
console.log(
  `${set.count} JPEGs of ${edge} px at ${size} px: ready in ${cold.toFixed(1)} s, from the cache in ` +
    `${warm.toFixed(2)} s`,
);

// First times steps whose data are ready at once, then how long a loop with that step time waits for its data.
const stepMs = [];
let last;
const onEvent = (event) => {
  const now = performance.now();
  if (event.type === 'step' && last !== undefined) stepMs.push(now - last);
  if (event.type === 'step') last = now;
};
const noise = Float32Array.from({ length: 4099 }, () => Math.random() * 2 - 1);
const memorySet = {
  ...set,
  read: (indices, { image }) => {
    for (let at = 0; at < image.length; at += noise.length) image.set(noise.subarray(0, image.length - at), at);
  },
};
const config = { system: 'dcgan', data, size, batch, base, steps, sampleEvery: 0, checkpointEvery: 0, seed: 1 };
await train(config, { dataset: memorySet, onEvent, store: undefined, cwd: mkdtempSync(join(place, 'run-')) });
const step = quantile(stepMs, 0.5);

const next = batchReader(set, 1, batch, ['image']);
const waits = [];
for (let n = 0; n < steps; n++) {
  const [, wait] = await timed(() => next(n));
  waits.push(wait * 1000);
  // simulates a step in the executor's thread, during which this thread is idle
  await new Promise((resolve) => setTimeout(resolve, Math.min(step, 50)));
}
const wait = waits.reduce((a, b) => a + b, 0) / waits.length;
const share = wait / (wait + step);
console.log(
  `batch ${batch}: waits ${wait.toFixed(2)} ms (p95 ${quantile(waits, 0.95).toFixed(2)}) per step of ` +
    `${step.toFixed(0)} ms: ${(100 * share).toFixed(2)} % (limit 5 %)`,
);
console.log(`decoding once, spread over ${steps} steps: ${((1000 * cold) / steps).toFixed(1)} ms per step`);
if (!values.folder) rmSync(place, { recursive: true, force: true });
if (share > 0.05) process.exitCode = 1;
