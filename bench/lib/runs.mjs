// For benches that train recipes with several seeds: results are kept as each run ends, so that an interrupted bench
// continues, and the table of a page in docs/ is made from them.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine, save } from './report.mjs';

/** The results of earlier calls: `runs`, and what else the bench keeps. */
export function kept(bench) {
  const file = new URL(`../results/${bench}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { bench, runs: [] };
}

/** Adds a run, and the machine that it was made on, because the runs of one file may be from several. */
export function add(results, run) {
  const { cpu, vectors, commit, date } = machine();
  results.runs.push({ ...run, on: { cpu, vectors, commit, date } });
  console.log(JSON.stringify(run));
}

/** Writes the results with `about` (recipes, common options), and `lines` between the bench's marks in docs/<page>. */
export function write(results, about, page, lines) {
  const { bench } = results;
  save(bench, { bench, command: `npm run bench:${bench}`, ...about, runs: results.runs });
  const path = new URL(`../../docs/${page}`, import.meta.url);
  const part = new RegExp(`<!-- ${bench} -->[^]*?<!-- end -->`);
  const table = `<!-- ${bench} -->\n\n${lines.join('\n')}\n\n<!-- end -->`;
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(part, () => table),
  );
}

/** Mean and standard deviation of a score over runs, times `scale`. */
export function spread(runs, key, digits, scale = 1) {
  const numbers = runs.map((run) => scale * run[key]);
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const sd = Math.sqrt(numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, numbers.length - 1));
  return numbers.length > 1 ? `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}` : mean.toFixed(digits);
}

/** Copies the last grid of the run in `out` to `folder`. */
export function keepGrid(out, folder, name) {
  const samples = join(out, 'samples');
  const last = existsSync(samples) ? readdirSync(samples).sort().at(-1) : undefined;
  if (last === undefined) return;
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(samples, last), join(folder, `${name}.png`.replace(/[^\w.]+/g, '-')));
}
