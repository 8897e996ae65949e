// `npm run unit -- <words>`: runs the unit and parity test files whose path contains every word (`-- optimizers`,
// `-- gradients drawn`). If no path does, runs the tests whose name contains the words as a phrase
// (`-- are not confused with tensors`). Sources are tested: no build is needed.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root, run, tool } from './lib/stage.mjs';

/** Folders of the vitest projects `unit` and `parity`. */
const FOLDERS = [
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'src')),
  join('tests', 'parity'),
  join('tests', 'models'),
];

const words = process.argv.slice(2);
if (words.length === 0) {
  console.log(
    'unit: expected words, got none; for example npm run unit -- optimizers, or npm run unit -- trace random',
  );
  process.exit(2);
}

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(root, folder, file)),
).sort();
const contains = (text) => words.every((word) => text.toLowerCase().includes(word.toLowerCase()));
const byPath = files.filter((file) => contains(relative(root, file)));
const alone = words.filter((word) =>
  files.some((file) => relative(root, file).toLowerCase().includes(word.toLowerCase())),
);
const phrase = words.join(' ');
const chosen = byPath.length > 0 ? byPath : files.filter((file) => readFileSync(file, 'utf8').includes(phrase));
if (chosen.length === 0) {
  const each = alone.length > 1 ? `; run ${alone.map((word) => `'${word}'`).join(' and ')} one after the other` : '';
  console.log(
    `unit: expected words that are all in the path of one test file, or a phrase in a test's name, got ` +
      `'${phrase}'${each}`,
  );
  process.exit(2);
}

const named = byPath.length > 0 ? [] : ['--testNamePattern', phrase.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')];
const { code } = await run(
  process.execPath,
  [tool('vitest/vitest.mjs'), 'run', '--project', 'unit', '--project', 'parity', ...named, ...chosen],
  { show: true },
);
process.exit(code);
