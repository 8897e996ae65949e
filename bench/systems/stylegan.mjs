// Faces by StyleGAN2, beside faces that were held out and, with the option `twin`, faces by its PyTorch twin after as
// many steps (FORJA_TORCH_PYTHON names its Python).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { evaluated, over, sampled, seedsFrom } from './evaluated.mjs';
import { bytesOf, examplesOf, mean, sheet, trained } from './shared.mjs';

const METRICS = 'frechet,pr,memorisation';
const [SIZE, CHANNELS] = [32, 3];

export default async function stylegan({ runs, from, seed, steps = 5000, more }) {
  const { seeds = 1, count = 640, features = 'faces', twin = false, ...options } = more;
  const scoring = { metrics: METRICS, features, count };
  const found = [];
  const twins = [];
  let shown;
  for (const one of seedsFrom(seed, seeds)) {
    const config = { system: 'stylegan', data: 'faces', widest: 64, ...options, seed: one, steps };
    const run = await trained({ ...config, sampleEvery: 0, checkpointEvery: 200 }, join(runs, `stylegan-${one}`), from);
    const { scores, floor } = await evaluated(run.out, { ...scoring, floor: true }, from);
    found.push({ scores: { ...scores, path: pathLength(run.out) }, floor });
    if (twin) {
      const folder = join(runs, `stylegan-twin-${one}`);
      const pathOf = await trainTwin({ ...config, count, folder }, from);
      const { scores: own } = await evaluated(resolve(folder, 'pictures'), { ...scoring, data: 'faces' }, from);
      twins.push({ scores: { ...own, path: pathOf } });
    }
    shown ??= await sampled(join(run.out, 'generator.onnx'), { count: 36, seed: 3, truncation: { psi: 0.8 } });
  }
  const names = Object.keys(found[0].scores).filter((name) => name !== 'path');
  const scoresOf = (runsOf, side) => {
    const all = runsOf.map((one) => one[side]);
    return Object.fromEntries(names.map((score) => [score, over(all, score)]));
  };
  const row = (name, runsOf, side = 'scores') => ({
    '': name,
    ...scoresOf(runsOf, side),
    ...(side === 'scores'
      ? {
          'path length': over(
            runsOf.map(({ scores }) => scores),
            'path',
          ),
        }
      : {}),
  });
  return {
    steps,
    seeds,
    rows: [
      row('StyleGAN2', found),
      ...(twin ? [row('its PyTorch twin', twins)] : []),
      row('faces that were held out', found, 'floor'),
    ],
    notes: [
      `${steps} steps of 16 faces of 32 pixels; ${count} pictures on each side, features by '${features}'. ` +
        'Path length is the mean over the last tenth of the run, of training batches; the running mean for the twin.',
    ],
    picture: await sheet([0, 1, 2].map((i) => shown.slice(12 * i, 12 * i + 12))),
    legend: 'Faces with ψ = 0.8.',
  };
}

/** Trains the twin once and writes its pictures into `folder`/pictures. Returns its mean path length. */
async function trainTwin({ folder, seed, steps, widest, base = 32, count }, from) {
  const { Image } = await import('@forja/core');
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures, { recursive: true });
  const [data, out, done] = ['faces.f32', 'made.f32', 'done.txt'].map((file) => resolve(folder, file));
  if (!existsSync(done)) {
    const real = await examplesOf('faces', 'image', from);
    writeFileSync(data, Float32Array.from(real.flatMap((picture) => [...picture.data].map((v) => v / 127.5 - 1))));
    const flags = { pictures: data, size: SIZE, steps, seed, widest, base, samples: count, out };
    const words = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, `${value}`]);
    const script = new URL('../torch/train_faces.py', import.meta.url).pathname;
    const said = execFileSync(process.env.FORJA_TORCH_PYTHON ?? 'python', [script, ...words], { encoding: 'utf8' });
    writeFileSync(done, said);
  }
  const { buffer, byteOffset, length } = readFileSync(out);
  const values = new Float32Array(buffer.slice(byteOffset, byteOffset + length));
  const each = SIZE * SIZE * CHANNELS;
  for (let i = 0; i < count; i++) {
    const bytes = bytesOf(values.subarray(i * each, (i + 1) * each));
    const png = await new Image(SIZE, SIZE, CHANNELS, bytes).toPNG();
    writeFileSync(join(pictures, `${String(i).padStart(4, '0')}.png`), png);
  }
  return Number(/path length ([\d.]+)/.exec(readFileSync(done, 'utf8'))[1]);
}

/** The mean of the last tenth of a run's logged path lengths. */
function pathLength(out) {
  const lines = readFileSync(join(out, 'log.jsonl'), 'utf8').trim().split('\n');
  const all = lines.flatMap((line) => JSON.parse(line).scalars.path_length ?? []);
  return mean(all.slice(-Math.ceil(all.length / 10)));
}
