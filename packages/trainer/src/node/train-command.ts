// forja train: a run from a configuration file or a system's name, with options that override it; --resume continues a
// run.
import { readFile } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import { ForjaError, UsageError, type CliCommand, type CliIo, type CliOption } from '@forja/core';
import { shellWord } from '@forja/node/cli';
import { explainStep } from '../compile/compile.js';
import type { OptionEntries, SystemKind } from '../systems/kind.js';
import { phaseStep } from '../systems/phase.js';
import { kindOf, systemNames } from '../systems/registry.js';
import { parseConfig, runEntries, type ResolvedConfig } from '../train/config.js';
import type { TrainEvent } from '../train/events.js';
import { measure } from '../train/measure.js';
import { parametersOf } from '../train/reporting.js';
import { isPlain } from '../train/resumed.js';
import { prepare, type TrainResult } from '../train/train.js';
import { duration } from './duration.js';
import { peakMemory } from './environment.js';
import { fieldsOf, flagsOf } from './flags.js';
import { isModule, loadSystem } from './load-system.js';
import { shownData } from './shown-data.js';
import { jsonOf, merged, requestOf, resume, trainResolved, withRuntime } from './train.js';

/** Options of the command itself; the rest are fields of the configuration. */
interface Args extends Record<string, unknown> {
  config?: string;
  resume?: string;
  override?: boolean;
  dryRun?: boolean;
  explain?: boolean;
  watch?: boolean | number;
}

const CONTROL: readonly CliOption[] = [
  {
    flags: '--resume <folder>',
    description:
      'continue the run in this folder; flags beside it may change its length, what is written, measures and threads',
  },
  {
    flags: '--override',
    description: 'with --resume: accept other changes too, in flags or config.json, such as rates or penalties',
  },
  {
    flags: '--watch [port]',
    description: 'show the run in a local web page while it trains, on the given port or a free one',
    type: 'integer',
  },
  {
    flags: '--dry-run',
    description: 'check configuration and data, time a few steps, describe the run; write nothing',
  },
  {
    flags: '--explain',
    description: 'with --dry-run: estimated cost of each convolution, and the algorithm chosen',
  },
];

/** The command. */
export const trainCommand: CliCommand = {
  name: 'train',
  summary: `train a GAN and export its generator: ${systemNames().join(', ')}, or a system of your own`,
  arguments: [
    {
      name: 'config',
      description: `a system (${systemNames().join(', ')}), a .json configuration, or a module (.mjs) with a system`,
    },
  ],
  options: [...flagsOf(everyEntry()), ...CONTROL],
  optionsFor: async (words, cwd) => {
    const source = words.find((word) => isSource(word));
    const kind = source === undefined ? undefined : await kindFor(source, cwd).catch(() => undefined);
    return [...flagsOf(kind === undefined ? everyEntry() : { ...runEntries, ...kind.options }), ...CONTROL];
  },
  examples: [
    'forja train dcgan --data mnist --steps 5000 -o runs/digits',
    'forja train dcgan --data photos --size 32 --base 48',
    'forja train config.json --seed 2 -o runs/second',
    'forja train --resume runs/digits',
    'forja train --resume runs/digits --override --rate-g 1e-4',
    'forja train dcgan --data mnist --watch  # and watch it in a browser',
    'forja train mlp --data ring --dry-run',
    'forja train dcgan --help                # all options of a system',
    'forja train ./my-gan.mjs --data photos --size 32',
  ],
  async run(raw, io) {
    const args = raw as Args; // Args matches the options above
    if (args.resume !== undefined) return resumeRun(args.resume, args, io);
    if (args.override) throw new UsageError('train --override: expected --resume as well, because nothing is resumed');
    const { config, system } = await configOf(args, io.cwd);
    if (args.explain && !args.dryRun)
      throw new UsageError('train --explain: expected --dry-run as well, because --explain does not train');
    if (args.dryRun && args.watch !== undefined)
      throw new UsageError('train --watch: expected no --dry-run with it, because there would be nothing to show');
    if (args.dryRun) return dryRun(config, system, args.explain === true, io);
    return watched(io, (onEvent) =>
      trainResolved(config, {
        cwd: io.cwd,
        signal: io.signal,
        stepsPerRun: 'auto',
        onEvent,
        ...(system ? { system } : {}),
        ...(args.watch === undefined ? {} : { watch: args.watch }),
      }),
    );
  },
};

/** Fields of the run and of all systems, for help without a system. */
function everyEntry(): OptionEntries {
  return Object.assign(
    {},
    ...[...systemNames()].reverse().map((name) => kindOf(name).options),
    runEntries,
  ) as OptionEntries;
}

const isSource = (word: string): boolean =>
  !word.startsWith('-') && (systemNames().includes(word) || word.endsWith('.json') || isModule(word));

/** The system of the first argument. */
async function kindFor(source: string, cwd: string): Promise<SystemKind> {
  if (isModule(source)) return loadSystem(source, cwd);
  if (!source.endsWith('.json')) return kindOf(source);
  const { system, module } = await readConfig(source, cwd);
  return typeof module === 'string' ? loadSystem(module, cwd) : kindOf(String(system));
}

async function resumeRun(
  folder: string,
  { resume: _, override = false, dryRun: dry, watch, ...others }: Args,
  io: CliIo,
): Promise<unknown> {
  const { config, explain, out, start } = others;
  const beside = Object.entries({ config, explain, out, start }).filter(([, value]) => value !== undefined);
  if (beside.length > 0)
    throw new UsageError(
      `train --resume: expected no ${beside.map(([key]) => key).join(', ')} with it, because the run's config.json ` +
        'says what is trained',
    );
  if (dry) throw new UsageError('train --resume: expected no --dry-run with it');
  return watched(io, (onEvent) =>
    resume(folder, {
      cwd: io.cwd,
      signal: io.signal,
      stepsPerRun: 'auto',
      onEvent,
      config: fieldsOf(everyEntry(), others),
      override,
      ...(watch === undefined ? {} : { watch }),
    }),
  );
}

/** The configuration, overridden by the options, and the system if it is the user's own. */
async function configOf(args: Args, cwd: string): Promise<{ config: ResolvedConfig; system: SystemKind | undefined }> {
  const source = args.config;
  if (source === undefined)
    throw new UsageError(
      `train: expected a configuration (.json), a module (.mjs) or a system (${systemNames().join(', ')}), got ` +
        'nothing; forja train --help has examples',
    );
  const base: Record<string, unknown> = source.endsWith('.json')
    ? await readConfig(source, cwd)
    : isModule(source)
      ? { module: source }
      : { system: source };
  const system = typeof base['module'] === 'string' ? await loadSystem(base['module'], cwd) : undefined;
  const kind = system ?? kindOf(String(base['system']));
  const fields = fieldsOf({ ...everyEntry(), ...runEntries, ...kind.options }, args);
  // A flag for one part of a field (--rate-g) keeps the other parts from the file.
  return { config: parseConfig(merged(base, fields), system), system };
}

/** A configuration file as an object. */
async function readConfig(source: string, cwd: string): Promise<Record<string, unknown>> {
  const path = resolvePath(cwd, source);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new UsageError(`train: expected a configuration file, got nothing at ${path}`)
      : new ForjaError('io', `train: could not read ${path}: ${error.message}`, { cause: error });
  });
  const parsed = jsonOf(text, path);
  if (!isPlain(parsed))
    throw new UsageError(`${path}: expected a JSON object, got ${Array.isArray(parsed) ? 'a list' : String(parsed)}`, {
      code: 'config.invalid',
    });
  return parsed;
}

async function dryRun(
  parsed: ResolvedConfig,
  own: SystemKind | undefined,
  explained: boolean,
  io: CliIo,
): Promise<unknown> {
  const dataset = await shownData(requestOf(parsed, own), io);
  const { system, config } = prepare(parsed, dataset, own ? { system: own } : {});
  const parameters = parametersOf({ system });
  const plan = explained
    ? system.phases
        .map((phase) => {
          const { step, ...options } = phaseStep(system, phase);
          return `phase ${phase.name}\n${explainStep(step, options)}`;
        })
        .join('\n\n')
    : undefined;
  const phases = system.phases.map(({ name, every = 1, repeat = 1 }) => ({ name, every, repeat }));
  const stateBytes = system.variables.reduce((sum, { size }) => sum + 4 * size, 0);
  const measured = await withRuntime(config, {}, (runtime) => measure(config, system, dataset, runtime)).finally(() =>
    system.dispose(),
  );
  io.print(JSON.stringify(config, null, 2));
  const fields = Object.entries(dataset.fields).map(([name, { shape }]) => `${name} ${shape.join(' × ') || 'number'}`);
  io.print(
    `would train ${config.system} on ${dataset.name} (${dataset.count} examples of ${fields.join(', ')}) for ` +
      `${config.steps} steps of ${config.batch}, into ` +
      `${resolvePath(io.cwd, config.out ?? join('runs', config.system))}`,
  );
  io.print(`phases of a step: ${phases.map(phaseText).join(', ')}`);
  io.print(`weights: ${listed(parameters)}; state: ${(stateBytes / 1e6).toFixed(1)} MB`);
  const { device, seconds, imagesPerSecond } = measured;
  io.print(
    `measured on ${device}: ${(1000 * seconds).toPrecision(3)} ms a step, ${imagesPerSecond.toFixed(0)} ` +
      `images/s, ${duration(seconds * config.steps)} for ${config.steps} steps without grids and checkpoints`,
  );
  const peakBytes = peakMemory();
  io.print(`memory: ${(peakBytes / 1e6).toFixed(0)} MB at most in this process, with data, graph and state`);
  if (plan !== undefined) io.print(`\n${plan}`);
  return {
    config,
    examples: dataset.count,
    phases,
    parameters,
    stateBytes,
    peakBytes,
    measured,
    ...(plan === undefined ? {} : { plan }),
  };
}

const phaseText = ({ name, every, repeat }: { name: string; every: number; repeat: number }): string =>
  `${name}${repeat > 1 ? ` × ${repeat}` : ''}${every > 1 ? ` (every ${every} steps)` : ''}`;

const listed = (parameters: Readonly<Record<string, number>>): string =>
  Object.entries(parameters)
    .map(([role, count]) => `${role} ${count}`)
    .join(', ');

/** Runs with a progress display, and lists the files at the end. */
async function watched(
  io: CliIo,
  work: (onEvent: (event: TrainEvent) => void) => Promise<TrainResult>,
): Promise<unknown> {
  const listener = progressListener(io);
  let result: TrainResult;
  try {
    result = await work(listener.onEvent);
  } finally {
    listener.stop();
  }
  const { step, reason, seconds, device, store } = result;
  const { best, models = {} } = result;
  const [bests, files] = [true, false].map((isBest) =>
    Object.keys(models)
      .filter((file) => file.startsWith('best-') === isBest)
      .map((file) => join(store.where, file)),
  ) as [string[], string[]]; // the files named best-*, then the others
  const report = join(store.where, 'report.html');
  const diagnoses = (await store.diagnoses?.()) ?? [];
  if (best !== undefined)
    io.print(`best by ${best.score} (${Number(best.value.toPrecision(4))}) was step ${best.step}: ${bests.join(', ')}`);
  if (reason === 'finished')
    io.print(`${step} steps in ${duration(seconds)} on ${device}: ${[...files, report].join(', ')}`);
  for (const { step: at, message, advice } of diagnoses) io.print(`problem found at step ${at}: ${message}; ${advice}`);
  if (reason !== 'finished')
    io.print(`stopped after step ${step}, saved; continue with: forja train --resume ${shellWord(store.where)}`);
  return {
    step,
    reason,
    seconds,
    device,
    folder: store.where,
    ...(best === undefined ? {} : { best }),
    ...(diagnoses.length === 0 ? {} : { diagnoses }),
    ...(result.model ? { generator: files[0], report } : {}),
  };
}

/** Shows events of a run through `io`: a line at the start, warnings, and steps, images/s, losses and time left. */
export function progressListener(io: Pick<CliIo, 'print' | 'warn' | 'progress'>): {
  onEvent: (event: TrainEvent) => void;
  stop: () => void;
} {
  let bar: ReturnType<CliIo['progress']> | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const on: { [T in TrainEvent['type']]?: (event: Extract<TrainEvent, { type: T }>) => void } = {
    watching: ({ url }) => io.print(`watch it at ${url}`),
    data: ({ done, total }) => {
      bar ??= io.progress(total, 'reading pictures');
      bar.update(done, `${done} of ${total}`);
      if (done === total) stop();
    },
    start: ({ config, step, device, examples, where, parameters }) => {
      stop();
      io.print(
        `${config.system}, weights ${listed(parameters)}, ${examples} examples, ${device}; ` +
          `${step > 0 ? `from step ${step}, ` : ''}in ${where}`,
      );
      bar = io.progress(config.steps, 'training');
    },
    step: ({ step, images_per_s: speed, scalars, left }) => {
      const losses = Object.entries(scalars).filter(([name]) => name.startsWith('loss'));
      const text = losses
        .map(([name, value]) => `${name.replace('loss_', '').toUpperCase()} ${value.toFixed(2)}`)
        .join('  ');
      bar?.update(step, `${speed.toFixed(0)} images/s  ${text}  ${duration(left)} left`);
    },
    measure: ({ step, scores, best }) => {
      const texts = Object.entries(scores).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
      io.print(`step ${step}: ${texts.join('  ')}${best ? '  (best so far)' : ''}`);
    },
    warning: ({ message }) => io.warn(message),
    end: stop,
  };
  return { onEvent: (event) => (on[event.type] as ((event: TrainEvent) => void) | undefined)?.(event), stop };
}
