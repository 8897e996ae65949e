// Types of failures.mjs.
import type { Runtime } from '@forja/core';
import type { Dataset, Diagnosis, LogLine, MeasureLine } from '@forja/trainer';

/** A run: `data` is a key of DATA, or a name that a configuration takes. */
export interface Played {
  data: string;
  config: Record<string, unknown>;
}
export interface Failure extends Played {
  flag: string;
  cure: Record<string, unknown>;
  score: string;
  of?: 'scores' | 'last';
  better: 'less' | 'more';
  figures: string[];
}
export const DATA: Readonly<Record<string, () => Dataset>>;
export const COMMON: Record<string, unknown>;
export const FAILURES: Readonly<Record<string, Failure>>;
export const HEALTHY: Readonly<Record<string, Played>>;
export interface PlayedRun {
  lines: LogLine[];
  measures: MeasureLine[];
  /** The last measurement's. */
  scores: Readonly<Record<string, number>>;
  diagnoses: Diagnosis[];
  /** The generator, if it was to be exported. */
  model?: Uint8Array;
}
export function play(run: Played, runtime: Runtime, options?: { exported?: boolean }): Promise<PlayedRun>;
