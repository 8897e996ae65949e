// Streams of examples against the same examples from memory: tf.data, generators, async generators.
import { createContext, runInContext } from 'node:vm';
import { classOf } from '@forja/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { arrayDataset } from './arrays.js';
import { readFields } from './fields.js';
import { datasetFrom, type ExampleStream } from './from.js';

describe('datasetFrom', () => {
  it('returns a dataset unchanged', async () => {
    const set = arrayDataset({ data: new Float32Array(2), shape: [2] });
    expect(await datasetFrom(set)).toBe(set);
  });

  it('reads tf.data with fields, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const source = tf.data
      .generator(function* () {
        for (let i = 0; i < 5; i++) yield { image: tf.fill([2, 2, 1], i * 50, 'int32'), label: i % 2 };
      })
      .map((example) => example);
    const set = await datasetFrom(source, {
      name: 'five',
      fields: { label: { classes: ['even', 'odd'] } },
    });
    expect([set.name, set.count]).toEqual(['five', 5]);
    expect(set.fields).toEqual({
      image: { shape: [2, 2, 1], dtype: 'float32', range: [-1, 1] },
      label: { shape: [], dtype: 'int32', classes: ['even', 'odd'] },
    });
    const { image, label } = await readFields(set, [4, 1]);
    expect(image).toBeAllclose([...Array(4).fill(200 / 127.5 - 1), ...Array(4).fill(50 / 127.5 - 1)], { atol: 1e-6 });
    expect(label).toEqual(Int32Array.of(0, 1));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('takes arrays of another realm, as of Jest and frames, for what they are', async () => {
    const realm = createContext({});
    const foreign = <T extends ArrayBufferView>(array: T): T => {
      const made = runInContext(`(values) => new ${classOf(array)}(values)`, realm) as (values: T) => T;
      const other = made(array);
      expect(other instanceof Object).toBe(false);
      return other;
    };
    for (const change of [<T extends ArrayBufferView>(array: T): T => array, foreign]) {
      const set = await datasetFrom(
        [0, 1].map((i) => ({
          label: change(Int32Array.of(i)),
          bytes: change(Uint8Array.of(0, 255 * i)),
          clamped: change(Uint8ClampedArray.of(255 * i)),
          floats: change(Float32Array.of(i / 2)),
        })),
        { fields: { label: { classes: ['a', 'b'] } } },
      );
      expect(set.fields).toEqual({
        label: { shape: [1], dtype: 'int32', classes: ['a', 'b'] },
        bytes: { shape: [2], dtype: 'float32', range: [-1, 1] },
        clamped: { shape: [1], dtype: 'float32', range: [-1, 1] },
        floats: { shape: [1], dtype: 'float32', range: [0, 0.5] },
      });
      const read = await readFields(set, [0, 1]);
      expect(read).toEqual({
        label: Int32Array.of(0, 1),
        bytes: Float32Array.of(-1, -1, -1, 1),
        clamped: Float32Array.of(-1, 1),
        floats: Float32Array.of(0, 0.5),
      });
      const pictures = [{ image: change(Int32Array.of(0, 256, 0, 0)) }];
      await expect(datasetFrom(pictures, { fields: { image: { shape: [2, 2, 1] } } })).rejects.toMatchObject({
        code: 'data.format',
        message: expect.stringContaining('256') as unknown,
      });
    }
  });

  it('reads iterables and async iterables, also of unnamed values, and at most `count` examples', async () => {
    const endless = function* (): Generator<Float32Array> {
      const row = new Float32Array(2);
      for (let i = 0; ; i++) yield row.fill(i); // always the same array
    };
    const set = await datasetFrom(endless(), { count: 3 });
    expect([set.count, await readFields(set, [2, 0])]).toEqual([3, { vector: Float32Array.of(2, 2, 0, 0) }]);
    const later = async function* (): AsyncGenerator<{ text: number[]; size: number }> {
      yield { text: [1, 0], size: 1 };
      await Promise.resolve();
      yield { text: [2, 1], size: 0.5 };
    };
    const mixed = await datasetFrom(later(), { fields: { text: { vocabulary: ['', 'a', 'b'] } } });
    expect(mixed.fields).toMatchObject({ text: { dtype: 'int32', shape: [2] }, size: { dtype: 'float32', shape: [] } });
    const pictures = [tf.zeros([1, 2, 3]), tf.ones([1, 2, 3])];
    expect((await datasetFrom(pictures)).fields).toEqual({
      image: { shape: [1, 2, 3], dtype: 'float32', range: [0, 1] },
    });
  });

  it.each<[string, ExampleStream, object, string]>([
    ['nothing', [], {}, 'data.empty'],
    ['another shape', [Float32Array.of(1), Float32Array.of(1, 2)], {}, 'data.field'],
    ['a field too many', [{ a: 1 }, { a: 1, b: 2 }], {}, 'data.field'],
    ['a field too few', [{ a: 1, b: 2 }, { a: 1 }], {}, 'data.field'],
    ['a value of another kind', ['text'] as unknown as ExampleStream, {}, 'data.field'],
    ['more than memory', [Float32Array.of(1), Float32Array.of(2)], { memory: 4 }, 'data.size'],
    ['a label that is no class', [{ label: 2 }], { fields: { label: { classes: ['a'] } } }, 'data.class'],
    ['a count of none', [1], { count: 0 }, 'usage'],
  ])('refuses %s', async (_, source, options, code) => {
    await expect(datasetFrom(source, options)).rejects.toMatchObject({ code });
  });

  it('refuses pictures of whole numbers beyond bytes', async () => {
    await expect(datasetFrom([tf.fill([1, 1, 1], 256, 'int32')])).rejects.toMatchObject({ code: 'data.format' });
  });
});

describe('a data set that breaks the contract', () => {
  const read = (): void => {};
  const vector = { shape: [2], dtype: 'float32' };
  it.each([
    ['no function', { read: 5, fields: { vector }, count: 1 }, 'data.field'],
    ['no fields', { read, fields: null, count: 1 }, 'data.field'],
    ['a field that is nothing', { read, fields: { vector: null }, count: 1 }, 'data.field'],
    ['a size that is a text', { read, fields: { vector: { ...vector, shape: ['a'] } }, count: 1 }, 'data.field'],
    ['another dtype', { read, fields: { vector: { ...vector, dtype: 'uint8' } }, count: 1 }, 'data.field'],
    ['no examples', { read, fields: { vector }, count: 0 }, 'data.empty'],
    ['a count of NaN', { read, fields: { vector }, count: NaN }, 'data.empty'],
  ])('is refused with %s', async (_, set, code) => {
    await expect(datasetFrom({ name: 'own', ...set } as never)).rejects.toMatchObject({ code });
  });

  it('is refused with 64-bit integers', async () => {
    await expect(datasetFrom([{ vector: BigInt64Array.of(1n) }] as never)).rejects.toMatchObject({
      code: 'data.field',
      message: expect.stringContaining('BigInt64Array'),
    });
  });
});
