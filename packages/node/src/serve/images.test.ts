// What a request for pictures asks the generator for.
import { expect, test } from 'vitest';
import { imagesRequest } from './images.js';
import { limitsOf } from './limits.js';

test.each([
  [undefined, undefined],
  ['none', 'none'],
  ['7', { seed: 7 }],
  [7, { seed: 7 }],
  [{ seed: '18446744073709551615' }, { seed: 2n ** 64n - 1n }],
])('noise of a request, %#', (noise, wanted) => {
  expect(imagesRequest({ ...(noise === undefined ? {} : { noise }) }, limitsOf()).sample.noise).toEqual(wanted);
});

test('a label keeps its kind: a class may be called by the number of another one', () => {
  const asked = (label: unknown): unknown => imagesRequest({ label }, limitsOf()).sample.label;
  expect([asked('1'), asked(1), asked('cat')]).toEqual(['1', 1, 'cat']);
  for (const label of ['-1', 2 ** 53, '9'.repeat(20), true, ['cat'], 'x'.repeat(257)])
    expect(() => asked(label)).toThrow(/^images\.label: expected/);
});

test.each([
  ['usage', ''],
  ['usage', '-1'],
  ['usage', 'some'],
  ['usage', true],
  ['input.range', { seed: 'none' }],
  ['usage', { seed: 1, index: 2 }],
])('%s: noise %j is refused', (code, noise) => {
  expect(() => imagesRequest({ noise }, limitsOf())).toRefuse(code, /^images\.noise/);
});
