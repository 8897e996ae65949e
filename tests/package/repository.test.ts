// The repository itself: no machine-specific names in tracked files, one version of each tool, docblocks on all public
// symbols, enforced boundaries of packages, notices up to date; and a printed report of long files.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, test } from 'vitest';
import { packages, root } from './support/pack.js';

const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(root, path)));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const readable = tracked.filter(
  (path) => !/\.(png|gif|onnx|bin|ico|npy|idx|gz|tgz|woff2)$/.test(path) && path !== 'pnpm-lock.yaml',
);

test('no registry host and no absolute path of a machine is in a tracked file', () => {
  // Written in pieces, so that this file does not match itself.
  const path = new RegExp(
    `(^|[^a-zA-Z0-9_.~\\w-])/(${['work', 'farm', 'root', 'home/[a-z]+', 'Users/[a-z]+'].join('|')})/[a-z.]`,
    'm',
  );
  const host = new RegExp(
    `https?://[a-z0-9.-]*(${['registry', 'pypi', 'crates', 'packages', 'maven', 'proxy'].join('|')})[a-z0-9-]*\\.(org|io|com|net|dev)`,
  );
  const found = readable
    .filter((file) => file !== 'tests/package/repository.test.ts')
    .flatMap((file) => {
      const content = text(file);
      return [path, host].flatMap((pattern) =>
        pattern.test(content) ? [`${file}: ${pattern.exec(content)![0]}`] : [],
      );
    });
  expect(found).toEqual([]);
});

test('a tool that is in the root and in the catalog has one version', () => {
  const catalog = Object.fromEntries(
    [...text('pnpm-workspace.yaml').matchAll(/^ {2}'?([@\w/-]+)'?: (\d\S*)$/gm)].map((m) => [m[1], m[2]]),
  );
  expect(Object.keys(catalog).length).toBeGreaterThan(5);
  const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: Record<string, string> };
  for (const [name, version] of Object.entries(devDependencies))
    if (name in catalog) expect(`${name} ${version}`).toBe(`${name} ${catalog[name]}`);
  expect(JSON.stringify(devDependencies)).not.toMatch(/workspace:|catalog:/);
});

test('every public symbol has a docblock', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/check-docblocks.mjs'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout + stderr).toMatch(/public symbols have a docblock/);
  expect(status).toBe(0);
});

test('the notices list all third parties in the builds', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/notices.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
});

test('every README and page links to files that exist', () => {
  for (const page of tracked.filter((path) => path.endsWith('.md')))
    for (const [, target] of text(page).matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)/g)) {
      const path = join(root, page, '..', target!);
      expect(existsSync(path), `${page} → ${target}`).toBe(true);
    }
});

test('long files are few', () => {
  const lines = tracked
    .filter((path) => /^packages\/.*\.ts$/.test(path) && !/\.test\.ts$|\/schema\//.test(path))
    .filter((path) => !/^\/\/ .*: do not edit\.$/m.test(text(path).slice(0, 200))) // generated
    .map((path) => ({ path, lines: text(path).split('\n').length }))
    .sort((a, b) => b.lines - a.lines);
  const median = lines[Math.floor(lines.length / 2)]!.lines;
  console.log(
    `${lines.length} source files, median ${median} lines; longest:\n${lines
      .slice(0, 8)
      .map((f) => `  ${f.lines} ${f.path}`)
      .join('\n')}`,
  );
  expect(median).toBeLessThanOrEqual(120);
  expect(lines.filter((f) => f.lines > 500)).toEqual([]);
});

test('the scripts that are run by name are executable', () => {
  expect(statSync(join(root, '.ci/run')).mode & 0o111).not.toBe(0);
});

describe('lint refuses an import across a border', () => {
  // Borders are patterns of the text: without the rules that ask for types, no program is made.
  const overrideConfig = tseslint.configs.disableTypeChecked as Linter.Config;
  const eslint = new ESLint({ cwd: root, overrideConfig });
  const refused = async (file: string, source: string): Promise<boolean> => {
    const [result] = await eslint.lintText(source, { filePath: join(root, file) });
    return result!.messages.some((m) => m.ruleId === 'no-restricted-imports' || m.ruleId === 'no-restricted-syntax');
  };
  const cases: [file: string, module: string, refused: boolean][] = [
    ['packages/core/src/index.ts', '@tensorflow/tfjs', true],
    ['packages/core/src/index.ts', 'node:fs', true],
    ['packages/core/src/index.ts', 'onnxruntime-node', true],
    ['packages/core/src/index.ts', 'protobufjs/minimal.js', true],
    ['packages/core/src/index.ts', '@forja/node', true],
    ['packages/node/src/index.ts', '@tensorflow/tfjs', true],
    ['packages/node/src/index.ts', '@forja/trainer', true],
    ['packages/node/src/index.ts', '@forja/core', false],
    ['packages/node/src/index.ts', 'node:fs', false],
    ['packages/web/src/index.ts', 'node:fs', true],
    ['packages/web/src/index.ts', 'fs', true],
    ['packages/web/src/index.ts', 'onnxruntime-web', true],
    ['packages/web/src/index.ts', 'onnxruntime-web/wasm', false],
    ['packages/web/src/assets-bin.ts', 'node:fs', false],
    ['packages/trainer/src/index.ts', '@forja/node', true],
    ['packages/trainer/src/index.ts', 'node:fs', true],
    ['packages/trainer/src/index.ts', '@forja/web', true],
    ['packages/trainer/src/node.ts', '@forja/node', false],
    ['packages/trainer/src/index.ts', '@tensorflow/tfjs', false],
  ];
  test.each(cases)('%s importing %s: %s', async (file, module, expected) => {
    expect(await refused(file, `import * as x from '${module}';\nexport const y: unknown = x;\n`)).toBe(expected);
    expect(await refused(file, `export const y: unknown = import('${module}');\n`)).toBe(expected);
  });
});

test.each(packages)('packages/%s has a README with an example', (name) => {
  expect(text(`packages/${name}/README.md`)).toMatch(/```(ts|js|sh)/);
});
