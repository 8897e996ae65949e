// forja augment: trains a GAN on a small labelled data set, generates more pictures, and measures how much a classifier
// gains from them.
import { isAbsolute, join, resolve as resolvePath } from 'node:path';
import { UsageError, type CliCommand, type CliIo, type CliOption } from '@forja/core';
import { shellWord } from '@forja/node/cli';
import { augmentationNames } from '../augment/index.js';
import { dataNames } from '../data/config.js';
import type { OptionEntries } from '../systems/kind.js';
import { kindOf, systemsReading } from '../systems/registry.js';
import {
  beginStudy,
  checkStudy,
  continueStudy,
  readStudy,
  studyData,
  type StudyConfig,
  type StudyEnd,
} from './augment-study.js';
import { fieldsOf, flagsOf } from './flags.js';
import { progressListener } from './train-command.js';

/** Options of the command itself; the rest are options of the system. */
interface Args extends Record<string, unknown> {
  data?: string;
  out?: string;
  resume?: string;
  size?: number;
  channels?: number;
  perClass?: number;
  count?: number;
  system?: string;
  steps?: number;
  batch?: number;
  seed?: number;
  seeds?: number;
  subsets?: number;
  classifierSteps?: number;
  classical?: string;
  threads?: number;
  onlySet?: boolean;
}

/** Systems that can be trained: those that make pictures of a class. */
const systems = (): string[] => systemsReading('image', 'label');

const PER_CLASS = 50;
/** Generated pictures for each real one. */
const TIMES = 10;
const SEEDS = 5;
const CLASSIFIER_STEPS = 1500;
const CLASSICAL = 'translation,rotation';
/** Maximum number of generated pictures. */
const MOST = 100_000;
/**
 * Defaults of the system's options when there are few pictures; the system's own defaults are meant for larger sets.
 */
const FOR_FEW: Readonly<Record<string, unknown>> = { augment: 'diffaug', penalties: { r1: 1 } };

const CONTROL = (): CliOption[] => [
  { flags: '--data <source>', description: `${dataNames.join(', ')}, or a folder with a subfolder for each class` },
  { flags: '-o, --out <path>', description: 'folder of the study, new or empty', type: 'path' },
  {
    flags: '--resume <folder>',
    description: 'continue the study in this folder (only with --seeds, --subsets and --only-set)',
  },
  { flags: '--per-class <n>', description: `real pictures of each class; default ${PER_CLASS}`, type: 'integer' },
  {
    flags: '--count <n>',
    description: `pictures of each class to generate; default ${TIMES} times --per-class`,
    type: 'integer',
  },
  { flags: '--only-set', description: 'stop after writing the generated pictures; train no classifiers' },
  { flags: '--seeds <n>', description: `classifiers per kind of training data; default ${SEEDS}`, type: 'integer' },
  {
    flags: '--subsets <n>',
    description: 'number of small sets to draw, each with its own generator; default 1',
    type: 'integer',
  },
  { flags: '--seed <n>', description: 'seed of the first small set and its generator; default 0', type: 'integer' },
  {
    flags: '--classifier-steps <n>',
    description: `training steps of each classifier; default ${CLASSIFIER_STEPS}`,
    type: 'integer',
  },
  {
    flags: '--classical <names>',
    description:
      `classical augmentation to compare with: none, or some of ${augmentationNames().join(', ')}; ` +
      `default ${CLASSICAL}`,
  },
  { flags: '--size <n>', description: 'edge that the pictures of a folder are resized to', type: 'integer' },
  { flags: '--channels <n>', description: '1 (grey) or 3 (RGB)', type: 'integer' },
  {
    flags: '--system <name>',
    description: `system that generates the pictures; default ${systems()[0] ?? ''}`,
    choices: systems(),
  },
  { flags: '--steps <n>', description: "training steps of the generator; default: the system's", type: 'integer' },
  {
    flags: '--batch <n>',
    description: "batch size of the generator's training; default: the system's",
    type: 'integer',
  },
  {
    flags: '--threads <n>',
    description: 'threads of the runtime; their number affects the last bits of results',
    type: 'integer',
  },
];

const everyEntry = (): OptionEntries =>
  Object.assign({}, ...systems().map((name) => kindOf(name).options)) as OptionEntries;

/** The command. */
export const augmentCommand: CliCommand = {
  name: 'augment',
  summary: 'enlarge a small labelled set by a GAN, and measure how much a classifier gains',
  options: [...CONTROL(), ...flagsOf(everyEntry())],
  optionsFor: async (words) => {
    const asked = words.flatMap((word, i) => (word === '--system' ? (words[i + 1] ?? []) : []))[0];
    const known = asked !== undefined && systems().includes(asked);
    return [...CONTROL(), ...flagsOf(known ? kindOf(asked).options : everyEntry())];
  },
  examples: [
    'forja augment --data mnist --per-class 50 -o studies/digits',
    'forja augment --data photos --size 32 --count 200 --only-set -o studies/photos',
    'forja augment --data fashion --steps 4000 --seeds 10 --subsets 3 -o studies/clothes',
    'forja augment --resume studies/digits --seeds 10',
  ],
  async run(raw, io) {
    const args = raw as Args; // Args matches the options above
    checkNumbers(args);
    const { folder, config, data } = await (args.resume === undefined ? begun(args, io) : continued(args, io));
    let bar: ReturnType<CliIo['progress']> | undefined;
    const end = await continueStudy(config, data, folder, {
      cwd: io.cwd,
      signal: io.signal,
      onlySet: args.onlySet === true,
      listener: () => progressListener(io),
      onRun: (done, total, { arm, accuracy }) => {
        bar ??= io.progress(total, 'classifiers');
        bar.update(done, `${arm} ${(100 * accuracy).toFixed(2)} %`);
      },
    }).finally(() => bar?.stop());
    return reported(end, folder, args, io);
  },
};

function checkNumbers(args: Args): void {
  for (const [name, value, least] of [
    ['per-class', args.perClass, 1],
    ['count', args.count, 1],
    ['seeds', args.seeds, 1],
    ['subsets', args.subsets, 1],
    ['seed', args.seed, 0],
    ['classifier-steps', args.classifierSteps, 1],
  ] as const)
    if (value !== undefined && value < least)
      throw new UsageError(`augment --${name}: expected at least ${least}, got ${value}`, { code: 'config.invalid' });
}

/** A study that is ready to run. */
interface Ready {
  folder: string;
  config: StudyConfig;
  data: Awaited<ReturnType<typeof studyData>>;
}

async function begun(args: Args, io: CliIo): Promise<Ready> {
  const [fallback] = systems();
  const { data: source, out, system = fallback, perClass = PER_CLASS, steps, batch } = args;
  if (source === undefined)
    throw new UsageError('augment: expected --data <source>, pictures with classes, or --resume <folder>, got neither');
  if (out === undefined) throw new UsageError('augment: expected --out <folder> for the results, got none');
  if (system === undefined)
    throw new UsageError('augment --system: expected a system that makes pictures of a class, got none');
  const { options } = kindOf(system);
  const fitting = Object.entries(FOR_FEW).filter(([name]) => Object.hasOwn(options, name));
  const gan = { system, ...Object.fromEntries(fitting), ...given({ steps, batch }), ...fieldsOf(options, args) };
  const { size, channels, threads, seed = 0, seeds = SEEDS, subsets = 1 } = args;
  const config: StudyConfig = {
    data: dataNames.includes(source) || isAbsolute(source) ? source : resolvePath(io.cwd, source),
    ...given({ size, channels, threads }),
    perClass,
    count: args.count ?? TIMES * perClass,
    seed,
    seeds,
    subsets,
    classifierSteps: args.classifierSteps ?? CLASSIFIER_STEPS,
    classical: (args.classical ?? CLASSICAL)
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== 'none'),
    gan,
  };
  const data = await studyData(config, io);
  const total = config.count * data.classes.length;
  if (total > MOST)
    throw new UsageError(
      `augment --count: expected at most ${Math.floor(MOST / data.classes.length)} pictures per class, ` +
        `${MOST} in all, got ${config.count}`,
      { code: 'input.range' },
    );
  await checkStudy(config, data);
  const folder = resolvePath(io.cwd, out);
  await beginStudy(folder, config);
  return { folder, config, data };
}

async function continued({ resume = '', onlySet: _, seeds, subsets, ...others }: Args, io: CliIo): Promise<Ready> {
  const kept = KEPT.filter((name) => others[name] !== undefined);
  const stray = [...kept, ...Object.keys(fieldsOf(everyEntry(), others))];
  if (stray.length > 0)
    throw new UsageError(
      `augment --resume: expected only --seeds, --subsets and --only-set with it, ` +
        `because study.json has the rest, got ${stray.join(', ')}`,
    );
  const folder = resolvePath(io.cwd, resume);
  const saved = await readStudy(folder);
  const config = { ...saved, ...given({ seeds, subsets }) };
  return { folder, config, data: await studyData(config, io) };
}

/** Options that are saved in study.json and cannot be changed later. */
const KEPT = [
  'data',
  'out',
  'size',
  'channels',
  'perClass',
  'count',
  'system',
  'steps',
  'batch',
  'seed',
  'classifierSteps',
  'classical',
  'threads',
] as const;

const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  }; // undefined fields are left out

/** Prints how the study ended, and returns the command's result. */
function reported({ reason, sets, arms, table }: StudyEnd, folder: string, { onlySet }: Args, io: CliIo): unknown {
  for (const set of sets) io.print(`generated pictures: ${set}`);
  if (arms.length > 0) for (const line of table) io.print(line);
  if (reason === 'interrupted') io.print(`stopped, saved; continue with: forja augment --resume ${shellWord(folder)}`);
  else if (onlySet !== true) io.print(join(folder, 'results.json'));
  return { reason, folder, sets, arms };
}
