// One seed's numbers: published Philox vectors, latents computed in Python with 40 digits, distribution over 1e6 draws,
// independence of batch.
import { describe, expect, test } from 'vitest';
import vectors from '../../../../tests/vectors/latents.json';
import { angleOfCosine, sinOfAngle } from './angles.js';
import { logOfInteger } from './arithmetic.js';
import { latents } from './latents.js';
import { normalOfWord } from './normal.js';
import { philoxWords } from './philox.js';
import { permutation, philoxBernoulli, philoxNormal, philoxUniform } from './streams.js';

const hex = (words: Iterable<number>): string => [...words].map((word) => word.toString(16).padStart(8, '0')).join('');
const bitsOf = (x: Float32Array): string => hex(new Uint32Array(x.buffer, x.byteOffset, x.length));

describe('philox', () => {
  // Random123, tests/kat_vectors, lines "philox4x32 10".
  test.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5e169c58dbc57ac4c9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d41c83b0ea20bc7c66d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe0994fdcceb5001e42024126ea1'],
  ] as const)('gives the published block of counter %j, key %j', ([c0, c1, c2, c3], [low, high], expected) => {
    expect(hex(philoxWords({ low, high }, c1, c2, c3, new Uint32Array(4), c0))).toBe(expected);
  });

  test('a row that ends inside a block is a prefix of a longer row', () => {
    const key = { low: 1, high: 2 };
    const long = philoxWords(key, 3, 4, 5, new Uint32Array(12));
    for (let n = 0; n < 12; n++) expect(philoxWords(key, 3, 4, 5, new Uint32Array(n))).toEqual(long.slice(0, n));
    expect(philoxWords(key, 3, 4, 5, new Uint32Array(4), 2)).toEqual(long.slice(8));
  });
});

describe('arithmetic, against the engine within 2 units of the last place', () => {
  const ulps = (a: number, b: number): number => Math.abs(a - b) / (Math.abs(b) * 2 ** -52 || 2 ** -1074);
  test('logOfInteger', () => {
    const worst = Array.from({ length: 20_000 }, (_, i) => (i < 100 ? i + 2 : Math.imul(i, 2654435761) >>> 0)).map(
      (n) => ulps(logOfInteger(n), Math.log(n)),
    );
    expect(Math.max(...worst)).toBeLessThan(2);
    expect(ulps(logOfInteger(0xfffffff0, 32), Math.log1p(-16 / 2 ** 32))).toBeLessThan(2);
    expect(logOfInteger(1)).toBe(0);
    expect(ulps(logOfInteger(0xffffffff), Math.log(0xffffffff))).toBeLessThan(2);
  });
  test('sinOfAngle and angleOfCosine', () => {
    for (let i = 1; i < 5000; i++) {
      expect(ulps(sinOfAngle((i / 5000) * Math.PI), Math.sin((i / 5000) * Math.PI))).toBeLessThan(2);
      expect(ulps(angleOfCosine(i / 2500 - 1), Math.acos(i / 2500 - 1))).toBeLessThan(2);
    }
    expect([angleOfCosine(1), angleOfCosine(-1), sinOfAngle(0)]).toEqual([0, Math.PI, 0]);
  });
});

describe('normals', () => {
  test('normalOfWord agrees with 40-digit quantiles to 5e-16 at the ends, at the seams and in the middle', () => {
    for (const { word, z } of vectors.quantiles)
      expect(Math.abs(normalOfWord(word) / Number(z) - 1)).toBeLessThan(5e-16);
  });
  test('is antisymmetric and increasing', () => {
    let last = -Infinity;
    for (let word = 0; word < 2 ** 32; word += 1_048_573) {
      const z = normalOfWord(word);
      expect(z).toBeGreaterThan(last);
      expect(normalOfWord(~word >>> 0)).toBe(-z);
      last = z;
    }
  });

  const n = 1_000_000;
  const draws = philoxNormal({ seed: 2024, stream: 0, step: 0 }, n);

  test('moments of 1e6 draws lie within 4.5 standard errors', () => {
    // Var(z^k) = E z^2k − (E z^k)²: 1, 2, 15, 96.
    for (const [power, mean, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const) {
      let sum = 0;
      for (const z of draws) sum += z ** power;
      expect(Math.abs(sum / n - mean)).toBeLessThan(4.5 * Math.sqrt(variance / n));
    }
    let lagged = 0;
    for (let i = 1; i < n; i++) lagged += draws[i]! * draws[i - 1]!;
    expect(Math.abs(lagged / n)).toBeLessThan(4.5 / Math.sqrt(n));
  });

  test('Kolmogorov-Smirnov distance of 1e6 draws from the normal distribution is below 1.95/√n, the 0.1 % point', () => {
    const sorted = draws.slice().sort();
    let distance = 0;
    sorted.forEach((z, i) => {
      const p = distribution(z);
      distance = Math.max(distance, p - i / n, (i + 1) / n - p);
    });
    expect(distance).toBeLessThan(1.95 / Math.sqrt(n));
    expect(distance).toBeGreaterThan(0.2 / Math.sqrt(n)); // closer would be suspicious for a random sample
  });
});

describe('latents', () => {
  test.each(vectors.latents)(
    'seed $seed from $start, $count × $size $distribution: the bits computed in Python',
    ({ seed, start, count, size, distribution, bits }) => {
      expect(
        bitsOf(latents(BigInt(seed), start, count, size, { distribution: distribution as 'normal' | 'uniform' })),
      ).toBe(bits.join(''));
    },
  );
  test('a number and the same bigint are one seed', () => {
    expect(latents(7, 0, 2, 10)).toEqual(latents(7n, 0, 2, 10));
    expect(latents(7, 0, 1, 10)).not.toEqual(latents(8, 0, 1, 10));
    expect(latents(2n ** 32n, 0, 1, 10)).not.toEqual(latents(1, 0, 1, 10));
  });
  test('latent i does not depend on the batch', () => {
    const all = latents(3, 0, 64, 100, { truncation: 0.7 });
    for (const [start, count] of [
      [0, 1],
      [17, 1],
      [16, 16],
      [63, 1],
    ] as const) {
      expect(latents(3, start, count, 100, { truncation: 0.7 })).toEqual(all.slice(start * 100, (start + count) * 100));
    }
  });
  test.each([
    [[-1, 0, 1, 4], /seed: .*got -1/],
    [[1.5, 0, 1, 4], /seed: .*got 1.5/],
    [[2 ** 53, 0, 1, 4], /seed: /],
    [[2n ** 64n, 0, 1, 4], /seed: /],
    [[1, -1, 1, 4], /start: .*got -1/],
    [[1, 0, 1e9, 100], /count: .*got 1000000000/],
    [[1, 0, 1, 0], /size: .*got 0/],
    [[1, 0, 1, 4, { distribution: 'cauchy' }], /distribution: .*got 'cauchy'/],
    [[1, 0, 1, 4, { truncation: 0 }], /truncation: .*got 0/],
    [[1, 0, 1, 4, { truncation: { psi: -1 } }], /got \{ psi: -1 \}/],
    [[1, 0, 1, 4, { truncation: null }], /got null/],
  ])('refuses what is out of range (%#)', (args, message) => {
    const call = (): unknown => (latents as (...x: unknown[]) => unknown)(...(args as unknown[]));
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ name: 'UsageError' }));
  });
});

describe('streams', () => {
  test.each(vectors.streams)(
    'philoxNormal of seed $seed, stream $stream, step $step: the bits computed in Python',
    ({ seed, stream, step, bits }) => {
      expect(bitsOf(philoxNormal({ seed: BigInt(seed), stream, step }, bits.length / 8))).toBe(bits);
    },
  );
  test('seed, stream, step and kind each change the numbers', () => {
    const at = { seed: 1, stream: 2, step: 3 };
    const rows = [at, { ...at, seed: 2 }, { ...at, stream: 3 }, { ...at, step: 4 }].map((p) =>
      bitsOf(philoxUniform(p, 8)),
    );
    expect(new Set(rows).size).toBe(4);
    const [z] = philoxNormal(at, 1);
    const [u] = philoxUniform(at, 1);
    expect(Math.abs(distribution(z!) - u!)).toBeGreaterThan(1e-6);
  });
  test('uniforms: in [0, 1), Kolmogorov-Smirnov below the 0.1 % point', () => {
    const n = 100_000;
    const sorted = philoxUniform({ seed: 5, stream: 1, step: 9 }, n).sort();
    let distance = 0;
    sorted.forEach((u, i) => (distance = Math.max(distance, u - i / n, (i + 1) / n - u)));
    expect(sorted[0]).toBeGreaterThanOrEqual(0);
    expect(sorted[n - 1]).toBeLessThan(1);
    expect(distance).toBeLessThan(1.95 / Math.sqrt(n));
  });
  test.each([0, 0.1, 0.5, 1])('bernoulli(%f): the share of ones within 4.5 standard errors', (p) => {
    const n = 100_000;
    const share = philoxBernoulli({ seed: 5, stream: 1, step: 9 }, n, p).reduce((sum, x) => sum + x, 0) / n;
    expect(Math.abs(share - p)).toBeLessThanOrEqual(4.5 * Math.sqrt((p * (1 - p)) / n));
  });
  test('permutation: every number once, another order each epoch, uniform over positions', () => {
    const order = permutation(1, 0, 60_000);
    expect(order.slice().sort()).toEqual(Uint32Array.from({ length: 60_000 }, (_, i) => i));
    expect(permutation(1, 0, 60_000)).toEqual(order);
    expect(permutation(1, 1, 60_000)).not.toEqual(order);
    const seen = new Map<string, number>();
    for (let epoch = 0; epoch < 6_000; epoch++) {
      const key = permutation(9, epoch, 4).join('');
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    // χ² over the 24 orders, 23 degrees of freedom: 49.7 is the 0.1 % point.
    const chi2 = [...seen.values()].reduce((sum, count) => sum + (count - 250) ** 2 / 250, 0);
    expect(seen.size).toBe(24);
    expect(chi2).toBeLessThan(49.7);
    expect([permutation(1, 0, 0).length, permutation(1, 0, 1)[0]]).toEqual([0, 0]);
  });
  test.each([
    [() => philoxNormal({ seed: 1, stream: -1, step: 0 }, 1), /philoxNormal.stream: .*got -1/],
    [() => philoxUniform({ seed: 1, stream: 0, step: 0.5 }, 1), /philoxUniform.step/],
    [() => philoxBernoulli({ seed: 1, stream: 0, step: 0 }, 1, 1.5), /philoxBernoulli.p: .*got 1.5/],
    [() => permutation(1, 0, -1), /permutation.count/],
  ])('refuses what is out of range (%#)', (call, message) => expect(call).toThrow(message));
});

/**
 * Φ by the series of the error function (Abramowitz and Stegun 26.2.11), enough for |z| < 6: the terms are all of one
 * sign.
 */
function distribution(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) sum += term *= (z * z) / k;
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
