// What is in each tarball: publint and attw find nothing, no workspace protocol is left, licence and notices are there,
// no source or test is.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { packages, root } from './support/pack.js';

const tarballs = inject('tarballs');
const list = (name: string): string[] =>
  execFileSync('tar', ['tzf', tarballs[name]!], { encoding: 'utf8' }).trim().split('\n');
const file = (name: string, path: string): string =>
  execFileSync('tar', ['xzfO', tarballs[name]!, `package/${path}`], { encoding: 'utf8', maxBuffer: 2 ** 26 });
const node = (script: string, args: string[]): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    encoding: 'utf8',
    cwd: root,
  });
  return { status, output: stdout + stderr };
};

test.each(packages)('publint finds nothing in %s', (name) => {
  const { status, output } = node('publint/src/cli.js', ['run', tarballs[name]!, '--strict']);
  expect(output).toContain('All good!');
  expect(status).toBe(0);
});

test.each(packages)('attw finds the types of %s from ESM and bundlers', (name) => {
  // Files for `new Worker` and for bundlers' aliases, never imported for their types.
  const files: Readonly<Record<string, string[]>> = { node: ['./worker'], web: ['./worker', './left-out'] };
  const excluded = files[name] === undefined ? [] : ['--exclude-entrypoints', ...files[name]];
  const { status, output } = node('@arethetypeswrong/cli/dist/index.js', [
    tarballs[name]!,
    '--profile',
    'esm-only',
    '--no-color',
    '--no-emoji',
    ...excluded,
  ]);
  expect(status, output).toBe(0);
});

/** What `forja init` copies. */
const templates = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'templates'], {
  cwd: join(root, 'packages', 'node'),
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .sort();

test.each(packages)('%s carries its licence and notices, and nothing that it should not', (name) => {
  const files = list(name).map((path) => path.replace(/^package\//, ''));
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'NOTICES.md', 'README.md', 'package.json']));
  const further = name === 'node' ? /^templates\/(service|page|training)\// : /^(?!)/;
  if (name === 'node') expect(files.filter((path) => further.test(path)).sort()).toEqual(templates);
  const others = files.filter((path) => !further.test(path));
  expect(others.filter((path) => !/^(dist\/|LICENSE$|NOTICES\.md$|README\.md$|package\.json$)/.test(path))).toEqual([]);
  expect(files.filter((path) => path.endsWith('.test.js') || path.endsWith('.tsbuildinfo'))).toEqual([]);
});

test.each(packages)('%s names real versions', (name) => {
  const text = file(name, 'package.json');
  expect(text).not.toMatch(/workspace:|catalog:|file:|link:/);
  const manifest = JSON.parse(text) as { version: string; license: string; engines: { node: string }; type: string };
  expect(manifest).toMatchObject({ license: 'MIT', type: 'module', engines: { node: '>=20.19' } });
  expect(manifest.version).toBe((JSON.parse(file('core', 'package.json')) as { version: string }).version);
});

test.each(packages)('no path of the machine that built it is in %s', (name) => {
  for (const path of list(name).filter((p) => /\.(js|ts|map|md|json)$/.test(p))) {
    const text = file(name, path.replace(/^package\//, ''));
    expect(text.includes(root), path).toBe(false);
  }
});

test.each(packages)('every file that the exports and bins of %s name is there', (name) => {
  const manifest = JSON.parse(file(name, 'package.json')) as { exports: unknown; bin?: Record<string, string> };
  const named = [...JSON.stringify([manifest.exports, manifest.bin ?? {}]).matchAll(/"\.\/(dist\/[^"]+)"/g)].map(
    (m) => m[1]!,
  );
  const files = list(name).map((path) => path.replace(/^package\//, ''));
  expect(files).toEqual(expect.arrayContaining(named));
  for (const bin of Object.values(manifest.bin ?? {}))
    expect(file(name, bin.replace('./', '')).startsWith('#!/usr/bin/env node\n')).toBe(true);
});

test('no emitted declaration copies another package’s types', () => {
  for (const name of packages.filter((n) => n !== 'core'))
    for (const path of list(name).filter((p) => p.endsWith('.d.ts'))) {
      const text = file(name, path.replace(/^package\//, ''));
      expect(
        /^(declare |export )*(interface Manifest|class Generator|interface Session) /m.test(text),
        `${name}/${path}`,
      ).toBe(false);
    }
  expect(readFileSync(join(root, 'packages/core/dist/index.d.ts'), 'utf8')).toContain('Manifest');
});
