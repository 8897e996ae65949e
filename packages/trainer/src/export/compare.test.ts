// The criterion of verification, the byte head's arithmetic, the inputs drawn, and the reordering of dense data.
import { describe, expect, it } from 'vitest';
import { inverse, permuted } from '../lower/permute.js';
import { distance } from './compare.js';
import { draw } from './feeds.js';
import { quantisation } from './uint8.js';

describe('distance', () => {
  it('is the largest error over the size of the reference, which counts as 1e-2 at least', () => {
    expect(distance([1.001, 2], [1, 2])).toMatchObject({ scale: 2, relative: expect.closeTo(0.0005, 8) as number });
    expect(distance([1e-4, 0], [0, 0]).relative).toBeCloseTo(1e-2, 8);
    // One huge reference value among thousands does not hide errors of the others.
    const reference = Float32Array.from({ length: 10_000 }, (_, i) => (i === 0 ? 1e6 : 1));
    expect(
      distance(
        reference.map((v, i) => (i === 5 ? 1.5 : v)),
        reference,
      ).relative,
    ).toBeCloseTo(0.5, 6);
  });

  it('measures an outlier of an output that is nearly zero elsewhere relative to a tenth of the outlier', () => {
    const reference = Float32Array.from({ length: 10_000 }, (_, i) => (i === 7 ? 0.5 : 1e-12));
    expect(
      distance(
        reference.map((v, i) => (i === 7 ? v + 1e-5 : v)),
        reference,
      ),
    ).toMatchObject({ max: expect.closeTo(1e-5, 7) as number, relative: expect.closeTo(2e-4, 6) as number });
    expect(
      distance(
        reference.map((v, i) => (i === 8 ? v + 1e-5 : v)),
        reference,
      ).relative,
    ).toBeCloseTo(1e-3, 6); // others are as before
  });

  it('is infinite where NaN, infinities or lengths differ, zero where they agree', () => {
    expect(distance([NaN], [1]).relative).toBe(Infinity);
    expect(distance([1], [NaN]).relative).toBe(Infinity);
    expect(distance([Infinity], [1]).relative).toBe(Infinity);
    expect(distance([1], [1, 2]).relative).toBe(Infinity);
    expect(distance([NaN, Infinity, 0], [NaN, Infinity, -0]).relative).toBe(0);
    expect(distance([], []).relative).toBe(0);
  });
});

describe('quantisation', () => {
  it('takes the ends of a range to 0 and 255, and rounds between', () => {
    for (const [low, high] of [
      [-1, 1],
      [0, 1],
      [0, 255],
      [-3, 5],
    ] as const) {
      const { scale, shift } = quantisation([low, high]);
      const byte = (x: number): number => Math.min(255, Math.max(0, Math.floor(x * scale + shift)));
      for (let step = 0; step <= 1000; step++) {
        const x = low + ((high - low) * (step + 0.25)) / 1000;
        expect(byte(x)).toBe(Math.min(255, Math.round(((x - low) / (high - low)) * 255)));
      }
      expect([byte(low), byte(high)]).toEqual([0, 255]);
    }
    expect(quantisation([-1, 1])).toEqual({ scale: 127.5, shift: 128 });
  });
});

describe('draw', () => {
  it('draws within the range, by seed and stream', () => {
    const picture = draw({ dtype: 'float32', role: 'image', range: [0, 1] }, [50, 4], 1, 0);
    expect([Math.min(...picture.data) >= 0, Math.max(...picture.data) <= 1, Math.max(...picture.data) > 0.8]).toEqual([
      true,
      true,
      true,
    ]);
    expect(draw({ dtype: 'float32', role: 'latent' }, [4], 1, 0).data).not.toEqual(
      draw({ dtype: 'float32', role: 'latent' }, [4], 1, 1).data,
    );
    expect(draw({ dtype: 'float32', role: 'latent' }, [4], 1, 0)).toEqual(
      draw({ dtype: 'float32', role: 'latent' }, [4], 1, 0),
    );
    expect([...new Set(draw({ dtype: 'int32', role: 'label', range: [2, 4] }, [200], 3, 0).data)].sort()).toEqual([
      2, 3, 4,
    ]);
    expect([...new Set(draw({ dtype: 'int32', role: 'label', classes: 3 }, [200], 3, 0).data)].sort()).toEqual([
      0, 1, 2,
    ]);
    expect(
      [...new Set(draw({ dtype: 'float32', role: 'noise', distribution: 'bernoulli' }, [200], 3, 0).data)].sort(),
    ).toEqual([0, 1]);
    expect(
      draw({ dtype: 'float32', role: 'latent', distribution: 'uniform' }, [500], 3, 0).data.some((v) => v < -0.5),
    ).toBe(true);
  });
});

describe('permuted', () => {
  it('moves every element of every order to its place, and back', () => {
    const shape = [2, 3, 1, 4];
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [0, 3, 1, 2],
      [1, 0, 3, 2],
      [2, 0, 1, 3],
    ];
    for (const perm of orders) {
      const stored = permuted(data, shape, perm);
      const sizes = perm.map((axis) => shape[axis] ?? 0);
      for (let flat = 0; flat < 24; flat++) {
        let rest = flat;
        const at = [0, 0, 0, 0];
        for (let i = 3; i >= 0; i--) {
          at[perm[i] ?? 0] = rest % (sizes[i] ?? 1);
          rest = Math.floor(rest / (sizes[i] ?? 1));
        }
        const [a = 0, b = 0, c = 0, d = 0] = at;
        expect(stored[flat]).toBe(((a * 3 + b) * 1 + c) * 4 + d);
      }
      expect(permuted(stored, sizes, inverse(perm))).toEqual(data);
    }
    expect(permuted(data, shape, [2, 0, 1, 3])).toBe(data);
  });
});
