// Concatenation of bytes, and what is refused.
import { expect, test } from 'vitest';
import { joinBytes } from './bytes.js';

test('joins bytes, and refuses what is no list of them', () => {
  expect(joinBytes([])).toEqual(new Uint8Array());
  expect(joinBytes([Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)])).toEqual(Uint8Array.of(1, 2, 3));
  for (const wrong of [null, undefined, 7, [null], [[1, 2]], [Uint16Array.of(1)]])
    expect(() => joinBytes(wrong as never)).toRefuse('usage', 'joinBytes');
});
