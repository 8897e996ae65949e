// The parts of a run's report: pieces of HTML by name, grids, and the numbers of its charts. report.ts puts them into a
// page; the live page of a running training is sent the parts that have changed.
import type { MeasureLine, SessionRecord } from '../records/store.js';
import type { Columns, LogTable } from './columns.js';
import { dataUri, escapeHtml, figure, table } from './html.js';
import type { NearestResult } from './nearest-examples.js';

/** What a report shows. All texts are escaped. */
export interface ReportData {
  title: string;
  config: Record<string, unknown>;
  log: LogTable;
  measures?: readonly MeasureLine[];
  /** The step of the best checkpoint, and the score by which it is the best. */
  best?: { readonly step: number; readonly score: string; readonly value: number };
  /** Scalars that share a chart, by its title; the others get charts of their own. */
  charts: Readonly<Record<string, readonly string[]>>;
  /** Grids as PNG files. */
  samples: readonly { step: number; png: Uint8Array }[];
  /** An animation (APNG) of a walk through the latents, by the last weights. */
  walk?: Uint8Array;
  /** Problems in the order in which they were found, with their step and a remedy. */
  diagnosis?: readonly { readonly step: number; readonly message: string; readonly advice?: string }[];
  sessions: readonly SessionRecord[];
  facts: Record<string, string>;
  compared?: NearestResult;
}

/** A chart of the log, with scalars on the left and on the right axis. */
export interface Chart {
  readonly title: string;
  readonly left: readonly string[];
  readonly right: readonly string[];
  /** True for D's accuracies, where one half is chance level. */
  readonly half: boolean;
}

/** The numbers of the charts. */
export interface Plots {
  readonly step: readonly number[];
  readonly columns: Columns['values'];
  readonly charts: readonly Chart[];
  readonly scores: Columns;
  /** The step that is marked in the charts of scores. */
  readonly best: number | null;
}

/** Names of the pieces of HTML. */
export type PartName = 'facts' | 'diagnosis' | 'measures' | 'numbers' | 'walk' | 'nearest' | 'sessions' | 'config';

/** Everything in a report except its grids, which are many ({@link gridHtml}). */
export interface ReportParts {
  readonly html: Readonly<Record<PartName, string>>;
  readonly plots: Plots;
}

/** Maximum number of points in a chart: longer logs are averaged in equal parts. */
const POINTS = 1500;

/** The parts. */
export async function partsOf(data: ReportData): Promise<ReportParts> {
  const { config, log, measures = [], best, charts, walk, diagnosis = [], sessions, facts, compared } = data;
  const columns = log.thin(POINTS);
  const scores = scoreColumns(measures);
  const ran = sessions.map(({ fromStep, device, environment }) =>
    table({ 'from step': String(fromStep), device, ...environment }),
  );
  return {
    html: {
      facts: table(facts),
      diagnosis: diagnosisHtml(diagnosis),
      measures: measuresHtml(measures, best),
      numbers: numbersHtml(measures, Object.keys(scores.values), best),
      walk: walk === undefined ? '' : walkHtml(walk),
      nearest: compared === undefined ? '' : await comparedHtml(compared),
      sessions: ran.join('<p></p>'),
      config: escapeHtml(JSON.stringify(config, null, 2)),
    },
    plots: {
      step: columns.step,
      columns: columns.values,
      charts: columns.step.length === 0 ? [] : chartsOf(columns, charts),
      scores,
      best: best?.step ?? null,
    },
  };
}

/** A grid of samples. */
export function gridHtml({ step, png }: ReportData['samples'][number]): string {
  const picture = `<img class="grid" alt="samples at step ${step}" src="${dataUri(png)}">`;
  return figure(`step ${step}`, picture).replace('<figure>', `<figure data-step="${step}">`);
}

/** The problems that were found, as a list. */
function diagnosisHtml(diagnosis: NonNullable<ReportData['diagnosis']>): string {
  if (diagnosis.length === 0) return '';
  const line = ({ step, message, advice }: (typeof diagnosis)[number]): string =>
    `<li>step ${step}: ${escapeHtml(message)}${advice === undefined ? '' : ` <em>${escapeHtml(advice)}</em>`}</li>`;
  return `<h2>Diagnosis</h2><ul>${diagnosis.map(line).join('')}</ul>`;
}

/** Scores by name, for the measured steps. */
function scoreColumns(measures: readonly MeasureLine[]): Columns {
  const names = [...new Set(measures.flatMap(({ scores }) => Object.keys(scores)))].filter(
    (name) => !name.endsWith('_sd'),
  );
  return {
    step: measures.map(({ step }) => step),
    values: Object.fromEntries(names.map((name) => [name, measures.map(({ scores }) => scores[name] ?? null)])),
  };
}

/** How the scores were measured. */
function measuresHtml(measures: readonly MeasureLine[], best: ReportData['best']): string {
  const last = measures.at(-1);
  if (last === undefined) return '';
  const { extractor, sha256, resize, made, real, against, ema, seed } = last;
  const facts = {
    features: `${extractor}${sha256 === '' ? '' : ` (SHA-256 ${sha256}…)`}, resize ${resize}`,
    examples: `${made} generated, ${real} of the data (${against}), seed ${seed}`,
    weights: ema === 0 ? 'as they are' : `averaged, decay ${ema}`,
    ...(best ? { best: `step ${best.step}, by ${best.score} ${format(best.value)}` } : {}),
  };
  return `<h2>Measures</h2>${table(facts)}`;
}

/** All scores. */
function numbersHtml(measures: readonly MeasureLine[], names: readonly string[], best: ReportData['best']): string {
  if (measures.length === 0) return '';
  const row = ({ step, scores }: MeasureLine): string => {
    const cells = names.map((name) => `<td>${format(scores[name])}</td>`).join('');
    return `<tr${step === best?.step ? ' class="best"' : ''}><td>${step}</td>${cells}</tr>`;
  };
  const head = names.map((name) => `<td>${escapeHtml(name)}</td>`).join('');
  return `<table><tr><td>step</td>${head}</tr>${measures.map(row).join('')}</table>`;
}

const format = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(5)));

function walkHtml(walk: Uint8Array): string {
  return (
    '<h2>A walk through the latents</h2><p>From one latent to the next and back to the first, by the last weights. ' +
    'A well trained generator changes smoothly.</p>' +
    `<img class="walk" alt="walk through the latents" src="${dataUri(walk)}">`
  );
}

async function comparedHtml({ pairs, searched, count }: NearestResult): Promise<string> {
  const figures = await Promise.all(
    pairs.map(async ({ made, real, distance }) => {
      const [a, b] = (await Promise.all([made.toPNG(), real.toPNG()])).map(dataUri);
      const both = `<img alt="made" src="${a}"><img alt="nearest training picture" src="${b}">`;
      return figure(`distance ${distance.toFixed(2)}`, `<span class="pair">${both}</span>`);
    }),
  );
  const all = searched === count ? `all ${count}` : `${searched} of the ${count}`;
  return (
    '<h2>Nearest training pictures</h2><p>Left: generated. Right: the nearest of ' +
    `${all} training pictures, by root mean square difference of pixels. ` +
    `A generator that copies would show pairs at distance 0.</p>${figures.join('')}`
  );
}

/**
 * The charts of a report: first those that the system defines, then one chart for each other scalar, and last the rates
 * together with the speed, and the memory.
 */
function chartsOf({ values }: Columns, charts: ReportData['charts']): Chart[] {
  const chart = (title: string, left: readonly string[], right: readonly string[] = []): Chart => ({
    title,
    left,
    right,
    half: left.length > 0 && left.every((name) => name.startsWith('d_')),
  });
  const isRate = (name: string): boolean => name.startsWith('rate');
  const named = Object.entries(charts).map(([title, names]) =>
    chart(
      title,
      names.filter((name) => values[name] !== undefined),
    ),
  );
  const taken = new Set([...named.flatMap(({ left }) => left), 'images_per_s', 'peak_mb']);
  const rest = Object.keys(values).filter((name) => !taken.has(name));
  return [
    ...named.filter(({ left }) => left.length > 0),
    ...rest.filter((name) => !isRate(name)).map((name) => chart(name, [name])),
    chart('Rates and speed', rest.filter(isRate), ['images_per_s']),
    ...(values['peak_mb'] === undefined ? [] : [chart('Peak memory, MB', ['peak_mb'])]),
  ];
}
