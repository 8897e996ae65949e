// forja evaluate: scores of a run, of a generator in a file, or of a folder of pictures, against a data set; with
// several seeds as mean ± standard deviation.
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve as resolvePath } from 'node:path';
import {
  ForjaError,
  ModelFormatError,
  UsageError,
  checkModelBytes,
  externalFiles,
  sizeOf,
  type CliCommand,
  type CliIo,
} from '@forja/core';
import { runtime as nodeRuntime } from '@forja/node';
import { readExternal } from '@forja/node/cli';
import type { DataConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import { countOf, fieldOf } from '../data/fields.js';
import { byClass } from '../data/by-class.js';
import { chooseExtractor, extractorNames } from '../metrics/features/choose.js';
import type { Extractor, RawExamples } from '../metrics/features/extractor.js';
import { fileGenerator } from '../metrics/generate.js';
import { metricNames, metricOf } from '../metrics/index.js';
import { chosen, measurer, type Measurer } from '../metrics/measurer.js';
import type { MeasureFacts } from '../records/store.js';
import { generatorFile } from './generator-file.js';
import { shownData } from './shown-data.js';
import { extractorFile, jsonOf } from './train.js';

interface Args {
  source?: string;
  data?: string;
  size?: number;
  channels?: number;
  metrics?: string;
  count?: number;
  seed?: number;
  seeds?: number;
  features?: string;
  like?: string;
  against?: 'train' | 'holdout';
  floor?: boolean;
  byClass?: boolean;
}

/**
 * Default number of examples on each side: enough for the Fréchet distance, and few enough to find nearest neighbours
 * in seconds.
 */
const COUNT = 5000;

/** A score over seeds. */
interface Score {
  mean: number;
  /** Standard deviation over seeds; absent for one seed. */
  sd?: number;
  values: number[];
}

/** The command. */
export const evaluateCommand: CliCommand = {
  name: 'evaluate',
  summary: 'score a run, a generator or a folder of pictures against a data set',
  arguments: [{ name: 'source', description: "a run's folder, an ONNX file, or a folder of pictures", required: true }],
  options: [
    { flags: '--data <source>', description: "mnist, fashion, ring, grid or a path; default: the run's" },
    {
      flags: '--size <n>',
      description: 'edge that the pictures of a folder are resized to',
      type: 'integer',
      range: [1, 4096],
    },
    { flags: '--channels <n>', description: '1 (grey) or 3 (RGB)', type: 'integer', range: [1, 3] },
    { flags: '--metrics <names>', description: `some of ${metricNames().join(', ')}; default: those that apply` },
    {
      flags: '-n, --count <n>',
      description: `examples on each side; default ${COUNT}, or all`,
      type: 'integer',
      range: [2, 1e9],
    },
    {
      flags: '--seed <n>',
      description: 'seed of latents and of the choice of examples; default 0',
      type: 'integer',
      range: [0, 2 ** 53 - 1],
    },
    {
      flags: '--seeds <n>',
      description: 'repeat with this many seeds: mean ± standard deviation',
      type: 'integer',
      range: [1, 10_000],
    },
    {
      flags: '--features <source>',
      description: `an ONNX file, ${extractorNames.join(', ')}; default: chosen by the data`,
    },
    { flags: '--like <field>', description: 'field of the data to compare with; default: by shape' },
    {
      flags: '--against <part>',
      description: 'compare with the training data (default) or the holdout',
      choices: ['train', 'holdout'],
    },
    { flags: '--floor', description: 'score the holdout too: what a perfect generator would get' },
    { flags: '--by-class', description: 'score each class apart, against the examples of that class' },
  ],
  examples: [
    'forja evaluate runs/digits --metrics frechet,kid,pr --seeds 3',
    'forja evaluate generator.onnx --data mnist --count 10000',
    'forja evaluate generator.onnx --data photos --size 64 --features inception.onnx',
    'forja evaluate generator.onnx --data fashion --metrics frechet,pr --by-class',
    'forja evaluate pictures --data photos --size 32 --json',
  ],
  async run(raw, io) {
    const args = raw as Args; // Args matches the options above
    const { seed = 0, seeds = 1, against = 'train' } = args;
    // checked here, before any file is read
    const named = args.metrics?.split(',').map((name) => metricOf(name.trim()).name);
    const own = await extractorFile(args.features, io.cwd);
    const found = await sourceOf(args.source, io.cwd);
    const data = args.data ?? found.config?.data;
    if (data === undefined)
      throw new UsageError('evaluate: expected --data <source> to compare with, got none; only runs have their own');
    const { size = found.config?.size, channels = found.config?.channels } = args;
    const dataset = await shownData({ data, size, channels, labels: args.byClass === true }, io);
    const runtime = nodeRuntime({ device: 'cpu' });
    try {
      const maker = await makerOf(found, runtime, { size, channels }, io);
      const field = fieldFor(args.like, dataset, maker.translates);
      const spec = fieldOf(dataset, field);
      const file =
        own ?? (args.features === undefined ? await extractorFile(found.config?.features, io.cwd) : undefined);
      const extractor = await chooseExtractor({
        asked: file ?? args.features ?? found.config?.features,
        dataset,
        shape: spec.shape,
        runtime,
      });
      const fits = (name: string): boolean =>
        (metricOf(name).needs ?? []).every((need) =>
          [need]
            .flat()
            .some((one) => (one === 'classes' ? extractor.classifies : one === 'modes' && dataset.modes !== undefined)),
        );
      const metrics = named ?? metricNames().filter(fits);
      if (args.byClass === true && !maker.conditional)
        throw new UsageError(`evaluate --by-class: expected a generator that takes a class, got ${found.path}`, {
          code: 'config.invalid',
        });
      const parts = args.byClass === true ? await byClass(dataset) : [{ name: '', dataset }];
      const held =
        against === 'holdout' || metrics.some((name) => (metricOf(name).needs ?? []).flat().includes('holdout'));
      const bare = parts.filter(({ dataset: { count, holdout } }) => count === 0 || (held && holdout?.count === 0));
      if (args.byClass === true && bare.length > 0)
        throw new UsageError(
          `evaluate --by-class: expected examples of each class in ${dataset.name}` +
            `${held ? ', held-out ones too' : ''}, got none of ${bare.map(({ name }) => name).join(', ')}`,
          { code: 'config.invalid' },
        );
      const bar = io.progress(seeds * parts.length, 'evaluate');
      const scored: (Scored & { name: string })[] = [];
      for (const { name, dataset: part } of parts) {
        const where = name === '' ? 'evaluate' : `evaluate, class '${name}'`;
        const options = { ...args, field, extractor, maker, metrics, seed, seeds, against, path: found.path, where };
        const scores = await scoresOf(part, options, (done) => bar.update(scored.length * seeds + done));
        scored.push({ name, ...scores });
      }
      bar.stop();
      await extractor.dispose();
      for (const { name, scores, floor } of scored) {
        if (name !== '') io.print(`\n${name}`);
        for (const [score, value] of Object.entries(scores))
          io.print(
            `${score.padEnd(18)} ${shown(value)}${floor?.[score] ? `   (holdout: ${shown(floor[score])})` : ''}`,
          );
      }
      const [{ scores, floor, facts } = { scores: {}, facts: undefined, floor: undefined }] = scored;
      const { extractor: by = '', sha256 = '', resize = '', made = 0 } = facts ?? {};
      const counts = args.byClass === true ? 'of each class' : `${made} made, ${made} real`;
      io.print(
        `${found.path} against ${dataset.name} (${against}): ${counts}, features ${by}` +
          `${sha256 === '' ? '' : ` ${sha256}…`}, resize ${resize}, seed` +
          (seeds > 1 ? `s ${seed} to ${seed + seeds - 1}, ± standard deviation` : ` ${seed}`),
      );
      const about = { source: found.path, data: dataset.name, seeds };
      if (args.byClass === true)
        return { ...about, classes: Object.fromEntries(scored.map(({ name, ...rest }) => [name, rest])) };
      return { ...about, scores, ...(floor ? { floor } : {}), ...facts };
    } finally {
      await runtime.dispose();
    }
  },
};

/** Scores of a generator on a data set, and of the data's holdout. */
interface Scored {
  scores: Record<string, Score>;
  floor?: Record<string, Score>;
  facts: MeasureFacts | undefined;
}

/** Scores over seeds; `onSeed` is called with how many are done. */
async function scoresOf(
  dataset: Dataset,
  options: Pick<Args, 'count' | 'floor'> & {
    field: string;
    extractor: Extractor;
    maker: Maker;
    metrics: readonly string[];
    seed: number;
    seeds: number;
    against: 'train' | 'holdout';
    path: string;
    /** How errors begin. */
    where: string;
  },
  onSeed: (done: number) => void,
): Promise<Scored> {
  const { field, extractor, maker, metrics, seed, seeds, against, path, where, floor: withFloor } = options;
  const part = against === 'holdout' ? (dataset.holdout ?? dataset) : dataset;
  const count = options.count ?? Math.min(COUNT, countOf(part, field), maker.available);
  if (count > maker.available)
    throw new UsageError(
      `evaluate --count: expected at most the ${maker.available} pictures of ${path}, got ${count}`,
      { code: 'config.invalid' },
    );
  if (withFloor === true) checkFloor(dataset, field, count);
  const all: Record<string, number>[] = [];
  const floors: Record<string, number>[] = [];
  let facts: MeasureFacts | undefined;
  for (let s = seed; s < seed + seeds; s++) {
    const { conditional } = maker;
    const given = { metrics, dataset, field, extractor, count, seed: s, against, conditional, where };
    const measures: Measurer = await measurer(given);
    facts ??= measures.facts;
    const { examples, labels } = await maker.make(dataset, count, s);
    all.push(await measures.measure(examples, labels));
    if (withFloor === true) floors.push(await measures.measure(...(await floorOf(dataset, field, count, s))));
    onSeed(s - seed + 1);
  }
  return { scores: summary(all), facts, ...(floors.length > 0 ? { floor: summary(floors) } : {}) };
}

/** What the command's first argument refers to. */
interface Source {
  path: string;
  /** An ONNX file. */
  model?: string;
  /** A folder of pictures. */
  folder?: string;
  /** Configuration of its run. */
  config?: { data: DataConfig; size?: number; channels?: number; features?: string };
}

async function sourceOf(source: string | undefined, cwd: string): Promise<Source> {
  if (source === undefined) throw new UsageError('evaluate: expected a run, an ONNX file or a folder, got nothing');
  const path = resolvePath(cwd, source);
  const at = await stat(path).catch(() => undefined);
  if (at === undefined)
    throw new ForjaError(
      'model.notFound',
      `evaluate: expected a run, an ONNX file or a folder, got nothing at ${path}`,
    );
  if (!at.isDirectory()) return { path: source, model: path };
  const text = await readFile(join(path, 'config.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return { path: source, folder: path };
  const config = jsonOf(text, join(path, 'config.json')) as NonNullable<Source['config']>; // written by a run
  const model = await generatorFile(path);
  if (model === undefined)
    throw new ForjaError('model.notFound', `evaluate: expected a finished run with its generator, got none in ${path}`);
  return { path: join(source, basename(model)), model, config };
}

/** Generates examples from a seed. */
interface Maker {
  available: number;
  conditional: boolean;
  translates: boolean;
  make(dataset: Dataset, count: number, seed: number): Promise<{ examples: RawExamples; labels?: Int32Array }>;
}

async function makerOf(
  { model, folder, path }: Source,
  runtime: ReturnType<typeof nodeRuntime>,
  { size, channels }: { size?: number | undefined; channels?: number | undefined },
  io: CliIo,
): Promise<Maker> {
  if (model !== undefined) {
    const bytes = new Uint8Array(await readFile(model));
    checkModelBytes(bytes, basename(model));
    const generator = await fileGenerator(bytes, runtime, await readExternal(model, externalFiles(bytes), io.signal));
    const { conditional, translates } = generator;
    return { available: Infinity, conditional, translates, make: generator.generate };
  }
  const made = await shownData({ data: { kind: 'folder', path: folder ?? path, classes: false }, size, channels }, io);
  if (made.fields['image'] === undefined)
    throw new ModelFormatError('model.unsupported', `evaluate: expected pictures in ${path}, got none`);
  return {
    available: made.count,
    conditional: false,
    translates: false,
    make: async (_, count, seed) => ({ examples: await some(made, 'image', count, seed) }),
  };
}

/** `count` shuffled examples. */
async function some(dataset: Dataset, field: string, count: number, seed: number): Promise<RawExamples> {
  const { shape, range = [-1, 1] } = fieldOf(dataset, field);
  const values = new Float32Array(count * sizeOf(shape));
  await dataset.read(chosen(seed, countOf(dataset, field), count), { [field]: values });
  return { count, shape, values, range };
}

function checkFloor({ holdout, name }: Dataset, field: string, count: number): void {
  if (holdout === undefined || countOf(holdout, field) < count)
    throw new UsageError(
      `evaluate --floor: expected a holdout of at least ${count} examples, got ` +
        `${holdout ? countOf(holdout, field) : 'none'} in ${name}`,
      { code: 'config.invalid' },
    );
}

/** Examples of the holdout, which a perfect generator could have made, with their classes. */
async function floorOf(
  { holdout }: Dataset,
  field: string,
  count: number,
  seed: number,
): Promise<[RawExamples, Int32Array | undefined]> {
  if (holdout === undefined) throw new Error('floorOf: expected a holdout'); // checkFloor has checked this
  const labels = holdout.fields['label'] === undefined ? undefined : new Int32Array(count);
  if (labels) await holdout.read(chosen(seed, holdout.count, count), { label: labels });
  return [await some(holdout, field, count, seed), labels];
}

/** The field to compare with: the given one, a translator's target, else the first that is not a number. */
function fieldFor(asked: string | undefined, dataset: Dataset, translates: boolean): string {
  if (asked !== undefined) {
    fieldOf(dataset, asked);
    return asked;
  }
  const names = Object.entries(dataset.fields).flatMap(([name, { shape, dtype }]) =>
    shape.length > 0 && dtype === 'float32' ? name : [],
  );
  const field = (translates ? names.find((name) => name === 'target') : undefined) ?? names[0];
  if (field === undefined)
    throw new ForjaError('data.field', `evaluate: expected pictures or vectors in ${dataset.name}, got neither`);
  return field;
}

function summary(all: readonly Record<string, number>[]): Record<string, Score> {
  return Object.fromEntries(
    Object.keys(all[0] ?? {}).map((name) => {
      const values = all.map((scores) => scores[name] ?? NaN);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
      return [name, { mean, ...(values.length > 1 ? { sd } : {}), values }];
    }),
  );
}

const shown = ({ mean, sd }: Score): string =>
  `${Number(mean.toPrecision(5))}${sd === undefined ? '' : ` ± ${Number(sd.toPrecision(2))}`}`;
