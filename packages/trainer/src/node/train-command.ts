// forja train: a run from a configuration file or a system's name, with what the options change; --resume goes on with
// one.
import { readFile } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import { ForjaError, UsageError, type CliCommand, type CliIo } from '@forja/core';
import { enableProdMode } from '@tensorflow/tfjs';
import { explainStep } from '../compile/compile.js';
import { imagesOf } from '../data/images-of.js';
import { parseConfig, type TrainConfig } from '../train/config.js';
import type { TrainEvent } from '../train/events.js';
import { fitted, systemOf, type TrainResult } from '../train/train.js';
import { loadData } from './load-data.js';
import { jsonOf, resume, train } from './train.js';

interface Args {
  config?: string;
  data?: string;
  out?: string;
  steps?: number;
  batch?: number;
  seed?: number;
  size?: number;
  base?: number;
  latent?: number;
  rateG?: number;
  rateD?: number;
  schedule?: 'constant' | 'linear' | 'cosine';
  loss?: 'non-saturating' | 'saturating';
  engine?: 'onnx' | 'tfjs';
  threads?: number;
  sampleEvery?: number;
  checkpointEvery?: number;
  resume?: string;
  dryRun?: boolean;
  explain?: boolean;
}

/** The command. */
export const trainCommand: CliCommand = {
  name: 'train',
  summary: 'train a GAN and export its generator',
  arguments: [{ name: 'config', description: 'a .json configuration, or a system: dcgan, mlp' }],
  options: [
    { flags: '--data <source>', description: 'mnist, ring, grid, an idx file, or a folder of idx or PNG files' },
    { flags: '-o, --out <folder>', description: 'run folder, new or empty; default runs/<system>' },
    { flags: '--steps <n>', description: 'training steps; default 5000', type: 'integer' },
    { flags: '--batch <n>', description: 'examples a step; default 32', type: 'integer' },
    { flags: '--seed <n>', description: 'of weights, noise and the order of the data; default 0', type: 'integer' },
    {
      flags: '--size <n>',
      description: "edge that a folder's pictures are resized to, a multiple of 4",
      type: 'integer',
    },
    { flags: '--base <n>', description: 'width of the networks', type: 'integer' },
    { flags: '--latent <n>', description: 'size of the latent vector', type: 'integer' },
    { flags: '--rate-g <rate>', description: 'learning rate of the generator', type: 'number' },
    { flags: '--rate-d <rate>', description: 'learning rate of the discriminator', type: 'number' },
    {
      flags: '--schedule <kind>',
      description: 'how the rates fall to a tenth',
      choices: ['constant', 'linear', 'cosine'],
    },
    { flags: '--loss <name>', description: 'adversarial loss', choices: ['non-saturating', 'saturating'] },
    {
      flags: '--engine <name>',
      description: 'onnx (compiled, the default) or tfjs (eager)',
      choices: ['onnx', 'tfjs'],
    },
    { flags: '--threads <n>', description: 'threads of the runtime', type: 'integer' },
    { flags: '--sample-every <n>', description: 'a grid of samples every n steps; 0: none', type: 'integer' },
    { flags: '--checkpoint-every <n>', description: 'a checkpoint every n steps; 0: at the end only', type: 'integer' },
    { flags: '--resume <folder>', description: 'go on with the run in this folder (only --steps may change)' },
    { flags: '--dry-run', description: 'check configuration and data, say what would be trained, write nothing' },
    {
      flags: '--explain',
      description: 'with --dry-run: what each convolution of the step would cost, and how it would be run',
    },
  ],
  examples: [
    'forja train dcgan --data mnist --steps 5000 -o runs/digits',
    'forja train dcgan --data photos --size 32 --base 48',
    'forja train config.json --seed 2 -o runs/second',
    'forja train --resume runs/digits',
    'forja train mlp --data ring --dry-run',
  ],
  async run(raw, io) {
    enableProdMode(); // in the command's own process: no advice to install other backends
    const args = raw as Args; // the options above
    if (args.resume !== undefined) return goOn(args.resume, args, io);
    const config = await configOf(args, io.cwd);
    if (args.explain && !args.dryRun)
      throw new UsageError('train --explain: expected --dry-run beside it, as it trains nothing');
    if (args.dryRun) return dryRun(config, args.explain === true, io);
    return watched(io, (onEvent) => train(config, { cwd: io.cwd, signal: io.signal, stepsPerRun: 'auto', onEvent }));
  },
};

async function goOn(folder: string, { resume: _, steps, dryRun: dry, ...others }: Args, io: CliIo): Promise<unknown> {
  const given = Object.entries(others)
    .filter(([, value]) => value !== undefined)
    .map(([key]) => key);
  if (given.length > 0)
    throw new UsageError(
      `train --resume: expected only --steps beside it, as the run's config.json holds the rest, got ${given.join(', ')}`,
    );
  if (dry) throw new UsageError('train --resume: expected no --dry-run beside it');
  return watched(io, (onEvent) =>
    resume(folder, {
      cwd: io.cwd,
      signal: io.signal,
      stepsPerRun: 'auto',
      onEvent,
      ...(steps === undefined ? {} : { steps }),
    }),
  );
}

/** The file's or system's configuration with the options over it. */
async function configOf(args: Args, cwd: string): Promise<TrainConfig> {
  const { config: source, rateG, rateD, dryRun: _d, explain: _e, resume: _r, ...rest } = args;
  if (source === undefined)
    throw new UsageError(
      "train: expected a configuration (.json) or a system ('dcgan' or 'mlp'), got nothing; forja train --help has examples",
    );
  let base: Record<string, unknown> = {};
  if (source.endsWith('.json')) {
    const path = resolvePath(cwd, source);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT'
        ? new UsageError(`train: expected a configuration file, got nothing at ${path}`)
        : new ForjaError('io', `train: could not read ${path}: ${error.message}`, { cause: error });
    });
    const parsed = jsonOf(text, path);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new UsageError(
        `${path}: expected a JSON object, got ${Array.isArray(parsed) ? 'a list' : String(parsed)}`,
        { code: 'config.invalid' },
      );
    base = parsed as Record<string, unknown>; // an object, as just seen
  } else base = { system: source };
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const merged: Record<string, unknown> = { ...base, ...given };
  if (rateG !== undefined || rateD !== undefined)
    merged['rates'] = {
      ...(base['rates'] as object | undefined),
      ...(rateG === undefined ? {} : { g: rateG }),
      ...(rateD === undefined ? {} : { d: rateD }),
    };
  return parseConfig(merged);
}

async function dryRun(config: TrainConfig, explained: boolean, io: CliIo): Promise<unknown> {
  const parsed = parseConfig(config);
  const dataset = await loadData(parsed, io.cwd);
  const resolved = fitted(parsed, dataset);
  const system = systemOf(resolved, dataset);
  const parameters = { generator: system.generator.countParams(), discriminator: system.discriminator.countParams() };
  const plan = explained ? explainStep(system.step, { inputs: system.inputs, variables: system.variables }) : undefined;
  system.dispose();
  io.print(JSON.stringify(resolved, null, 2));
  io.print(
    `would train ${resolved.system} on ${dataset.name} (${dataset.count} examples of ${imagesOf(dataset).shape.join(' × ')}) for ${resolved.steps} steps of ${resolved.batch}, into ${resolvePath(io.cwd, resolved.out ?? join('runs', resolved.system))}`,
  );
  io.print(`weights: generator ${parameters.generator}, discriminator ${parameters.discriminator}`);
  if (plan !== undefined) io.print(`\n${plan}`);
  return { config: resolved, examples: dataset.count, parameters, ...(plan === undefined ? {} : { plan }) };
}

/** Runs with a progress display, and says at the end where things are. */
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
  if (reason === 'finished')
    io.print(
      `${step} steps in ${duration(seconds)} on ${device}: ${join(store.where, 'generator.onnx')}, ${join(store.where, 'report.html')}`,
    );
  else io.print(`stopped after step ${step}, saved; go on with: forja train --resume ${store.where}`);
  return {
    step,
    reason,
    seconds,
    device,
    folder: store.where,
    ...(result.model
      ? { generator: join(store.where, 'generator.onnx'), report: join(store.where, 'report.html') }
      : {}),
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
    start: ({ config, step, device, examples, where, parameters }) => {
      io.print(
        `${config.system}, ${parameters.generator} + ${parameters.discriminator} weights, ${examples} examples, ${device}; ${step > 0 ? `from step ${step}, ` : ''}in ${where}`,
      );
      bar = io.progress(config.steps, 'training');
    },
    step: ({ step, images_per_s: speed, loss_d: d, loss_g: g, left }) =>
      bar?.update(step, `${speed.toFixed(0)} images/s  D ${d.toFixed(2)}  G ${g.toFixed(2)}  ${duration(left)} left`),
    warning: ({ message }) => io.warn(message),
    end: stop,
  };
  return { onEvent: (event) => (on[event.type] as ((event: TrainEvent) => void) | undefined)?.(event), stop };
}

/** `1:02` or `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.round(seconds)) : 0;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${h > 0 ? `${h}:${String(m).padStart(2, '0')}` : m}:${String(s).padStart(2, '0')}`;
}
