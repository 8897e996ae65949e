// The configuration of a training run: one plain object with fields of every run and of the system, checked once on
// entry and saved with the run as config.json. Names, defaults, ranges and help are defined only in the schema.
import { refuseReserved, UsageError } from '@forja/core';
import * as v from 'valibot';
import { dataNames, dataSource, type DataConfig, type ResolvedDataConfig } from '../data/config.js';
import { lineOf } from '../issues.js';
import { extractorNames } from '../metrics/features/choose.js';
import { metricNames, scoreNames } from '../metrics/index.js';
import { described, named, whole } from '../systems/entries.js';
import type { SystemKind } from '../systems/kind.js';
import { defined } from '../systems/options.js';
import { kindOf, systemNames, type SystemConfigs, type SystemName } from '../systems/registry.js';

const path = v.pipe(v.string(), v.minLength(1, 'a path'));
const seed = whole(0, Number.MAX_SAFE_INTEGER);

function batchEntry(least: number) {
  return described(v.optional(whole(least, 65_536), 32), 'examples per step');
}

/** Fields of every run, with defaults and help. A system may override the defaults of `steps` and `batch`. */
export const runEntries = {
  data: described(
    dataSource,
    `${dataNames.join(', ')}, an idx file, a folder of idx files or pictures, or { kind, … }`,
  ),
  out: described(v.optional(path), 'run folder, new or empty; default runs/<system>'),
  module: described(v.optional(path), 'file whose default export is the system; the command fills it in'),
  start: described(
    v.optional(path),
    'run folder or checkpoint of another run; this run starts with its tensors of the same name and shape',
  ),
  steps: described(v.optional(whole(1, 1e9), 5000), 'training steps'),
  batch: batchEntry(2), // batch norm needs two; a system may allow less
  seed: described(v.optional(seed, 0), 'seed of weights, noise and the order of the data'),
  size: described(v.optional(whole(8, 1024)), "edge that a folder's pictures are cropped and resized to"),
  channels: described(
    v.optional(
      v.pipe(
        v.number(),
        v.check((c) => c === 1 || c === 3, '1 (grey) or 3 (RGB)'),
      ),
    ),
    "1 (grey) or 3 (RGB); default: the data's",
  ),
  logEvery: described(v.optional(whole(1, 1e9), 1), 'write a line of the log every n steps'),
  sampleEvery: described(v.optional(whole(0, 1e9), 500), 'write a grid of samples every n steps; 0: none'),
  sampleCount: described(v.optional(whole(1, 1024), 64), 'pictures per grid'),
  checkpointEvery: described(v.optional(whole(0, 1e9), 500), 'write a checkpoint every n steps; 0: at the end only'),
  onNan: described(
    v.optional(
      v.strictObject({
        rollback: v.optional(whole(0, 1000), 0),
        rates: v.optional(
          v.pipe(v.number(), v.gtValue(0, 'a number above 0'), v.maxValue(1, 'a number of at most 1')),
          1,
        ),
      }),
      {},
    ),
    'what to do about NaN or infinity: go back to the last checkpoint, at most `rollback` times, ' +
      'with other random numbers and learning rates multiplied by `rates`',
  ),
  metrics: described(
    v.optional(v.array(named('measure', metricNames)), []),
    'measures of the generator, computed during training and at the end',
  ),
  metricsEvery: described(
    v.optional(whole(1, 1e9)),
    'measure every n steps; default: at most 100 times in a run, and in at most 5 % of its time',
  ),
  metricsCount: described(
    v.optional(whole(2, 1e6)),
    'examples to generate per measurement; default: 1000, or the size of the data if smaller',
  ),
  best: described(
    v.optional(named('score', scoreNames)),
    'score by which the best checkpoint is chosen; default: the first score of the first measure',
  ),
  features: described(
    v.optional(path),
    `feature extractor of the measures: ${extractorNames.join(', ')}, or an ONNX file; default: chosen by the data`,
  ),
  tensorboard: described(v.optional(v.boolean(), false), 'also write event files of TensorBoard into the run folder'),
  exportDiscriminator: described(
    v.optional(v.boolean(), false),
    'also write discriminator.onnx, which scores how real a picture is (forja score)',
  ),
  exportProjector: described(
    v.optional(v.boolean(), false),
    'also write projector.onnx, which finds the latent of a picture (forja project)',
  ),
  engine: described(v.optional(v.picklist(['onnx', 'tfjs']), 'onnx'), 'onnx: the compiled step; tfjs: eager, slow'),
  lowering: described(
    v.optional(v.picklist(['portable', 'fast', 'auto']), 'auto'),
    "how the compiled step's convolutions are lowered; auto: the cheaper way on the device",
  ),
  threads: described(
    v.optional(whole(1, 1024)),
    'threads of the runtime; their number affects the last bits of results',
  ),
};

type RunSchema = v.ObjectSchema<typeof runEntries, undefined>;

/** Fields of every run. */
export type RunConfig = Omit<v.InferInput<RunSchema>, 'data'> & {
  /** A source, a short name of data such as `mnist`, or a path; how a path is read depends on its content. */
  data: string | DataConfig;
};

/** What {@link train} takes: a run's fields and the system's own. Only `system` and `data` are needed. */
export type TrainConfig = { [N in SystemName]: RunConfig & { system: N } & SystemConfigs[N] }[SystemName];

/** A configuration with all defaults filled in; only the run's fields are typed. */
export type ResolvedConfig = Readonly<Record<string, unknown>> &
  Omit<v.InferOutput<RunSchema>, 'data'> & { system: string; data: ResolvedDataConfig };

/** Descriptions of required fields, for errors. */
const REQUIRED: Readonly<Record<string, string>> = {
  data: `a name (${dataNames.join(', ')}), a path or { kind, … }`,
  path: 'a path',
};

/**
 * Checks an untyped configuration and fills in the defaults. A path in `data` becomes `{ kind: 'folder', path }`, which
 * the Node loader resolves. `own`: the system, if it is not registered.
 * @throws UsageError `config.invalid` with a line for each wrong field: `config.rates.g: expected a number
 * above 0, got -1`.
 */
export function parseConfig(input: unknown, own?: SystemKind): ResolvedConfig {
  refuseReserved('config', input, 'config.invalid');
  const kind = own ?? kindIn(input);
  const batch = batchEntry(kind.leastBatch ?? 2);
  const entries = { system: v.literal(kind.name), ...runEntries, batch, ...kind.options };
  const given = own === undefined ? input : withDefaults({ system: own.name }, input);
  const result = v.safeParse(v.strictObject(entries), withDefaults(kind.defaults ?? {}, given));
  if (!result.success) {
    const lines = result.issues.map((issue) =>
      lineOf('config', issue, { required: REQUIRED, known: Object.keys(entries) }),
    );
    throw new UsageError(lines.join('\n'), { code: 'config.invalid' });
  }
  const fields = input as Readonly<Record<string, unknown>>; // an object: the schema has checked it
  checkPartners(fields, partnersIn(fields));
  const { data, ...rest } = result.output as v.InferOutput<RunSchema> & { system: string }; // kind.options is open
  return { ...(defined(rest) as typeof rest), data: defined(data) as ResolvedDataConfig };
}

/**
 * {@link parseConfig} for a saved configuration. Options that did not exist in the release that saved it get the values
 * that reproduce its behaviour.
 */
export function parseRecorded(input: unknown, own?: SystemKind): ResolvedConfig {
  const { earlier = {} } = own ?? kindIn(input);
  // kindIn has refused anything but an object
  const values = typeof earlier === 'function' ? earlier(input as Readonly<Record<string, unknown>>) : earlier;
  return parseConfig(withDefaults(values, input), own);
}

/** Options that others need. */
interface Partners {
  metrics: boolean;
  rollback: boolean;
}

/** Whether a configuration, as it was given, names the options that others need. */
function partnersIn({ metrics, onNan }: Readonly<Record<string, unknown>>): Partners {
  const rollback = (onNan as { rollback?: unknown } | undefined)?.rollback;
  return { metrics: metrics !== undefined, rollback: rollback !== undefined };
}

/**
 * Refuses fields of `given` that need another option, if that is missing.
 * @throws UsageError `config.invalid`.
 */
export function checkPartners(given: Readonly<Record<string, unknown>>, { metrics, rollback }: Partners): void {
  const refuse = (field: string, other: string): UsageError =>
    new UsageError(`config.${field}: expected ${other} with it, got none; add it, or leave ${field} out`, {
      code: 'config.invalid',
    });
  for (const field of ['best', 'metricsEvery', 'metricsCount'])
    if (given[field] !== undefined && !metrics) throw refuse(field, 'metrics');
  const { rates = 1 } = (given['onNan'] ?? {}) as { rates?: number }; // the schema has checked it
  if (rates < 1 && !rollback) throw refuse('onNan.rates', 'onNan.rollback');
}

/** The system's own options in a configuration. */
export function ownOptions(kind: SystemKind, config: ResolvedConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => Object.hasOwn(kind.options, key)));
}

/** The system that a configuration names. */
function kindIn(input: unknown): SystemKind {
  const name = typeof input === 'object' && input !== null ? (input as { system?: unknown }).system : undefined;
  if (typeof name !== 'string')
    throw new UsageError(
      `config${input === null || typeof input !== 'object' ? '' : '.system'}: expected ${
        input === null || typeof input !== 'object' ? 'an object with a system' : 'the name of a system'
      } (${systemNames().join(', ')}), got ${name === undefined ? 'nothing' : typeof name}`,
      { code: 'config.invalid' },
    );
  return kindOf(name);
}

/** `defaults` overridden by `input`; anything that is not an object is returned unchanged. */
function withDefaults(defaults: object, input: unknown): unknown {
  return typeof input === 'object' && input !== null && !Array.isArray(input) ? { ...defaults, ...input } : input;
}
