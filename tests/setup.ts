// Loaded before every test file of every project: the matcher toBeAllclose. It has no other effect.
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
