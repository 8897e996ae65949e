// The report of an export as text for a terminal, Markdown and HTML, all rendered from one list of sections.
import { UsageError, type ManifestInput, type ManifestOutput } from '@forja/core';
import type { OutputError } from './contract.js';
import type { Sizes } from './traced.js';
import { HISTOGRAM } from './compare.js';
import type { ExportReport } from './report.js';

/** A part of the report: facts, or a table. */
interface Section {
  title: string;
  facts?: (readonly [string, string])[];
  table?: { head: string[]; rows: string[][] };
}

/** File formats of a report. */
export type ReportFormat = 'json' | 'md' | 'html';

const counted = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, n]) => (n === 1 ? name : `${name} ×${n}`))
    .join(', ');
const small = (x: number): string => (x === 0 ? '0' : x.toExponential(1));
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

function spec({ name, dtype, shape, role }: ManifestInput | ManifestOutput): string {
  return `${name} ${dtype}[${shape.join(', ')}] (${role})`;
}

function sizesText(sizes: Sizes): string {
  const entries = Object.entries(sizes);
  return entries.length === 0 ? 'fixed sizes' : entries.map(([name, size]) => `${name} ${size}`).join(', ');
}

/** Restrictions on the file's sizes, if there are any. */
function sizesOf({ steps, proven }: ExportReport): (readonly [string, string])[] {
  const texts = [
    ...Object.entries(steps).map(([dim, by]) => `${dim}: multiples of ${by}`),
    ...Object.entries(proven).map(
      ([dim, { bounds, tried, sites }]) =>
        `${dim}: from ${bounds[0]} to ${bounds[1]}, traced at ${tried} of them` +
        (sites.length === 0 ? '' : `, because the function reads it at ${sites.join(' and ')}`),
    ),
  ];
  return texts.length === 0
    ? []
    : [
        [
          'sizes',
          `${texts.join('; ')}. load() refuses other sizes; other runtimes run them, perhaps with other results`,
        ],
      ];
}

/** The pass criterion of the comparisons. */
export function criterion({ tolerance, psnr }: Pick<ExportReport, 'tolerance' | 'psnr'>): string {
  return psnr === undefined ? `tolerance ${tolerance}` : `at least ${psnr} dB (half precision)`;
}

/** How large weights are stored, and what that costs. */
export function storedText({ type, weights, bytes, before, psnr }: NonNullable<ExportReport['weights']>): string {
  const cost =
    psnr === undefined
      ? 'not compared'
      : `${psnr.found.toFixed(1)} dB against float32 weights (at least ${psnr.least} dB)`;
  return `${weights.length} stored as ${type}, ${megabytes(before)} in ${megabytes(bytes)}; ${cost}`;
}

const decibels = ({ psnr }: { psnr?: number }): string => (psnr === undefined ? '' : `, ${psnr.toFixed(1)} dB`);

function summary(report: ExportReport): (readonly [string, string])[] {
  const { source } = report;
  const kinds = { layers: 'a layers model', graph: 'a graph model', function: 'a function' };
  return [
    [
      'source',
      `${kinds[source.kind]}${source.name === '' ? '' : ` '${source.name}'`}, ${source.calls} kernel calls, ` +
        `${source.rewritten} after rewriting`,
    ],
    ['inputs', report.inputs.map(spec).join('; ')],
    ['outputs', report.outputs.map(spec).join('; ')],
    ['graph', `opset ${report.opset}, ${report.nodes} nodes: ${counted(report.ops)}`],
    ...sizesOf(report),
    [
      'size',
      `${report.parameters.toLocaleString('en')} parameters` +
        `${report.precision === 'fp16' ? ' in half precision' : ''}, ` +
        [
          megabytes(report.bytes),
          ...Object.entries(report.external).map(([name, bytes]) => `and ${megabytes(bytes)} in ${name}`),
        ].join(', '),
    ],
    ...(report.weights === undefined ? [] : [['weights', storedText(report.weights)] as const]),
    [
      'time',
      `trace ${report.traceMs.toFixed(0)} ms, lower ${report.lowerMs.toFixed(0)} ms, verify ` +
        `${report.verifyMs.toFixed(0)} ` +
        `ms${report.peakMemory === undefined ? '' : `; peak memory ${megabytes(report.peakMemory)}`}`,
    ],
    [
      'verified',
      report.verified === 'passed'
        ? `against tfjs (${report.reference?.tfjs ?? 'cpu'}) by onnxruntime (${report.reference?.onnx ?? 'cpu'}), ` +
          criterion(report) +
          (report.unchanged === undefined
            ? ''
            : `; the same for all draws from the stated ranges: ${report.unchanged.join(', ')}`)
        : 'no (skipped by the caller)',
    ],
  ];
}

/** The seed, and the distribution if it is not the natural one. */
function seedText({ seed, drawn }: OutputError): string {
  return drawn === undefined ? String(seed) : `${seed} (${drawn})`;
}

/** The report for a terminal, a few lines. */
export function reportText(report: ExportReport): string {
  const lines = summary(report).map(([name, text]) => `${name.padEnd(8)} ${text}`);
  for (const { node, why } of report.transposesLeft.slice(0, 8)) lines.push(`         ${node}: ${why}`);
  if (report.transposesLeft.length > 8) lines.push(`         and ${report.transposesLeft.length - 8} more Transposes`);
  for (const e of report.errors)
    lines.push(
      `         ${e.output}, seed ${seedText(e)}, ${sizesText(e.sizes)}${e.traced ? '' : ' (not traced)'}: max ` +
        `${small(e.max)}, p99 ${small(e.p99)}, relative ${small(e.relative)}${decibels(e)}`,
    );
  for (const c of (report.calls ?? []).slice(0, 5))
    lines.push(`         ${c.kernel}${c.layer === undefined ? '' : ` of ${c.layer}`}: relative ${small(c.relative)}`);
  return lines.join('\n');
}

/** Column heads of the histogram. */
const BINS = HISTOGRAM.map((bound) => (bound === 0 ? 'equal' : `< ${bound.toExponential(0)}`)).concat(
  `≥ ${(HISTOGRAM.at(-1) ?? 0).toExponential(0)}`,
);

function sections(report: ExportReport): Section[] {
  const { source, errors, calls, transposesLeft } = report;
  return [
    { title: 'ONNX export', facts: summary(report) },
    {
      title: 'Traced',
      facts: [
        ['sizes', source.traces.map(sizesText).join('; ') || 'fixed sizes'],
        ['kernels', counted(source.kernels)],
      ],
    },
    ...(transposesLeft.length === 0
      ? []
      : [
          {
            title: 'Transposes left',
            table: {
              head: ['node', 'order', 'why'],
              rows: transposesLeft.map(({ node, perm, why }) => [node, perm.join(', '), why]),
            },
          },
        ]),
    ...(errors.length === 0
      ? []
      : [
          {
            title: 'Differences from tfjs',
            table: {
              head: [
                'output',
                'seed',
                'sizes',
                'traced',
                'max',
                'p99',
                'scale',
                'relative',
                ...(report.psnr === undefined ? [] : ['PSNR']),
              ],
              rows: errors.map((e) => [
                e.output,
                seedText(e),
                sizesText(e.sizes),
                e.traced ? 'yes' : 'no',
                small(e.max),
                small(e.p99),
                e.scale.toPrecision(3),
                small(e.relative),
                ...(e.psnr === undefined ? [] : [`${e.psnr.toFixed(1)} dB`]),
              ]),
            },
          },
          {
            title: 'Numbers by their error relative to the scale',
            table: {
              head: ['output', 'seed', 'sizes', ...BINS],
              rows: errors.map((e) => [e.output, seedText(e), sizesText(e.sizes), ...e.histogram.map(String)]),
            },
          },
        ]),
    ...(calls === undefined
      ? []
      : [
          {
            title: 'Each call by itself, largest error first',
            table: {
              head: ['kernel', 'layer', 'call site', 'max', 'relative'],
              rows: calls.map((c) => [c.kernel, c.layer ?? '', c.site ?? '', small(c.max), small(c.relative)]),
            },
          },
        ]),
  ];
}

/**
 * The report format by the extension of a file name.
 * @throws UsageError for other extensions.
 */
export function reportFormat(where: string, file: string): ReportFormat {
  const extension = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === 'json' || extension === 'html' || extension === 'md') return extension;
  throw new UsageError(`${where}: expected a .json, .md or .html file, got '${file}'`);
}

/** The report as file content. Texts from the model are escaped. */
export function renderReport(report: ExportReport, format: ReportFormat): string {
  if (format === 'json') return `${JSON.stringify(report, null, 2)}\n`;
  return format === 'md' ? markdown(sections(report)) : html(sections(report));
}

/** A text from the model, escaped for Markdown: one line, no markup. */
export function markdownText(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(/[\\`*_{}[\]<>#|~&$!]/g, (c) => `\\${c}`)
    .replace(/^(\s*)([-+]|\d+[.)])(?=\s)/, '$1\\$2');
}

function markdown(parts: readonly Section[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |`;
  return `${parts
    .map(({ title, facts, table }, i) =>
      [
        `${i === 0 ? '#' : '##'} ${title}`,
        '',
        ...(facts ?? []).map(([name, text]) => `- **${markdownText(name)}**: ${markdownText(text)}`),
        ...(table === undefined
          ? []
          : [line(table.head), `|${table.head.map(() => '---').join('|')}|`, ...table.rows.map(line)]),
      ].join('\n'),
    )
    .join('\n\n')}\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}

function html(parts: readonly Section[]): string {
  const cells = (tag: 'td' | 'th', row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = parts
    .map(({ title, facts, table }, i) =>
      [
        i === 0 ? `<h1>${escaped(title)}</h1>` : `<h2>${escaped(title)}</h2>`,
        ...(facts === undefined
          ? []
          : [`<dl>${facts.map(([name, text]) => `<dt>${escaped(name)}</dt><dd>${escaped(text)}</dd>`).join('')}</dl>`]),
        ...(table === undefined
          ? []
          : [
              `<table><thead>${cells('th', table.head)}</thead><tbody>` +
                `${table.rows.map((row) => cells('td', row)).join('\n')}</tbody></table>`,
            ]),
      ].join('\n'),
    )
    .join('\n');
  const style =
    'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 ' +
    '1rem}dt{font-weight:600}dd{margin:0 0 ' +
    '.4rem}table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{border:1px solid ' +
    '#8884;padding:.2rem .5rem;text-align:left}';
  return (
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>ONNX ' +
    `export</title><style>${style}</style>\n<body>\n${body}\n</body></html>\n`
  );
}
