// The documentation against the built packages: TypeScript blocks compile, and those marked `run` and `forja` commands
// are run in order, in one folder per page. support/blocks.ts explains the marks. Numbers and lists that pages repeat
// from the code are compared with it.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, forjaCommands, type Block } from './support/blocks.js';
import { TFJS_ADVICE } from '../advice.js';
import { root } from './support/pack.js';

const pages = execFileSync(
  'git',
  [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    'README.md',
    'packages/*/README.md',
    'docs/*.md',
    'examples/*/README.md',
  ],
  { cwd: root, encoding: 'utf8' },
)
  .trim()
  .split('\n');
const blocks = pages.flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8')));
const scripts = blocks.filter(({ language }) => ['ts', 'js'].includes(language));

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-docs-'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  symlinkSync(join(root, 'tests', 'node_modules'), join(folder, 'node_modules'), 'junction');
  // Files that pages need: a generator, and a tfjs model on disk.
  await run(
    folder,
    `
    import { mkdirSync, writeFileSync } from 'node:fs';
    import * as tf from '@tensorflow/tfjs';
    import { exportOnnx } from '@forja/trainer/node';
    const model = tf.sequential({ layers: [
      tf.layers.dense({ inputShape: [64], units: 7 * 7 * 8, activation: 'relu' }), tf.layers.reshape({ targetShape: [7, 7, 8] }), tf.layers.upSampling2d({ size: [4, 4] }),
      tf.layers.conv2d({ filters: 1, kernelSize: 5, padding: 'same', activation: 'tanh' }),
    ] });
    const { model: bytes } = await exportOnnx(model, { inputs: [{ name: 'z', shape: ['batch', 64] }], outputs: [{ name: 'image' }], layout: { outputs: 'nchw' } });
    writeFileSync('generator.onnx', bytes);
    mkdirSync('tfjs');
    await model.save(tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      writeFileSync('tfjs/weights.bin', new Uint8Array(weightData));
      writeFileSync('tfjs/model.json', JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] }));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }));`,
    'fixtures.mjs',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(cwd: string, code: string, name: string): Promise<string> {
  writeFileSync(join(cwd, name), code);
  const { stdout } = await promisify(execFile)(process.execPath, [name], { cwd });
  return stdout;
}

const source = ({ given, code }: Block): string => `${given}\n${code}\nexport {};\n`;

test('every block of TypeScript compiles against the built declarations', () => {
  expect(scripts.length).toBeGreaterThan(25);
  const where = new Map(scripts.map((block, i) => [`block${i}.ts`, block]));
  for (const [file, block] of where) writeFileSync(join(folder, file), source(block));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [...where.keys()] }));
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/lib/tsc.js'), '-p', folder, '--pretty', 'false'],
    { cwd: folder, encoding: 'utf8' },
  );
  const faults = stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) =>
      line.replace(/^(block\d+\.ts)\((\d+),(\d+)\)/, (_, file: string, row: string) => {
        const block = where.get(file)!;
        return `${block.page}:${block.line + Number(row) - 1 - block.given.split('\n').length}`;
      }),
    );
  expect(faults).toEqual([]);
});

const runnable = pages
  .map((page) => [page, blocks.filter((block) => block.page === page && block.run)] as const)
  .filter(([, list]) => list.length > 0);

test('all pages with runnable blocks are run', () => {
  expect(runnable.map(([page]) => page)).toEqual(
    expect.arrayContaining([
      'README.md',
      'packages/core/README.md',
      'packages/node/README.md',
      'packages/trainer/README.md',
      'docs/export.md',
      'docs/latents.md',
      'docs/node.md',
      'docs/onnx.md',
      'docs/own-step.md',
      'docs/start/export.md',
      'docs/start/service.md',
      'docs/start/train.md',
      'docs/train.md',
      'docs/troubleshooting.md',
    ]),
  );
});

describe.each(runnable)('%s', (page, list) => {
  let cwd: string;
  beforeAll(() => {
    cwd = join(folder, page.replace(/\W/g, '-'));
    for (const [from, to] of [
      ['generator.onnx', 'generator.onnx'],
      ['generator.onnx', 'runs/demo/generator.onnx'],
      ['tfjs/model.json', 'tfjs/model.json'],
      ['tfjs/weights.bin', 'tfjs/weights.bin'],
    ] as const) {
      mkdirSync(dirname(join(cwd, to)), { recursive: true });
      copyFileSync(join(folder, from), join(cwd, to));
    }
  });

  test.each(list.map((block) => [block.line, block] as const))('line %i runs', async (line, block) => {
    if (block.language === 'sh') {
      for (const words of forjaCommands(block)) {
        const bin = join(root, 'packages/node/dist/bin.js');
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [bin, ...words], { cwd });
        expect(stdout + stderr).not.toMatch(TFJS_ADVICE);
      }
      return;
    }
    const { code } = transformSync(source(block), { loader: 'ts', format: 'esm', target: 'es2022' });
    await run(cwd, code, `line${line}.mjs`);
  });
});

describe('docs/train.md', () => {
  test('its tables of options match the schemas (node scripts/docs-tables.mjs writes them)', async () => {
    const texts = pages.map((page) => readFileSync(join(root, page), 'utf8'));
    const { optionTable } = await import('@forja/trainer');
    const { withTables } = await import('../../scripts/docs-tables.mjs');
    expect(texts.join('').match(/<!-- options [\w-]+ -->/g)?.length).toBeGreaterThan(3);
    for (const text of texts) expect(withTables(text, optionTable)).toBe(text);
  });

  test('the schemas accept their bounds and defaults, and refuse values beyond', async () => {
    const { optionRows, parseConfig } = await import('@forja/trainer');
    const rows = [...optionRows(), ...optionRows('dcgan')].filter(({ field }) => field !== 'data');
    const choices = (values: string): string[] => [...values.matchAll(/`([\w-]+)`/g)].map(([, choice]) => choice!);
    // Options of measures are refused if nothing is measured.
    const metrics = choices(rows.find(({ field }) => field === 'metrics')!.values);
    const base = { system: 'dcgan', data: 'mnist', metrics };
    const refusal = (field: string, value: unknown): string | undefined => {
      try {
        parseConfig({ ...base, [field]: value });
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const { field, values } of rows) {
      expect(refusal(field, null), field).toMatch(new RegExp(`^config\\.${field}: expected`));
      const [, least] = /^from (-?[\d.]+)/.exec(values) ?? [];
      if (least !== undefined && field !== 'channels') {
        expect(refusal(field, Number(least)), field).toBeUndefined();
        expect(refusal(field, Number(least) - 1), field).toMatch(/expected a number/);
      }
      for (const choice of choices(values))
        if (!values.includes('true'))
          expect(refusal(field, values.startsWith('a list of') ? [choice] : choice), field).toBeUndefined();
    }
  });
});

test('docs/index.md, of which the sidebar of the site is made, lists every page of docs', () => {
  const text = readFileSync(join(root, 'docs/index.md'), 'utf8');
  const listed = [...text.matchAll(/^- \[[^\]]+\]\(([\w/-]+\.md)\)/gm)].map(([, page]) => `docs/${page}`);
  const there = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/index.md');
  expect(listed.sort()).toEqual(there.sort());
});
