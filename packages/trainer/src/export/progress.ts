// Progress and abort of an export: between its stages, and at every trace and comparison within them.
import { abortError } from '@forja/core';
import type { Subject } from './subject.js';

/**
 * What an export is doing. `total` is missing where it is not known beforehand: how many traces it takes depends on the
 * network.
 */
export interface ExportProgress {
  stage: 'trace' | 'rewrite' | 'lower' | 'seal' | 'verify';
  done: number;
  total?: number;
}

/** Who listens, and may stop it. */
export interface Watched {
  /** Hears each step before it is taken. What it throws ends the export. */
  onProgress?: (event: ExportProgress) => void;
  /** Ends the export with `aborted` at the next step. A step itself is synchronous. */
  signal?: AbortSignal;
}

/** Throws `aborted` if that is asked for. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal.reason);
}

/** A step of the export: lets timers and clicks happen, so that the signal can be heard, then tells of it. */
export async function step({ onProgress, signal }: Watched, event: ExportProgress): Promise<void> {
  checkSignal(signal);
  await new Promise((resolve) => setTimeout(resolve, 0));
  checkSignal(signal);
  onProgress?.(event);
}

/**
 * The subject, whose every run is told of. Traces follow one another without a pause, so that nobody trains the model
 * between two.
 */
export function watched(subject: Subject, { onProgress, signal }: Watched): Subject {
  let done = 0;
  return {
    ...subject,
    apply: (inputs) => {
      checkSignal(signal);
      onProgress?.({ stage: 'trace', done: done++ });
      return subject.apply(inputs);
    },
  };
}
