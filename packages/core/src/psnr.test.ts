// The peak signal-to-noise ratio by hand: 10·log10(peak² / mean squared error).
import { expect, test } from 'vitest';
import { decibels, psnr } from './psnr.js';

test('is 10·log10(peak² / mean squared error)', () => {
  expect(decibels([1, 2, 4], [1, 2, 3], 255)).toBeCloseTo(52.902016, 5); // mean squared error 1/3
  expect(decibels([0.01, -0.01], [0, 0], 2)).toBeCloseTo(46.0206, 4);
  expect(decibels(BigInt64Array.of(1n, 2n, 4n), [1, 2, 3], 255)).toBeCloseTo(52.902016, 5);
});

test('counts NaN and infinities as equal at the same positions only', () => {
  expect(decibels([NaN, Infinity, 1], [NaN, Infinity, 1], 1)).toBe(Infinity);
  expect(decibels([NaN, 1], [1, NaN], 1)).toBe(-Infinity);
  expect(decibels([Infinity], [-Infinity], 1)).toBe(-Infinity);
  expect(decibels([1], [1, 2], 1)).toBe(-Infinity);
});

test('a value that is no list is refused by the name of the function that was called', () => {
  expect(() => decibels(null as never, [1], 1)).toRefuse('usage', /^decibels: /);
  expect(() => psnr([1], undefined as never)).toRefuse('usage', /^psnr: /);
});
