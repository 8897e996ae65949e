// What crosses between the page and the worker: one table of operations, their arguments and results. Plain data only.
import type {
  DeviceReport,
  ErrorRecord,
  Expectations,
  Manifest,
  Precision,
  RecipeOptions,
  SessionOperations,
  TensorSpec,
} from '@forja/core';

/** Where a model comes from, in a form that can be posted. `name` is for messages. */
export type PostedSource = { url: string } | { blob: Blob; name: string };

/** The part of `SessionOptions` that the worker heeds, in a form that can be posted. */
export interface PostedSessionOptions extends RecipeOptions {
  threads?: number;
  strict?: boolean;
  lowering?: 'auto' | 'portable';
  precision?: Precision;
}

/**
 * What makes a session, and makes it again. A Blob outlives the worker that made it, and posting one copies nothing.
 */
export interface Recipe {
  model: Blob;
  /** External data by location. */
  external?: Map<string, Blob>;
  options: PostedSessionOptions;
}

/**
 * Bytes received, or read from the cache, so far, of the model and its external data; `total` only where it is sure.
 * What external data there is, is known when the model itself is here.
 */
export interface LoadProgress {
  phase: 'read' | 'download';
  loaded: number;
  total?: number;
}

/** How to fetch. */
export interface FetchArguments {
  source: PostedSource;
  integrity: 'error' | 'warn' | 'off';
  expect: Expectations;
  /** Name of a store that keeps downloads. */
  cache: string | undefined;
}

/** A model that was fetched and checked. */
export interface Fetched {
  model: Blob;
  /** External data by location; only models of an address have any. */
  external: Map<string, Blob>;
  /** What the file says of itself. */
  manifest: Manifest | undefined;
  warnings: string[];
}

/** Every operation: `[arguments, result]`. */
export interface Operations extends SessionOperations<Recipe> {
  open: [{ device: DeviceReport['requested']; threads: number | undefined }, DeviceReport];
  fetch: [FetchArguments, Fetched];
  /** What a model is: by its own manifest, else by a guess; `given` above both. */
  identify: [
    { given: Partial<Manifest> | undefined; own: Manifest | undefined; inputs: TensorSpec[]; outputs: TensorSpec[] },
    Manifest,
  ];
}

/** Name of an operation. */
export type Operation = keyof Operations;

/** Page to worker. `abort` names the call to drop if it has not ended. */
export type Request =
  { [K in Operation]: { id: number; op: K; args: Operations[K][0] } }[Operation] | { abort: number };

/** Worker to page. */
export type Reply =
  { id: number; result: unknown } | { id: number; error: ErrorRecord } | { id: number; progress: LoadProgress };
