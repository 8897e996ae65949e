// Walks, mixing tables, sweeps and videos written by the commands, with a model whose pixels can be computed by hand.
// Files are decoded by upng-js and omggif, which share no code with the encoders.
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { spawnSync } from 'node:child_process';
import { latents, latentWalk, philoxNormal } from '@forja/core';
import { main } from '@forja/node/cli';
import { GifReader } from 'omggif';
import UPNG from 'upng-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAYERS, SIZE, styledModels } from './support/styled-model.js';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forja-art-'));
  const { generator, synthesis } = await styledModels((bytes) =>
    Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
  );
  writeFileSync(join(folder, 'generator.onnx'), generator);
  writeFileSync(join(folder, 'synthesis.onnx'), synthesis);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function forja(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  const code = await main(args, { cwd: folder, stdout, stderr });
  return { code, out: text(stdout), err: text(stderr) };
}

/** Runs a command that has to succeed. */
async function done(...args: string[]): Promise<void> {
  const { code, err } = await forja(...args);
  expect(code, err).toBe(0);
}

const file = (name: string): Buffer => readFileSync(join(folder, name));

/** Grey bytes of each frame. */
function frames(name: string): number[][] {
  const decoded = UPNG.decode(new Uint8Array(file(name)).buffer);
  return UPNG.toRGBA8(decoded).map((frame) => [...new Uint8Array(frame)].filter((_, i) => i % 4 === 0));
}

/** Cells of a grid of `columns` pictures, row by row. */
function cells(name: string, columns: number): number[][] {
  const [grey = []] = frames(name);
  const [width, count] = [columns * SIZE, grey.length / (SIZE * LAYERS)];
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: LAYERS }, (_, y) => {
      const at = (Math.floor(i / columns) * LAYERS + y) * width + (i % columns) * SIZE;
      return grey.slice(at, at + SIZE);
    }).flat(),
  );
}

const z = (seed: number): number[] => [...latents(seed, 0, 1, SIZE)];
const noiseOf = (seed: number): Float32Array => philoxNormal({ seed, stream: 0, step: 0 }, LAYERS * SIZE);
/** The picture of styles by layer. */
const picture = (styles: (layer: number) => ArrayLike<number>, noise: ArrayLike<number>): number[] =>
  Array.from({ length: LAYERS * SIZE }, (_, i) => {
    const w = styles(Math.floor(i / SIZE))[i % SIZE]!;
    return Math.tanh(w + noise[i]!) * 127.5 + 127.5;
  });
/** Bytes may round either way, twice if two are cross-faded. */
const expectNear = (got: number[][], wanted: number[][], most = 0.51): void => {
  expect(got.length).toBe(wanted.length);
  const apart = got.flatMap((one, i) => one.map((byte, p) => Math.abs(byte - wanted[i]![p]!)));
  expect(Math.max(...apart)).toBeLessThan(most);
};

test('mix: a row starts with its seed’s picture; cells have the column’s styles from a layer on', async () => {
  const [rows, columns] = [
    [1, 2],
    [5, 6, 7],
  ];
  await done('mix', 'generator.onnx', '--rows', '1-2', '--columns', '5,6-7', '--from', '1', '--truncation', 'psi:0.5');
  const [corner, ...others] = cells('mix.png', 4);
  expect(corner).toEqual(Array(SIZE * LAYERS).fill(255));
  const half = (seed: number): number[] => z(seed).map((v) => v / 2);
  const own = (seed: number): number[] => picture(() => half(seed), noiseOf(seed));
  expectNear(others, [
    ...columns.map(own),
    ...rows.flatMap((row) => [
      own(row),
      ...columns.map((column) => picture((layer) => half(layer < 1 ? row : column), noiseOf(row))),
    ]),
  ]);
});

test('sample: seeds as ranges, and a row of truncations for each', async () => {
  await done('sample', 'generator.onnx', '-o', 'seeds.png', '--seeds', '3-5,9', '--columns', '4', '--label', 'light');
  const moved = (seed: number, psi: number, by: number): number[] =>
    picture(() => z(seed).map((v) => v * psi + by), noiseOf(seed));
  expectNear(
    cells('seeds.png', 4),
    [3, 4, 5, 9].map((seed) => moved(seed, 1, 1)),
  );
  await done('sample', 'generator.onnx', '-o', 'sweep.png', '--seeds', '3,9', '--psi', '0..1', '--steps', '3');
  expectNear(
    cells('sweep.png', 3),
    [3, 9].flatMap((seed) => [0, 0.5, 1].map((psi) => moved(seed, psi, 0))),
  );
});

test('a walk in z passes its seeds and closes; APNG, frames and their grid have the same pixels', async () => {
  const walk = ['generator.onnx', '--seeds', '1-3', '--loop'];
  await done('video', ...walk, '-o', 'walk.apng', '--seconds', '0.9', '--fps', '10');
  const path = latentWalk(
    [1, 2, 3].map((seed) => latents(seed, 0, 1, SIZE)),
    9,
    { loop: true },
  );
  const at = (k: number): Float32Array => path.subarray(k * SIZE, (k + 1) * SIZE);
  const shown = frames('walk.apng');
  expectNear(
    shown,
    Array.from({ length: 9 }, (_, k) => picture(() => at(k), noiseOf(1))),
  );
  await done('video', ...walk, '-o', 'frames', '--seconds', '0.9', '--fps', '10');
  const names = readdirSync(join(folder, 'frames')).sort();
  expect(names.map((name) => frames(join('frames', name))[0])).toEqual(shown);
  await done('interpolate', ...walk, '-o', 'walk.png', '--steps', '9');
  expect(cells('walk.png', 3)).toEqual(shown);
});

test('a walk in w is linear in the styles, with constant noise', async () => {
  await done('interpolate', 'generator.onnx', '-o', 'w.png', '--seeds', '1,2', '--steps', '5', '--space', 'w');
  const between = (at: number): number[] => z(1).map((v, i) => (1 - at) * v + at * z(2)[i]!);
  expectNear(
    cells('w.png', 3).slice(0, 5),
    [0, 0.25, 0.5, 0.75, 1].map((at) => picture(() => between(at), noiseOf(1))),
  );
  await done('interpolate', 'generator.onnx', '-o', 'z.png', '--seeds', '1,2', '--steps', '2');
  const [w, ends] = [cells('w.png', 3), cells('z.png', 2)];
  expect([w[0], w[4]]).toEqual(ends);
});

test('classes that differ between stops are cross-faded', async () => {
  const classes = ['--label', 'plain', '--label', '2'];
  await done('interpolate', 'generator.onnx', '-o', 'crossed.png', '--seeds', '4', '--steps', '5', ...classes);
  const of = (by: number): number[] => picture(() => z(4).map((v) => v + by), noiseOf(4));
  expectNear(
    cells('crossed.png', 3).slice(0, 5),
    [0, 0.25, 0.5, 0.75, 1].map((at) => of(0).map((v, i) => (1 - at) * v + at * of(2)[i]!)),
    1.01,
  );
});

test('a video has the same bytes each time, and GIF the pixels of APNG, each enlarged', async () => {
  for (const format of ['gif', 'apng']) {
    const to = (name: string): string[] => ['video', 'generator.onnx', '-o', `${name}.${format}`, '--scale', '3'];
    await done(...to('first'), '--seconds', '0.4', '--fps', '20');
    await done(...to('second'), '--seconds', '0.4', '--fps', '20');
    expect(file(`first.${format}`).equals(file(`second.${format}`))).toBe(true);
  }
  const reader = new GifReader(new Uint8Array(file('first.gif')));
  expect([reader.width, reader.height, reader.frameInfo(0).delay]).toEqual([3 * SIZE, 3 * LAYERS, 5]);
  const gif = Array.from({ length: reader.numFrames() }, (_, i) => {
    const pixels = new Uint8ClampedArray(reader.width * reader.height * 4);
    reader.decodeAndBlitFrameRGBA(i, pixels);
    return [...pixels].filter((_, at) => at % 4 === 0);
  });
  expect(gif).toEqual(frames('first.apng'));
  await done('video', 'generator.onnx', '-o', 'small.apng', '--seconds', '0.4', '--fps', '20');
  const small = frames('small.apng');
  const [x, y] = [7, 5];
  expect(gif.map((frame) => frame[y * 3 * SIZE + x])).toEqual(
    small.map((frame) => frame[Math.floor(y / 3) * SIZE + Math.floor(x / 3)]),
  );
});

describe('ffmpeg', () => {
  /** A fake ffmpeg, which writes its input pixels to the file. */
  const fake = (name: string, body: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!${process.execPath}\n${body}`);
    chmodSync(path, 0o755);
    return path;
  };
  const video = (out: string, ffmpeg: string): string[] => [
    ...['video', 'generator.onnx', '-o', out, '--seconds', '0.2', '--fps', '20', '--ffmpeg', ffmpeg],
  ];
  const posix = process.platform !== 'win32';

  test.runIf(posix)('gets every frame, of even size, and its file is renamed', async () => {
    const keeps = fake(
      'keeps',
      `const { writeFileSync } = require('node:fs');
       if (process.argv[2] === '-version') process.exit(0);
       const parts = [];
       process.stdin.on('data', (part) => parts.push(part)).on('end', () => {
         writeFileSync(process.argv.at(-1), Buffer.concat(parts));
         writeFileSync(${JSON.stringify(join(folder, 'args.json'))}, JSON.stringify(process.argv.slice(2)));
       });`,
    );
    await done(...video('walk.mp4', keeps));
    const args = JSON.parse(file('args.json').toString()) as string[];
    expect(args.join(' ')).toMatch(/-s 4x4 -r 20 -i pipe:0 -an -c:v libx264 .* -f mp4 /);
    expect(args.at(-1)).not.toBe(join(folder, 'walk.mp4'));
    await done('video', 'generator.onnx', '-o', 'same.apng', '--seconds', '0.2', '--fps', '20');
    const rgb = frames('same.apng').flatMap((grey) => [...grey, ...grey.slice(-SIZE)].flatMap((v) => [v, v, v]));
    expect([...file('walk.mp4')]).toEqual(rgb);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.runIf(posix)('that fails leaves the old file, and its message is shown', async () => {
    const fails = fake(
      'fails',
      `if (process.argv[2] === '-version') process.exit(0);
       process.stderr.write('Unknown encoder: libvpx-vp9\\n', () => process.exit(1));`,
    );
    writeFileSync(join(folder, 'old.webm'), 'old');
    const { code, err } = await forja(...video('old.webm', fails));
    expect(code).toBe(1);
    expect(err).toMatch(/cannot write .*old\.webm.*Unknown encoder: libvpx-vp9.*\[io\]/);
    expect(file('old.webm').toString()).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('that is missing is reported before sampling', async () => {
    const { code, err } = await forja(...video('walk.webm', join(folder, 'none')));
    expect(code).toBe(2);
    expect(err).toMatch(/video --out: expected ffmpeg.* to be installed.*\.gif or \.apng/);
  });

  const real = process.env['FORJA_FFMPEG'] ?? 'ffmpeg';
  test.runIf(spawnSync(real, ['-version']).status === 0)('writes the same bytes twice', async () => {
    for (const format of ['webm', 'mp4']) {
      const [one, two] = ['one', 'two'].map((name) => `${name}.${format}`);
      for (const name of [one!, two!]) await done(...video(name, real), '--scale', '16');
      expect(file(one!).equals(file(two!))).toBe(true);
    }
  });
});

describe('refusals', () => {
  test.each([
    [['interpolate', 'generator.onnx', '--seeds', '3'], 'input.range', /seeds: expected two stops or more/],
    [['interpolate', 'generator.onnx', '--seeds', '3', '--from', '1'], 'usage', /--seeds: expected no --from/],
    [['interpolate', 'generator.onnx', '--seeds', '5-3'], 'input.range', /a lower to a higher seed/],
    [['interpolate', 'generator.onnx', '--seeds', '1,two'], 'usage', /expected seeds such as 0-15,20, got '1,two'/],
    [
      ['interpolate', 'generator.onnx', '--seeds', '1-3', '--label', '0', '--label', '1'],
      'input.range',
      /interpolate\.label: expected one, or one for each of 3 stops, got 2/,
    ],
    [['interpolate', 'generator.onnx', '--label', 'dark'], 'input.range', /one of plain, light, bright, got 'dark'/],
    [['interpolate', 'generator.onnx', '--synthesis', 'synthesis.onnx'], 'usage', /--synthesis: expected --space w/],
    [
      ['interpolate', 'generator.onnx', '--space', 'w', '--synthesis', 'generator.onnx'],
      'input.shape',
      /interpolate\.synthesis: expected a model/,
    ],
    [['interpolate', 'generator.onnx', '--scale', '0'], 'input.range', /--scale: expected an integer from 1 to 64/],
    [['mix', 'synthesis.onnx'], 'usage', /mix: expected a model that mixes styles/],
    [['mix', 'generator.onnx', '--from', '9'], 'input.range', /mix\.from/],
    [['mix', 'generator.onnx', '-o', 'folder'], 'usage', /expected a \.png file, got 'folder'/],
    [['sample', 'generator.onnx', '--seeds', '1', '--count', '3'], 'usage', /--seeds: expected no --seed and --count/],
    [['sample', 'generator.onnx', '--psi', '0..1..2'], 'usage', /two such as 0.3\.\.1/],
    [['sample', 'generator.onnx', '--psi', 'much'], 'usage', /--psi: expected a number such as 0\.7.*got 'much'/],
    [['sample', 'generator.onnx', '--steps', '4'], 'usage', /--steps: expected a sweep/],
    [['video', 'generator.onnx', '--fps', '0'], 'input.range', /--fps: expected a number from 1 to 100/],
    [['video', 'generator.onnx', '--seconds', '0.01'], 'input.range', /--seconds: expected 2 to/],
    [['video', 'generator.onnx', '-o', 'walk.avi'], 'usage', /\.gif, \.apng, \.webm or \.mp4 file, or a folder/],
  ])('%j is refused', async (args, code, message) => {
    const { code: exit, err } = await forja(...args);
    expect(err).toMatch(message);
    expect(err).toContain(`[${code}]`);
    expect(exit).toBe(2);
  });
});
