// Arithmetic on sizes: random expressions, written as text and read back, against the same arithmetic on numbers.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Dim } from '../../tensor.js';
import { add, ceilDivide, extreme, floorDivide, multiply, quotient, scale, subtract } from './dims.js';

const SIZES = { batch: 6, h: 11, w: 7 };

/** The value of an expression where names are {@link SIZES}. */
function value(dim: Dim): number {
  const text = String(dim)
    .replaceAll(/(floor|min|max)\(/g, 'Math.$1(')
    .replaceAll(/batch|\bh\b|\bw\b/g, (name) => String(SIZES[name as keyof typeof SIZES]));
  return Function(`return ${text}`)() as number; // all names are substituted
}

type Step = readonly [
  name: string,
  dims: (a: Dim, b: Dim, n: number) => Dim,
  numbers: (a: number, b: number, n: number) => number,
];
const STEPS: readonly Step[] = [
  ['add', (a, b) => add(a, b), (a, b) => a + b],
  ['subtract', (a, b) => subtract(a, b), (a, b) => a - b],
  ['multiply', (a, b) => multiply(a, b), (a, b) => a * b],
  ['floorDivide', (a, _, n) => floorDivide(a, n), (a, _, n) => Math.floor(a / n)],
  ['ceilDivide', (a, _, n) => ceilDivide(a, n), (a, _, n) => Math.ceil(a / n)],
  ['min', (a, b) => extreme('min', a, b), (a, b) => Math.min(a, b)],
  ['max', (a, b) => extreme('max', a, b), (a, b) => Math.max(a, b)],
  ['whole quotient', (a, b, n) => quotient([a, b, n], [n, a]), (_, b) => b],
];
const leaf: fc.Arbitrary<Dim> = fc.constantFrom<Dim>('batch', 'h', 'w', 0, 1, 2, 5);
const chain = fc.array(fc.tuple(fc.nat(STEPS.length - 1), leaf, fc.integer({ min: 1, max: 4 })), { maxLength: 6 });

test('expressions have the value that numbers have, and a text that is read back as the same', () => {
  fc.assert(
    fc.property(leaf, chain, (start, steps) => {
      let [dim, number] = [start, value(start)];
      for (const [s, other, n] of steps) {
        const [name, dims, numbers] = STEPS[s] as Step; // below their count
        // skip division by 0
        if (name === 'whole quotient' && (number === 0 || Math.abs(number) > 1e6)) continue;
        [dim, number] = [dims(dim, other, n), numbers(number, value(other), n)];
        expect(value(dim)).toBeCloseTo(number, 6);
        expect(add(dim, 0)).toBe(dim);
        expect(subtract(dim, dim)).toBe(0);
      }
    }),
    { seed: 7, numRuns: 2000 },
  );
});

test('equal sizes have equal names', () => {
  expect(add('h', 'batch', 1)).toBe(add(1, 'batch', 'h'));
  expect(multiply(add('h', 1), 2)).toBe('2*h + 2');
  expect(multiply('h', 'batch')).toBe(multiply('batch', 'h'));
  expect(subtract(add('h', 3), 3)).toBe('h');
  expect(quotient([multiply('batch', 12)], [4])).toBe('3*batch');
  expect(quotient(['batch', 12, 'h'], ['h', 'batch'])).toBe(12);
  expect(quotient([multiply(add('batch', 1), 'h')], ['h'])).toBe('batch + 1');
  expect(floorDivide(add(multiply('h', 4), 3), 2)).toBe('2*h + 1');
  expect(floorDivide(add('h', -1), 2)).toBe('floor((h - 1)/2)');
  expect(multiply(floorDivide('h', 2), 2)).toBe('2*floor(h/2)');
  expect(extreme('min', 'h', add('h', 2))).toBe('h');
  expect([scale('h', 2), scale('h', 0.5), scale(10, Math.fround(0.7)), scale('h', Math.fround(0.7))]).toEqual([
    '2*h',
    'floor(h/2)',
    7,
    'floor(h*0.7)',
  ]);
  expect([subtract(0, 'h'), subtract(2, multiply('h', 3))]).toEqual(['-h', '-3*h + 2']);
});
