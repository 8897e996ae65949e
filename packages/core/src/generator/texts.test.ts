// Texts to token ids, and what is refused.
import { expect, test } from 'vitest';
import type { ManifestInput } from '../manifest/manifest.js';
import { textTensor, wordsOf } from './texts.js';

const input: ManifestInput = {
  name: 'text',
  role: 'text',
  dtype: 'int32',
  shape: ['batch', 4],
  vocabulary: ['', 'red', 'hair', 'glasses', 'no', 'café'],
};

test('words are lower-case words of letters and digits, in any script', () => {
  expect(wordsOf("It's a RED-hot  2nd “Straße”, naïve…")).toEqual(["it's", 'a', 'red-hot', '2nd', 'straße', 'naïve']);
  expect(wordsOf('Кот हिन्दी 猫')).toEqual(['кот', 'हिन्दी', '猫']);
  expect(wordsOf('nai\u0308ve')).toEqual(wordsOf('naïve')); // composed
  expect(wordsOf(' —!? ')).toEqual([]);
});

test('ids follow the vocabulary, padded with 0; letters in two parts are one', () => {
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

test('what is no text is refused too', () => {
  expect(() => textTensor(input, [7])).toThrow(
    'sample.text: expected a text, as the model draws what it says, got number',
  );
  expect(() => textTensor(input, [])).toThrow('sample.text: expected at least one text, got an empty list');
});

test('a manifest without a vocabulary is damaged', () => {
  const { vocabulary: _, ...without } = input;
  expect(() => textTensor(without, ['red'])).toThrow(expect.objectContaining({ code: 'model.format' }) as Error);
});
