// PSNR and SSIM against scikit-image (tests/vectors/super_resolution.py), and in known cases.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { psnr, ssim } from './pairs.js';

interface Pair {
  width: number;
  height: number;
  channels: number;
  a: number[];
  b: number[];
  psnr: number;
  ssim: number;
}
const { pairs } = JSON.parse(
  readFileSync(new URL('../../../../tests/vectors/super-resolution.json', import.meta.url), 'utf8'),
) as { pairs: Pair[] };

describe.each(pairs)('PSNR and SSIM of $width × $height × $channels', (pair) => {
  const { width, height, channels } = pair;
  const [a, b] = [pair.a, pair.b].map((data) => ({ data, width, height, channels })) as [never, never];

  test('equal those of scikit-image', () => {
    expect([psnr(a, b), ssim(a, b)]).toBeAllclose([pair.psnr, pair.ssim], { rtol: 1e-9, atol: 0 });
  });

  test('are greatest for the picture itself', () => {
    expect(psnr(a, a)).toBe(Infinity);
    expect(ssim(a, a)).toBeCloseTo(1, 12);
  });
});

test('PSNR and SSIM refuse pictures that cannot be compared', () => {
  const of = (width: number, height: number, count = width * height) => ({
    data: new Uint8Array(count),
    width,
    height,
    channels: 1,
  });
  expect(() => psnr(of(3, 2), of(2, 3))).toRefuse('input.shape', 'width 2', '3');
  expect(() => psnr(of(3, 2), of(3, 2, 5))).toRefuse('input.shape', /6.*5/);
  expect(() => ssim(of(11, 10), of(11, 10))).toRefuse('input.shape', 'ssim', '11 × 10');
});
