// What a resumed run may change. A checkpoint records the fields of the configuration that its state depends on; on
// resume they are compared, and a difference is refused by name unless the caller overrides it.
import { describeValue, UsageError } from '@forja/core';
import type { CheckpointHead } from '../records/checkpoint-head.js';
import type { SystemKind } from '../systems/kind.js';
import { parseRecorded, type ResolvedConfig, type runEntries } from './config.js';

/**
 * For each field of a run, whether a resume may change it freely: it decides how long the run is, what is written, or
 * how it is computed. All fields of systems are fixed.
 */
const FREE: Readonly<Record<keyof typeof runEntries, boolean>> = {
  data: false,
  out: true,
  module: true,
  start: true,
  steps: true,
  batch: false,
  seed: false,
  size: false,
  channels: false,
  logEvery: true,
  sampleEvery: true,
  sampleCount: true,
  checkpointEvery: true,
  onNan: true,
  metrics: true,
  metricsEvery: true,
  metricsCount: true,
  best: true,
  features: true,
  tensorboard: true,
  exportDiscriminator: true,
  exportProjector: true,
  engine: true,
  lowering: true,
  threads: true,
};

/** The fields of a configuration that the state of a run depends on, for its checkpoints. */
export function lasting(config: ResolvedConfig): Record<string, unknown> {
  const fixed = Object.entries(config).filter(([field]) => FREE[field as keyof typeof FREE] !== true);
  return JSON.parse(JSON.stringify(Object.fromEntries(fixed))) as Record<string, unknown>; // as a checkpoint has it
}

/**
 * Compares a checkpoint with the run that continues from it. Returns a message if the configuration differs and
 * `override` allows it. `own`: the system, if it is not registered.
 * @throws UsageError `config.invalid` for a checkpoint of another system, seed, batch size or number of examples, and,
 * without `override`, with a line for each field that differs.
 */
export function checkResumed(
  from: CheckpointHead,
  identity: Pick<CheckpointHead, 'system' | 'seed' | 'batch' | 'count' | 'config'>,
  { own, override = false }: { own?: SystemKind | undefined; override?: boolean | undefined } = {},
): string | undefined {
  for (const key of ['system', 'seed', 'batch', 'count'] as const) {
    if (from[key] !== identity[key])
      throw new UsageError(
        `resume: expected a checkpoint with ${key} ${identity[key]}, got ${from[key]}; resume with the ` +
          'configuration that it was made with',
        { code: 'config.invalid' },
      );
  }
  const { config: now } = identity;
  if (from.config === undefined || now === undefined) return undefined;
  const changes = differences(lasting(parseRecorded(from.config, own)), now, '');
  if (changes.length === 0) return undefined;
  if (override)
    return `resumed at step ${from.step} with another configuration: ${changes
      .map(({ field, before, after }) => `${field} was ${describeValue(before)}, is ${describeValue(after)}`)
      .join('; ')}`;
  const lines = changes.map(
    ({ field, before, after }) =>
      `config.${field}: expected ${describeValue(before)}, as in the checkpoint of step ${from.step}, ` +
      `got ${describeValue(after)}`,
  );
  throw new UsageError(
    `${lines.join('\n')}\nundo the change, or continue with it by --override (in code, override: true)`,
    { code: 'config.invalid' },
  );
}

interface Change {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The values that differ, by path (`rates.g`). Lists are compared as a whole. */
function differences(before: unknown, after: unknown, field: string): Change[] {
  if (!isPlain(before) || !isPlain(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ field, before, after }];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    differences(before[key], after[key], field === '' ? key : `${field}.${key}`),
  );
}

/** True for an object that is not a list. */
export const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
