// The part of a checkpoint that is not tensors: the progress of the run, and the system and environment that wrote it.
// Checked when it is read, because files may come from elsewhere.
import { ForjaError, messageOf, type SchemaIssue } from '@forja/core';
import * as v from 'valibot';
import { lineOf } from '../issues.js';

/**
 * What results depend on besides configuration and state. If any entry differs, results may differ in their last bits.
 */
export type Environment = Record<string, string>;

/** A checkpoint without its state. */
export interface CheckpointHead {
  /**
   * Iterations done; the next is number `step`. Checkpoints are made between two iterations, so this determines the
   * next phases, their random numbers and batches.
   */
  step: number;
  seed: number;
  batch: number;
  /** Number of examples in the data set; their order depends on it. */
  count: number;
  /** Seconds of training so far, in all sessions. */
  seconds: number;
  system: string;
  environment: Environment;
  /** The fields of the configuration that the state depends on; absent in checkpoints of earlier releases. */
  config?: Readonly<Record<string, unknown>>;
  /** State of schedules that watch the run, by name. */
  schedules?: Readonly<Record<string, readonly number[]>>;
  /** Number of rollbacks because a number was not finite. Default 0. */
  rollbacks?: number;
}

const whole = (): v.GenericSchema<number> =>
  v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(0, 'a number of at least 0'));

const HEAD = v.looseObject({
  step: whole(),
  seed: whole(),
  batch: whole(),
  count: whole(),
  seconds: v.pipe(v.number(), v.minValue(0, 'a number of at least 0')),
  system: v.string(),
  environment: v.record(v.string(), v.string()),
  config: v.optional(v.record(v.string(), v.unknown())),
  schedules: v.optional(v.record(v.string(), v.array(v.number()))),
  rollbacks: v.optional(whole()),
});

/**
 * Parses the head from JSON; further fields are kept. Throws ForjaError `checkpoint.format`; `where` names the file.
 */
export function parseHead(text: string, where: string): CheckpointHead {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ForjaError('checkpoint.format', `${where}: expected JSON, got something else (${messageOf(cause)})`, {
      cause,
    });
  }
  const { success, issues } = v.safeParse(HEAD, json);
  if (!success)
    throw new ForjaError(
      'checkpoint.format',
      `${lineOf(where, issues[0] as SchemaIssue)}; the file was not written by Forja`,
    );
  return json as CheckpointHead; // the fields were just checked
}
