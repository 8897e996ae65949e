// Progress and cancellation of an export: between its stages, and at every trace and comparison.
import { abortError } from '@forja/core';
import type { Subject } from './subject.js';

/** What an export is doing. `total` is missing if it is not known: the number of traces depends on the network. */
export interface ExportProgress {
  stage: 'trace' | 'rewrite' | 'lower' | 'seal' | 'verify';
  done: number;
  total?: number;
}

/** Listener and abort signal of an export. */
export interface Watched {
  /** Called before each step. An error that it throws ends the export. */
  onProgress?: (event: ExportProgress) => void;
  /** Ends the export with `aborted` at the next step. A step itself is synchronous. */
  signal?: AbortSignal;
}

/** Throws `aborted` if the signal is aborted. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal.reason);
}

/** A step of the export: yields to the event loop, so that an abort can arrive, then reports progress. */
export async function step({ onProgress, signal }: Watched, event: ExportProgress): Promise<void> {
  checkSignal(signal);
  await new Promise((resolve) => setTimeout(resolve, 0));
  checkSignal(signal);
  onProgress?.(event);
}

/**
 * The subject, with progress reported at every run. Traces follow one another without yielding, so that nobody can
 * train the model in between.
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
