// forja init from the sources: what is written, what is refused. The projects at work: tests/package/install.test.ts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { checkModelBytes, readManifest } from '@forja/core';
import { decodeModel, encodeModel, externalizeModel } from '@forja/core/onnx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { abstractPictures } from '../abstract-pictures.js';
import { projectKinds } from './init.js';
import { main } from './main.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forja-init-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function forja(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await main(args, { stdout, stderr, cwd: folder });
  const text = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { code, out: text(stdout), err: text(stderr) };
}

const files = (name: string): string[] =>
  readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

test.each(projectKinds)('%s: every file is filled in, and the model is a generator', async (kind) => {
  const { code, out } = await forja('init', `My ${kind}`, '--kind', kind);
  expect(code).toBe(0);
  expect(out).toMatch(/Next:\n {2}cd ['"]My \w+['"]\n {2}npm install\n/);
  const written = files(`My ${kind}`);
  expect(written.some((path) => path.endsWith('.gitignore'))).toBe(true);
  for (const path of written.filter((file) => !file.endsWith('.onnx')))
    expect(readFileSync(path, 'utf8'), path).not.toMatch(/\{\{|\}\}/);
  const { name, scripts, ...parts } = JSON.parse(readFileSync(join(folder, `My ${kind}`, 'package.json'), 'utf8')) as {
    name: string;
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  expect(name).toBe(`my-${kind}`);
  // Versions of other packages are those that this repository is tested with.
  const catalog = readFileSync(new URL('../../../../pnpm-workspace.yaml', import.meta.url), 'utf8');
  for (const [dependency, version] of Object.entries({ ...parts.dependencies, ...parts.devDependencies }))
    if (!dependency.startsWith('@forja/'))
      expect(catalog).toMatch(new RegExp(`^ {2}'?${dependency}'?: ${version}$`, 'm'));
  // The scripts that the command suggests exist.
  const next = [...out.matchAll(/^ {2}npm (?:run )?(\w+)$/gm)].map(([, script]) => script!);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(next.filter((script) => script !== 'install')));
  const model = readFileSync(written.find((path) => path.endsWith('.onnx'))!);
  checkModelBytes(model, 'model');
  expect(readManifest(model)).toMatchObject({ kind: 'latent', license: 'CC0-1.0' });
});

test('--model copies a generator; an empty folder is taken', async () => {
  const { model, external } = externalizeModel(decodeModel(await abstractPictures()), { least: 1, location: 'w.bin' });
  mkdirSync(join(folder, 'own'));
  writeFileSync(join(folder, 'own/own.onnx'), encodeModel(model));
  for (const [name, bytes] of external) writeFileSync(join(folder, 'own', name), bytes);
  mkdirSync(join(folder, 'empty'));
  expect(await forja('init', 'empty', '--kind', 'page', '--model', 'own/own.onnx')).toMatchObject({ code: 0 });
  for (const [from, to] of [
    ['own.onnx', 'generator.onnx'],
    ['w.bin', 'w.bin'],
  ] as const)
    expect(readFileSync(join(folder, 'empty/public', to))).toEqual(readFileSync(join(folder, 'own', from)));
  writeFileSync(join(folder, 'own/page.onnx'), '<!DOCTYPE html>');
  expect((await forja('init', 'other', '--kind', 'page', '--model', 'own/page.onnx')).err).toContain('a web page');
});

test
  .runIf(process.platform !== 'win32')
  .each(["it's here", 'a "quoted" name', '-dash', '$HOME `x`', '~tilde', 'plain'])(
  'the printed cd leads to %j in a shell',
  async (name) => {
    const { code, out } = await forja('init', '--kind', 'page', '--', name);
    expect(code).toBe(0);
    const [, line = ''] = /^ {2}(cd .*)$/m.exec(out) ?? [];
    const place = execFileSync('sh', ['-c', `${line} && pwd -P`], { cwd: folder, encoding: 'utf8' });
    expect(place).toBe(`${join(realpathSync(folder), name)}\n`);
  },
);

test.each<[string[], RegExp]>([
  [['init', 'taken', '--kind', 'page'], /but .*taken has a, b, c and 1 more \[usage\]/],
  [['init', 'taken/a', '--kind', 'page'], /taken.a is, or lies below, a file/],
  [['init', 'none'], /expected --kind service \(a Node service\), --kind page/],
  [['init', 'none', '--kind', 'app'], /--kind: expected one of service, page, training, got 'app'/],
  [['init', 'none', '--kind', 'training', '--model', 'x.onnx'], /expected --kind service or page/],
  [['init', 'none', '--knid', 'page'], /unknown option '--knid' \(Did you mean --kind\?\)/],
])('%j is refused, and nothing written', async (args, message) => {
  mkdirSync(join(folder, 'taken'), { recursive: true });
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(folder, 'taken', name), '');
  const { code, err } = await forja(...args);
  expect(err).toMatch(message);
  expect(code).toBe(2);
  expect(readdirSync(folder)).not.toContain('none');
  expect(readdirSync(join(folder, 'taken'))).toEqual(['a', 'b', 'c', 'd']);
});
