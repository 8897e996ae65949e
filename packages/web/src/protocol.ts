// The protocol between page and worker: one table of operations, their arguments and results. Plain data only.
import type {
  DeviceReport,
  ErrorRecord,
  Expectations,
  Manifest,
  Precision,
  RecipeOptions,
  SessionOperations,
  SessionRecord,
  TensorSpec,
} from '@forja/core';

/** Where a model comes from, in a form that can be posted. `name` is for messages. */
export type PostedSource = { url: string } | { blob: Blob; name: string };

/** The `SessionOptions` that the worker uses, in a form that can be posted. */
export interface PostedSessionOptions extends RecipeOptions {
  threads?: number | undefined;
  strict?: boolean | undefined;
  lowering?: 'auto' | 'portable' | undefined;
  /**
   * With `lowering: 'auto'`: only large batches take the other algorithms, in a second form of the model. That form is
   * prepared immediately if `rows`, the batch size of the warm-up, is large; else on the first large batch.
   */
  rows?: number | undefined;
  precision?: Precision | undefined;
}

/**
 * The data from which a session is created, and recreated after its worker was replaced. A Blob outlives the worker
 * that made it, and posting it copies nothing.
 */
export interface Recipe {
  model: Blob;
  /** External data by location. */
  external?: Map<string, Blob>;
  options: PostedSessionOptions;
}

/**
 * Bytes received or read from the cache so far, of the model and its external data; `total` only if certain. The list
 * of external data is known only once the model has arrived.
 */
export interface LoadProgress {
  phase: 'read' | 'download';
  loaded: number;
  total?: number;
}

/** Arguments of a fetch. */
export interface FetchArguments {
  source: PostedSource;
  integrity: 'error' | 'warn' | 'off';
  expect: Expectations;
  /** Name of the store that caches downloads. */
  cache: string | undefined;
}

/** A model that was fetched and checked. */
export interface Fetched {
  model: Blob;
  /** External data by location; only for models from an address. */
  external: Map<string, Blob>;
  /** The file's own manifest. */
  manifest: Manifest | undefined;
  warnings: string[];
}

/** Every operation: `[arguments, result]`. */
export interface Operations extends SessionOperations<Recipe> {
  open: [{ device: DeviceReport['requested']; threads: number | undefined }, DeviceReport];
  fetch: [FetchArguments, Fetched];
  /** Returns a model's manifest: its own, else a guess; `given` overrides both. */
  identify: [
    { given: Partial<Manifest> | undefined; own: Manifest | undefined; inputs: TensorSpec[]; outputs: TensorSpec[] },
    Manifest,
  ];
}

/** Name of an operation. */
export type Operation = keyof Operations;

/** A message from the page to the worker. `abort` names the call to drop if it has not ended. */
export type Request =
  { [K in Operation]: { id: number; op: K; args: Operations[K][0] } }[Operation] | { abort: number };

/** Progress of a fetch, or, after a `create`, the part of the session's record that has changed. */
export type Progress = LoadProgress | Pick<SessionRecord, 'device'>;

/** A message from the worker to the page. `more`: further replies to the call follow this result. */
export type Reply =
  | { id: number; result: unknown; more?: true }
  | { id: number; error: ErrorRecord }
  | { id: number; progress: Progress };
