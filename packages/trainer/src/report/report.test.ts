// The report: everything inside the file, texts escaped, scripts that parse, the nearest pictures really the nearest.
import { describe, expect, it } from 'vitest';
import { Script } from 'node:vm';
import { Image } from '@forja/core';
import { arrayDataset } from '../data/arrays.js';
import { uplotModule } from '../../scripts/uplot.mjs';
import { readFile } from 'node:fs/promises';
import { nearest } from './nearest.js';
import { reportHtml, thin } from './report.js';
import type { LogLine } from '../records/store.js';

const lines: LogLine[] = Array.from({ length: 4000 }, (_, i) => ({
  step: i + 1,
  scalars: { loss_d: 1, loss_g: i },
  rates: { rate_g: 1e-3, rate_d: 1e-3 },
  images_per_s: 100,
  seconds: i,
}));
const png = await new Image(2, 2, 1, new Uint8ClampedArray([0, 80, 160, 255])).toPNG();
const hostile = '</script><script>alert(1)</script>"\'&';

async function example(): Promise<string> {
  const data = arrayDataset({ data: new Uint8Array([0, 0, 255, 255, 0, 255]), shape: [1, 2, 1] });
  const compared = await nearest(
    { dtype: 'float32', shape: [1, 1, 2, 1], data: new Float32Array([-1, -1]) },
    data,
    'image',
    [-1, 1],
  );
  return reportHtml({
    title: hostile,
    config: { out: hostile },
    lines,
    charts: { [hostile]: ['loss_d', 'loss_g'] },
    samples: [
      { step: 0, png },
      { step: 500, png },
    ],
    sessions: [{ fromStep: 0, device: hostile, environment: { cpu: hostile } }],
    facts: { weights: hostile },
    compared,
  });
}

describe('report', () => {
  it('needs nothing beside itself and escapes every text', async () => {
    const html = await example();
    expect(html).not.toContain('<script>alert');
    expect(html).not.toMatch(/(?:src|href)=["'](?!data:)/);
    expect(html).not.toMatch(/@import|url\(/);
    expect(html.match(/<img class="grid"/g)).toHaveLength(2);
    expect(html).toContain(`data:image/png;base64,${Buffer.from(png).toString('base64')}`);
  });

  it('has scripts that parse, and the log as data', async () => {
    const html = await example();
    const scripts = [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, code]) => code ?? '');
    expect(scripts).toHaveLength(2);
    for (const code of scripts) expect(() => new Script(code)).not.toThrow();
    const data = JSON.parse(/const data = (\{.*\});/.exec(html)?.[1] ?? '') as Record<string, number[]>;
    expect(data['step']).toHaveLength(1500);
    expect(data['step']?.at(-1)).toBe(4000);
  });

  it('averages long logs', () => {
    const { step, values } = thin(lines, 4);
    const lossG = values['loss_g'];
    expect(step).toEqual([1000, 2000, 3000, 4000]);
    expect(lossG).toEqual([499.5, 1499.5, 2499.5, 3499.5]);
    expect(thin([], 10).step).toEqual([]);
  });

  it('inlines the installed uPlot', async () => {
    expect(await readFile(new URL('./uplot.ts', import.meta.url), 'utf8')).toBe(uplotModule());
  });
});

describe('nearest', () => {
  it('finds what brute force finds', async () => {
    const size = 12;
    const data = Float32Array.from({ length: 1300 * size }, (_, i) => Math.sin(i * i) * 0.9);
    const set = arrayDataset({ data, shape: [2, 2, 3], range: [-1, 1] });
    const made = Float32Array.from({ length: 3 * size }, (_, i) => Math.cos(i * 7));
    const { pairs, searched } = await nearest(
      { dtype: 'float32', shape: [3, 2, 2, 3], data: made },
      set,
      'image',
      [-1, 1],
    );
    const distance = (m: number, i: number): number =>
      Math.sqrt(
        Array.from({ length: size }, (_, k) => ((made[m * size + k] ?? 0) - (data[i * size + k] ?? 0)) ** 2).reduce(
          (a, b) => a + b,
        ) / size,
      );
    expect(searched).toBe(1300);
    pairs.forEach((pair, m) =>
      expect(pair.distance).toBeCloseTo(Math.min(...Array.from({ length: 1300 }, (_, i) => distance(m, i))), 6),
    );
  });
});
