// Texts to token ids, and what is refused.
import { UsageError } from '../errors.js';
import { expect, test } from 'vitest';
import type { ManifestInput } from '../manifest/manifest.js';
import { Generator } from './generator.js';
import type { Session } from '../runtime/session.js';
import type { Manifest } from '../manifest/manifest.js';
import type { NamedTensors } from '../tensor.js';
import { someClass } from './some-class.js';
import { textTensor, wordsOf } from './texts.js';

const input: ManifestInput = {
  name: 'text',
  role: 'text',
  dtype: 'int32',
  shape: ['batch', 4],
  vocabulary: ['', 'red', 'hair', 'glasses', 'no', 'café'],
};

test('words are lower-case letters and digits, in any script', () => {
  expect(wordsOf("It's a RED-hot  2nd “Straße”, naïve…")).toEqual(["it's", 'a', 'red-hot', '2nd', 'straße', 'naïve']);
  expect(wordsOf('Кот हिन्दी 猫')).toEqual(['кот', 'हिन्दी', '猫']);
  expect(wordsOf('nai\u0308ve')).toEqual(wordsOf('naïve')); // composed
  expect(wordsOf(' —!? ')).toEqual([]);
});

test('ids follow the vocabulary, padded with 0; decomposed letters are composed', () => {
  expect(textTensor(input, ['Red hair, glasses', 'cafe\u0301'])).toEqual({
    dtype: 'int32',
    shape: [2, 4],
    data: Int32Array.of(1, 2, 3, 0, 5, 0, 0, 0),
  });
  expect(textTensor({ ...input, dtype: 'int64' }, ['hair']).data).toEqual(BigInt64Array.of(2n, 0n, 0n, 0n));
});

test.each([
  [
    'red hare',
    /^sample\.text: expected words that the model knows \(red, hair, .*\), got 'hare' \(did you mean 'hair'/,
  ],
  ['blue glases hair', /got 'blue', 'glases' \(did you mean 'glasses'\?\)$/],
  ['__proto__', /got 'proto'/],
  [' , ', /got ' , '$/],
  ['no red hair no glasses', /^sample\.text: expected at most 4 words, got 5: 'no red hair no glasses'$/],
])('%j is refused', (text, message) => {
  expect(() => textTensor(input, [text])).toThrow(
    expect.objectContaining({ code: 'input.range', message: expect.stringMatching(message) as string }) as Error,
  );
});

test('values other than texts are refused', () => {
  expect(() => textTensor(input, [7])).toRefuse('usage', 'sample.text: ', 'got 7');
  expect(() => textTensor(input, [])).toRefuse('usage', 'sample.text');
});

test('a manifest without a vocabulary is damaged', () => {
  const { vocabulary: _, ...without } = input;
  expect(() => textTensor(without, ['red'])).toThrow(expect.objectContaining({ code: 'model.format' }) as Error);
});

const MANIFEST: Manifest = {
  version: 1,
  kind: 'latent',
  inputs: [{ name: 'z', role: 'latent', dtype: 'float32', shape: ['batch', 2] }, input],
  outputs: [{ name: 'image', role: 'image', dtype: 'float32', shape: ['batch', 1, 1, 1] }],
  integrity: { sha256: '', bytes: 0 },
  producer: '',
};

/** A generator with these inputs, and the feeds of its session. */
function generatorOf(inputs: ManifestInput[]): { generator: Generator; fed: NamedTensors[] } {
  const fed: NamedTensors[] = [];
  const session = {
    run: (feeds: NamedTensors) => {
      fed.push(feeds);
      const rows = feeds['z']?.shape[0] ?? 0;
      return Promise.resolve({ image: { dtype: 'float32', shape: [rows, 1, 1, 1], data: new Float32Array(rows) } });
    },
  } as unknown as Session; // all that sampling uses
  const manifest = { ...MANIFEST, inputs };
  return { fed, generator: new Generator({ session, manifest, modelBytes: 1, dispose: () => Promise.resolve() }) };
}

test('a text applies to every picture, a list gives one each, cyclically; also in streams and walks', async () => {
  const { generator, fed } = generatorOf(MANIFEST.inputs);
  await generator.sample({ text: 'red', count: 2 });
  expect((await generator.sample({ text: ['red', 'hair'] })).count).toBe(2);
  await generator.sample({ text: ['red', 'hair'], count: 3 });
  for await (const _ of generator.stream({ text: ['red', 'hair', 'no'], start: 1, count: 1 }));
  await generator.interpolate({ from: 0, to: 1, steps: 2, text: 'no' });
  await generator.sample(someClass(generator.manifest));
  const first = fed.map(({ text }) => Array.from(text?.data as Int32Array).filter((_, i) => i % 4 === 0));
  expect(first).toEqual([[1, 1], [1, 2], [1, 2, 1], [2], [4, 4], [1]]);
});

test('a model that takes a text needs one, others refuse it', async () => {
  const plain = generatorOf(MANIFEST.inputs.slice(0, 1)).generator;
  await expect(plain.sample({ text: 'red' })).rejects.toRefuse('usage', 'sample.text');
  const { generator, fed } = generatorOf(MANIFEST.inputs);
  await expect(generator.sample()).rejects.toThrow(
    'sample.text: expected a text, which the model requires, got nothing',
  );
  await expect(generator.sample({ text: ['red', 'blu'] })).rejects.toMatchObject({ code: 'input.range' });
  expect(fed).toEqual([]);
});

test.each([null, undefined, 5, {}])('wordsOf refuses %j', (text) => {
  expect(() => wordsOf(text as never)).toThrow(UsageError);
});
