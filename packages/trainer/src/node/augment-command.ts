// forja augment: pictures for a small labelled data set by a GAN trained on it, and what a classifier gains by them.
import { isAbsolute, join, resolve as resolvePath } from 'node:path';
import { UsageError, type CliCommand, type CliIo, type CliOption } from '@forja/core';
import { augmentationNames } from '../augment/index.js';
import { dataNames } from '../data/config.js';
import type { OptionEntries } from '../systems/kind.js';
import { kindOf, systemsReading } from '../systems/registry.js';
import {
  beginStudy,
  checkStudy,
  goOnWithStudy,
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
/** Made pictures for each real one. */
const TIMES = 10;
const SEEDS = 5;
const CLASSIFIER_STEPS = 1500;
const CLASSICAL = 'translation,rotation';
/** Most pictures that a generator makes in a call. */
const MOST = 100_000;
/** What a system's options are where they are not given: its own defaults are for more pictures. */
const FOR_FEW: Readonly<Record<string, unknown>> = { augment: 'diffaug' };

const CONTROL = (): CliOption[] => [
  { flags: '--data <source>', description: `${dataNames.join(', ')}, or a folder with a subfolder a class` },
  { flags: '-o, --out <path>', description: 'folder of the study, new or empty', type: 'path' },
  {
    flags: '--resume <folder>',
    description: 'go on with the study in this folder (only --seeds, --subsets and --only-set beside it)',
  },
  { flags: '--per-class <n>', description: `real pictures of each class; default ${PER_CLASS}`, type: 'integer' },
  {
    flags: '--count <n>',
    description: `pictures of each class that the generator makes; default ${TIMES} times --per-class`,
    type: 'integer',
  },
  { flags: '--only-set', description: 'stop when the made pictures are written; train no classifiers' },
  { flags: '--seeds <n>', description: `classifiers trained in each way; default ${SEEDS}`, type: 'integer' },
  {
    flags: '--subsets <n>',
    description: 'small sets drawn, each with a generator of its own; default 1',
    type: 'integer',
  },
  { flags: '--seed <n>', description: 'of the first small set and its generator; default 0', type: 'integer' },
  {
    flags: '--classifier-steps <n>',
    description: `training steps of each classifier; default ${CLASSIFIER_STEPS}`,
    type: 'integer',
  },
  {
    flags: '--classical <names>',
    description:
      `usual augmentation to compare with: none, or of ${augmentationNames().join(', ')}; ` + `default ${CLASSICAL}`,
  },
  { flags: '--size <n>', description: 'edge that the pictures of a folder are brought to', type: 'integer' },
  { flags: '--channels <n>', description: '1 (grey) or 3 (RGB)', type: 'integer' },
  {
    flags: '--system <name>',
    description: `what makes the pictures; default ${systems()[0] ?? ''}`,
    choices: systems(),
  },
  { flags: '--steps <n>', description: "training steps of the generator; default: the system's", type: 'integer' },
  { flags: '--batch <n>', description: "pictures in such a step; default: the system's", type: 'integer' },
  {
    flags: '--threads <n>',
    description: 'threads of the runtime; results with another number differ in their last bits',
    type: 'integer',
  },
];

const everyEntry = (): OptionEntries =>
  Object.assign({}, ...systems().map((name) => kindOf(name).options)) as OptionEntries;

/** The command. */
export const augmentCommand: CliCommand = {
  name: 'augment',
  summary: 'make pictures for a small labelled set by a GAN, and measure what a classifier gains by them',
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
    const args = raw as Args; // the options above
    checkNumbers(args);
    const { folder, config, data } = await (args.resume === undefined ? begun(args, io) : continued(args, io));
    let bar: ReturnType<CliIo['progress']> | undefined;
    const end = await goOnWithStudy(config, data, folder, {
      cwd: io.cwd,
      signal: io.signal,
      onlySet: args.onlySet === true,
      listener: () => progressListener(io),
      onRun: (done, total, { arm, accuracy }) => {
        bar ??= io.progress(total, 'classifiers');
        bar.update(done, `${arm} ${(100 * accuracy).toFixed(2)} %`);
      },
    }).finally(() => bar?.stop());
    return told(end, folder, args, io);
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

/** A study and what it needs, before it goes. */
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
  if (out === undefined) throw new UsageError('augment: expected --out <folder> for what is made, got none');
  if (system === undefined)
    throw new UsageError('augment --system: expected one that makes pictures of a class, got none');
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
  const data = await studyData(config, io.cwd);
  const total = config.count * data.classes.length;
  if (total > MOST)
    throw new UsageError(
      `augment --count: expected at most ${Math.floor(MOST / data.classes.length)} pictures a class, ` +
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
      `augment --resume: expected only --seeds, --subsets and --only-set beside it, ` +
        `as study.json holds the rest, got ${stray.join(', ')}`,
    );
  const folder = resolvePath(io.cwd, resume);
  const saved = await readStudy(folder);
  const config = { ...saved, ...given({ seeds, subsets }) };
  return { folder, config, data: await studyData(config, io.cwd) };
}

/** Options of the command that study.json holds, and that cannot change. */
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
  }; // without those that are absent

/** Says how the study ended, and returns it. */
function told({ reason, sets, arms, table }: StudyEnd, folder: string, { onlySet }: Args, io: CliIo): unknown {
  for (const set of sets) io.print(`made pictures: ${set}`);
  if (arms.length > 0) for (const line of table) io.print(line);
  if (reason === 'interrupted') io.print(`stopped, saved; go on with: forja augment --resume ${folder}`);
  else if (onlySet !== true) io.print(join(folder, 'results.json'));
  return { reason, folder, sets, arms };
}
