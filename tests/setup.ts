// Loaded before every test file of every project: the matcher toBeAllclose, and tfjs's advice to install a native
// backend kept out of the output.
import { expect } from 'vitest';
import { compareAllclose, type Allclose, type Numbers } from './matchers.js';

expect.extend({
  toBeAllclose(received: Numbers, expected: Numbers, tolerance: Allclose = {}) {
    const { pass, message } = compareAllclose(received, expected, tolerance);
    return {
      pass,
      message: () =>
        this.isNot ? `toBeAllclose: expected the values to differ, got values within tolerance` : message,
    };
  },
});

const warn = console.warn;
console.warn = (...words: unknown[]): void => {
  if (!String(words[0]).includes('looks like you are running TensorFlow.js in Node.js')) warn(...words);
};
