// Truncation, slerp, lerp and walks.
import { describe, expect, test } from 'vitest';
import { latents } from './latents.js';
import { lerp, slerp } from './slerp.js';
import { latentWalk } from './walks.js';

const norm = (x: Float32Array): number => Math.hypot(...x);

describe('truncation', () => {
  const plain = latents(11, 0, 500, 100);

  test.each([0.2, 0.9, 1, 1.5, 2.5])(
    'at %f: near entries are kept, far ones replaced by the distribution cut there',
    (t) => {
      const cut = latents(11, 0, 500, 100, { truncation: t });
      const replaced: number[] = [];
      let kept = 0;
      cut.forEach((z, i) => {
        if (Math.abs(plain[i]!) > t) replaced.push(z);
        else if (z === plain[i]) kept++;
      });
      expect(kept + replaced.length).toBe(plain.length);
      expect(cut.every((z) => Math.abs(z) <= t)).toBe(true);
      // E z² of a normal cut at ±t is 1 − 2tφ(t)/(2Φ(t) − 1), E z⁴ is 3 − (2t³ + 6t)φ(t)/(2Φ(t) − 1); integrated by
      // Simpson's rule.
      const moment = (power: number): number =>
        simpson((x) => x ** power * Math.exp((-x * x) / 2), t) / simpson((x) => Math.exp((-x * x) / 2), t);
      const [m2, m4] = [moment(2), moment(4)];
      const n = replaced.length;
      const mean = (power: number): number => replaced.reduce((sum, z) => sum + z ** power, 0) / n;
      expect(n).toBeGreaterThan(400);
      expect(Math.abs(mean(1))).toBeLessThan(4.5 * Math.sqrt(m2 / n));
      expect(Math.abs(mean(2) - m2)).toBeLessThan(4.5 * Math.sqrt((m4 - m2 * m2) / n));
    },
  );

  test('terminates with a tiny limit', () => {
    const cut = latents(11, 0, 4, 100, { truncation: 1e-6 });
    expect(Math.max(...cut.map(Math.abs))).toBeLessThanOrEqual(1e-6);
    expect(new Set(cut).size).toBeGreaterThan(390);
  });

  test('{ psi } scales, and an unlimited number changes nothing', () => {
    expect(latents(11, 0, 500, 100, { truncation: { psi: 0.5 } })).toEqual(plain.map((z) => z * 0.5));
    expect(latents(11, 0, 500, 100, { truncation: Infinity })).toEqual(plain);
  });

  test('uniform latents stay uniform within the limit', () => {
    const cut = latents(11, 0, 500, 100, { distribution: 'uniform', truncation: 0.5 });
    const share = cut.filter((z) => Math.abs(z) > 0.25).length / cut.length;
    expect(Math.max(...cut.map(Math.abs))).toBeLessThanOrEqual(0.5);
    expect(Math.abs(share - 0.5)).toBeLessThan(4.5 * Math.sqrt(0.25 / cut.length));
  });
});

describe('slerp and lerp', () => {
  const [a, b] = [latents(1, 0, 1, 100), latents(2, 0, 1, 100)];

  test('ends are exact, the middle is as long as both', () => {
    expect([slerp(a, b, 0), slerp(a, b, 1), lerp(a, b, 0), lerp(a, b, 1)]).toEqual([a, b, a, b]);
    const unit = (x: Float32Array): Float32Array => x.map((v) => v / norm(x));
    for (const at of [0.1, 0.5, 0.9]) expect(norm(slerp(unit(a), unit(b), at))).toBeCloseTo(1, 6);
    expect(norm(lerp(unit(a), unit(b), 0.5))).toBeLessThan(0.9);
  });

  test('rotates evenly in a plane', () => {
    const turned = (at: number): Float32Array => slerp(Float32Array.of(1, 0), Float32Array.of(0, 1), at);
    for (const at of [0.2, 0.5, 0.75])
      expect(turned(at)).toBeAllclose([Math.cos((at * Math.PI) / 2), Math.sin((at * Math.PI) / 2)], { atol: 1e-7 });
  });

  test('parallel, opposite and zero latents are interpolated linearly', () => {
    expect(
      slerp(
        a,
        a.map((x) => 2 * x),
        0.5,
      ),
    ).toBeAllclose(
      a.map((x) => 1.5 * x),
      { rtol: 1e-6 },
    );
    expect(
      slerp(
        a,
        a.map((x) => -x),
        0.25,
      ),
    ).toBeAllclose(
      a.map((x) => 0.5 * x),
      { rtol: 1e-6 },
    );
    expect(slerp(new Float32Array(3), Float32Array.of(2, 0, 0), 0.5)).toEqual(Float32Array.of(1, 0, 0));
  });

  test.each([
    [() => slerp(a, b.slice(1), 0.5), /slerp: .*got 100 and 99/, 'input.shape'],
    [() => lerp(a, b, 1.5), /lerp.at: .*got 1.5/, 'input.range'],
    [() => slerp(a, b, Number.NaN), /slerp.at: .* got NaN/, 'input.range'],
  ])('refuses (%#)', (call, message, code) => {
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ code }));
  });
});

describe('latentWalk', () => {
  const stops = [1, 2, 3].map((seed) => latents(seed, 0, 1, 10));
  const at = (walk: Float32Array, k: number): Float32Array => walk.slice(k * 10, (k + 1) * 10);

  test('passes every stop, ends on the last', () => {
    const walk = latentWalk(stops, 21);
    expect([at(walk, 0), at(walk, 10), at(walk, 20)]).toEqual(stops);
    expect(at(walk, 5)).toEqual(slerp(stops[0]!, stops[1]!, 0.5));
  });

  test('a loop returns to its start: the last step is like the others', () => {
    const walk = latentWalk(stops.slice(0, 2), 20, { loop: true });
    expect([at(walk, 0), at(walk, 10)]).toEqual(stops.slice(0, 2));
    expect(at(walk, 19)).toBeAllclose(at(walk, 1), { atol: 1e-6 });
  });

  test('lerp is straight', () => {
    const walk = latentWalk(stops.slice(0, 2), 5, { mode: 'lerp' });
    expect(at(walk, 2)).toEqual(lerp(stops[0]!, stops[1]!, 0.5));
  });

  test.each([
    [() => latentWalk(stops, 1), /steps: .*got 1/],
    [() => latentWalk(stops.slice(0, 1), 5), /stops: .*got 1/],
    [() => latentWalk(stops, 5, { mode: 'jump' as never }), /mode: .*got 'jump'/],
  ])('refuses (%#)', (call, message) => expect(call).toThrow(message));
});

function simpson(f: (x: number) => number, end: number): number {
  const n = 200;
  let sum = f(0) + f(end);
  for (let i = 1; i < n; i++) sum += f((i * end) / n) * (i % 2 ? 4 : 2);
  return (sum * end) / n / 3;
}
