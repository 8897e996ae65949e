// Progress and cancellation of an export: between its stages, and at every trace and comparison.
import { abortError, ForjaError, messageOf } from '@forja/core';
import type { Subject } from './subject.js';

/** What an export is doing. `total` is missing if it is not known: the number of traces depends on the network. */
export interface ExportProgress {
  stage: 'trace' | 'rewrite' | 'lower' | 'seal' | 'verify';
  done: number;
  total?: number;
}

/** Listener and abort signal of an export. */
export interface Watched {
  /** Called before each step. What it throws, or rejects with, ends the export. */
  onProgress?: (event: ExportProgress) => unknown;
  /** Ends the export with `aborted` at the next step. A step itself is synchronous. */
  signal?: AbortSignal;
}

/** Throws `aborted` if the signal is aborted. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal.reason);
}

/** Wraps an error of a listener, so that code that explains the errors of a traced function passes it on unchanged. */
export class ListenerFailed extends ForjaError {
  constructor(cause: unknown) {
    super('internal', messageOf(cause), { cause });
  }
}

/**
 * The options, with a listener whose rejected promise ends the export in the same way as an error that it throws. A
 * trace cannot await the listener, so the next call of the listener throws the reason of the rejection.
 */
export function listening<T extends Watched>(options: T): T {
  const { onProgress } = options;
  if (onProgress === undefined) return options;
  let failed: { error: unknown } | undefined;
  return {
    ...options,
    onProgress: (event: ExportProgress) => {
      try {
        if (failed) throw failed.error;
        const returned = onProgress(event);
        Promise.resolve(returned).catch((error: unknown) => (failed ??= { error }));
        return returned;
      } catch (error) {
        throw new ListenerFailed(error);
      }
    },
  };
}

/** A step of the export: yields to the event loop, so that an abort can arrive, then reports progress. */
export async function step({ onProgress, signal }: Watched, event: ExportProgress): Promise<void> {
  checkSignal(signal);
  await new Promise((resolve) => setTimeout(resolve, 0));
  checkSignal(signal);
  await onProgress?.(event);
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
