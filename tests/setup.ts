// Loaded before every test file of every project: the matchers toBeAllclose and toRefuse; tfjs's advice to install a
// native backend is kept out of the output.
import { expect } from 'vitest';
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
  if (!String(words[0]).includes('looks like you are running TensorFlow.js in Node.js')) warn(...words);
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
