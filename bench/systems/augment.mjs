// `forja augment` on a few pictures of each class: accuracy of classifiers with real, classically augmented and
// generated pictures. A stopped study continues.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { trainer } from '../peers/forja.mjs';

export default async function augment({ runs, from, seed, steps = 2500, more }) {
  const { data = 'mnist', perClass = 50, seeds = 5, ...options } = more;
  const folder = resolve(runs, `augment-${data}-${perClass}-${seed}`);
  const { commands } = await trainer();
  const command = commands.find(({ name }) => name === 'augment');
  const io = {
    cwd: from,
    json: true,
    signal: new AbortController().signal,
    print: () => {},
    warn: console.error,
    progress: () => ({ update: (done, text) => console.error(`augment: ${text ?? done}`), stop() {} }),
  };
  const threads = process.env.FORJA_BENCH_THREADS ? { threads: Number(process.env.FORJA_BENCH_THREADS) } : {};
  const begun = existsSync(join(folder, 'study.json'));
  await command.run(
    begun ? { resume: folder, seeds } : { data, perClass, seeds, seed, steps, ...threads, ...options, out: folder },
    io,
  );
  const { arms, study, test } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
  return {
    study,
    rows: arms.map(({ arm, gains, runs: count, ...accuracy }) => ({
      '': arm,
      'accuracy, %': percent(accuracy),
      ...Object.fromEntries(Object.entries(gains).map(([base, gain]) => [`against ${base}`, percent(gain)])),
      runs: count,
    })),
    notes: [
      `${perClass} real pictures of each class, one small set, and a generator trained on it alone for ` +
        `${study.gan.steps} ` +
        `steps; ${seeds} classifiers of ${study.classifierSteps} steps an arm, tested on ${test.count} examples.`,
    ],
    picture: readFileSync(join(folder, 'subset-0', 'pictures.png')),
    legend: 'A row for each class: eight real pictures, eight generated ones.',
  };
}

const percent = ({ mean, sd = 0 }) => `${(100 * mean).toFixed(2)} ± ${(100 * sd).toFixed(2)}`;
