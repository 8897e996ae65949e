// The forja command as a user runs it: the bundled bin in child processes. Its output is decoded by fast-png or
// compared byte by byte.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { latents } from '@forja/core';
import { encodeModel, GraphBuilder } from '@forja/core/onnx';
import { decode } from 'fast-png';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildForTests } from '../vitest.worker.js';
import { classModel, pixelsOf, SIZE } from './class-model.support.js';
import { textModel } from './text-model.support.js';

let bin: string;
let folder: string;
let home: string;

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function forja(...args: string[]): Outcome {
  return forjaWith({}, ...args);
}

/** {@link forja} with other environment variables; undefined removes one. */
function forjaWith(env: Record<string, string | undefined>, ...args: string[]): Outcome {
  // vitest's own bin sets NODE_PATH to a folder where pnpm keeps the workspace's @forja/trainer.
  return spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_PATH: '', ...env },
  });
}

/** The `--json` output of a successful call. */
function result(...args: string[]): Record<string, unknown> {
  const { status, stdout, stderr } = forja(...args, '--json');
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>; // of the command's own types
}

const sha256 = (bytes: Uint8Array): Promise<string> =>
  Promise.resolve(createHash('sha256').update(bytes).digest('hex'));

const generatorFile = (classes = ['plain', 'lighter']): Promise<Uint8Array> =>
  classModel(sha256, classes, { license: 'CC0-1.0' });

const TRAINER = `
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const command = (name, run, more = {}) => ({ name, summary: name + ' something', examples: ['forja ' + name], run, ...more });
export const commands = [
  command('train', async (args, io) => {
    const bar = io.progress(20, 'Training');
    for (let i = 1; i <= 20; i++) bar.update(i, 'step');
    bar.stop('finished');
    io.print('printed');
    io.warn('warned');
    return { args, cwd: io.cwd, tty: io.tty, big: 2n ** 60n };
  }, {
    arguments: [{ name: 'systemName', description: 'what to train', required: true }, { name: 'rest', description: 'more' }],
    options: [
      { flags: '--steps <n>', description: 'steps', type: 'integer', default: 100 },
      { flags: '--rate <r>', description: 'rate', type: 'number' },
      { flags: '--input <spec>', description: 'inputs', type: 'list' },
      { flags: '--layout <l>', description: 'layout', choices: ['nchw', 'nhwc'] },
      { flags: '--dry-run', description: 'only look' },
      { flags: '--no-verify', description: 'skip' },
    ],
  }),
  command('patient', async (_args, io) => {
    console.log('ready');
    while (!io.signal.aborted) await wait(5);
    io.print('saved');
  }),
  command('deaf', async () => {
    console.log('ready');
    await wait(30_000);
  }),
  command('broken', async () => {
    throw new TypeError('undefined is not a gan');
  }),
];
export const dataPackages = [
  { data: 'digits', packages: ['digits-data'] },
  { data: 'drawings', packages: ['digits-data', 'drawings-a', 'drawings-b'] },
];
`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-cli-'));
  home = mkdtempSync(join(tmpdir(), 'forja-bin-'));
  // Outside the workspace, where @forja/trainer would be found.
  cpSync(await buildForTests(), home, { recursive: true });
  for (const name of ['commander', '@clack/prompts', '@dagrejs/dagre', 'onnxruntime-node']) {
    mkdirSync(dirname(join(home, 'node_modules', name)), { recursive: true });
    symlinkSync(
      fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)),
      join(home, 'node_modules', name),
      'junction',
    );
  }
  bin = join(home, 'bin.js');
  const model = await generatorFile();
  writeFileSync(join(folder, 'generator.onnx'), model);
  writeFileSync(join(folder, 'truncated.onnx'), model.subarray(0, model.length / 2));
  writeFileSync(join(folder, 'empty.onnx'), '');
  writeFileSync(join(folder, 'page.onnx'), '<!DOCTYPE html><html><body>Not found</body></html>');
  writeFileSync(join(folder, 'noise.onnx'), createHash('sha512').update('noise').digest());
  // One bit of a weight: the last byte of the last 1.0 of `rows`.
  const flipped = Buffer.from(model);
  flipped[flipped.lastIndexOf(Buffer.from(Float32Array.of(1, 1).buffer)) + 7]! ^= 1;
  writeFileSync(join(folder, 'flipped.onnx'), flipped);
  const g = new GraphBuilder({ name: 'function' });
  const x = g.input('x', 'float32', ['batch', 2]);
  g.output('y', g.op('Add', [x, x]));
  writeFileSync(join(folder, 'function.onnx'), encodeModel(g.build()));
  mkdirSync(join(folder, 'folder.onnx'));
});

afterAll(() => [folder, home].forEach((path) => rmSync(path, { recursive: true, force: true })));

describe('sample', () => {
  test('a .png is the grid of a seed, pixel for pixel', () => {
    expect(
      result('sample', 'generator.onnx', '-o', 'out/grid.png', '--count', '4', '--seed', '7', '--label', 'plain'),
    ).toMatchObject({
      count: 4,
      width: 4,
      height: 2,
      channels: 1,
      seed: '7',
      files: [join(folder, 'out/grid.png')],
      device: { actual: 'cpu' },
    });
    const png = decode(readFileSync(join(folder, 'out/grid.png')));
    expect(png).toMatchObject({ width: 8, height: 4, channels: 1 });
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => pixelsOf(latents(7, i, 1, SIZE)));
    const rows = (left: number[], right: number[]): number[] =>
      [0, 4].flatMap((y) => [...left.slice(y, y + 4), ...right.slice(y, y + 4)]);
    expect(nearlyEqual([...png.data], [...rows(a!, b!), ...rows(c!, d!)])).toBe(true);
    expect(readdirSync(join(folder, 'out'))).toEqual(['grid.png']); // no temporary files left
  });

  test('a folder gets one PNG each; labels by number; big seeds', () => {
    result('sample', 'generator.onnx', '-o', 'many', '-n', '3', '--seed', '18446744073709551615', '--label', '1');
    expect(readdirSync(join(folder, 'many'))).toEqual(['0000.png', '0001.png', '0002.png']);
    // fewer pictures would leave some of the earlier call
    const fewer = forja('sample', 'generator.onnx', '-o', 'many', '-n', '2', '--label', '1');
    expect([fewer.status, fewer.stderr]).toEqual([2, expect.stringMatching(/1 more \(0002\.png/)]);
    expect(
      nearlyEqual(
        [...decode(readFileSync(join(folder, 'many/0002.png'))).data],
        pixelsOf(latents(2n ** 64n - 1n, 2, 1, SIZE), 1),
      ),
    ).toBe(true);
  });

  test('a class that is called by a number is found by its name', async () => {
    writeFileSync(join(folder, 'numbers.onnx'), await generatorFile(['1', '0']));
    const asked = (label: string): number[] => {
      result('sample', 'numbers.onnx', '-o', 'number.png', '-n', '1', '--label', label);
      return [...decode(readFileSync(join(folder, 'number.png'))).data];
    };
    expect(nearlyEqual(asked('1'), pixelsOf(latents(0, 0, 1, SIZE)))).toBe(true);
    expect(nearlyEqual(asked('0'), pixelsOf(latents(0, 0, 1, SIZE), 1))).toBe(true);
  });

  test('several texts, and unknown words', async () => {
    writeFileSync(join(folder, 'told.onnx'), await textModel(sha256));
    result('sample', 'told.onnx', '-o', 'told', '-n', '3', '-s', '7', '--text', 'much lighter', '--text', 'Darker!');
    for (const [i, shift] of [1.5, -2, 1.5].entries()) {
      const { data } = decode(readFileSync(join(folder, `told/000${i}.png`)));
      expect(nearlyEqual([...data], pixelsOf(latents(7, i, 1, SIZE), shift))).toBe(true);
    }
    const { status, stderr } = forja('sample', 'told.onnx', '-o', 'none', '--text', 'drker');
    expect([status, stderr]).toEqual([2, expect.stringContaining("got 'drker' (did you mean 'darker'?)")]);
    expect(forja('inspect', 'told.onnx').stdout).toMatch(/text +text, 3 words: lighter, darker, much/);
  });

  test('truncation, columns and padding', () => {
    result(
      'sample',
      'generator.onnx',
      '-o',
      'row.png',
      '--count',
      '2',
      '--label',
      '0',
      '--truncation',
      '0.5',
      '--columns',
      '2',
      '--padding',
      '1',
    );
    const row = decode(readFileSync(join(folder, 'row.png')));
    expect(row).toMatchObject({ width: 9, height: 2 });
    const [a, b] = [0, 1].map((i) => pixelsOf(latents(0, i, 1, SIZE, { truncation: 0.5 })));
    expect(
      nearlyEqual(
        [...row.data],
        [0, 4].flatMap((y) => [...a!.slice(y, y + 4), 0, ...b!.slice(y, y + 4)]),
      ),
    ).toBe(true);
    result('sample', 'generator.onnx', '-o', 'scaled.png', '--count', '1', '--label', '0', '--truncation', 'psi:0.5');
    expect(
      nearlyEqual(
        [...decode(readFileSync(join(folder, 'scaled.png'))).data],
        pixelsOf(latents(0, 0, 1, SIZE).map((z) => z / 2)),
      ),
    ).toBe(true);
  });

  test('.gif and .apng by extension; the output names the written files', () => {
    const { status, stdout } = forja('sample', 'generator.onnx', '-o', 'out/a.gif', '--count', '3', '--delay', '90');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^3 pictures of 4 × 2, seed 0, in .*out.a\.gif\n\d+ images\/s on cpu, \d+ threads?\n$/);
    expect(readFileSync(join(folder, 'out/a.gif'), 'latin1').slice(0, 6)).toBe('GIF89a');
    result('sample', 'generator.onnx', '-o', 'out/a.apng', '--count', '3');
    expect(readFileSync(join(folder, 'out/a.apng'), 'latin1')).toContain('acTL');
  });

  test('a file with a flipped byte is sampled with --integrity off', () => {
    expect(result('sample', 'flipped.onnx', '-o', 'out/flipped.png', '--integrity', 'off')).toMatchObject({
      count: 16,
    });
  });
});

test('interpolate: the ends are the first latents of both seeds', () => {
  expect(
    result('interpolate', 'generator.onnx', '-o', 'walk', '--from', '1', '--to', '2', '--steps', '5', '--label', '0'),
  ).toMatchObject({ count: 5, from: '1', to: '2' });
  const frame = (i: number): number[] => [...decode(readFileSync(join(folder, `walk/000${i}.png`))).data];
  expect(nearlyEqual(frame(0), pixelsOf(latents(1, 0, 1, SIZE)))).toBe(true);
  expect(nearlyEqual(frame(4), pixelsOf(latents(2, 0, 1, SIZE)))).toBe(true);
  const { stdout } = forja('interpolate', 'generator.onnx', '-o', 'walk.gif', '--loop', '--steps', '8');
  expect(stdout).toMatch(/^8 pictures of 4 × 2, seed 0 to 1 and back, in .*walk\.gif/);
});

test('inspect: inputs, outputs, ops, parameters, manifest and integrity', () => {
  expect(result('inspect', 'generator.onnx')).toMatchObject({
    inputs: [
      { name: 'latent', dtype: 'float32', shape: ['batch', 8] },
      { name: 'label', dtype: 'int64', shape: ['batch'] },
    ],
    outputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 1, 2, 4] }],
    nodes: 4,
    ops: { Add: 1, Gather: 1, Reshape: 1, Tanh: 1 },
    parameters: 16,
    external: [],
    manifest: { kind: 'latent', license: 'CC0-1.0' },
    integrity: 'ok',
  });
  expect(result('inspect', 'function.onnx')).toMatchObject({ parameters: 0, manifest: null, integrity: 'none' });
  expect(result('inspect', 'flipped.onnx', '--no-integrity')).toMatchObject({ integrity: 'not checked' });
  const { stdout } = forja('inspect', 'generator.onnx');
  expect(stdout).toMatch(/^inputs +latent float32\[batch, 8\]; label int64\[batch\]$/m);
  expect(stdout).toMatch(/^manifest +latent, by test, licence CC0-1.0$/m);
  expect(stdout).toMatch(/^ {2}label +label, 2 classes: plain, lighter$/m);
});

test('inspect --graph: also writes a page or an SVG', () => {
  const { drawn } = result('inspect', 'generator.onnx', '--graph', '-o', 'drawn/g.html') as { drawn: unknown };
  expect(drawn).toEqual({ file: join(folder, 'drawn/g.html'), boxes: 6 });
  expect(readFileSync(join(folder, 'drawn/g.html'), 'utf8')).toMatch(/<svg[^]*Gather[^]*<td>Tanh<\/td>/);
  expect(forja('inspect', 'generator.onnx', '--graph', '-o', 'drawn/g.svg').stdout).toMatch(/^Graph of 6 boxes in /m);
  expect(readFileSync(join(folder, 'drawn/g.svg'), 'utf8')).toMatch(/^<svg /);
});

test('doctor: versions and devices, each tried', () => {
  const found = result('doctor') as unknown as {
    versions: Record<string, string>;
    devices: { device: string; works: boolean; reason?: string }[];
    data: unknown[];
    programs: { name: string }[];
  };
  expect(found.data).toEqual([]); // listed by the trainer only
  expect(found.programs.map(({ name }) => name)).toEqual(['browser', 'ffmpeg']);
  expect(forja('doctor').stdout).toMatch(/^ {2}@forja\/trainer +not installed; .*npm install @forja\/trainer/m);
  expect(found.versions).toMatchObject({ node: process.versions.node, forja: '0.0.0' });
  expect(found.devices.find(({ device }) => device === 'cpu')).toMatchObject({ works: true });
  for (const { works, reason } of found.devices) expect(works || (reason ?? '').length > 5).toBe(true);
});

describe('doctor: the browser', () => {
  const program = (env: Record<string, string | undefined>): unknown => {
    const { status, stdout, stderr } = forjaWith(env, 'doctor', '--json');
    expect(status, stderr).toBe(0);
    const { programs } = JSON.parse(stdout) as { programs: { name: string }[] };
    return programs.find(({ name }) => name === 'browser');
  };

  test('that CHROMIUM_PATH names', () => {
    const path = join(folder, 'generator.onnx'); // any file: it is not started
    expect(program({ CHROMIUM_PATH: path })).toEqual({ name: 'browser', path });
  });

  test('is not searched elsewhere if CHROMIUM_PATH is wrong', () => {
    const path = join(folder, 'no-such-browser');
    expect(program({ CHROMIUM_PATH: path })).toEqual({
      name: 'browser',
      advice: `CHROMIUM_PATH names ${path}, which does not exist`,
    });
    expect(forjaWith({ CHROMIUM_PATH: path }, 'doctor').stdout).toMatch(/^ {2}browser +CHROMIUM_PATH names .*$/m);
  });

  test('is found on the PATH', (context) => {
    if (process.platform === 'win32') return context.skip('Windows does not run the scripts that stand for programs');
    const programs = join(folder, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'chromium'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(programs, 'ffmpeg'), '#!/bin/sh\necho ffmpeg version 9.9-test Copyright\n', { mode: 0o755 });
    const env = { CHROMIUM_PATH: undefined, PATH: [join(folder, 'nowhere'), programs].join(delimiter) };
    expect(program(env)).toEqual({ name: 'browser', path: join(programs, 'chromium') });
    expect(forjaWith(env, 'doctor').stdout).toMatch(/^ {2}ffmpeg +9\.9-test, \S+ffmpeg$/m);
  });

  test('is missing', (context) => {
    if (process.platform !== 'linux') return context.skip('only on Linux are browsers found on the PATH alone');
    expect(program({ CHROMIUM_PATH: undefined, PATH: join(folder, 'nowhere') })).toEqual({
      name: 'browser',
      advice: 'no Chromium, Chrome or Edge found; set CHROMIUM_PATH. Only tests of pages need it',
    });
  });
});

describe('help', () => {
  test('the first page lists the commands, and how to get the others', () => {
    const { status, stdout } = forja('--help');
    expect(status).toBe(0);
    for (const name of ['sample', 'interpolate', 'inspect', 'doctor', 'train']) expect(stdout).toContain(name);
    expect(forja().status).toBe(2);
    expect(forja('--version').stdout).toBe('0.0.0\n');
  });
  test.each(['sample', 'interpolate', 'inspect', 'doctor'])('%s --help has examples and the common options', (name) => {
    const { status, stdout, stderr } = forja(name, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: forja ${name} `));
    expect(stdout).toContain('--json');
    expect(stdout).toMatch(new RegExp(`Examples:\n {2}\\$ forja ${name}`));
    expect(forja('help', name).stdout).toBe(stdout);
  });
});

describe('refusals: one line with a code, nothing written', () => {
  beforeEach(() => {
    rmSync(join(folder, 'refused'), { recursive: true, force: true });
    mkdirSync(join(folder, 'refused/taken.gif'), { recursive: true });
    writeFileSync(join(folder, 'refused/kept.png'), 'what was there');
  });

  const at = ['-o', 'refused/kept.png'];
  test.each<[string[], 1 | 2, string, RegExp]>([
    [
      ['sample', 'generator.onnx', ...at, '--count', '0'],
      2,
      'input.range',
      /count: expected an integer from 1 to 10000000, got 0/,
    ],
    [['sample', 'generator.onnx', ...at, '--count', '1000000000'], 2, 'input.range', /got 1000000000/],
    [
      ['sample', 'generator.onnx', ...at, '--count', 'many'],
      2,
      'usage',
      /sample --count: expected an integer, got 'many'/,
    ],
    [['sample', 'generator.onnx', ...at, '--count', '2.5'], 2, 'usage', /expected an integer, got '2.5'/],
    [
      ['sample', 'generator.onnx', ...at, '--seed', '-1'],
      2,
      'input.range',
      /sample --seed: expected an integer from 0 to 2\^64 - 1, got '-1'/,
    ],
    [['sample', 'generator.onnx', ...at, '--seed', '18446744073709551616'], 2, 'input.range', /--seed/],
    [['sample', 'generator.onnx', ...at, '--label', '2'], 2, 'input.range', /label/],
    [['sample', 'generator.onnx', ...at, '--label', 'darker'], 2, 'input.range', /label.*darker/],
    [
      ['sample', 'generator.onnx', ...at, '--truncation', '-1'],
      2,
      'input.range',
      /truncation: expected a number above 0/,
    ],
    [
      ['sample', 'generator.onnx', ...at, '--truncation', 'much'],
      2,
      'usage',
      /--truncation: expected a number such as 0.7, or psi:0.7, got 'much'/,
    ],
    [['sample', 'generator.onnx', ...at, '--columns', '0'], 2, 'input.range', /columns: expected an integer from 1/],
    [
      ['sample', 'generator.onnx', ...at, '--threads', '0'],
      2,
      'input.range',
      /--threads: expected an integer from 1 to \d+, got 0/,
    ],
    [['sample', 'generator.onnx', ...at, '--device', 'abacus'], 2, 'usage', /--device: expected one of auto, cpu/],
    [['sample', 'generator.onnx', ...at, '--device', 'dml'], 1, 'device.unavailable', /DirectML is only on Windows/],
    [
      ['sample', 'generator.onnx', '-o', 'refused/a.jpg'],
      2,
      'usage',
      /--out: expected a .png, .gif or .apng file, or a folder, got 'refused\/a.jpg'/,
    ],
    [['sample', 'generator.onnx', '-o', 'refused/taken.gif'], 2, 'usage', /expected a file, but .* is a folder/],
    [['sample', 'generator.onnx', '-o', 'refused/kept.png/'], 2, 'usage', /expected a folder, but .* is a file/],
    [
      ['sample', 'generator.onnx', '-o', 'refused/kept.png/a.png'],
      1,
      'io',
      /cannot write .*kept.png.a.png: .*kept.png is a file/,
    ],
    [['sample', 'generator.onnx', '-o', 'refused/a.gif', '--columns', '2'], 2, 'usage', /--columns: expected a .png/],
    [['sample', 'generator.onnx', ...at, '--delay', '50'], 2, 'usage', /--delay: expected a .gif or .apng/],
    [
      ['sample', 'generator.onnx', '-o', 'refused/a.gif', '--delay', '5'],
      2,
      'input.range',
      /--delay: expected an integer from 10 to 60000/,
    ],
    [['sample', 'nowhere.onnx', ...at], 1, 'model.notFound', /nowhere\.onnx/],
    [['sample', 'folder.onnx', ...at], 1, 'model.notFound', /folder/],
    [['sample', 'empty.onnx', ...at], 1, 'model.truncated', /got an empty file/],
    [['sample', 'page.onnx', ...at], 1, 'model.format', /got a web page/],
    [['sample', 'noise.onnx', ...at], 1, 'model.format', /expected an ONNX model/],
    [['sample', 'truncated.onnx', ...at], 1, 'model.truncated', /the file is cut off/],
    [['sample', 'flipped.onnx', ...at], 1, 'model.integrity', /expected SHA-256 .* changed or damaged/],
    [['sample', 'function.onnx', ...at], 1, 'model.notGenerator', /expected a model that makes pictures/],
    [['interpolate', 'generator.onnx', ...at, '--steps', '1'], 2, 'input.range', /steps: expected an integer from 2/],
    [
      ['interpolate', 'generator.onnx', ...at, '--mode', 'jump'],
      2,
      'usage',
      /--mode: expected one of slerp, lerp, got 'jump'/,
    ],
    [['inspect', 'nowhere.onnx'], 1, 'model.notFound', /there is no such file/],
    [['inspect', 'folder.onnx'], 1, 'model.notFound', /got the folder/],
    [['inspect', 'empty.onnx'], 1, 'model.truncated', /empty file/],
    [['inspect', 'page.onnx'], 1, 'model.format', /web page/],
    [['inspect', 'truncated.onnx'], 1, 'model.truncated', /cut off/],
    [['inspect', 'flipped.onnx'], 1, 'model.integrity', /SHA-256/],
    [['inspect'], 2, 'usage', /inspect: expected <model>, any ONNX file/],
    [['inspect', 'generator.onnx', 'function.onnx'], 2, 'usage', /too many arguments/],
    [['inspect', 'generator.onnx', '--colour'], 2, 'usage', /unknown option '--colour'/],
    [['sample', 'generator.onnx', '--count'], 2, 'usage', /--count <n>' argument missing/],
    [['forge'], 2, 'usage', /expected a command \(init, sample, .*got 'forge'$/],
    [['smaple'], 2, 'usage', /got 'smaple'; did you mean 'sample'\?$/],
    [['trian'], 2, 'usage', /got 'trian'; did you mean 'train'\?$/],
    [['sample', 'generator.onnx', '--sead', '1'], 2, 'usage', /unknown option '--sead' \(Did you mean --seed\?\)/],
    [['inspect', 'generator.onnx', '--graph', '-o', 'a.png'], 2, 'usage', /expected a .html or .svg file, got 'a.png'/],
    [['inspect', 'generator.onnx', '--graph', '-o', '-'], 2, 'usage', /--out: expected a file or folder to write to/],
    [['inspect', 'generator.onnx', '-o', 'a.svg'], 2, 'usage', /--out: expected --graph with it/],
    [['inspect', 'generator.onnx', '--no-fold'], 2, 'usage', /--no-fold: expected --graph with it/],
    [['inspect', 'generator.onnx', '--graph', '-o', 'generator.onnx/a.svg'], 1, 'io', /generator.onnx is a file/],
    [['--colour'], 2, 'usage', /got the option '--colour'/],
    [['train', 'mnist'], 2, 'usage', /train: expected @forja\/trainer to be installed: npm install @forja\/trainer/],
    [['export', 'model.json'], 2, 'usage', /npm install @forja\/trainer/],
  ])('%j', (args, status, code, message) => {
    const before = readdirSync(folder).sort();
    const { stdout, stderr, ...rest } = forja('--json', ...args);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    expect({ status: rest.status, code: error.code }).toEqual({ status, code });
    expect(error.message).toMatch(message);
    expect(stderr.endsWith(`error: ${error.message} [${code}]\n`)).toBe(true); // native code may warn before it
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(error.message).not.toMatch(/\n|\s{4}at /);
    expect(readFileSync(join(folder, 'refused/kept.png'), 'utf8')).toBe('what was there');
    expect(readdirSync(join(folder, 'refused'))).toEqual(['kept.png', 'taken.gif']);
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  test('--verbose shows where, on stderr; without --json stdout is empty', () => {
    const { stdout, stderr, status } = forja('inspect', 'nowhere.onnx', '--verbose');
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    expect(stderr).toMatch(/^error: inspect: cannot read .*\n(.*\n)* {4}at .*\ncaused by /);
  });
});

describe('with @forja/trainer installed in the folder', () => {
  beforeAll(() => {
    const home = join(folder, 'node_modules/@forja/trainer');
    mkdirSync(home, { recursive: true });
    writeFileSync(
      join(home, 'package.json'),
      JSON.stringify({
        name: '@forja/trainer',
        type: 'module',
        exports: { './node': { types: './none.d.ts', default: './node.js' } },
      }),
    );
    writeFileSync(join(home, 'node.js'), TRAINER);
  });
  afterAll(() => rmSync(join(folder, 'node_modules'), { recursive: true }));

  test('its commands are in the help and get their options parsed', () => {
    expect(forja('--help').stdout).toMatch(/^ {2}train +train something$/m);
    expect(forja('train', '--help').stdout).toMatch(/Usage: forja train <systemName> \[rest\] \[options\]/);
    expect(
      result(
        'train',
        'dcgan',
        '--rate',
        '2e-3',
        '--input',
        'a:1,2',
        '--input',
        'b:3',
        '--layout',
        'nchw',
        '--dry-run',
        '--no-verify',
      ),
    ).toEqual({
      args: {
        systemName: 'dcgan',
        steps: 100,
        rate: 0.002,
        input: ['a:1,2', 'b:3'],
        layout: 'nchw',
        dryRun: true,
        verify: false,
      },
      cwd: folder,
      tty: false,
      big: '1152921504606846976',
    });
  });

  test('doctor lists the packages of data sets that are missing in the folder', () => {
    mkdirSync(join(folder, 'node_modules/digits-data'));
    writeFileSync(join(folder, 'node_modules/digits-data/package.json'), '{ "name": "digits-data" }');
    expect(result('doctor')['data']).toEqual([
      { data: 'digits', missing: [] },
      { data: 'drawings', missing: ['drawings-a', 'drawings-b'] },
    ]);
    const { stdout } = forja('doctor');
    expect(stdout).toMatch(/^ {2}--data digits +ready$/m);
    expect(stdout).toMatch(/^ {2}--data drawings +npm install drawings-a drawings-b$/m);
  });

  test('without a terminal, progress is plain lines on stderr, and none with --json', () => {
    const { status, stdout, stderr } = forja('train', 'dcgan');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'printed\n' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.slice(0, 2)).toEqual(['Training 1/20  step', 'Training 2/20  step']);
    expect(lines.slice(-3)).toEqual(['Training 20/20  step', 'finished', 'warning: warned']);
    expect(lines).toHaveLength(13);
    expect(forja('train', 'dcgan', '--json').stderr).toBe('warning: warned\n');
  });

  test.each([
    [['train'], 2, 'usage', /train: expected <systemName>, what to train/],
    [['train', 'dcgan', '--rate', 'fast'], 2, 'usage', /train --rate: expected a number, got 'fast'/],
    [['train', 'dcgan', '--layout', 'chwn'], 2, 'usage', /train --layout: expected one of nchw, nhwc, got 'chwn'/],
    [['trian', 'dcgan'], 2, 'usage', /expected a command \(init, .*, train, .*got 'trian'/],
    [['broken'], 1, 'internal', /^undefined is not a gan \(this is a bug/],
  ] as const)('%j is refused', (args, status, code, message) => {
    const outcome = forja(...args, '--json');
    const { error } = JSON.parse(outcome.stdout) as { error: { code: string; message: string } };
    expect({ status: outcome.status, code: error.code }).toEqual({ status, code });
    expect(error.message).toMatch(message);
    expect(outcome.stderr).not.toMatch(/ {4}at /);
  });

  test('Ctrl-C once lets the command finish; twice ends it', async () => {
    expect(await interrupted('patient', 1)).toEqual({ code: 0, stdout: 'ready\nsaved\n' });
    expect(await interrupted('deaf', 2)).toEqual({ code: 130, stdout: 'ready\n' });
  });

  test('a trainer without one of its peers names it', () => {
    writeFileSync(
      join(folder, 'node_modules/@forja/trainer/node.js'),
      "import '@tensorflow/tfjs';\nexport const commands = [];\n",
    );
    expect(forja('train', 'dcgan')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /expected '@tensorflow\/tfjs' to be installed too: npm install .* \[usage\]\n$/,
      ) as string,
    });
    expect(forja('--help').status).toBe(0);
  });
});

test('Ctrl-C during a long sample: exit 130, nothing written', async () => {
  const child = spawn(process.execPath, [bin, 'sample', 'generator.onnx', '-o', 'long/', '--count', '100000'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    const begun = stderr.includes('Writing');
    stderr += String(chunk);
    if (!begun && stderr.includes('Writing')) child.kill('SIGINT'); // once: a second one does not wait
  });
  const code = await new Promise((done) => child.on('close', done));
  expect({ code, stderr: stderr.split('\n').at(-2) }).toEqual({
    code: 130,
    stderr: expect.stringMatching(/^error: interrupted after \d+ of 100000 pictures \[aborted\]$/) as string,
  });
  expect(readdirSync(join(folder, 'long')).every((name) => /^\d{5}\.png$/.test(name))).toBe(true);
});

test('fails with a message if output cannot be written', (context) => {
  if (process.platform !== 'linux') return context.skip('only Linux has /dev/full');
  for (const args of [['inspect', 'generator.onnx'], ['inspect', 'generator.onnx', '--json'], ['--help']]) {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [bin, ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'error: cannot write standard output: no space left on the device [io]\n',
    });
  }
});

test.each(['sample', 'interpolate', 'export-repository'])('%s -o - is refused', (command) => {
  const { status, stdout } = forja(command, 'generator.onnx', '-o', '-', '--json');
  expect(status).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } });
  expect(readdirSync(folder)).not.toContain('-');
});

test.each(['sample', 'interpolate', 'export-repository'])('%s to an address is refused', (command) => {
  const { status, stdout } = forja(command, 'generator.onnx', '-o', 'ftp://host/a.gif', '--json');
  expect(status).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } });
  expect(readdirSync(folder)).not.toContain('ftp:');
});

test('runs through a link, as npm installs it', () => {
  const link = join(folder, 'forja-link');
  symlinkSync(bin, link);
  const outcome = spawnSync(process.execPath, [link, '--version'], { encoding: 'utf8' });
  expect(outcome.stdout).toBe('0.0.0\n');
  expect(readFileSync(bin, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true);
});

/** Bytes at most 1 apart: the runtime's tanh and the engine's differ in the last place. */
function nearlyEqual(a: number[], b: number[]): boolean {
  return a.length === b.length && a.every((x, i) => Math.abs(x - b[i]!) <= 1);
}

async function interrupted(command: string, times: number): Promise<{ code: unknown; stdout: string }> {
  const child = spawn(process.execPath, [bin, command], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (stdout === '') child.kill('SIGINT');
    stdout += String(chunk);
  });
  // Sends more once the first was seen, until it ends: those that follow at once belong to the first.
  let more: NodeJS.Timeout | undefined;
  child.stderr.on('data', (chunk: Buffer) => {
    if (times > 1 && !stderr.includes('Stopping') && (stderr += String(chunk)).includes('Stopping'))
      more = setInterval(() => child.kill('SIGINT'), 100);
  });
  const code = await new Promise((done) => child.on('close', done));
  clearInterval(more);
  return { code, stdout };
}
