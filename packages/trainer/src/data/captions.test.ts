// Words, vocabularies and token ids, against values by hand.
import { describe, expect, it } from 'vitest';
import { tokenizer, vocabularyOf } from './captions.js';
import { isHeldOut } from './split.js';

describe('captions', () => {
  it('become ids by frequency, then alphabetically', () => {
    const vocabulary = vocabularyOf(['b a c', 'c b', 'c'], 10);
    expect(vocabulary).toEqual(['', 'c', 'b', 'a']);
    expect(vocabularyOf(['b a c', 'c b', 'c'], 1)).toEqual(['', 'c']);
    expect(vocabularyOf(['constructor __proto__'], 9)).toEqual(['', 'constructor', 'proto']);
    const ids = tokenizer(vocabulary, 3);
    expect([ids('A c?'), ids('x'), ids('a b c a')]).toEqual([
      Int32Array.of(3, 1, 0),
      Int32Array.of(0, 0, 0),
      Int32Array.of(3, 2, 1),
    ]);
  });
});

describe('isHeldOut', () => {
  it('holds out about its share, and always the same names', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `folder/${i}`);
    for (const share of [0.02, 0.1, 0.5]) {
      const held = names.filter((name) => isHeldOut(name, share)).length / names.length;
      expect(Math.abs(held - share)).toBeLessThan(4.5 * Math.sqrt((share * (1 - share)) / names.length));
    }
    // the names are numbered; neighbours must be independent
    const both = names.filter((name, i) => isHeldOut(name, 0.5) && isHeldOut(names[i + 1] ?? name, 0.5)).length;
    expect(Math.abs(both / names.length - 0.25)).toBeLessThan(0.02);
    expect(names.some((name) => isHeldOut(name, 0))).toBe(false);
    // computed in Python; these must never change
    expect(names.slice(0, 40).flatMap((name, i) => (isHeldOut(name, 0.1) ? i : []))).toEqual([5, 13, 14]);
    expect(isHeldOut('nai\u0308ve', 0.5)).toBe(isHeldOut('naïve', 0.5));
  });
});
