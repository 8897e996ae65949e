// The report of a run: one HTML file that needs nothing else. Losses (uPlot inlined), sample grids over time, what ran
// it, and the nearest-neighbour pairs.
import type { LogLine, SessionRecord } from '../records/store.js';
import type { NearestResult } from './nearest.js';

/** What {@link reportHtml} shows. All texts are escaped. */
export interface ReportData {
  title: string;
  config: Record<string, unknown>;
  lines: readonly LogLine[];
  samples: readonly { step: number; png: Uint8Array }[];
  sessions: readonly SessionRecord[];
  facts: Record<string, string>;
  compared?: NearestResult;
}

/** Points a chart shows at most: longer logs are averaged in equal parts. */
const POINTS = 1500;

/** The report as one HTML document: scripts, styles and pictures inside, no request to anywhere. */
export async function reportHtml({
  title,
  config,
  lines,
  samples,
  sessions,
  facts,
  compared,
}: ReportData): Promise<string> {
  const { uplotScript, uplotStyle } = await import('./uplot.js');
  const columns = thin(lines, POINTS);
  const pairs = compared === undefined ? '' : await comparedHtml(compared);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<style>${uplotStyle}
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; background: #fff }
h2 { margin-top: 2rem; font-size: 1.15rem } img { image-rendering: pixelated } figure { display: inline-block; margin: 0 .8rem .8rem 0; vertical-align: top }
figcaption { font-size: .8rem; color: #666 } table { border-collapse: collapse; font-size: .9rem } td { padding: .15rem 1rem .15rem 0; vertical-align: top; overflow-wrap: anywhere }
.pair img { width: 56px; margin-right: 2px } .grid { width: 252px } #current { width: 378px } pre { background: #f5f5f5; padding: .8rem; overflow: auto; font-size: .8rem }
.u-legend { font-size: .8rem }
</style></head><body>
<h1>${escapeHtml(title)}</h1>
${table(facts)}
<h2>Losses</h2><div id="losses"></div><h2>Rates and speed</h2><div id="speed"></div>
<h2>Samples over time</h2><p>The same latents all along, by the averaged generator.</p>
<p><input id="at" type="range" min="0" max="${Math.max(0, samples.length - 1)}" value="${Math.max(0, samples.length - 1)}" aria-label="step"> <output id="label"></output></p><img id="current" alt="samples at the chosen step">
<details><summary>All grids</summary>${samples.map(({ step, png }) => figure(`step ${step}`, `<img class="grid" alt="samples at step ${step}" src="${dataUri(png)}">`)).join('')}</details>
${pairs}
<h2>What ran it</h2>${sessions.map(({ fromStep, device, environment }) => table({ 'from step': String(fromStep), device, ...environment })).join('<p></p>')}
<h2>Configuration</h2><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>
<script>${inScript(uplotScript)}</script>
<script>
const data = ${inScript(JSON.stringify(columns))};
const width = Math.min(900, document.body.clientWidth - 32);
const line = (label, stroke, scale) => ({ label, stroke, width: 1, scale, value: (u, v) => v == null ? '' : v.toPrecision(4) });
const axes = (...scales) => [{}, ...scales.map((scale, i) => ({ scale, side: i ? 1 : 3, size: 70, values: (u, marks) => marks.map((v) => (v !== 0 && Math.abs(v) < 0.01 ? v.toExponential(1) : String(v))), grid: { show: !i } }))];
const chart = (id, series, columns, scales) => new uPlot({ width, height: 280, scales: { x: { time: false } }, axes: axes(...scales), series: [{ label: 'step' }, ...series] }, columns, document.getElementById(id));
if (data.step.length) {
  chart('losses', [line('discriminator', '#c0392b', 'y'), line('generator', '#2471a3', 'y')], [data.step, data.loss_d, data.loss_g], ['y']);
  chart('speed', [line('rate g', '#2471a3', 'y'), line('rate d', '#c0392b', 'y'), line('images/s', '#888', 'v')], [data.step, data.rate_g, data.rate_d, data.images_per_s], ['y', 'v']);
}
const grids = [...document.querySelectorAll('.grid')], at = document.getElementById('at');
const show = () => { const g = grids[at.value]; if (g) { document.getElementById('current').src = g.src; document.getElementById('label').textContent = g.alt; } };
at.addEventListener('input', show); show();
</script></body></html>
`;
}

async function comparedHtml({ pairs, searched, count }: NearestResult): Promise<string> {
  const figures = await Promise.all(
    pairs.map(async ({ made, real, distance }) => {
      const [a, b] = await Promise.all([made.toPNG(), real.toPNG()]);
      return figure(
        `distance ${distance.toFixed(2)}`,
        `<span class="pair"><img alt="made" src="${dataUri(a)}"><img alt="nearest training picture" src="${dataUri(b)}"></span>`,
      );
    }),
  );
  const all = searched === count ? `all ${count}` : `${searched} of the ${count}`;
  return `<h2>Nearest training pictures</h2><p>Left: made by the generator. Right: the nearest of ${all} training pictures, by root mean square difference of pixels. A generator that copies would show pairs at distance 0.</p>${figures.join('')}`;
}

/** The log as columns, averaged down to at most `most` points; steps are the last of each part. */
export function thin(lines: readonly LogLine[], most: number): Record<keyof LogLine, number[]> {
  const parts = Math.min(most, lines.length);
  const cut = (i: number): number => Math.floor((i * lines.length) / parts);
  const mean = (key: keyof LogLine): number[] =>
    Array.from({ length: parts }, (_, i) => {
      const part = lines.slice(cut(i), cut(i + 1));
      return part.reduce((sum, line) => sum + line[key], 0) / part.length;
    });
  const last = (key: keyof LogLine): number[] =>
    Array.from({ length: parts }, (_, i) => lines[cut(i + 1) - 1]?.[key] ?? 0);
  return {
    step: last('step'),
    loss_d: mean('loss_d'),
    loss_g: mean('loss_g'),
    rate_g: last('rate_g'),
    rate_d: last('rate_d'),
    images_per_s: mean('images_per_s'),
    seconds: last('seconds'),
  };
}

const figure = (caption: string, html: string): string =>
  `<figure>${html}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
const table = (rows: Record<string, string>): string =>
  `<table>${Object.entries(rows)
    .map(([key, value]) => `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`)
    .join('')}</table>`;

/** Text as HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** JavaScript or JSON that may stand inside a script element: nothing in it ends the element or opens a comment. */
function inScript(code: string): string {
  return code.replaceAll('</', '<\\/').replaceAll('<!--', '<\\!--');
}

function dataUri(png: Uint8Array): string {
  let text = '';
  for (let i = 0; i < png.length; i += 8192) text += String.fromCharCode(...png.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(text)}`;
}
