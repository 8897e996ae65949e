// Detail and patterns of pictures with values by hand.
import { philoxNormal } from '@forja/core';
import { expect, test } from 'vitest';
import { highFrequency, patternShare } from './pattern.js';

const of = (width: number, height: number, value: (x: number, y: number) => number) => ({
  data: Float64Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width))),
  width,
  height,
  channels: 1,
});

test('a gradient has no detail; a chessboard of ±1 differs by 2 from its neighbours, and is all pattern', () => {
  expect(highFrequency(of(9, 7, (x, y) => 3 * x - y))).toBe(0);
  const board = of(9, 7, (x, y) => ((x + y) % 2 === 0 ? 1 : -1));
  expect(highFrequency(board)).toBe(4);
  expect(patternShare([board], 2)).toBeCloseTo(1, 12);
  expect(patternShare([board], 3)).toBeLessThan(0.1);
});

test('noise has about the share of chance, one over the number of tiles', () => {
  const noise = philoxNormal({ seed: 1, stream: 0, step: 0 }, 66 * 66);
  const picture = { data: noise, width: 66, height: 66, channels: 1 };
  expect(patternShare([picture], 4)).toBeLessThan(3 * (16 / 64 ** 2));
  const grid = of(66, 66, (x, y) => noise[y * 66 + x]! + (x % 4 === 0 && y % 4 === 0 ? 3 : 0));
  expect(patternShare([grid], 4)).toBeGreaterThan(0.2);
});
