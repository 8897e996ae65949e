// serve(): models behind a fetch handler, independent of sockets: listen.ts, or any host that calls `fetch`, provides
// those.
import { optionsOf, safeListener, UsageError } from '@forja/core';
import { LASTING_OPTIONS, type LoadOptions } from '../load.js';
import { warnOf, warnOfListener } from '../runtime.js';
import { appOf } from './app.js';
import { limitsOf, type Limits } from './limits.js';
import { Metrics } from './metrics.js';
import { ServedModel, ServedModels, type ModelSource } from './models.js';
import { originsOf } from './origins.js';

/** Options of {@link serve}. */
export interface ServeOptions {
  /** Models by name (letters, digits, `.`, `_` and `-`). */
  models: Readonly<Record<string, ModelSource>>;
  /** Options of `load` for models that are not loaded yet. They are warmed up at batch 1 unless `warmup` differs. */
  load?: Omit<LoadOptions, 'signal' | 'onProgress'>;
  limits?: Partial<Limits>;
  /** Required as `Authorization: Bearer` on every route but `/v2/health`. */
  token?: string;
  /**
   * Origins of pages that may use the service from a browser, such as `https://example.org`; `*` for all. Default none.
   */
  origins?: readonly string[];
  /** Whether `/metrics` also has prom-client's metrics of the process. Default false. */
  processMetrics?: boolean;
  /**
   * Called with errors whose text is hidden from clients, and with failures to load models. Default: a process warning.
   */
  onError?: (error: unknown) => unknown;
}

/** Requests for pictures and inference since the service was made. */
export interface ServeStats {
  /** Accepted into a model's queue. */
  accepted: number;
  /** Answered, with an error or without. */
  answered: number;
  /** Aborted by their clients. */
  aborted: number;
}

/** A running service. */
export interface Service {
  /** Answers a request; never rejects. Does not use `this`. */
  readonly fetch: (request: Request) => Promise<Response>;
  /**
   * Resolves when every model is loaded and warm; rejects with the first failure. Requests for a model that is not
   * ready get 503.
   */
  readonly ready: Promise<void>;
  readonly limits: Readonly<Limits>;
  stats(): ServeStats;
  /**
   * Reloads the models from their sources. New requests use the new ones once warm; requests in progress finish on the
   * old ones, which are then disposed. Rejects with the first failure; a model that fails keeps its old version.
   */
  reload(): Promise<void>;
  /** Readiness becomes 503, so that load balancers stop sending; requests are still answered. */
  drain(): void;
  /** Refuses new work, finishes accepted requests, and disposes the models that it loaded. */
  close(): Promise<void>;
}

/**
 * Makes a fetch handler for models: PNG at `/v1/images`, the Open Inference Protocol at `/v2`, `/metrics`, a page at
 * `/`. Throws UsageError for options that cannot work.
 */
export function serve(options: ServeOptions): Service {
  const {
    load = {},
    token,
    processMetrics = false,
  } = optionsOf('serve', options, 'limits load models onError origins processMetrics token');
  const onError = safeListener(options.onError ?? warn, warnOfListener);
  optionsOf('serve.load', load, LASTING_OPTIONS);
  const limits = limitsOf(options.limits);
  const sources = Object.entries(optionsOf('serve.models', options.models));
  if (sources.length === 0) throw new UsageError('serve.models: expected at least one model, got none');
  if (token !== undefined && !(typeof token === 'string' && /^[\w.~+/-]+=*$/.test(token)))
    throw new UsageError('serve.token: expected letters, digits and -._~+/, the characters of Bearer tokens');
  const origins = originsOf(options.origins);
  const loading = new AbortController();
  const loadOptions: LoadOptions = {
    ...load,
    signal: loading.signal,
    onEvent: (event) => {
      metrics.restarted();
      return (load.onEvent ?? warnOf)(event);
    },
  };
  const models = new ServedModels(sources.map(([name, source]) => new ServedModel(name, source, loadOptions, limits)));
  const metrics = new Metrics(models, processMetrics);
  for (const model of models.all) model.loading.catch((error: unknown) => loading.signal.aborted || onError(error));
  const ready = Promise.all(models.all.map((model) => model.loading)).then(() => undefined);
  ready.catch(() => undefined); // whoever awaits it gets the error

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
    origins,
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
