// The generators in generators/, and discriminators beside them: unchanged, small, trained on pictures with a free
// licence, and drawing the requested classes according to an independently trained classifier.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { readManifest, type ImageBatch, type ImageLike } from '@forja/core';
import { load, runtime } from '@forja/node';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { onnxExtractor } from '../../packages/trainer/src/metrics/features/onnx.js';
import { readyExtractor } from '../../packages/trainer/src/metrics/features/ready.js';

const folder = fileURLToPath(new URL('../../generators/', import.meta.url));
const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));

/** SHA-256 of each file; that of a discriminator is named `<generator>.discriminator`, and described by its card. */
const FILES: Readonly<Record<string, string>> = {
  avatars: '87cf826027789fa086eb92f14e56864017ec50347a168ce5f07cda4de97c556a',
  clothes: '9a67036147168f5e408db2078d899fa2d4da5e6b41646c0e12ca112e5fa5b632',
  'clothes.discriminator': 'bbbf45974ab128ef64c929ab185c7bc1cab1997985d4444cf35a6bbc78ea85e8',
  enlarge: '603e5b338892271287bfca61ca9c92038c3f7fa86a2c91394c294074f65e1134',
  faces: 'b98d0e01dc333e57fda1c0b3d560018804e240fea1c82a71d8dc0af53e781133',
  fluent: '5053093af2b74767c95971c2e8b2eb9ecf1697d1993f7258eefc33ea2c27b922',
  night: 'addb4f0303fb680d7db945814568a74186c78a9db63cd0653aa96bbbe7a9541f',
  noto: '42f98a60e66a327d6dca2b7c749fa5c3d3e67f84bb87eac3d3a5f8cdf57ea859',
  satellite: '7f122d0790c616b104224df011074ef96dc9b5c40348678123e53b26b3120cd2',
  sketch: '794e40f5af317de7ba0a3f75f12d8b8105afa26846cd6acee4bff5c5c7d55978',
};

test('are unchanged, small, and have cards and free licences', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.onnx'));
  expect(files.sort()).toEqual(
    Object.keys(FILES)
      .map((name) => `${name}.onnx`)
      .sort(),
  );
  let all = 0;
  for (const [name, sha256] of Object.entries(FILES)) {
    const bytes = bytesOf(`${name}.onnx`);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    expect(bytes.length).toBeLessThan(1.5e6);
    all += bytes.length;
    const { license = '', weights } = readManifest(bytes) ?? {};
    expect(license).toMatch(/^(CC0 1\.0|MIT|Apache-2\.0|public domain)/);
    expect(weights).toBe('int8');
    const card = readFileSync(join(folder, `${name.replace(/[.]discriminator$/, '')}.md`), 'utf8');
    expect(card).toMatch(`| licence | ${license} |`);
    expect(card).toMatch(/at commit [0-9a-f]{40}/);
  }
  expect(all).toBeLessThan(10e6);
});

test('clothes are of the requested classes', async () => {
  const host = runtime({ device: 'cpu', threads: 1 });
  const judge = await onnxExtractor(await readyExtractor('clothes'), host);
  const generator = await load(join(folder, 'clothes.onnx'), { threads: 1 });
  try {
    const count = 40;
    const right: number[] = [];
    for (const label of Array.from({ length: 10 }, (_, i) => i)) {
      const { data, height, width, channels } = await generator.sample({ count, seed: label, label });
      const values = Float32Array.from(data, (byte) => byte / 127.5 - 1);
      const examples = { count, shape: [height, width, channels], values, range: [-1, 1] as const };
      const { probabilities } = await judge.extract(examples);
      const rows = Array.from({ length: count }, (_, i) =>
        Array.from(probabilities?.data.subarray(10 * i, 10 * i + 10) ?? []),
      );
      right.push(rows.filter((row) => row.indexOf(Math.max(...row)) === label).length / count);
    }
    // 0.1 by chance; shirts, pullovers and coats are the hardest to distinguish
    expect(Math.min(...right), right.join()).toBeGreaterThan(0.6);
    expect(right.reduce((a, b) => a + b) / right.length, right.join()).toBeGreaterThan(0.87);
  } finally {
    await generator.dispose();
    await judge.dispose();
    await host.dispose();
  }
});

/** Means of red, green and blue over the rows from `top` to below `bottom`, over all pictures. */
function colour(batch: ImageBatch, top: number, bottom: number): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (const { width, data } of batch)
    for (let i = top * width; i < bottom * width; i++)
      for (const c of [0, 1, 2] as const) sums[c] += data[3 * i + c] ?? 0;
  const pixels = batch.count * batch.width * (bottom - top);
  return sums.map((sum) => sum / pixels) as [number, number, number]; // three as well
}
/** By how much each colour leads over the other two. */
const LEADS = {
  red: ([r, g, b]: readonly number[]) => (r ?? 0) - ((g ?? 0) + (b ?? 0)) / 2,
  green: ([r, g, b]: readonly number[]) => (g ?? 0) - ((r ?? 0) + (b ?? 0)) / 2,
  blue: ([r, g, b]: readonly number[]) => (b ?? 0) - ((r ?? 0) + (g ?? 0)) / 2,
} as const;
const COLOURS = ['red', 'green', 'blue'] as const;

test('avatars have the colours that their captions name, of hair and of clothes', async () => {
  const generator = await load(join(folder, 'avatars.onnx'), { threads: 1 });
  try {
    const found = new Map<string, { hair: number[]; clothes: number[] }>();
    for (const hair of COLOURS)
      for (const clothes of COLOURS) {
        const text = `long ${hair} hair, smiling, ${clothes} clothes`;
        const batch = await generator.sample({ text, count: 16, seed: 3 });
        found.set(`${hair} ${clothes}`, { hair: colour(batch, 2, 12), clothes: colour(batch, 28, 32) });
      }
    const leads = (part: 'hair' | 'clothes', name: (typeof COLOURS)[number], key: string): number =>
      LEADS[name](found.get(key)?.[part] ?? []);
    // where one word differs, its part leads in its colour
    for (const own of COLOURS)
      for (const fixed of COLOURS)
        for (const other of COLOURS.filter((one) => one !== own)) {
          expect(leads('hair', own, `${own} ${fixed}`)).toBeGreaterThan(leads('hair', own, `${other} ${fixed}`));
          expect(leads('clothes', own, `${fixed} ${own}`)).toBeGreaterThan(leads('clothes', own, `${fixed} ${other}`));
        }
    await expect(generator.sample({ text: 'purple hair' })).rejects.toMatchObject({ code: 'input.range' });
  } finally {
    await generator.dispose();
  }
});

test('faces: the mean style makes one face, styles from layer 0 are the other seed’s, and faces differ', async () => {
  const generator = await load(join(folder, 'faces.onnx'), { threads: 1, deterministic: true });
  try {
    const options = { count: 8, noise: 'none' } as const;
    const mean = await generator.sample({ ...options, seed: 1, truncation: { psi: 0 } });
    for (const picture of mean) expect(picture.data).toEqual(mean.at(0).data);
    const own = await generator.sample({ ...options, seed: 7 });
    expect((await generator.sample({ ...options, seed: 1, mix: { seed: 7, from: 0 } })).data).toEqual(own.data);
    // skin from light to dark: the middle of the faces differs by more than the noise of one colour
    const many = await generator.sample({ count: 64, seed: 2 });
    const skin = Array.from(many, ({ width, data }) => data[3 * (22 * width + 16)] ?? 0); // red, below the mouth
    expect(Math.max(...skin) - Math.min(...skin)).toBeGreaterThan(80);
  } finally {
    await generator.dispose();
  }
});

test('the map becomes forest, desert and ice as dark, brown and bright as they are from space', async () => {
  const generator = await load(join(folder, 'satellite.onnx'), { threads: 1 });
  try {
    // means of held-out tiles of Natural Earth II, and of what the Blue Marble shows there
    const plain = async (...rgb: number[]): Promise<[number, number, number]> => {
      const data = Uint8ClampedArray.from({ length: 32 * 32 * 3 }, (_, i) => rgb[i % 3] ?? 0);
      return colour(await generator.translate({ width: 32, height: 32, data }), 8, 24);
    };
    const [forest, desert, ice] = [await plain(89, 138, 73), await plain(175, 169, 113), await plain(205, 212, 212)];
    const light = (c: readonly number[]): number => c.reduce((a, b) => a + b) / 3;
    expect(light(forest)).toBeLessThan(60);
    expect(light(desert)).toBeGreaterThan(light(forest) + 30);
    expect(light(ice)).toBeGreaterThan(light(desert) + 30);
    expect(desert[0]).toBeGreaterThan(desert[2] + 15);
  } finally {
    await generator.dispose();
  }
});

test('a disc drawn by a pen of a colour is filled with that colour, and the paper around it stays white', async () => {
  const generator = await load(join(folder, 'sketch.onnx'), { threads: 1 });
  try {
    const pens = { red: [210, 40, 45], green: [60, 150, 60], blue: [30, 100, 200] } as const;
    for (const name of COLOURS) {
      const data = new Uint8ClampedArray(64 * 64 * 3).fill(255);
      const radius = (i: number): number => Math.hypot((i % 64) - 31.5, Math.floor(i / 64) - 31.5);
      for (let i = 0; i < 64 * 64; i++) if (Math.abs(radius(i) - 22) < 1) data.set(pens[name], 3 * i);
      const { data: made } = (await generator.translate({ width: 64, height: 64, data })).at(0);
      const mean = (where: (radius: number) => boolean): number[] => {
        const at = Array.from({ length: 64 * 64 }, (_, i) => i).filter((i) => where(radius(i)));
        return [0, 1, 2].map((c) => at.reduce((sum, i) => sum + (made[3 * i + c] ?? 0), 0) / at.length);
      };
      expect(LEADS[name](mean((r) => r < 18))).toBeGreaterThan(40);
      expect(Math.min(...mean((r) => r > 27))).toBeGreaterThan(240);
    }
  } finally {
    await generator.dispose();
  }
});

test('enlarged drawings are nearer to the large one than bicubic ones, and shrink to what was given', async () => {
  const generator = await load(join(folder, 'enlarge.onnx'), { threads: 1 });
  try {
    const large = drawing(96);
    const small = shrunk(large);
    const made = (await generator.translate(small)).at(0);
    expect([made.width, made.height]).toEqual([96, 96]);
    const bicubic = await sharp(Buffer.from(small.data), { raw: { width: 24, height: 24, channels: 3 } })
      .resize(96, 96, { kernel: 'cubic' })
      .raw()
      .toBuffer();
    expect(psnr(made.data, large.data)).toBeGreaterThan(psnr(bicubic, large.data) + 1);
    expect(psnr(shrunk(made).data, small.data)).toBeGreaterThan(33);
  } finally {
    await generator.dispose();
  }
});

test('emoji in the other style are nearer to the hidden partners, keep their size, and come back', async () => {
  const [fluent, noto] = await Promise.all(
    ['fluent.onnx', 'noto.onnx'].map((file) => load(join(folder, file), { threads: 1 })),
  );
  try {
    // 16 emoji that were held out of training, the same in both
    const tiles = { tile: 32, overlap: 0 };
    const [inNoto, inFluent] = await Promise.all(['fluent', 'noto'].map(exampleOf));
    for (const [given, there, back, partner] of [
      [inNoto!, fluent!, noto!, inFluent!],
      [inFluent!, noto!, fluent!, inNoto!],
    ] as const) {
      const made = (await there.translate(given, tiles)).at(0);
      expect([made.width, made.height]).toEqual([given.width, given.height]);
      expect(psnr(made.data, partner.data)).toBeGreaterThan(psnr(given.data, partner.data));
      expect(psnr(made.data, given.data)).toBeLessThan(30); // not just the same picture
      expect(psnr((await back.translate(made, tiles)).at(0).data, given.data)).toBeGreaterThan(25);
    }
  } finally {
    await fluent?.dispose();
    await noto?.dispose();
  }
});

/** The example picture of a generator. */
async function exampleOf(name: string): Promise<{ width: number; height: number; data: Uint8ClampedArray }> {
  const { data, info } = await sharp(join(folder, `${name}.example.png`))
    .removeAlpha()
    .raw()
    .toBuffer({
      resolveWithObject: true,
    });
  return { width: info.width, height: info.height, data: new Uint8ClampedArray(data) };
}

/** A ring, a bar and a disc in flat colours with smooth edges on white: a drawing that no data set has. */
function drawing(size: number): { width: number; height: number; data: Uint8ClampedArray } {
  const data = new Uint8ClampedArray(size * size * 3).fill(255);
  const put = (i: number, cover: number, rgb: readonly number[]): void =>
    rgb.forEach((value, c) => (data[3 * i + c] = (data[3 * i + c] ?? 0) * (1 - cover) + value * cover));
  const edge = (inside: number): number => Math.min(1, Math.max(0, inside + 0.5)); // pixels from the outline
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [(i % size) - size / 2 + 0.5, Math.floor(i / size) - size / 2 + 0.5];
    put(i, edge(size * 0.42 - Math.hypot(x, y)), [250, 190, 40]);
    put(i, edge(size * 0.32 - Math.hypot(x, y)), [30, 90, 160]);
    put(i, edge(size * 0.06 - Math.abs(y - x / 3)) * edge(size * 0.3 - Math.abs(x)), [220, 40, 50]);
  }
  return { width: size, height: size, data };
}

/** Means of blocks of 4 × 4. */
function shrunk({ width, height, data }: ImageLike): { width: number; height: number; data: Uint8ClampedArray } {
  const [w, h] = [width / 4, height / 4];
  const small = Uint8ClampedArray.from({ length: w * h * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % w, Math.floor(i / 3 / w)];
    let sum = 0;
    for (let k = 0; k < 16; k++) sum += data[3 * ((4 * y + (k >> 2)) * width + 4 * x + (k & 3)) + c] ?? 0;
    return Math.round(sum / 16);
  });
  return { width: w, height: h, data: small };
}

function psnr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}
