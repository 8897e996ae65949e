// serve(): models behind a fetch handler. It knows nothing of sockets: listen.ts and every host that calls `fetch` have
// those.
import { optionsOf, UsageError } from '@forja/core';
import type { LoadOptions } from '../load.js';
import { warnOf } from '../runtime.js';
import { appOf } from './app.js';
import { limitsOf, type Limits } from './limits.js';
import { Metrics } from './metrics.js';
import { ServedModel, ServedModels, type ModelSource } from './models.js';
import { originsOf } from './origins.js';

/** Options of {@link serve}. */
export interface ServeOptions {
  /** What is served, by name: letters, digits, `.`, `_` and `-`. */
  models: Readonly<Record<string, ModelSource>>;
  /**
   * Options of `load` for the models that are not loaded yet. They are warmed up at batch 1 unless `warmup` says
   * otherwise.
   */
  load?: Omit<LoadOptions, 'signal' | 'onProgress'>;
  limits?: Partial<Limits>;
  /** Asked for as `Authorization: Bearer` on every route but `/v2/health`. */
  token?: string;
  /**
   * Origins of pages that may use the service from a browser, such as `https://example.org`; `*` for all. Default none.
   */
  origins?: readonly string[];
  /** Whether `/metrics` also has prom-client's metrics of the process. Default false. */
  processMetrics?: boolean;
  /**
   * Told of errors whose text is kept from clients, and of models that cannot be loaded. Default: a process warning.
   */
  onError?: (error: unknown) => void;
}

/** Requests for pictures and inference since the service was made. */
export interface ServeStats {
  /** Taken into a model's line. */
  accepted: number;
  /** Answered, with an error or without. */
  answered: number;
  /** Given up by their clients. */
  aborted: number;
}

/** A running service. */
export interface Service {
  /** Answers a request; never rejects. May be passed on by itself. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * Resolves when every model is loaded and warm; rejects with the first failure. Requests for a model that is not
   * ready get 503.
   */
  readonly ready: Promise<void>;
  readonly limits: Readonly<Limits>;
  stats(): ServeStats;
  /**
   * Loads the models again from where they came. New requests get the new ones when they are warm; requests inside are
   * answered by the old, which are then freed. Rejects with the first that cannot be loaded, whose old one stays.
   */
  reload(): Promise<void>;
  /** Readiness turns to 503, so that others stop sending; what comes is still answered. */
  drain(): void;
  /** Refuses new work, lets the accepted finish, and disposes of the models that it loaded. */
  close(): Promise<void>;
}

/**
 * Serves models by a fetch handler: PNG at `/v1/images`, the Open Inference Protocol at `/v2`, `/metrics`, a page at
 * `/`. Throws UsageError for options that cannot work.
 */
export function serve(options: ServeOptions): Service {
  const { load = {}, token, origins = [], processMetrics = false, onError = warn } = optionsOf('serve', options);
  const limits = limitsOf(options.limits);
  const sources = Object.entries(optionsOf('serve.models', options.models));
  if (sources.length === 0) throw new UsageError('serve.models: expected a model or more, got none');
  if (token !== undefined && !/^[\w.~+/-]+=*$/.test(token))
    throw new UsageError('serve.token: expected letters, digits and -._~+/, as Bearer tokens are written');
  const loading = new AbortController();
  const loadOptions: LoadOptions = {
    ...load,
    signal: loading.signal,
    onEvent: (event) => {
      metrics.restarted();
      (load.onEvent ?? warnOf)(event);
    },
  };
  const models = new ServedModels(sources.map(([name, source]) => new ServedModel(name, source, loadOptions, limits)));
  const metrics = new Metrics(models, processMetrics);
  for (const model of models.all) model.loading.catch((error: unknown) => loading.signal.aborted || onError(error));
  const ready = Promise.all(models.all.map((model) => model.loading)).then(() => undefined);
  ready.catch(() => undefined); // whoever asks is told

  let state: 'open' | 'draining' | 'closed' = 'open';
  const count: ServeStats = { accepted: 0, answered: 0, aborted: 0 };
  let idle = (): void => undefined;
  const begin = () => {
    count.accepted++;
    return (aborted: boolean): void => {
      count[aborted ? 'aborted' : 'answered']++;
      if (count.accepted === count.answered + count.aborted) idle();
    };
  };
  const app = appOf({
    models,
    limits,
    metrics,
    token,
    origins: originsOf(origins),
    state: () => state,
    begin,
    onError,
  });
  let closing: Promise<void> | undefined;
  return {
    fetch: async (request) => app.fetch(request),
    ready,
    limits,
    stats: () => ({ ...count }),
    reload: async () => {
      if (state !== 'open') return;
      const ends = await Promise.allSettled(models.all.map((model) => model.reload()));
      for (const end of ends) if (end.status === 'rejected') onError(end.reason);
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    },
    drain: () => void (state = state === 'open' ? 'draining' : state),
    close: () => {
      closing ??= (async () => {
        state = 'closed';
        loading.abort();
        if (count.accepted > count.answered + count.aborted) await new Promise<void>((resolve) => (idle = resolve));
        await Promise.all(models.all.map((model) => model.dispose()));
      })();
      return closing;
    },
  };
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { type: 'ForjaWarning' });
}
