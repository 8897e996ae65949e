// Measures during a run: when they are due, what they are fed, and which checkpoint is the best by them. They read the
// state and do not affect the training.
import { ForjaError, sizeOf, UsageError, nearest, type Runtime } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { countOf } from '../data/fields.js';
import { chooseExtractor } from '../metrics/features/choose.js';
import type { RawExamples } from '../metrics/features/extractor.js';
import type { ExtractorFile } from '../metrics/features/onnx.js';
import { generatorFeeds, type GeneratorInput } from '../metrics/feeds.js';
import { chosen, measurer } from '../metrics/measurer.js';
import type { Better } from '../metrics/metric.js';
import type { MeasureLine } from '../records/store.js';
import type { GanSystem, Output } from '../systems/system.js';
import { now, type Clock } from './clock.js';
import type { ResolvedConfig } from './config.js';
import type { Engine } from './engine.js';

/** Share of the time that measures may take by default. */
const SHARE = 0.05;
/** Default maximum number of measurements of a run. */
const MAX_MEASUREMENTS = 100;
/** Default number of examples of a measurement, if the data has as many. */
const COUNT = 1000;
/** Minimum batch size of the generator's calls. */
const ROWS = 64;

/** The best step so far, by one score. */
export interface Best {
  readonly step: number;
  readonly score: string;
  readonly value: number;
}

/** Measures of a run. */
export interface Measuring {
  /** Steps from `step` to the next that could be measured. */
  left(step: number): number;
  /**
   * True if a step is to be measured, according to `metricsEvery` or the time available; always true for the last step.
   */
  due(step: number): boolean;
  /** Scores of the present state, and whether they are the best so far. */
  measure(step: number): Promise<{ line: MeasureLine; best: boolean }>;
  /** Forgets measurements after the step that the run returns to. */
  backTo(step: number): void;
  /** The best of these lines, among those by the extractor of the last one. */
  bestOf(lines: readonly MeasureLine[]): Best | undefined;
  dispose(): Promise<void>;
}

/** Arguments of {@link makeMeasuring}. */
export interface MeasuringParts {
  config: ResolvedConfig;
  system: GanSystem;
  engine: Engine;
  dataset: Dataset;
  runtime: Runtime | undefined;
  clock: Pick<Clock, 'seconds'>;
  /** The user's extractor, if the configuration names a file. */
  features: ExtractorFile | undefined;
  /** Lines of the run so far. */
  before: readonly MeasureLine[];
}

/**
 * Measures of the configuration; undefined for none.
 * @throws UsageError `config.invalid` for measures whose needs are not met.
 */
export async function makeMeasuring(parts: MeasuringParts): Promise<Measuring | undefined> {
  const { config, system, engine, dataset, runtime, clock, before } = parts;
  const { metrics, metricsEvery: every, seed, steps } = config;
  const [name, output] = Object.entries(system.outputs)[0] ?? [];
  if (metrics.length === 0 || name === undefined || output === undefined) return undefined;
  const make = await maker(name, output, engine, dataset, seed);
  const field = fieldFor(output, make.shape, dataset);
  const count = config.metricsCount ?? Math.min(COUNT, countOf(dataset, field));
  const asked = parts.features ?? config.features;
  const extractor = await chooseExtractor({ asked, dataset, shape: make.shape, runtime });
  try {
    const conditional = output.inputs.some(({ role }) => role === 'label');
    const measures = await measurer({
      metrics,
      dataset,
      field,
      extractor,
      count,
      seed,
      conditional,
      where: 'config.metrics',
    });
    const score = scoreOf(config.best, measures.better);
    const better = (a: number, b: number): boolean =>
      Number.isFinite(a) && (measures.better[score] === 'less' ? a < b : a > b);
    // scores by another extractor, as before a resume with other features, cannot be compared with the last one's
    const bestOf = (lines: readonly MeasureLine[]): Best | undefined =>
      lines.reduce<Best | undefined>((best, { step, scores, sha256 }) => {
        if (sha256 !== lines.at(-1)?.sha256) return best;
        const value = scores[score] ?? NaN;
        const first = best === undefined && Number.isFinite(value);
        return first || (best !== undefined && better(value, best.value)) ? { step, score, value } : best;
      }, undefined);

    let lines = [...before];
    const spacing = every ?? Math.max(1, Math.ceil(steps / MAX_MEASUREMENTS));
    const affordable = (): boolean => {
      const spent = lines.reduce((sum, { seconds }) => sum + seconds, 0);
      return spent + (lines.at(-1)?.seconds ?? 0) <= SHARE * clock.seconds();
    };
    return {
      left: (step) => spacing - (step % spacing),
      due: (step) =>
        step === steps || (step % spacing === 0 && (every !== undefined || lines.length === 0 || affordable())),
      async measure(step) {
        const start = now();
        const { examples, labels } = await make.examples(count);
        const scores = await measures.measure(examples, labels);
        const ema = typeof config['ema'] === 'number' ? config['ema'] : 0;
        const line: MeasureLine = {
          step,
          output: name,
          scores,
          ...measures.facts,
          ema,
          seconds: (now() - start) / 1000,
        };
        const best = bestOf([...lines, line]);
        lines.push(line);
        return { line, best: best?.step === step };
      },
      backTo: (step) => void (lines = lines.filter((line) => line.step <= step)),
      bestOf,
      dispose: () => extractor.dispose(),
    };
  } catch (error) {
    await extractor.dispose();
    throw error;
  }
}

/** The score with this name, or the first. */
function scoreOf(asked: string | undefined, better: Readonly<Record<string, Better>>): string {
  const names = Object.keys(better);
  const score = asked ?? names[0] ?? '';
  if (names.includes(score)) return score;
  throw new UsageError(
    `config.best: expected a score of the measures (${names.join(', ')}), got '${score}'${nearest(score, names)}`,
    { code: 'config.invalid' },
  );
}

function fieldFor({ like, file }: Output, shape: readonly number[], dataset: Dataset): string {
  const field = like ?? Object.entries(dataset.fields).find(([, spec]) => String(spec.shape) === String(shape))?.[0];
  if (field !== undefined && dataset.fields[field] !== undefined) return field;
  throw new UsageError(
    `config.metrics: expected examples of ${dataset.name} like those of ${file}, [${shape.join(', ')}], got ` +
      "none; say which field by the output's 'like'",
    { code: 'config.invalid' },
  );
}

/** Makes examples with the engine's present weights. */
async function maker(
  name: string,
  output: Output,
  engine: Engine,
  dataset: Dataset,
  seed: number,
): Promise<{ shape: number[]; examples(count: number): Promise<{ examples: RawExamples; labels?: Int32Array }> }> {
  const { preview, outputs } = output;
  const rows = preview !== undefined && preview.count >= ROWS / 2 ? preview.count : ROWS;
  const from = dataset.holdout ?? dataset;
  const inputs = output.inputs.map((input): GeneratorInput => {
    const source = preview?.inputs[input.name];
    const { random, ...rest } = input;
    return {
      ...rest,
      ...(random === 'uniform' ? { distribution: 'uniform' as const } : {}),
      ...(source !== undefined && 'data' in source ? { field: source.data } : {}),
    };
  });
  const fields = inputs.map(({ field }) => field).find((field) => field !== undefined && field in from.fields);
  const order = chosen(seed, fields === undefined ? from.count : countOf(from, fields), Infinity);
  const batch = async (start: number) => {
    const indices = Uint32Array.from({ length: rows }, (_, i) => order[(start + i) % order.length] as number);
    const { feeds, labels } = await generatorFeeds(inputs, from, indices, { seed, start });
    return { made: await engine.generate(name, feeds), labels };
  };
  const first = await batch(0);
  const shape = first.made.shape.slice(1);
  if (first.made.dtype !== 'float32')
    throw new ForjaError('model.unsupported', `measures: expected float32 from ${name}, got ${first.made.dtype}`);
  const size = sizeOf(shape);
  return {
    shape,
    async examples(count) {
      const values = new Float32Array(count * size);
      const labels = new Int32Array(count);
      let labelled = false;
      for (let start = 0; start < count; start += rows) {
        const { made, labels: own } = await batch(start);
        const wanted = Math.min(rows, count - start);
        values.set((made.data as Float32Array).subarray(0, wanted * size), start * size); // checked to be float32
        if (own !== undefined) {
          labels.set(own.subarray(0, wanted), start);
          labelled = true;
        }
      }
      const range = outputs[0]?.range ?? [-1, 1];
      return { examples: { count, shape, values, range }, ...(labelled ? { labels } : {}) };
    },
  };
}
