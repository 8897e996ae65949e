// npm run bench:systems -- <name>: trains a system on its data set, compares the exported file with simple baselines on
// the holdout, and writes bench/results/systems/<name>.json, .md and .png. Runs are in --runs and resumed, so an
// interrupted bench continues.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './lib/report.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: 'runs/systems' },
    from: { type: 'string', default: process.cwd() }, // from here the data's packages are resolved
    steps: { type: 'string' },
    seed: { type: 'string', default: '1' },
    // as JSON: options of the system; of conditional, stylegan, resnet also seeds and count; of augment data, …
    options: { type: 'string', default: '{}' },
  },
});
/** For each bench: its file in systems/, and the name of its function there. */
const BENCHES = {
  srgan: ['srgan', 'earth'],
  'srgan-twice': ['srgan', 'twice'],
  'srgan-emoji': ['srgan', 'emoji'],
  pix2pix: ['pix2pix', 'maps'],
  'line-art': ['pix2pix', 'lineArt'],
  sketch: ['pix2pix', 'sketches'],
  pens: ['pix2pix', 'pens'],
  conditional: ['conditional', 'default'],
  stylegan: ['stylegan', 'default'],
  resnet: ['resnet', 'default'],
  cyclegan: ['cyclegan', 'dayToNight'],
  'cyclegan-emoji': ['cyclegan', 'emojiStyles'],
  text2image: ['text2image', 'default'],
  'text2image-emoji': ['emoji-names', 'default'],
  augment: ['augment', 'default'],
};
const [name] = positionals;
if (!Object.hasOwn(BENCHES, name ?? '')) {
  console.error(`bench:systems: expected one of ${Object.keys(BENCHES).join(', ')}, got ${name ?? 'nothing'}`);
  process.exit(2);
}
const [file, exported] = BENCHES[name];
const results = await (
  await import(`./systems/${file}.mjs`)
)[exported]({
  runs: values.runs,
  from: resolve(values.from),
  seed: Number(values.seed),
  more: JSON.parse(values.options),
  ...(values.steps === undefined ? {} : { steps: Number(values.steps) }),
});
const folder = new URL('./results/systems/', import.meta.url).pathname;
mkdirSync(folder, { recursive: true });
const command = `npm run bench:systems -- ${process.argv
  .slice(2)
  .filter((word, i, all) => !/^--(from|runs)$/.test(word) && !/^--(from|runs)$/.test(all[i - 1] ?? ''))
  .join(' ')}`;
const { picture, legend, notes = [], rows, ...rest } = results;
const rounded = JSON.stringify(
  { bench: name, command, machine: machine(), ...rest, rows },
  (_, v) => (typeof v === 'number' ? Number(v.toPrecision(5)) : v),
  2,
);
writeFileSync(join(folder, `${name}.json`), `${rounded}\n`);
writeFileSync(join(folder, `${name}.png`), picture);
const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
const shown = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : (value ?? ''));
writeFileSync(
  join(folder, `${name}.md`),
  [
    `# ${name}`,
    '',
    `\`${command}\``,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${columns.map((column) => shown(row[column])).join(' | ')} |`),
    '',
    ...notes,
    '',
    `![${legend}](${name}.png)`,
    '',
    legend,
    '',
  ].join('\n'),
);
console.log(readFileSync(join(folder, `${name}.md`), 'utf8'));
