// Shared by `interpolate` and `video`: options of a walk, and the walk itself.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  ModelFormatError,
  UsageError,
  type CliIo,
  type CliOption,
  type ImageBatch,
  type InterpolateOptions,
} from '@forja/core';
import type { Generator } from '@forja/core';
import { loadOptions, type LoadArgs } from './load-args.js';
import { seedsOf } from './parse.js';
import { NOISE_OPTION } from './pictures.js';
import { labelOf, mixOf, noiseOf, seedOf, truncationOf } from '../sample-values.js';

/** Values of {@link WALK_OPTIONS}. */
export interface WalkArgs extends LoadArgs {
  model: string;
  from?: string;
  to?: string;
  seeds?: string;
  space: 'z' | 'w';
  synthesis?: string;
  mode?: 'slerp' | 'lerp';
  loop?: boolean;
  label?: string[];
  text?: string[];
  truncation?: string;
  mix?: string;
  noise?: string;
}

/** Options of a walk. */
export const WALK_OPTIONS: readonly CliOption[] = [
  { flags: '--from <seed>', description: 'first seed; default 0' },
  { flags: '--to <seed>', description: 'last seed; default 1' },
  { flags: '--seeds <list>', description: 'seeds of all stops instead, such as 0-15,20; one if the classes change' },
  { flags: '--space <space>', description: 'walk in z (latents) or w (styles)', choices: ['z', 'w'], default: 'z' },
  {
    flags: '--synthesis <file>',
    description: 'for w: the second model; default: synthesis.onnx in the folder of the model',
  },
  {
    flags: '--mode <mode>',
    description: 'spherical (the default for normal latents) or linear',
    choices: ['slerp', 'lerp'],
  },
  { flags: '--loop', description: 'return to the start, for a seamless loop' },
  {
    flags: '--label <class>',
    description: 'name of a class, or its number, for models that have them; repeated: one per stop, cross-faded',
    type: 'list',
  },
  {
    flags: '--text <words>',
    description: 'text of the pictures, for models that take one; repeated: one per stop, cross-faded',
    type: 'list',
  },
  { flags: '--truncation <t>', description: 'truncation of all stops: ±t, or psi:0.7' },
  { flags: '--mix <seed:layer>', description: 'styles of another seed from a layer on, for models that mix styles' },
  NOISE_OPTION,
];

/** The pictures of a walk, the seeds of its stops, and the device that drew them. */
export interface Walk {
  batch: ImageBatch;
  seeds: readonly (number | bigint)[];
  device: Generator['device'];
}

/**
 * Loads the models for the walk, walks, and disposes the models. @throws UsageError for options that contradict each
 * other.
 */
export async function walk(command: string, args: WalkArgs, steps: number, io: CliIo): Promise<Walk> {
  const { mode, loop, label, text, truncation, mix, noise, space } = args;
  if (args.seeds !== undefined && (args.from ?? args.to) !== undefined)
    throw new UsageError(`${command} --seeds: expected no --from and --to with it, got both`);
  if (args.synthesis !== undefined && space !== 'w')
    throw new UsageError(
      `${command} --synthesis: expected --space w with it, because a walk in z needs no second model`,
    );
  const seeds =
    args.seeds === undefined
      ? [seedOf(`${command} --from`, args.from ?? '0'), seedOf(`${command} --to`, args.to ?? '1')]
      : seedsOf(`${command} --seeds`, args.seeds);
  const options: InterpolateOptions = {
    seeds,
    steps,
    signal: io.signal,
    ...(mode === undefined ? {} : { mode }),
    ...(loop === undefined ? {} : { loop }),
    ...(truncation === undefined ? {} : { truncation: truncationOf(`${command} --truncation`, truncation) }),
    ...(mix === undefined ? {} : { mix: mixOf(`${command} --mix`, mix) }),
    ...(noise === undefined ? {} : { noise: noiseOf(`${command} --noise`, noise) }),
    ...(label === undefined ? {} : { label: label.map((one) => labelOf(`${command} --label`, one)) }),
    ...(text === undefined ? {} : { text }),
  };
  const stops = Math.max(seeds.length, label?.length ?? 0, text?.length ?? 0);
  if (steps < stops)
    throw new UsageError(
      `${command}: expected at least ${stops} pictures, one for each stop of the walk, got ${steps}; ask for more`,
      { code: 'input.range' },
    );
  const model = resolve(io.cwd, args.model);
  const beside =
    args.synthesis === undefined ? join(dirname(model), 'synthesis.onnx') : resolve(io.cwd, args.synthesis);
  if (space === 'w' && !existsSync(beside))
    throw new ModelFormatError(
      'model.notFound',
      `${command} --space: expected a second model for a walk in w, got nothing at ${beside}; name it with --synthesis`,
    );
  const { load } = await import('../index.js');
  const open: Generator[] = [];
  try {
    const generator = await load(model, loadOptions(args, io));
    open.push(generator);
    if (space === 'z') return { batch: await generator.interpolate(options), seeds, device: generator.device };
    const synthesis = await load(beside, loadOptions(args, io));
    open.push(synthesis);
    return { batch: await generator.interpolate({ ...options, synthesis }), seeds, device: generator.device };
  } finally {
    await Promise.all(open.map((one) => one.dispose()));
  }
}
