// What can be chosen by name is in the docs: a row of a table, or a mention, for each name that the sources know.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEVICE_NAMES } from '@forja/core';
import { augmentationNames, lossNames, metricNames, penaltyNames, systemNames } from '@forja/trainer';
import { commands } from '@forja/trainer/node';
import { expect, test } from 'vitest';
import { OWN } from '../../packages/node/src/cli/main.js';
import { dataKinds, dataNames } from '../../packages/trainer/src/data/config.js';
import { detectors } from '../../packages/trainer/src/diagnosis/index.js';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const page = (name: string): string => readFileSync(join(docs, name), 'utf8');
const all = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map(page)
  .join('\n');

/** The first cells of a page's tables. */
const firstCells = (text: string): string => [...text.matchAll(/^\|([^|]*)\|/gm)].map(([, cell]) => cell).join('\n');

/** The names that are not in the first cell of any row of the page. */
const withoutRow = (name: string, names: readonly string[]): string[] => {
  const cells = firstCells(page(name));
  return names.filter((one) => !cells.includes(`\`${one}\``));
};

test.each([
  ['train.md', 'losses', lossNames()],
  ['train.md', 'penalties', penaltyNames()],
  ['train.md', 'augmentations', augmentationNames()],
  ['train.md', 'data by name', dataNames],
  ['data.md', 'data by name', dataNames],
  ['measures.md', 'measures', metricNames()],
  ['remedies.md', 'diagnoses', detectors.map(({ name }) => name)],
])('docs/%s has a row for each of the %s', (name, _, names) => {
  expect(withoutRow(name, names)).toEqual([]);
});

test('docs/data.md has a row for each kind of data', () => {
  const cells = firstCells(page('data.md'));
  const missing = Object.keys(dataKinds).filter(
    (kind) => !cells.includes(`kind: '${kind}'`) && !dataNames.includes(kind),
  );
  expect(missing).toEqual([]);
});

test('docs have the table of options of every system', () => {
  expect(systemNames().filter((name) => !all.includes(`<!-- options ${name} -->`))).toEqual([]);
});

test.each(['node.md', 'glossary.md'])('docs/%s names every device', (name) => {
  expect(DEVICE_NAMES.filter((device) => device !== 'auto' && !page(name).includes(`\`${device}\``))).toEqual([]);
});

test('docs/conformance.md has a row for each device of Node', () => {
  const tested = [...page('conformance.md').matchAll(/^\| Node \| \w+ \| (\w+) \|/gm)].map(([, device]) => device);
  expect(DEVICE_NAMES.filter((device) => device !== 'auto' && !tested.includes(device))).toEqual([]);
});

test('docs mention every command', () => {
  const names = [...OWN, ...commands].map(({ name }) => name);
  expect(names.filter((name) => !new RegExp(`forja(/node)? ${name}\\b`).test(all))).toEqual([]);
});

test('docs/troubleshooting.md has an entry for every code that an error may have, with cause and way out', () => {
  const union = /export type ErrorCode =([\s\S]*?);/.exec(
    readFileSync(join(docs, '../packages/core/src/errors.ts'), 'utf8'),
  )![1]!;
  const codes = [...union.matchAll(/'([\w.]+)'/g)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(20);
  const entries = page('troubleshooting.md').split(/^### /m).slice(1);
  expect(entries.map((entry) => /^`([\w.]+)`$/m.exec(entry)?.[1]).sort()).toEqual([...codes].sort());
  for (const entry of entries)
    expect(entry).toMatch(/^`[\w.]+`\n\n[\w`][^]+\n\n- \*\*Usual cause:\*\* [\w`][^]+\n- \*\*Way out:\*\* [\w`]/);
});
