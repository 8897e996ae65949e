// Scores of a run's generator, as `forja evaluate` gives them, and their mean and deviation over runs.
import { trainer } from '../peers/forja.mjs';
import { mean } from './shared.mjs';

/** What `forja evaluate <folder> --json` with these options prints; scores are single numbers. */
export async function evaluated(source, options, cwd) {
  const { commands } = await trainer();
  const command = commands.find(({ name }) => name === 'evaluate');
  const io = { cwd, json: true, print: () => {}, warn: console.error, progress: () => ({ update() {}, stop() {} }) };
  const found = await command.run({ source, ...options }, io);
  const flat = (scores) => Object.fromEntries(Object.entries(scores ?? {}).map(([name, { mean: one }]) => [name, one]));
  return {
    scores: flat(found.scores),
    floor: flat(found.floor),
    classes: Object.fromEntries(Object.entries(found.classes ?? {}).map(([name, { scores }]) => [name, flat(scores)])),
  };
}

/** `mean ± deviation` of a score over runs; the number alone for one run. */
export function over(runs, score) {
  const values = runs.map((scores) => scores[score]);
  if (values.length === 1) return values[0];
  const middle = mean(values);
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1));
  return `${Number(middle.toPrecision(4))} ± ${Number(sd.toPrecision(2))}`;
}

/** Seeds from `seed` on. */
export const seedsFrom = (seed, count) => Array.from({ length: count }, (_, i) => seed + i);

/** Pictures of a generator's file as cells of a sheet. */
export async function sampled(file, options) {
  const { load } = await import('@forja/node');
  const generator = await load(file, { device: 'cpu' });
  const made = [...(await generator.sample(options))];
  await generator.dispose();
  return made.map(({ width, height, channels, data }) => ({ width, height, channels, data }));
}
