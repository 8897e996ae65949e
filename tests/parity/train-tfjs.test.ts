// Every registered system for three steps with the engine `tfjs` (eager, on the cpu backend): from data to its files.
import { readManifest } from '@forja/core';
import {
  arrayDataset,
  kindOf,
  systemNames,
  train,
  type ArrayField,
  type FieldKind,
  type TrainConfig,
} from '@forja/trainer';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';

beforeAll(() => tf.setBackend('cpu'));

const COUNT = 4;
const waves = (size: number): Float32Array => Float32Array.from({ length: COUNT * size }, (_, i) => Math.sin(i / 7));

/** A field of each kind that systems read; pictures of 8 pixels. */
const FIELDS: Readonly<Record<FieldKind, ArrayField>> = {
  image: { data: waves(192), shape: [8, 8, 3], range: [-1, 1] },
  vector: { data: waves(2), shape: [2] },
  label: { data: Int32Array.of(0, 1, 1, 0), shape: [], classes: ['a', 'b'] },
  text: { data: Int32Array.of(1, 2, 2, 0, 1, 0, 2, 1), shape: [2], vocabulary: ['', 'red', 'hair'] },
};

/** Options by which a system becomes small, where it has them. */
const SMALL: Readonly<Record<string, unknown>> = {
  ...{ base: 2, widest: 4, latent: 4, style: 4, depth: 2, blocks: 1 },
  ...{ crop: 8, scale: 2, depthD: 1, adversarialFrom: 1 },
};

test.each(systemNames())('%s', async (system) => {
  const { data, options } = kindOf(system);
  const small = Object.fromEntries(Object.entries(SMALL).filter(([option]) => Object.hasOwn(options, option)));
  const fields = Object.fromEntries(Object.entries(data).map(([field, kind]) => [field, FIELDS[kind]]));
  const run = { data: 'folder', steps: 3, batch: 2, sampleEvery: 0, sampleCount: 2, engine: 'tfjs' };
  const config = { ...run, ...small, system } as TrainConfig; // a system's name and its own options
  const result = await train(config, { dataset: arrayDataset({ name: 'waves', fields }) });
  expect(result).toMatchObject({ step: 3, device: 'tfjs, cpu', reason: 'finished' });
  const lines = await result.store.lines();
  expect(lines.map(({ step }) => step)).toEqual([1, 2, 3]);
  for (const { scalars } of lines) for (const value of Object.values(scalars)) expect(value).toSatisfy(Number.isFinite);
  const files = Object.values(result.models ?? {});
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(readManifest(file)?.metrics).toMatchObject({ steps: 3 });
});
