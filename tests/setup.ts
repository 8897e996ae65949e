// Loaded before every test file of every project: the matchers toBeAllclose and toRefuse; tfjs's advice to install a
// native backend, which tests that call the library see as any user of tfjs, is kept out of the output. What commands,
// examples and child processes print is not filtered, and asserted.
import { expect } from 'vitest';
import { TFJS_ADVICE } from './advice.js';
import { compareAllclose, refusalFault, type Allclose, type Numbers } from './matchers.js';

expect.extend({
  toBeAllclose(received: Numbers, expected: Numbers, tolerance: Allclose = {}) {
    const { pass, message } = compareAllclose(received, expected, tolerance);
    return {
      pass,
      message: () =>
        this.isNot ? `toBeAllclose: expected the values to differ, got values within tolerance` : message,
    };
  },
  toRefuse(received: unknown, code: string, ...named: (string | RegExp)[]) {
    const fault = refusalFault(thrownBy(received), code, named);
    return { pass: fault === undefined, message: () => fault ?? `toRefuse: expected no error of code '${code}'` };
  },
});

const warn = console.warn;
console.warn = (...words: unknown[]): void => {
  if (!TFJS_ADVICE.test(String(words[0]))) warn(...words);
};

/** The error that a function throws; after `rejects`, the value is the error itself. */
function thrownBy(received: unknown): unknown {
  if (typeof received !== 'function') return received;
  try {
    return `the value ${String((received as () => unknown)())}`;
  } catch (error) {
    return error;
  }
}
