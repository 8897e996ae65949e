// Faces by StyleGAN2, by random features, beside faces that were held out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluated, over, sampled, seedsFrom } from './evaluated.mjs';
import { mean, sheet, trained } from './shared.mjs';

const METRICS = 'frechet,pr,memorisation';

export default async function stylegan({ runs, from, seed, steps = 5000, more }) {
  const { seeds = 1, count = 640, ...options } = more;
  const found = [];
  let shown;
  for (const one of seedsFrom(seed, seeds)) {
    const config = { system: 'stylegan', data: 'faces', widest: 64, ...options, seed: one, steps };
    const run = await trained({ ...config, sampleEvery: 0, checkpointEvery: 200 }, join(runs, `stylegan-${one}`), from);
    const { scores, floor } = await evaluated(
      run.out,
      { metrics: METRICS, features: 'random', count, floor: true },
      from,
    );
    found.push({ scores: { ...scores, path: pathLength(run.out) }, floor });
    shown ??= await sampled(join(run.out, 'generator.onnx'), { count: 36, seed: 3, truncation: { psi: 0.8 } });
  }
  const names = Object.keys(found[0].scores).filter((name) => name !== 'path');
  const row = (name, side) => ({
    '': name,
    ...Object.fromEntries(
      names.map((score) => [
        score,
        over(
          found.map((one) => one[side]),
          score,
        ),
      ]),
    ),
  });
  const paths = found.map(({ scores }) => scores);
  return {
    steps,
    seeds,
    rows: [
      { ...row('StyleGAN2', 'scores'), 'path length': over(paths, 'path') },
      row('faces that were held out', 'floor'),
    ],
    notes: [
      `${steps} steps of 16 faces of 32 pixels; ${count} pictures on each side. Path length is the mean over the ` +
        'last ' +
        'tenth of the run, of training batches.',
    ],
    picture: await sheet([0, 1, 2].map((i) => shown.slice(12 * i, 12 * i + 12))),
    legend: 'Faces with ψ = 0.8.',
  };
}

/** The mean of the last tenth of a run's logged path lengths. */
function pathLength(out) {
  const lines = readFileSync(join(out, 'log.jsonl'), 'utf8').trim().split('\n');
  const all = lines.flatMap((line) => JSON.parse(line).scalars.path_length ?? []);
  return mean(all.slice(-Math.ceil(all.length / 10)));
}
