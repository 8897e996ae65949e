// Names that are near, and distances of words that the literature gives.
import { expect, test } from 'vitest';
import { edits, nearest } from './nearest.js';

test.each<[string, string, number]>([
  ['kitten', 'sitting', 3],
  ['saturday', 'sunday', 3],
  ['flaw', 'lawn', 2],
  ['', 'abc', 3],
  ['abc', '', 3],
  ['same', 'same', 0],
])('%j and %j are %i edits apart, either way', (a, b, count) => {
  expect([edits(a, b), edits(b, a)]).toEqual([count, count]);
});

test.each<[string, string]>([
  ['sed', 'seed'],
  ['Seed', 'seed'],
  ['truncatoin', 'truncation'],
  ['lables', 'label'],
  ['psi', ''],
])('%j is meant as %j', (name, meant) => {
  const said = nearest(name, ['count', 'label', 'latents', 'seed', 'truncation']);
  expect(said).toBe(meant === '' ? '' : `; did you mean '${meant}'?`);
});
