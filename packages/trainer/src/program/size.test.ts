// Arithmetic on random sizes against the same arithmetic on plain numbers; equal sizes are equal as text.
import { describe, expect, it } from 'vitest';
import {
  ceilDivide,
  dimSize,
  evaluateSize,
  floorDivide,
  isStatic,
  maximum,
  minimum,
  namesOf,
  plus,
  product,
  sizeText,
  times,
  type Size,
} from './size.js';

/** Mulberry32. */
function dice(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

describe('sizes', () => {
  it('evaluate to what numbers give, whatever was done to them', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const draw = dice(seed);
      const sizes = { batch: 1 + draw(9), height: 8 * (1 + draw(40)), width: 1 + draw(300) };
      const pool: [Size, number][] = [
        [dimSize('batch'), sizes.batch],
        [dimSize('height', 8), sizes.height],
        [dimSize('width'), sizes.width],
        [3, 3],
      ];
      for (let i = 0; i < 12; i++) {
        const [[a, x], [b, y], n] = [
          pool[draw(pool.length)] as [Size, number],
          pool[draw(pool.length)] as [Size, number],
          1 + draw(7),
        ]; // the pool is not empty
        const next = (
          [
            [plus(a, b), x + y],
            [plus(a, b, -1), x - y],
            [times(a, n), x * n],
            [floorDivide(a, n), Math.floor(x / n)],
            [ceilDivide(a, n), Math.ceil(x / n)],
            [product([a, b]), x * y],
            [maximum(a, b), Math.max(x, y)],
            [minimum(a, b), Math.min(x, y)],
          ] as [Size, number][]
        )[draw(8)];
        if (next === undefined || Math.abs(next[1]) > 1e6) continue;
        expect(evaluateSize(next[0], sizes), `seed ${seed}: ${sizeText(next[0])}`).toBe(next[1] + 0);
        pool.push(next);
      }
    }
  });

  it('have one form', () => {
    const h = dimSize('h');
    expect(sizeText(floorDivide(plus(floorDivide(plus(h, 1), 2), 1), 2))).toBe('floor((h + 3)/4)');
    expect(sizeText(floorDivide(plus(times(h, 2), 6), 4))).toBe('floor((h + 1)/2) + 1');
    expect(sizeText(plus(floorDivide(plus(h, 5), 2), h, 2))).toBe('floor((h + 1)/2) + 2*h + 2');
    expect(sizeText(floorDivide(times(h, 7), 2))).toBe('floor(h/2) + 3*h');
    expect([maximum(plus(h, 2), h), maximum(5, h), minimum(h, 16)].map(sizeText)).toEqual([
      'h + 2',
      'max(5, h)',
      'h - max(16, h) + 16',
    ]);
    expect(sizeText(maximum(h, 5))).toBe(sizeText(maximum(5, h)));
    expect(sizeText(floorDivide(plus(1, h, -1), 2))).toBe('-floor(h/2)');
    expect(sizeText(product([plus(h, 1), dimSize('b'), 2]))).toBe('2*b + 2*b*h');
    expect(isStatic(plus(h, h, -1))).toBe(true);
  });

  it('count a dim in steps where it is a multiple', () => {
    const h = dimSize('h', 4);
    expect([h, floorDivide(h, 2), floorDivide(h, 4), times(h, 3), floorDivide(h, 8)].map(sizeText)).toEqual([
      'h',
      'floor(h/2)',
      'floor(h/4)',
      '3*h',
      'floor(floor(h/4)/2)',
    ]);
    expect(evaluateSize(times(floorDivide(h, 2), 2), { h: 12 })).toBe(12);
    expect(sizeText(times(ceilDivide(h, 2), 2))).toBe('h');
    expect([evaluateSize(h, { h: 6 }), evaluateSize(h, {})]).toEqual([undefined, undefined]);
    expect(namesOf(product([h, floorDivide(plus(dimSize('w'), 1), 2)]))).toEqual(['w', 'h']);
  });
});
