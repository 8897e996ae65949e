// text2image: an iteration against PyTorch in float64 (tests/vectors/game_text2image.py), compiled against eager, and
// 50 iterations; a run on coloured shapes with held-out combinations, and pictures of texts from its file.
import { load, runtime } from '@forja/node';
import { latents, toBatch, type Runtime, type Tensor } from '@forja/core';
import { MemoryStore, arrayDataset, makeSystem, train, type Dataset, type GanSystem } from '@forja/trainer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGame } from '../vectors/read.mjs';
import { expectGame, expectPlayable, fill } from './support/games.js';

let host: Runtime;
beforeAll(() => {
  host = runtime({ device: 'cpu', threads: 1 });
});
afterAll(() => host.dispose());

type Options = Parameters<typeof makeSystem<'text2image'>>[1];

const WORDS = ['', 'red', 'blue', 'row', 'square', 'small'];

const make = (options: Options, { batch, shape }: { batch: number; shape: number[] }, vocabulary = WORDS): GanSystem =>
  makeSystem('text2image', options, {
    batch,
    seed: 2,
    data: {
      name: 'shapes',
      count: 8,
      fields: {
        image: { shape, dtype: 'float32', range: [-1, 1] },
        text: { shape: [3], dtype: 'int32', vocabulary },
      },
    },
  });

test.each(['portable', 'fast', 'eager'] as const)('an iteration is PyTorch’s, %s', async (way) => {
  const vectors = readGame('text2image');
  const system = make(vectors.options as Options, vectors);
  fill(system, vectors);
  await expectGame(system, vectors, way === 'eager' ? 'eager' : { runtime: host, lowering: way });
  system.dispose();
});

test('three compiled iterations equal tfjs’s, and 50 stay finite', async () => {
  const system = make({ base: 4, norm: 'batch', loss: 'hinge' }, { batch: 4, shape: [8, 8, 3] });
  const longer = await expectPlayable(system, host);
  expect(longer.scalars['loss_g']).toHaveLength(50);
  system.dispose();
});

test('a batch of one has no wrong caption, and data without captions are refused', () => {
  const refused = (what: RegExp): Error =>
    expect.objectContaining({ code: 'config.invalid', message: expect.stringMatching(what) as string }) as Error;
  expect(() => make({ base: 2 }, { batch: 1, shape: [8, 8, 3] })).toThrow(refused(/^config\.batch: .*at least 2/));
  expect(() => make({ base: 2 }, { batch: 2, shape: [8, 8, 3] }, [''])).toThrow(refused(/^config\.data: .*captions/));
});

const [COLOURS, SHAPES] = [['red', 'green', 'blue'] as const, ['row', 'column', 'square'] as const];

/** A picture of 8 × 8: four pixels in a colour, at a place, on black. */
function drawn(colour: number, shape: number, place: number): Uint8Array {
  const pixels = new Uint8Array(8 * 8 * 3);
  const [x, y] = [place % 4, (5 * place) % 4];
  for (let i = 0; i < 4; i++) {
    const [dx = 0, dy = 0] = [
      [i, 0],
      [0, i],
      [i % 2, i >> 1],
    ][shape] as number[];
    pixels[((y + dy) * 8 + x + dx) * 3 + colour] = 255;
  }
  return pixels;
}

/** All combinations of colour and shape, except the diagonal, which is the holdout. */
function captioned(): Dataset {
  const vocabulary = ['', ...COLOURS, ...SHAPES];
  const of = (held: boolean) => {
    const all = COLOURS.flatMap((_, c) => SHAPES.flatMap((_, s) => ((c === s) === held ? [[c, s] as const] : [])));
    const many = all.flatMap((one) => Array.from({ length: 8 }, (_, place) => [...one, place] as const));
    return {
      image: { data: Uint8Array.from(many.flatMap(([c, s, place]) => [...drawn(c, s, place)])), shape: [8, 8, 3] },
      text: { data: Int32Array.from(many.flatMap(([c, s]) => [1 + c, 4 + s, 0])), shape: [3], vocabulary },
    };
  };
  const holdout = arrayDataset({ name: 'shapes, held out', fields: of(true) });
  return arrayDataset({ name: 'shapes', fields: of(false), holdout });
}

test('a run on coloured shapes exports a file that draws what texts say', async () => {
  const store = new MemoryStore();
  const { model, exportError } = await train(
    {
      system: 'text2image',
      data: 'folder',
      steps: 300,
      batch: 16,
      base: 8,
      latent: 8,
      embedding: 8,
      sampleCount: 24,
      seed: 1,
    },
    { dataset: captioned(), runtime: host, store },
  );
  expect(exportError).toBeLessThan(1e-4);
  expect(store.files.get('report.html')).toContain('1. red row; 2. ');

  await using generator = await load(model as Uint8Array, { device: 'cpu' });
  expect(generator.manifest.inputs).toMatchObject([
    { name: 'z', role: 'latent' },
    { name: 'text', role: 'text', dtype: 'int32', shape: ['batch', 3], vocabulary: ['', ...COLOURS, ...SHAPES] },
  ]);
  // the pictures of a list of texts are those of the token ids
  const texts = ['Red row', 'blue, square!', 'square'];
  const batch = await generator.sample({ text: texts, seed: 4 });
  expect(batch.count).toBe(3);
  const ids = { dtype: 'int32', shape: [3, 3], data: Int32Array.of(1, 4, 0, 3, 6, 0, 6, 0, 0) } as const;
  const z = { dtype: 'float32', shape: [3, 8], data: latents(4, 0, 3, 8) } as const;
  const { image } = await generator.run({ z, text: ids });
  expect(batch.data).toEqual(toBatch(image as Tensor, { layout: 'nchw', range: [-1, 1] }).data);
  // most light of what is said to be red is red; one of three combinations was never seen
  for (const [c, colour] of COLOURS.entries()) {
    const { data } = await generator.sample({ text: SHAPES.map((shape) => `${colour} ${shape}`), count: 48 });
    const light = [0, 1, 2].map((channel) => data.reduce((sum, v, i) => sum + (i % 3 === channel ? v : 0), 0));
    expect(light.indexOf(Math.max(...light))).toBe(c);
  }
  await expect(generator.sample({ text: 'red circle' })).rejects.toMatchObject({ code: 'input.range' });
  await expect(generator.sample()).rejects.toRefuse('usage', 'sample.text: ');
});
