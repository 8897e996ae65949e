// The suite's own matcher: what passes, what fails, and what a failure says.
import { expect, test } from 'vitest';
import { compareAllclose, refusalFault } from '../matchers.js';

test('toBeAllclose accepts differences within atol + rtol·|expected| and nothing else', () => {
  expect(new Float32Array([1, 2, 3])).toBeAllclose([1, 2, 3]);
  expect([100.5]).toBeAllclose([100], { rtol: 0.005 });
  expect([100.6]).not.toBeAllclose([100], { rtol: 0.005 });
  expect([0.1]).toBeAllclose([0], { atol: 0.1 });
  expect([0.1]).not.toBeAllclose([0], { rtol: 1 });
  expect([1]).not.toBeAllclose([1, 1], { atol: 9 });
});

test('toBeAllclose treats NaN and infinities as values of their own', () => {
  expect([NaN, Infinity, -Infinity, 0]).toBeAllclose([NaN, Infinity, -Infinity, -0]);
  expect([NaN]).not.toBeAllclose([0], { atol: 1e9 });
  expect([0]).not.toBeAllclose([NaN], { atol: 1e9 });
  expect([Infinity]).not.toBeAllclose([-Infinity], { atol: 1e9, rtol: 1 });
});

test('a failure names the worst element', () => {
  expect(compareAllclose([1, 5, 2], [1, 2, 3], { atol: 0.5 }).message).toBe(
    'toBeAllclose: 2 of 3 numbers are off; worst at [1]: expected 2, got 5 (difference 3, rtol 0, atol 0.5)',
  );
});

test('toRefuse wants the code and every name', async () => {
  const error = Object.assign(new Error("config.rates.g: expected a number above 0, got '-1'"), { code: 'usage' });
  const refuse = (): never => {
    throw error;
  };
  expect(refuse).toRefuse('usage', 'config.rates.g', '-1');
  await expect(Promise.reject(error)).rejects.toRefuse('usage', /rates\.g/);
  expect(refuse).not.toRefuse('input.shape', 'config.rates.g');
  expect(refuse).not.toRefuse('usage', 'config.rates.d');
  expect(() => 1).not.toRefuse('usage');
  expect(refusalFault(new Error('x'), 'usage', [])).toBe("toRefuse: expected code 'usage', got 'undefined': x");
});
