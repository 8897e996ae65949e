// The report of a run: one HTML file that needs nothing else. Losses (uPlot inlined), sample grids over time, what ran
// it, and the nearest-neighbour pairs.
import type { LogLine, MeasureLine, SessionRecord } from '../records/store.js';
import type { NearestResult } from './nearest.js';

/** What {@link reportHtml} shows. All texts are escaped. */
export interface ReportData {
  title: string;
  config: Record<string, unknown>;
  lines: readonly LogLine[];
  measures?: readonly MeasureLine[];
  /** The step that the best checkpoint is of, and by which score. */
  best?: { readonly step: number; readonly score: string; readonly value: number };
  /** Scalars that share a chart, by its title; the others get charts of their own. */
  charts: Readonly<Record<string, readonly string[]>>;
  samples: readonly { step: number; png: Uint8Array }[];
  /** An animation (APNG) of a walk through the latents, by the last weights. */
  walk?: Uint8Array;
  /** What went wrong, when, and what helps: in the order in which it was seen. */
  diagnosis?: readonly { readonly step: number; readonly message: string; readonly advice?: string }[];
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
  measures = [],
  best,
  charts,
  samples,
  walk,
  diagnosis = [],
  sessions,
  facts,
  compared,
}: ReportData): Promise<string> {
  const { uplotScript, uplotStyle } = await import('./uplot.js');
  const columns = thin(lines, POINTS);
  const drawn = chartsOf(columns, charts);
  const scores = scoreColumns(measures);
  const names = Object.keys(scores.values);
  const pairs = compared === undefined ? '' : await comparedHtml(compared);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<style>${uplotStyle}
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; background: #fff }
h2 { margin-top: 2rem; font-size: 1.15rem } img { image-rendering: pixelated } figure { display: inline-block; margin: 0 .8rem .8rem 0; vertical-align: top }
figcaption { font-size: .8rem; color: #666 } table { border-collapse: collapse; font-size: .9rem } td { padding: .15rem 1rem .15rem 0; vertical-align: top; overflow-wrap: anywhere }
.pair img { width: 56px; margin-right: 2px } .grid { width: 252px } .walk { width: 168px } #current { width: 378px } pre { background: #f5f5f5; padding: .8rem; overflow: auto; font-size: .8rem }
.u-legend { font-size: .8rem } .best { font-weight: 600; color: #1e8449 }
</style></head><body>
<h1>${escapeHtml(title)}</h1>
${table(facts)}
${diagnosisHtml(diagnosis)}
${drawn.map(({ title }, i) => `<h2>${escapeHtml(title)}</h2><div id="chart${i}"></div>`).join('')}
${measuresHtml(measures, names, best)}
<h2>Samples over time</h2><p>The same latents all along, by the averaged generator.</p>
<p><input id="at" type="range" min="0" max="${Math.max(0, samples.length - 1)}" value="${Math.max(0, samples.length - 1)}" aria-label="step"> <output id="label"></output></p><img id="current" alt="samples at the chosen step">
<details><summary>All grids</summary>${samples.map(({ step, png }) => figure(`step ${step}`, `<img class="grid" alt="samples at step ${step}" src="${dataUri(png)}">`)).join('')}</details>
${walk === undefined ? '' : `<h2>A walk through the latents</h2><p>From one latent to the next and back to the first, by the last weights. A generator that has learnt changes smoothly.</p><img class="walk" alt="walk through the latents" src="${dataUri(walk)}">`}
${pairs}
<h2>What ran it</h2>${sessions.map(({ fromStep, device, environment }) => table({ 'from step': String(fromStep), device, ...environment })).join('<p></p>')}
<h2>Configuration</h2><pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>
<script>${inScript(uplotScript)}</script>
<script>
const data = ${inScript(JSON.stringify({ step: columns.step, columns: columns.values, charts: drawn.map(({ left, right }) => ({ left, right, half: left.length > 0 && left.every((name) => name.startsWith('d_')) })), scores, best: best?.step ?? null }))};
const width = Math.min(900, document.body.clientWidth - 32);
const colours = ['#c0392b', '#2471a3', '#1e8449', '#b9770e', '#7d3c98', '#5d6d7e'];
const line = (label, i, scale) => ({ label, stroke: colours[i % colours.length], width: 1, scale, spanGaps: true, value: (u, v) => v == null ? '' : v.toPrecision(4) });
const axis = (scale, side) => ({ scale, side, size: 70, values: (u, marks) => marks.map((v) => (v !== 0 && Math.abs(v) < 0.01 ? v.toExponential(1) : String(v))), grid: { show: side === 3 } });
// what D gets right: one half is where it cannot tell
const half = (u) => { u.ctx.fillStyle = '#888'; u.ctx.fillRect(u.bbox.left, u.valToPos(0.5, 'y', true), u.bbox.width, 1); };
if (data.step.length) data.charts.forEach(({ left, right, half: shares }, at) => new uPlot({
  width, height: 280, scales: { x: { time: false }, ...(shares ? { y: { range: [0, 1] } } : {}) }, axes: [{}, axis('y', 3), ...(right.length ? [axis('v', 1)] : [])],
  hooks: { draw: shares ? [half] : [] },
  series: [{ label: 'step' }, ...left.map((name, i) => line(name, i, 'y')), ...right.map((name, i) => line(name, left.length + i, 'v'))],
}, [data.step, ...[...left, ...right].map((name) => data.columns[name])], document.getElementById('chart' + at)));
const mark = (u) => { if (data.best === null) return; const x = u.valToPos(data.best, 'x', true); u.ctx.fillStyle = '#1e8449'; u.ctx.fillRect(x - 1, u.bbox.top, 2, u.bbox.height); };
if (data.scores.step.length) Object.entries(data.scores.values).forEach(([name, column], at) => new uPlot({
  width, height: 220, scales: { x: { time: false } }, axes: [{}, axis('y', 3)], hooks: { draw: [mark] }, series: [{ label: 'step' }, { ...line(name, at, 'y'), points: { show: true } }],
}, [data.scores.step, column], document.getElementById('score' + at)));
const grids = [...document.querySelectorAll('.grid')], at = document.getElementById('at');
const show = () => { const g = grids[at.value]; if (g) { document.getElementById('current').src = g.src; document.getElementById('label').textContent = g.alt; } };
at.addEventListener('input', show); show();
</script></body></html>
`;
}

/** What was seen to go wrong, as a story. */
function diagnosisHtml(diagnosis: NonNullable<ReportData['diagnosis']>): string {
  if (diagnosis.length === 0) return '';
  const line = ({ step, message, advice }: (typeof diagnosis)[number]): string =>
    `<li>step ${step}: ${escapeHtml(message)}${advice === undefined ? '' : ` <em>${escapeHtml(advice)}</em>`}</li>`;
  return `<h2>Diagnosis</h2><ul>${diagnosis.map(line).join('')}</ul>`;
}

/** Scores by name over the steps that were measured. */
function scoreColumns(measures: readonly MeasureLine[]): Columns {
  const names = [...new Set(measures.flatMap(({ scores }) => Object.keys(scores)))].filter(
    (name) => !name.endsWith('_sd'),
  );
  return {
    step: measures.map(({ step }) => step),
    values: Object.fromEntries(names.map((name) => [name, measures.map(({ scores }) => scores[name] ?? null)])),
  };
}

/** What was measured, and by what: charts with the best step marked, and all numbers. */
function measuresHtml(measures: readonly MeasureLine[], names: readonly string[], best: ReportData['best']): string {
  const last = measures.at(-1);
  if (last === undefined) return '';
  const { extractor, sha256, resize, made, real, against, ema, seed } = last;
  const facts = {
    features: `${extractor}${sha256 === '' ? '' : ` (SHA-256 ${sha256}…)`}, resize ${resize}`,
    examples: `${made} made, ${real} of the data (${against}), seed ${seed}`,
    weights: ema === 0 ? 'as they are' : `averaged, decay ${ema}`,
    ...(best ? { best: `step ${best.step}, by ${best.score} ${format(best.value)}` } : {}),
  };
  const row = ({ step, scores }: MeasureLine): string =>
    `<tr${step === best?.step ? ' class="best"' : ''}><td>${step}</td>${names.map((name) => `<td>${format(scores[name])}</td>`).join('')}</tr>`;
  return `<h2>Measures</h2>${table(facts)}${names.map((_, i) => `<div id="score${i}"></div>`).join('')}
<details><summary>All numbers</summary><table><tr><td>step</td>${names.map((name) => `<td>${escapeHtml(name)}</td>`).join('')}</tr>${measures.map(row).join('')}</table></details>`;
}

const format = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(5)));

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

/** A log as columns, averaged. */
export interface Columns {
  /** The last step of each part. */
  step: number[];
  /** Scalars, rates and speed by name; null where a part has none, as of a phase that seldom runs. */
  values: Record<string, (number | null)[]>;
}

/** The log as columns, averaged down to at most `most` points; steps are the last of each part. */
export function thin(lines: readonly LogLine[], most: number): Columns {
  const count = Math.min(most, lines.length);
  const cut = (i: number): number => Math.floor((i * lines.length) / count);
  const parts = Array.from({ length: count }, (_, i) =>
    lines.slice(cut(i), cut(i + 1)).map(({ scalars, rates, images_per_s }) => ({ ...scalars, ...rates, images_per_s })),
  );
  const names = [...new Set(parts.flatMap((part) => part.flatMap((line) => Object.keys(line))))];
  const mean = (part: readonly Record<string, number>[], name: string): number | null => {
    const found = part.flatMap((line) => line[name] ?? []);
    return found.length === 0 ? null : found.reduce((sum, value) => sum + value, 0) / found.length;
  };
  return {
    step: Array.from({ length: count }, (_, i) => lines[cut(i + 1) - 1]?.step ?? 0),
    values: Object.fromEntries(names.map((name) => [name, parts.map((part) => mean(part, name))])),
  };
}

/** The charts of a report: those of the system, the other scalars one each, rates with the speed at the end. */
function chartsOf(
  { values }: Columns,
  charts: ReportData['charts'],
): { title: string; left: string[]; right: string[] }[] {
  const isRate = (name: string): boolean => name.startsWith('rate');
  const named = Object.entries(charts).map(([title, names]) => ({
    title,
    left: names.filter((name) => values[name] !== undefined),
    right: [],
  }));
  const taken = new Set([...named.flatMap(({ left }) => left), 'images_per_s']);
  const rest = Object.keys(values).filter((name) => !taken.has(name));
  return [
    ...named.filter(({ left }) => left.length > 0),
    ...rest.filter((name) => !isRate(name)).map((name) => ({ title: name, left: [name], right: [] })),
    { title: 'Rates and speed', left: rest.filter(isRate), right: ['images_per_s'] },
  ];
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
