// A study of augmentation in a folder: draws a few pictures per class, trains a generator on those alone, generates
// pictures, and trains classifiers with and without them. Finished parts are kept, so a stopped study can continue.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError, type AbortSignalLike, type ImageBatch } from '@forja/core';
import { load, runtime as nodeRuntime } from '@forja/node';
import { augmentationOf } from '../augment/index.js';
import { arrayDataset } from '../data/arrays.js';
import type { Dataset } from '../data/dataset.js';
import type { DataConfig } from '../data/config.js';
import { ARMS } from '../study/arms.js';
import { trainedClassifier } from '../study/classifier.js';
import { armResults, tableOf, type ArmResult, type StudyRun } from '../study/results.js';
import { divided, smallSet, type Divided, type Examples } from '../study/small-set.js';
import { parseConfig, type ResolvedConfig } from '../train/config.js';
import type { TrainEvent } from '../train/events.js';
import { prepare } from '../train/train.js';
import { writeClassFolders, writeSideBySide } from './class-folders.js';
import { writeFileSafely } from './files.js';
import { FolderStore } from './folder-store.js';
import { generatorFile } from './generator-file.js';
import { shownData } from './shown-data.js';
import { jsonOf, resume, trainResolved } from './train.js';

/** The configuration of a study, saved as study.json. */
export interface StudyConfig {
  data: string | DataConfig;
  size?: number;
  channels?: number;
  /** Real pictures of each class. */
  perClass: number;
  /** Generated pictures of each class. */
  count: number;
  /** Seed of the first small set and its generator; the others have the following seeds. */
  seed: number;
  /** Number of classifiers per arm and small set. */
  seeds: number;
  /** Number of small sets, each with its own generator. */
  subsets: number;
  classifierSteps: number;
  /** Names of the augmentations, for the arms that use them. */
  classical: string[];
  threads?: number;
  /** The system that is trained, its options, and `steps` and `batch`. */
  gan: { system: string } & Record<string, unknown>;
}

/** What the caller of a study provides. */
export interface StudyHost {
  cwd: string;
  signal: AbortSignalLike;
  /** Whether to stop when the generated pictures are written. */
  onlySet: boolean;
  /** Events of a generator's training. */
  listener(): { onEvent: (event: TrainEvent) => void; stop: () => void };
  /** Called after each classifier. */
  onRun(done: number, total: number, run: StudyRun): void;
}

/** How a study ended. */
export interface StudyEnd {
  reason: 'finished' | 'interrupted';
  /** Folders of the generated sets. */
  sets: string[];
  arms: ArmResult[];
  /** The table of the arms, as lines of Markdown. */
  table: string[];
}

const STUDY = 'study.json';
const RESULTS = 'results.json';
/** Number of real, and of generated, pictures per class in pictures.png. */
const SHOWN = 8;

/** The folder of a new study. @throws UsageError for a folder that is in use. */
export async function beginStudy(folder: string, config: StudyConfig): Promise<void> {
  await new FolderStore(folder).begin();
  await writeFileSafely(join(folder, STUDY), `${JSON.stringify(config, null, 2)}\n`);
}

/** The study in a folder. @throws UsageError if there is none. */
export async function readStudy(folder: string): Promise<StudyConfig> {
  const path = join(folder, STUDY);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`augment --resume: expected the folder of a study (with ${STUDY}), got none at ${folder}`, {
      cause,
    });
  });
  return jsonOf(text, path) as StudyConfig; // written by beginStudy
}

/** The data of a study, divided into pool and test set. @throws UsageError or ForjaError for unsuitable data. */
export async function studyData(
  { data, size, channels }: StudyConfig,
  io: Parameters<typeof shownData>[1],
): Promise<Divided> {
  return divided(await shownData({ data, size, channels }, io));
}

/** The training configuration of a small set's generator. */
function ganConfig({ gan, seed, threads }: StudyConfig, folder: string, subset: number): ResolvedConfig {
  return parseConfig({
    ...gan,
    data: { kind: 'folder', path: join(folder, 'real') },
    seed: seed + subset,
    out: join(folder, 'gan'),
    ...(threads === undefined ? {} : { threads }),
  });
}

/** Refuses options and data that do not fit each other, before anything is written. */
export async function checkStudy(config: StudyConfig, data: Divided): Promise<void> {
  config.classical.map(augmentationOf);
  const examples = await smallSet(data, config.perClass, config.seed);
  const { system } = prepare(ganConfig(config, '.', 0), datasetOf(examples, data));
  system.dispose();
}

/** Runs the remaining parts of the study in `folder`. */
export async function continueStudy(
  config: StudyConfig,
  data: Divided,
  folder: string,
  host: StudyHost,
): Promise<StudyEnd> {
  await writeFileSafely(join(folder, STUDY), `${JSON.stringify(config, null, 2)}\n`);
  const runs = await readRuns(folder);
  const sets: string[] = [];
  const end = (reason: StudyEnd['reason']): StudyEnd => {
    const arms = armResults(runs);
    return { reason, sets, arms, table: tableOf(arms) };
  };
  const total = config.subsets * config.seeds * ARMS.length;
  for (let subset = 0; subset < config.subsets; subset++) {
    const where = join(folder, `subset-${subset}`);
    const real = await smallSet(data, config.perClass, config.seed + subset);
    await writeClassFolders(join(where, 'real'), real, data.classes);
    const generator = await trainedGenerator(config, where, subset, datasetOf(real, data), host);
    if (generator === undefined) return end('interrupted');
    const made = await generated(generator, config, data.classes, subset);
    await writeClassFolders(join(where, 'synthetic'), made, data.classes);
    await writeSideBySide(join(where, 'pictures.png'), [real, made], data.classes, SHOWN);
    sets.push(join(where, 'synthetic'));
    if (host.onlySet) continue;
    const runtime = nodeRuntime({
      device: 'cpu',
      ...(config.threads === undefined ? {} : { threads: config.threads }),
    });
    try {
      for (let seed = 0; seed < config.seeds; seed++)
        for (const arm of ARMS) {
          if (runs.some((run) => run.subset === subset && run.seed === seed && run.arm === arm.name)) continue;
          if (host.signal.aborted) return end('interrupted');
          const found = await trainedClassifier(
            {
              runtime,
              classes: data.classes.length,
              real,
              made: arm.made > 0 ? { examples: made, share: arm.made } : undefined,
              augment: arm.classical ? config.classical.map(augmentationOf) : [],
              steps: config.classifierSteps,
              seed,
            },
            data.test,
          );
          const run: StudyRun = { subset, seed, arm: arm.name, ...found };
          runs.push(run);
          await writeResults(folder, config, data, runs);
          host.onRun(runs.length, total, run);
        }
    } finally {
      await runtime.dispose();
    }
  }
  if (runs.length > 0) await writeResults(folder, config, data, runs); // --seeds may differ from the last call's
  return end('finished');
}

/** The small set as a dataset to train a generator on. */
function datasetOf({ shape, images, labels }: Examples, { classes, pool }: Divided): Dataset {
  const { name, license, credit } = pool.dataset;
  return arrayDataset({
    name: `${name}, ${labels.length} examples`,
    data: images,
    shape,
    range: [-1, 1],
    labels,
    classes,
    ...(license === undefined ? {} : { license }),
    ...(credit === undefined ? {} : { credit }),
  });
}

/** The generator's file, after training it if it does not exist yet; undefined if training was interrupted. */
async function trainedGenerator(
  config: StudyConfig,
  where: string,
  subset: number,
  dataset: Dataset,
  { cwd, signal, listener }: StudyHost,
): Promise<string | undefined> {
  const folder = join(where, 'gan');
  const found = await generatorFile(folder);
  if (found !== undefined) return found;
  const begun = (await stat(join(folder, 'config.json')).catch(() => undefined)) !== undefined;
  const { onEvent, stop } = listener();
  const host = { cwd, signal, stepsPerRun: 'auto' as const, onEvent, dataset };
  try {
    const { reason } = await (begun ? resume(folder, host) : trainResolved(ganConfig(config, where, subset), host));
    return reason === 'finished' ? await generatorFile(folder) : undefined;
  } finally {
    stop();
  }
}

/** `count` pictures of each class from the exported generator. */
async function generated(
  model: string,
  { count, seed, threads }: StudyConfig,
  classes: readonly string[],
  subset: number,
): Promise<Examples> {
  // deterministic, so that a continued study gets the same bits
  const generator = await load(model, {
    device: 'cpu',
    deterministic: true,
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const total = count * classes.length;
    const batch: ImageBatch = await generator.sample({ count: total, seed: seed + subset });
    const { width, height, channels, data } = batch;
    return {
      count: total,
      shape: [height, width, channels],
      images: Float32Array.from(data, (byte) => byte / 127.5 - 1),
      labels: Int32Array.from({ length: total }, (_, i) => i % classes.length), // the order of classes in sample()
    };
  } finally {
    await generator.dispose();
  }
}

async function readRuns(folder: string): Promise<StudyRun[]> {
  const path = join(folder, RESULTS);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? [] : (jsonOf(text, path) as { runs: StudyRun[] }).runs; // written by writeResults
}

/** results.json, and results.md with the table. */
async function writeResults(
  folder: string,
  study: StudyConfig,
  { test, classes }: Divided,
  runs: readonly StudyRun[],
): Promise<void> {
  const arms = armResults(runs);
  const tested = { data: test.dataset.name, count: test.indices.length };
  const json = { study, test: tested, arms, runs };
  const { perClass, count, gan, classifierSteps, classical, subsets, seed } = study;
  const text = [
    '# Accuracy with and without generated pictures',
    '',
    ...tableOf(arms),
    '',
    `Mean ± standard deviation over classifiers, tested on ${tested.count} examples of ${tested.data}. ` +
      `${perClass} real pictures of each of ${classes.length} classes, ` +
      `${subsets} small set${subsets === 1 ? '' : 's'} drawn from seed ${seed}; ` +
      `${count} generated ones per class by '${gan.system}', trained on the small set alone. ` +
      `Every classifier: ${classifierSteps} steps; augmented by ${classical.join(', ') || 'nothing'}. ` +
      'Differences are taken between runs of the same small set and seed.',
    '',
  ];
  await writeFileSafely(join(folder, 'results.md'), text.join('\n'));
  await writeFileSafely(join(folder, RESULTS), `${JSON.stringify(json, null, 2)}\n`);
}
