// For each seed, scores samples of Forja and of the same GAN in PyTorch (the "twin") with the classifier of
// tests/judge: node bench/quality.mjs --ours <folder> --twin <folder>. A folder holds samples-<seed>.f32 (raw float32
// NCHW [n, 1, 28, 28] in [-1, 1]); if FORJA_TORCH_PYTHON is set, missing files of the twin are made by training it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, save } from './lib/report.mjs';

const { values: o, positionals: twinFlags } = parseArgs({
  allowPositionals: true, // after `--`: flags for torch/train_mnist.py, so that the twin trains on as many images
  options: {
    ours: { type: 'string' },
    twin: { type: 'string', default: 'runs/twin' },
    seeds: { type: 'string', default: '1,2,3' },
  },
});
const { judgeImages } = await import('../tests/judge/judge.mjs');

async function score(folder, seed) {
  const file = join(folder, `samples-${seed}.f32`);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const pixels = new Float32Array(new Uint8Array(bytes).buffer);
  const { fractionAbove, classShare } = await judgeImages(pixels, pixels.length / 784);
  return { samples: pixels.length / 784, fractionAbove, classShare };
}

const results = [];
for (const seed of o.seeds.split(',')) {
  if (!existsSync(join(o.twin, `samples-${seed}.f32`)) && process.env.FORJA_TORCH_PYTHON) {
    const script = fileURLToPath(new URL('./torch/train_mnist.py', import.meta.url));
    execFileSync(process.env.FORJA_TORCH_PYTHON, [script, '--seed', seed, '--out', o.twin, ...twinFlags], {
      stdio: 'inherit',
    });
  }
  const row = { seed: Number(seed), ours: o.ours && (await score(o.ours, seed)), twin: await score(o.twin, seed) };
  for (const [name, r] of Object.entries(row)) {
    if (r?.fractionAbove === undefined) continue;
    console.log(
      `seed ${seed} ${name}: ${(100 * r.fractionAbove).toFixed(1)} % of ${r.samples} above 0.9; classes ` +
        `${r.classShare.map((s) => (100 * s).toFixed(0)).join(' ')} %`,
    );
  }
  results.push(row);
}
const mean = (side) => {
  const found = results.flatMap((r) => r[side]?.fractionAbove ?? []);
  return found.length ? found.reduce((a, b) => a + b, 0) / found.length : null;
};
const means = { ours: mean('ours'), twin: mean('twin') };
const file = save('quality', { bench: 'quality', machine: machine(), means, results });
console.log(`mean: ours ${means.ours}, twin ${means.twin}; written: ${file}`);
