// The report: self-contained, texts escaped, scripts that parse, nearest pictures by brute force.
import { describe, expect, it } from 'vitest';
import { Script } from 'node:vm';
import { Image } from '@forja/core';
import { arrayDataset } from '../data/arrays.js';
import { uplotModule } from '../../scripts/uplot.mjs';
import { readFile } from 'node:fs/promises';
import { nearestExamples } from './nearest-examples.js';
import { LogTable } from './columns.js';
import { partsOf } from './parts.js';
import { reportHtml } from './report.js';
import { compareHtml } from './compare.js';
import type { LogLine, MeasureLine } from '../records/store.js';

const lines: LogLine[] = Array.from({ length: 4000 }, (_, i) => ({
  step: i + 1,
  scalars: { loss_d: 1, loss_g: i },
  rates: { rate_g: 1e-3, rate_d: 1e-3 },
  images_per_s: 100,
  seconds: i,
}));
const png = await new Image(2, 2, 1, new Uint8ClampedArray([0, 80, 160, 255])).toPNG();
/** The numbers in a report. */
const plotsIn = (html: string): unknown =>
  JSON.parse(/<script type="application\/json" id="plots">(.*?)<\/script>/.exec(html)?.[1] ?? '');
const hostile = '</script><script>alert(1)</script>"\'&';

const measures: MeasureLine[] = [10, 20, 30].map((step, i) => ({
  step,
  output: 'generator',
  scores: { frechet: [3, 1, 2][i] ?? 0, frechet_sd: 1 },
  extractor: hostile,
  sha256: 'abc',
  resize: 'none',
  made: 5,
  real: 5,
  against: 'train',
  seed: 0,
  ema: 0.9,
  seconds: 1,
}));

async function example(): Promise<string> {
  const data = arrayDataset({ data: new Uint8Array([0, 0, 255, 255, 0, 255]), shape: [1, 2, 1] });
  const compared = await nearestExamples(
    { dtype: 'float32', shape: [1, 1, 2, 1], data: new Float32Array([-1, -1]) },
    data,
    'image',
    [-1, 1],
  );
  return reportHtml({
    title: hostile,
    config: { out: hostile },
    log: new LogTable(lines),
    charts: { [hostile]: ['loss_d', 'loss_g'] },
    samples: [
      { step: 0, png },
      { step: 500, png },
    ],
    sessions: [{ fromStep: 0, device: hostile, environment: { cpu: hostile } }],
    facts: { weights: hostile },
    measures,
    best: { step: 20, score: 'frechet', value: 1 },
    walk: png,
    diagnosis: [{ step: 7, message: hostile, advice: 'slow D' }],
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
    const data = plotsIn(html) as Record<string, number[]>;
    expect(data['step']).toHaveLength(1500);
    expect(data['step']?.at(-1)).toBe(4000);
  });

  it('marks the best step, shows what measured it, the walk and the diagnosis', async () => {
    const html = await example();
    expect(html).toMatch(/<tr class="best"><td>20<\/td><td>1<\/td>/);
    expect(html).toContain('step 20, by frechet 1');
    expect(html).toContain('5 generated, 5 of the data (train), seed 0');
    expect(html).toContain('alt="walk through the latents"');
    expect(html).toContain('<em>slow D</em>');
    const data = plotsIn(html) as { scores: unknown; best: number };
    expect(data).toMatchObject({ best: 20, scores: { step: [10, 20, 30], values: { frechet: [3, 1, 2] } } });
  });

  it('compares runs in one page: where they differ, and their lines over each other', async () => {
    const run = (name: string, d: number) => ({ name, config: { rates: { d }, out: name, seed: 0 }, lines, measures });
    const html = await compareHtml([run(hostile, 1), run('b', 2)]);
    expect(html).not.toContain('<script>alert');
    expect(html).not.toMatch(/(?:src|href)=["'](?!data:)/);
    expect(html).toContain('<td>rates.d</td><td>1</td><td>2</td>');
    expect(html).not.toContain('<td>seed</td>');
    expect(html).toContain('<td>frechet, last</td><td>2</td><td>2</td>');
    expect(html).toContain('<td>frechet, best</td><td>1 at step 20</td><td>1 at step 20</td>');
    expect(html).toContain('<td>frechet_sd, last</td>');
    expect(html).not.toContain('frechet_sd, best');
    const scripts = [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, code]) => code ?? '');
    for (const code of scripts) expect(() => new Script(code)).not.toThrow();
    const charts = JSON.parse(/const charts = (\[.*\]);/.exec(html)?.[1] ?? '') as { name: string; lines: unknown[] }[];
    expect(charts.map(({ name }) => name)).toEqual([
      'frechet',
      'frechet_sd',
      'loss_d',
      'loss_g',
      'rate_g',
      'rate_d',
      'images_per_s',
    ]);
    expect(charts[0]?.lines).toMatchObject([{ values: [3, 1, 2] }, { name: 'b', step: [10, 20, 30] }]);
  });

  it('shows the peak memory in a chart of its own and in the comparison, where the log has it', async () => {
    const some = lines.slice(0, 10);
    const more = some.map((line) => ({ ...line, peak_mb: 100 + line.step }));
    const parts = (log: readonly LogLine[]) =>
      partsOf({ title: '', config: {}, log: new LogTable(log), charts: {}, samples: [], sessions: [], facts: {} });
    const { plots } = await parts(more);
    expect(plots.charts.at(-1)).toMatchObject({ title: 'Peak memory, MB', left: ['peak_mb'], right: [] });
    expect(plots.charts.at(-2)).toMatchObject({ title: 'Rates and speed', right: ['images_per_s'] });
    expect(plots.columns['peak_mb']).toEqual([101, 102, 103, 104, 105, 106, 107, 108, 109, 110]);
    expect((await parts(some)).plots.charts.map(({ title }) => title)).not.toContain('Peak memory, MB');
    const run = (name: string, log: readonly LogLine[]) => ({ name, config: {}, lines: log, measures: [] });
    const html = await compareHtml([run('a', more), run('b', some)]);
    expect(html).toContain('<td>peak memory, MB</td><td>110</td><td></td>');
  });

  it('averages long logs', () => {
    const { step, values } = new LogTable(lines).thin(4);
    const lossG = values['loss_g'];
    expect(step).toEqual([1000, 2000, 3000, 4000]);
    expect(lossG).toEqual([499.5, 1499.5, 2499.5, 3499.5]);
    expect(new LogTable().thin(10).step).toEqual([]);
  });

  it('keeps what some lines lack, and forgets what a run went back from', () => {
    const line = (step: number, scalars: Record<string, number>): LogLine => ({
      step,
      scalars,
      rates: {},
      images_per_s: 1,
      seconds: 0,
    });
    const log = new LogTable([line(1, { a: 1 }), line(2, { a: 3, b: 5 }), line(3, { a: 8 }), line(4, { c: 1 })]);
    expect(log.thin(2)).toEqual({
      step: [2, 4],
      values: { a: [2, 8], images_per_s: [1, 1], b: [5, null], c: [null, 1] },
    });
    log.add(line(3, { a: 7 }));
    expect(log.thin(9)).toEqual({
      step: [1, 2, 3],
      values: { a: [1, 3, 7], images_per_s: [1, 1, 1], b: [null, 5, null] },
    });
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
    const { pairs, searched } = await nearestExamples(
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
