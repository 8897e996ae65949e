// Errors are recognised by name and code, so that those of another copy of this package are recognised too.
import { expect, test } from 'vitest';
import * as errors from './errors.js';

const classes = Object.entries(errors).filter(
  ([, value]) => typeof value === 'function' && value.prototype instanceof Error,
);

test.each(classes.map(([name]) => name))('%s of another copy is recognised', (name) => {
  const foreign = Object.assign(new Error('elsewhere'), { name, code: 'internal' });
  expect(errors.isForjaError(foreign)).toBe(true);
  expect(errors.isForjaError(Object.assign(new Error('elsewhere'), { name: 'TypeError', code: 'internal' }))).toBe(
    false,
  );
});
