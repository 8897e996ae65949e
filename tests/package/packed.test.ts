// Contents of each tarball: no findings of publint and attw, no workspace protocol, no sources or tests, licence and
// notices included.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { packages, root } from './support/pack.js';

const tarballs = inject('tarballs');
const unpacked = mkdtempSync(join(tmpdir(), 'forja-packed-'));
beforeAll(() => {
  for (const name of packages) {
    mkdirSync(join(unpacked, name));
    execFileSync('tar', ['xzf', tarballs[name]!, '-C', join(unpacked, name)]);
  }
});
afterAll(() => rmSync(unpacked, { recursive: true, force: true }));

/** Paths of a tarball's files below `package`, in which npm wants them. */
const list = (name: string): string[] =>
  readdirSync(join(unpacked, name), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(join(unpacked, name), join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .map((path) => path.replace(/^package\//, ''));
const file = (name: string, path: string): string => readFileSync(join(unpacked, name, 'package', path), 'utf8');
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

/** Templates of `forja init`. */
const templates = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'templates'], {
  cwd: join(root, 'packages', 'node'),
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .sort();

test.each(packages)('%s carries its licence and notices, and nothing that it should not', (name) => {
  const files = list(name);
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'NOTICES.md', 'README.md', 'package.json']));
  const further = name === 'node' ? /^templates\/(service|page|training|repository)\// : /^(?!)/;
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
    const text = file(name, path);
    expect(text.includes(root), path).toBe(false);
  }
});

test.each(packages)('every file in the exports and bins of %s exists', (name) => {
  const manifest = JSON.parse(file(name, 'package.json')) as { exports: unknown; bin?: Record<string, string> };
  const named = [...JSON.stringify([manifest.exports, manifest.bin ?? {}]).matchAll(/"\.\/(dist\/[^"]+)"/g)].map(
    (m) => m[1]!,
  );
  const files = list(name);
  expect(files).toEqual(expect.arrayContaining(named));
  for (const bin of Object.values(manifest.bin ?? {}))
    expect(file(name, bin.replace('./', '')).startsWith('#!/usr/bin/env node\n')).toBe(true);
});

test('no emitted declaration copies another package’s types', () => {
  for (const name of packages.filter((n) => n !== 'core'))
    for (const path of list(name).filter((p) => p.endsWith('.d.ts'))) {
      const text = file(name, path);
      expect(
        /^(declare |export )*(interface Manifest|class Generator|interface Session) /m.test(text),
        `${name}/${path}`,
      ).toBe(false);
    }
  expect(readFileSync(join(root, 'packages/core/dist/index.d.ts'), 'utf8')).toContain('Manifest');
});
