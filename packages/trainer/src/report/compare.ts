// A page that compares several runs: shared charts of scores and scalars, the differences of the configurations, and
// each run's last and best scores. Self-contained, like the report of a single run.
import { betterOf } from '../metrics/index.js';
import type { Diagnosis, LogLine, MeasureLine } from '../records/store.js';
import { LogTable } from './columns.js';
import { escapeHtml, inScript, jsonInScript } from './html.js';

/** A run to compare. */
export interface ComparedRun {
  name: string;
  config: Readonly<Record<string, unknown>>;
  lines: readonly LogLine[];
  measures: readonly MeasureLine[];
  /** Problems found. */
  diagnoses?: readonly Diagnosis[];
}

/** Maximum number of points in a line. */
const POINTS = 500;

/** The page. */
export async function compareHtml(runs: readonly ComparedRun[]): Promise<string> {
  const { uplotScript, uplotStyle } = await import('./uplot.js');
  const charts = [...chartsOf(runs, scoresOf), ...chartsOf(runs, scalarsOf)];
  const title = `${runs.map(({ name }) => name).join(' · ')}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${uplotStyle}
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #222; background: #fff }
h2 { margin-top: 2rem; font-size: 1.15rem }
table { border-collapse: collapse; font-size: .9rem }
td, th { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere }
.u-legend { font-size: .8rem }
</style></head><body>
<h1>${runs.length} runs</h1>
${tableHtml(['', ...runs.map(({ name }) => name)], lastOf(runs))}
<h2>Where their configurations differ</h2>
${tableHtml(['', ...runs.map(({ name }) => name)], differences(runs))}
${charts.map((chart, i) => `<h2>${escapeHtml(chart.name)}</h2><div id="chart${i}"></div>`).join('')}
<script>${inScript(uplotScript)}</script>
<script>
const charts = ${jsonInScript(charts)};
const colours = ['#c0392b', '#2471a3', '#1e8449', '#b9770e', '#7d3c98', '#5d6d7e'];
charts.forEach(({ lines }, at) => {
  const tables = lines.map(({ step, values }) => [step, values]);
  new uPlot({
    width: Math.min(900, document.body.clientWidth - 32), height: 260,
    scales: { x: { time: false } }, axes: [{}, { size: 70 }],
    series: [{ label: 'step' }, ...lines.map(({ name, run }) => ({
      label: name, stroke: colours[run % colours.length], width: 1, spanGaps: true,
      value: (u, v) => v == null ? '' : v.toPrecision(4),
    }))],
  }, uPlot.join(tables), document.getElementById('chart' + at));
});
</script></body></html>
`;
}

interface Line {
  name: string;
  /** Index of the run, which has the same colour in all charts. */
  run: number;
  step: number[];
  values: (number | null)[];
}

type Columns = Record<string, { step: number[]; values: (number | null)[] }>;

function scalarsOf({ lines }: ComparedRun): Columns {
  const { step, values } = new LogTable(lines).thin(POINTS);
  return Object.fromEntries(Object.entries(values).map(([name, column]) => [name, { step, values: column }]));
}

function scoresOf({ measures }: ComparedRun): Columns {
  const names = [...new Set(measures.flatMap(({ scores }) => Object.keys(scores)))];
  const step = measures.map((line) => line.step);
  return Object.fromEntries(
    names.map((name) => [name, { step, values: measures.map(({ scores }) => scores[name] ?? null) }]),
  );
}

/** A chart for each name, with a line for each run that has it. */
function chartsOf(
  runs: readonly ComparedRun[],
  columnsOf: (run: ComparedRun) => Columns,
): { name: string; lines: Line[] }[] {
  const all = runs.map((run, place) => ({ name: run.name, place, columns: columnsOf(run) }));
  const names = [...new Set(all.flatMap(({ columns }) => Object.keys(columns)))];
  return names.map((name) => ({
    name,
    lines: all.flatMap(({ name: own, place, columns }) => {
      const column = columns[name];
      return column === undefined ? [] : [{ name: own, run: place, ...column }];
    }),
  }));
}

/** Rows with steps, time, and last and best scores, a cell for each run. */
function lastOf(runs: readonly ComparedRun[]): string[][] {
  const names = [...new Set(runs.flatMap(({ measures }) => Object.keys(measures.at(-1)?.scores ?? {})))];
  const row = (name: string, of: (run: ComparedRun) => string): string[] => [name, ...runs.map(of)];
  return [
    row('steps', ({ lines }) => String(lines.at(-1)?.step ?? 0)),
    row('seconds', ({ lines }) => (lines.at(-1)?.seconds ?? 0).toFixed(0)),
    row('images/s', ({ lines }) => (lines.at(-1)?.images_per_s ?? 0).toFixed(0)),
    ...(runs.some(({ lines }) => lines.at(-1)?.peak_mb !== undefined)
      ? [row('peak memory, MB', ({ lines }) => lines.at(-1)?.peak_mb?.toFixed(0) ?? '')]
      : []),
    row('measured by', ({ measures }) => {
      const last = measures.at(-1);
      if (last === undefined) return '';
      const { extractor, sha256, made, real } = last;
      return `${extractor}${sha256 === '' ? '' : ` ${sha256}`}, ${made} generated, ${real} real`;
    }),
    ...(runs.some(({ diagnoses = [] }) => diagnoses.length > 0)
      ? [
          row('diagnosis', ({ diagnoses = [] }) =>
            diagnoses.map(({ step, message }) => `step ${step}: ${message}`).join('. '),
          ),
        ]
      : []),
    ...names.flatMap((name) => {
      const last = row(`${name}, last`, ({ measures }) => shown(measures.at(-1)?.scores[name]));
      return betterOf(name) === undefined ? [last] : [last, row(`${name}, best`, (run) => bestOf(run, name))];
    }),
  ];
}

/** The best of a score, and its step. */
function bestOf({ measures }: ComparedRun, name: string): string {
  const sign = betterOf(name) === 'less' ? 1 : -1;
  const scored = measures.filter(({ scores }) => Number.isFinite(scores[name])); // NaN is null in JSON
  const [best] = scored.sort((a, b) => sign * ((a.scores[name] ?? 0) - (b.scores[name] ?? 0)));
  return best === undefined ? '' : `${shown(best.scores[name])} at step ${best.step}`;
}

/** Fields that differ between runs. */
function differences(runs: readonly ComparedRun[]): string[][] {
  const flat = runs.map(({ config }) => flattened(config));
  const names = [...new Set(flat.flatMap((fields) => Object.keys(fields)))].filter((name) => name !== 'out').sort();
  return names.flatMap((name) => {
    const values = flat.map((fields) => fields[name] ?? '');
    return new Set(values).size > 1 ? [[name, ...values]] : [];
  });
}

/** `{ rates: { g: 1 } }` as `rates.g`. */
function flattened(value: Readonly<Record<string, unknown>>, before = ''): Record<string, string> {
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, own]) =>
      typeof own === 'object' && own !== null && !Array.isArray(own)
        ? flattened(own as Record<string, unknown>, `${before}${key}.`)
        : { [`${before}${key}`]: typeof own === 'string' ? own : JSON.stringify(own) },
    ),
  ) as Record<string, string>;
}

/** JSON has no NaN: such a score is null in the log. */
const shown = (value: number | null | undefined): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(5))) : '';

function tableHtml(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table>`;
}
