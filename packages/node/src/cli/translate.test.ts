// forja translate: files into files, against a model of known arithmetic (1 − x, twice as large).
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Image } from '@forja/core';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inverted, inverter } from '../inverter.support.js';
import { main } from './main.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'forja-translate-'));
  await writeFile(join(cwd, 'invert.onnx'), await inverter());
  await writeFile(join(cwd, 'a.png'), await picture(5, 3).toPNG());
  await writeFile(join(cwd, 'b.png'), await picture(24, 16).toPNG());
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const picture = (width: number, height: number): Image =>
  new Image(
    width,
    height,
    3,
    Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256),
  );

async function read(name: string): Promise<{ width: number; height: number; rgb: number[] }> {
  const { width, height, data } = PNG.sync.read(await readFile(join(cwd, name)));
  return { width, height, rgb: Array.from(data).filter((_, i) => i % 4 !== 3) };
}

async function forja(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  const code = await main(['translate', ...args, '--device', 'cpu', '--threads', '1'], { cwd, stdout, stderr });
  return { code, out: text(stdout), err: text(stderr) };
}

test('a picture into a file', async () => {
  const { code, err } = await forja('invert.onnx', 'a.png', '-o', 'made.png');
  expect(code, err).toBe(0);
  expect(await read('made.png')).toEqual({ width: 10, height: 6, rgb: inverted(picture(5, 3)) });
});

test('transparent pixels are over white', async () => {
  const given = new Image(2, 1, 4, Uint8ClampedArray.of(9, 9, 9, 0, 100, 50, 0, 128));
  await writeFile(join(cwd, 'clear.png'), await given.toPNG());
  const { code, err } = await forja('invert.onnx', 'clear.png', '-o', 'over.png');
  expect(code, err).toBe(0);
  const white = new Image(2, 1, 3, Uint8ClampedArray.of(255, 255, 255, 177, 152, 127)); // 100 · a + 255 · (1 − a), …
  expect((await read('over.png')).rgb).toEqual(inverted(white));
});

test('several of different sizes into a folder, by name, also in tiles', async () => {
  const { code, out } = await forja('invert.onnx', 'a.png', 'b.png', '-o', 'folder', '--tile', '8', '--json');
  expect(code).toBe(0);
  const { pictures } = JSON.parse(out) as { pictures: { file: string; width: number; height: number }[] };
  expect(pictures.map(({ width, height }) => [width, height])).toEqual([
    [10, 6],
    [48, 32],
  ]);
  expect((await readdir(join(cwd, 'folder'))).sort()).toEqual(['a.png', 'b.png']);
  expect((await read('folder/b.png')).rgb).toEqual(inverted(picture(24, 16)));
});

test('a JPEG upright, as sharp decodes it', async () => {
  const raw = { width: 24, height: 16, channels: 3 } as const;
  const jpeg = await sharp(Buffer.from(picture(24, 16).data), { raw })
    .jpeg()
    .withMetadata({ orientation: 6 })
    .toBuffer();
  await writeFile(join(cwd, 'turned.jpg'), jpeg);
  expect((await forja('invert.onnx', 'turned.jpg', '-o', 'upright.png')).code).toBe(0);
  const pixels = await sharp(jpeg).rotate().raw().toBuffer();
  const upright = new Image(16, 24, 3, new Uint8ClampedArray(pixels));
  expect(await read('upright.png')).toEqual({ width: 32, height: 48, rgb: inverted(upright) });
});

test.each([2, 3, 5, 6, 7, 8])('a PNG upright by its Exif orientation %i, as sharp decodes it', async (orientation) => {
  const raw = { width: 24, height: 16, channels: 3 } as const;
  const png = await sharp(Buffer.from(picture(24, 16).data), { raw })
    .png()
    .withMetadata({ orientation })
    .toBuffer();
  await writeFile(join(cwd, `turned-${orientation}.png`), png);
  expect((await forja('invert.onnx', `turned-${orientation}.png`, '-o', 'upright.png')).code).toBe(0);
  const { data, info } = await sharp(png).autoOrient().raw().toBuffer({ resolveWithObject: true });
  const upright = new Image(info.width, info.height, 3, new Uint8ClampedArray(data));
  expect(await read('upright.png')).toEqual({
    width: 2 * info.width,
    height: 2 * info.height,
    rgb: inverted(upright),
  });
});

test.each<[string, number, string[]]>([
  ['several into a file', 2, ['invert.onnx', 'a.png', 'b.png', '-o', 'one.png']],
  ['the same name twice', 2, ['invert.onnx', 'a.png', './a.png', '-o', 'twice']],
  ['onto its own file', 2, ['invert.onnx', 'a.png', '-o', 'a.png']],
  ['into its own folder', 2, ['invert.onnx', 'a.png', 'b.png', '-o', '.']],
  ['overlap without tiles', 2, ['invert.onnx', 'a.png', '-o', 'o.png', '--overlap', '4']],
  ['another format', 2, ['invert.onnx', 'a.png', '-o', 'o.gif']],
  ['no picture', 2, ['invert.onnx', 'invert.onnx', '-o', 'o.png']],
  ['a file that is not there', 1, ['invert.onnx', 'none.png', '-o', 'o.png']],
  ['no pictures', 2, ['invert.onnx']],
])('refuses %s, and leaves what was there', async (_, code, args) => {
  const before = await readFile(join(cwd, 'a.png'));
  const result = await forja(...args);
  expect([result.code, result.err.trim().split('\n').length]).toEqual([code, 1]);
  expect((await readFile(join(cwd, 'a.png'))).equals(before)).toBe(true);
});
