// How values are shown in messages: their type can be seen, and nothing else of a terminal is moved.
import { expect, test } from 'vitest';
import { describeValue } from './issue-line.js';
import { shown } from './shown.js';

class Latent {
  size = 4;
}

test.each<[unknown, string]>([
  ['7', "'7'"],
  [7, '7'],
  [7n, '7n'],
  [NaN, 'NaN'],
  [undefined, 'nothing'],
  [null, 'null'],
  [[1], 'Array'],
  [new Map(), 'Map'],
  [() => 1, 'Function'],
])('%o in short', (value, text) => expect(shown(value)).toBe(text));

test.each<[unknown, string]>([
  ['7', "'7'"],
  [7, '7'],
  [7n, '7n'],
  [NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [undefined, 'nothing'],
  [null, 'null'],
  [true, 'true'],
  [{ psi: NaN }, '{ psi: NaN }'],
  [{ psi: Infinity, seed: '7' }, "{ psi: Infinity, seed: '7' }"],
  [['a', 1n, [undefined, []]], "['a', 1n, [nothing, []]]"],
  [{ a: { b: { c: { d: 1 } } } }, '{ a: { b: { c: … } } }'],
  [{}, '{}'],
  [Object.create(null), '{}'],
  [new Latent(), 'a Latent'],
  [new Float32Array(2), 'a Float32Array'],
  [Promise.resolve(1), 'a promise; await it first'],
  [Math.max, 'the function max'],
  [Symbol('s'), 'Symbol(s)'],
  ['\u001b[2J\u0085', "'\\x1b[2J\\x85'"],
  ['x'.repeat(1000), `'${'x'.repeat(119)}…`],
  [(function* () {})(), 'a Generator'],
  [new (class {})(), 'a Object'],
])('%o', (value, text) => expect(describeValue(value)).toBe(text));

test('a list that contains itself, and one of a million, end', () => {
  const ring: unknown[] = [];
  ring.push(ring, ring);
  expect(describeValue(ring)).toBe('[[[…, …], […, …]], [[…, …], […, …]]]');
  expect(describeValue(new Array(1e6).fill(0)).length).toBeLessThan(130);
});
