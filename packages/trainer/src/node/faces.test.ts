// A few small faces by the real packages: fields, captions against the parts that DiceBear names, the split, the cache,
// and the error for missing packages.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAvatar } from '@dicebear/core';
import * as pixelArt from '@dicebear/pixel-art';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { readFields } from '../data/fields.js';
import type { Dataset } from '../data/dataset.js';
import { facesDataset } from './faces.js';
import { loadData } from './load-data.js';

// under vitest every package can be resolved from everywhere
vi.mock('node:module', async (original) => {
  const real: typeof import('node:module') = await original();
  const nothing = (): never => {
    throw new Error('not found');
  };
  return {
    ...real,
    createRequire: (path: string) => (path.startsWith('/nowhere') ? { resolve: nothing } : real.createRequire(path)),
  };
});

const here = join(import.meta.dirname, '..', '..');
const cache = mkdtempSync(join(tmpdir(), 'forja-faces-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
const faces = (rest: object = {}, size = 16): Promise<Dataset> =>
  facesDataset({ kind: 'faces', count: 60, seed: 3, holdout: 0, ...rest }, size, here, cache);
const all = (dataset: Dataset): number[] => Array.from({ length: dataset.count }, (_, i) => i);
const captions = async (dataset: Dataset): Promise<string[]> => {
  const { text } = await readFields(dataset, all(dataset), ['text']);
  const { vocabulary = [], shape } = dataset.fields['text'] ?? { shape: [1] };
  const [ids, length] = [text as Int32Array, Number(shape[0])];
  return all(dataset).map((i) =>
    Array.from(ids.subarray(i * length, (i + 1) * length), (id) => vocabulary[id] ?? '')
      .filter((word) => word !== '')
      .join(' '),
  );
};

describe('faces', () => {
  test('have captions and classes that match what DiceBear drew', async () => {
    const dataset = await faces();
    expect(dataset).toMatchObject({ name: 'faces', count: 60, license: 'CC0 1.0' });
    const { image, label, glasses } = await readFields(dataset, all(dataset), ['image', 'label', 'glasses']);
    const texts = await captions(dataset);
    const seen = new Set<string>();
    for (const i of all(dataset)) {
      const options = {
        seed: `3/${i}`,
        glassesProbability: 30,
        hatProbability: 15,
        beardProbability: 15,
        accessoriesProbability: 15,
        backgroundColor: ['ffffff'],
      };
      const { extra } = createAvatar(pixelArt, options).toJson();
      const said = texts[i]?.split(' ') ?? [];
      expect(said[0]).toBe(String(extra['hair']).slice(0, -2)); // short05, long12
      expect(said.includes('glasses') || said.includes('sunglasses')).toBe(extra['glasses'] !== undefined);
      expect(said.includes('sunglasses')).toBe(/^dark/.test(String(extra['glasses'])));
      expect(said.includes('hat')).toBe(extra['hat'] !== undefined);
      expect(said.includes('beard')).toBe(extra['beard'] !== undefined);
      expect(said.includes('smiling')).toBe(/^happy/.test(String(extra['mouth'])));
      expect(dataset.fields['label']?.classes?.[label?.[i] ?? -1]).toBe(said[1]);
      expect(glasses?.[i] === 0).toBe(extra['glasses'] === undefined);
      for (const word of said) seen.add(word);
    }
    expect([...seen]).not.toContain('other');
    // white around the head, and all faces different
    expect(Array.from((image as Float32Array).subarray(0, 3))).toEqual([1, 1, 1]);
    const rows = all(dataset).map((i) => String((image as Float32Array).subarray(i * 768, (i + 1) * 768)));
    expect(new Set(rows).size).toBeGreaterThan(55);
  });

  test('hold out combinations, none of which is trained on', async () => {
    const dataset = await faces({ holdout: 0.3 });
    const { holdout } = dataset;
    if (holdout === undefined) throw new Error('no holdout');
    expect(dataset.count + holdout.count).toBe(60);
    expect(holdout.count).toBeGreaterThan(5);
    expect(holdout.fields['text']).toEqual(dataset.fields['text']);
    const trained = new Set(await captions(dataset));
    expect((await captions(holdout)).filter((caption) => trained.has(caption))).toEqual([]);
  });

  test('are drawn once per size', async () => {
    const files = (): number =>
      readdirSync(cache, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).length;
    const [before, again] = [files(), await faces()];
    expect(files()).toBe(before);
    const { image } = await readFields(again, [0, 59], ['image']);
    expect((image as Float32Array).subarray(0, 3)).toEqual(Float32Array.of(1, 1, 1));
    await faces({}, 32);
    expect(files()).toBe(before + 1);
  });

  test('name the packages that are missing', async () => {
    await expect(loadData({ data: 'faces' }, '/nowhere')).rejects.toMatchObject({
      code: 'data.notFound',
      message: expect.stringMatching(
        /got no @dicebear\/core from .*; npm install @dicebear\/core @dicebear\/pixel-art @resvg\/resvg-js$/,
      ) as string,
    });
  });
});
