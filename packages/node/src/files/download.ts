// A model from an http(s) address. One that breaks off is gone on with where it broke, in this call and, with a cache
// folder, in a later process; a kept one is asked for again with its ETag, so that a changed file is seen. A model's
// external data are downloaded alike, but from nowhere else than the model.
import { setTimeout } from 'node:timers/promises';
import { abortError, checkModelBytes, ForjaError, ModelFormatError } from '@forja/core';
import { DownloadCache } from './cache.js';
import type { ReadOptions } from './read.js';

/**
 * Requests that a download which breaks off may take, and how many of them in a row may bring nothing. What came just
 * before a break may be lost with it.
 */
const ATTEMPTS = 8;
const IDLE_ATTEMPTS = 3;
const PAUSE_MS = 100;

/** Redirects of one request for external data, at most. */
const HOPS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What is downloaded. */
export interface Wanted {
  /** In messages: `a model`. */
  what: string;
  /** Where the model came from: its address, and where redirects led. */
  origins: Set<string>;
  /** For a file that a model names: redirects may only lead to `origins`. */
  beside?: boolean;
}

/**
 * Downloads whole. Throws `model.notFound` (404, 410), `model.truncated` (breaks off, shorter than announced),
 * `model.format` (no model; a redirect that leads elsewhere), `io`, `aborted`.
 */
export async function download(
  url: URL,
  { signal, onProgress, cache }: ReadOptions,
  wanted: Wanted = { what: 'a model', origins: new Set() },
): Promise<Uint8Array> {
  if (signal?.aborted) throw abortError(signal.reason);
  const control = new AbortController();
  const onAbort = (): void => control.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const transfer = new Transfer(
    url,
    wanted,
    cache === undefined ? undefined : new DownloadCache(cache, url),
    control.signal,
    onProgress,
  );
  try {
    return await transfer.run();
  } catch (error) {
    if (signal?.aborted) throw abortError(signal.reason);
    if (error instanceof ForjaError) throw error;
    throw new ForjaError('io', `${url.href}: could not be fetched: ${reasonOf(error)}`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await transfer.end();
  }
}

/** One download, over as many requests as it takes. */
class Transfer {
  readonly #url: URL;
  readonly #wanted: Wanted;
  readonly #cache: DownloadCache | undefined;
  readonly #signal: AbortSignal;
  readonly #onProgress: ReadOptions['onProgress'];
  #chunks: Uint8Array[] = [];
  #loaded = 0;
  /** What was told of it: that never goes back, also where a server makes it begin anew. */
  #told = 0;
  /** Names this version, where its bytes may be put together from several answers (RFC 9110, 13.1.5: a strong one). */
  #etag: string | undefined;
  #type = 'no content type';

  constructor(
    url: URL,
    wanted: Wanted,
    cache: DownloadCache | undefined,
    signal: AbortSignal,
    onProgress: ReadOptions['onProgress'],
  ) {
    this.#url = url;
    this.#wanted = wanted;
    this.#cache = cache;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  async run(): Promise<Uint8Array> {
    const kept = await this.#cache?.whole();
    const part = await this.#cache?.part();
    if (part && isStrong(part.etag))
      [this.#chunks, this.#loaded, this.#etag] = [[part.bytes], part.bytes.length, part.etag];
    for (let attempt = 1, idle = 0; ; attempt++) {
      const before = this.#loaded;
      const answer = await this.#ask(kept?.etag);
      if (answer === 'unchanged' && kept) {
        this.#onProgress?.({ phase: 'read', loaded: kept.bytes.length, total: kept.bytes.length });
        return kept.bytes;
      }
      // it began anew; that happens once, as nothing is left to go on with
      if (answer === 'again' || answer === 'unchanged') continue;
      const broken = await this.#collect(answer.body, answer.total);
      if (!broken) return this.#whole(answer.etag);
      idle = this.#loaded > before ? 0 : idle + 1;
      if (this.#signal.aborted || this.#etag === undefined || attempt >= ATTEMPTS || idle === IDLE_ATTEMPTS)
        throw broken;
      await setTimeout(PAUSE_MS * (idle + 1), undefined, { signal: this.#signal });
    }
  }

  /** Leaves what there is in the cache. */
  async end(): Promise<void> {
    await this.#cache?.end();
  }

  /** Asks for what is not here yet. `again`: what is here cannot be gone on with, and was dropped. */
  async #ask(
    kept: string | undefined,
  ): Promise<
    { body: AsyncIterable<Uint8Array>; total: number | undefined; etag: string | null } | 'unchanged' | 'again'
  > {
    const going = this.#loaded > 0 && this.#etag !== undefined;
    // Not compressed: lengths and ranges are then those of the file.
    const headers = {
      'accept-encoding': 'identity',
      ...(going
        ? { range: `bytes=${this.#loaded}-`, 'if-range': this.#etag ?? '' }
        : kept === undefined
          ? {}
          : { 'if-none-match': kept }),
    };
    const response = await this.#fetch({ signal: this.#signal, headers });
    const { status } = response;
    if (status === 304 && kept !== undefined && !going) return 'unchanged';
    if (status === 404 || status === 410)
      throw new ModelFormatError(
        'model.notFound',
        `${this.#url.href}: expected ${this.#wanted.what}, got HTTP ${status}`,
      );
    const etag = response.headers.get('etag');
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    if (
      going &&
      (status === 416 ||
        (status === 206 && (Number(range?.[1]) !== this.#loaded || (etag !== null && etag !== this.#etag))))
    ) {
      await response.body?.cancel();
      this.#drop();
      return 'again';
    }
    if (!response.ok || !response.body)
      throw new ForjaError('io', `${this.#url.href}: expected HTTP 200, got ${status} ${response.statusText}`);
    this.#type = response.headers.get('content-type') ?? this.#type;
    const coded =
      response.headers.get('content-encoding') !== null && response.headers.get('content-encoding') !== 'identity';
    if (status === 206 && going) {
      await this.#cache?.begin(this.#etag ?? '', this.#chunks);
      return { body: response.body, total: Number(range?.[2]) || undefined, etag: this.#etag ?? null };
    }
    this.#drop();
    this.#etag = etag !== null && isStrong(etag) && !coded ? etag : undefined;
    if (this.#etag !== undefined) await this.#cache?.begin(this.#etag, []);
    // With a Content-Encoding the length is of what travels, not of the file.
    return {
      body: response.body,
      total: coded ? undefined : Number(response.headers.get('content-length')) || undefined,
      etag,
    };
  }

  /**
   * A model's own server may send on to any other; for what a model names, only to those that the model came from,
   * looked at before each step.
   */
  async #fetch(init: RequestInit): Promise<Response> {
    const { origins, beside, what } = this.#wanted;
    if (!beside) {
      const response = await fetch(this.#url, init);
      for (const url of [this.#url.href, response.url]) origins.add(new URL(url).origin);
      return response;
    }
    let at = this.#url;
    for (let hops = 0; hops <= HOPS; hops++) {
      const response = await fetch(at, { ...init, redirect: 'manual' });
      const to = response.headers.get('location');
      if (!REDIRECTS.has(response.status) || to === null) return response;
      await response.body?.cancel();
      at = new URL(to, at);
      if (!origins.has(at.origin))
        throw new ModelFormatError(
          'model.format',
          `${this.#url.href}: expected ${what} from ${[...origins].join(' or ')}, got a redirect to ${at.origin}; refused`,
        );
    }
    throw new ForjaError('io', `${this.#url.href}: expected ${what} after ${HOPS} redirects at most, got more`);
  }

  /** Takes what comes; the error when it breaks off. */
  async #collect(body: AsyncIterable<Uint8Array>, total: number | undefined): Promise<ModelFormatError | undefined> {
    try {
      for await (const chunk of body) {
        this.#chunks.push(chunk);
        this.#loaded += chunk.length;
        await this.#cache?.append(chunk);
        this.#told = Math.max(this.#told, this.#loaded);
        this.#onProgress?.({ phase: 'download', loaded: this.#told, ...(total === undefined ? {} : { total }) });
      }
    } catch (cause) {
      if (cause instanceof ForjaError) throw cause; // of the cache
      return new ModelFormatError(
        'model.truncated',
        `${this.#url.href}: the download broke off after ${this.#loaded} bytes: ${reasonOf(cause)}`,
        { cause },
      );
    }
    return total !== undefined && this.#loaded < total
      ? new ModelFormatError('model.truncated', `${this.#url.href}: expected ${total} bytes, got ${this.#loaded}`)
      : undefined;
  }

  async #whole(etag: string | null): Promise<Uint8Array> {
    const bytes = new Uint8Array(Buffer.concat(this.#chunks));
    if (!this.#wanted.beside) checkModelBytes(bytes, `${this.#url.href} (${this.#type})`);
    if (etag !== null) await this.#cache?.keep({ bytes, etag });
    return bytes;
  }

  #drop(): void {
    [this.#chunks, this.#loaded, this.#etag] = [[], 0, undefined];
  }
}

function isStrong(etag: string): boolean {
  return etag.startsWith('"');
}

/** fetch says only "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
