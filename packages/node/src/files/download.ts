// Downloads a model from an http(s) address. An interrupted download is resumed, in this call and, with a cache folder,
// in a later process. A cached download is revalidated with its ETag. A model's external data is downloaded in the same
// way, but only from the servers that the model came from.
import { setTimeout } from 'node:timers/promises';
import { abortError, checkModelBytes, ForjaError, ModelFormatError } from '@forja/core';
import { DownloadCache } from './cache.js';
import type { ReadOptions } from './contract.js';

/**
 * Maximum number of requests for an interrupted download, and of consecutive requests without progress. A request may
 * end without progress because bytes that were sent just before an interruption may be lost.
 */
const ATTEMPTS = 8;
const IDLE_ATTEMPTS = 3;
const PAUSE_MS = 100;

/** Maximum redirects of one request for external data. */
const HOPS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What to download. */
export interface Wanted {
  /** For messages, such as `a model`. */
  what: string;
  /** Where the model came from: its address, and where redirects led. */
  origins: Set<string>;
  /** True for external data, whose redirects may only lead to `origins`. */
  external?: boolean;
}

/**
 * Downloads the whole file. Throws `model.notFound` (404, 410), `model.truncated` (interrupted, or shorter than
 * announced), `model.format` (not a model; a redirect to another server), `io`, `aborted`.
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

/** One download, over as many requests as needed. */
class Transfer {
  readonly #url: URL;
  readonly #wanted: Wanted;
  readonly #cache: DownloadCache | undefined;
  readonly #signal: AbortSignal;
  readonly #onProgress: ReadOptions['onProgress'];
  #chunks: Uint8Array[] = [];
  #loaded = 0;
  /** Bytes reported as progress, which never decrease, even if the server makes the download restart. */
  #reported = 0;
  /** The version's ETag if it is a strong one, so that bytes of several answers may be combined (RFC 9110, 13.1.5). */
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
        await this.#onProgress?.({ phase: 'read', loaded: kept.bytes.length, total: kept.bytes.length });
        return kept.bytes;
      }
      // start again; this happens at most once, because then nothing is left to resume
      if (answer === 'again' || answer === 'unchanged') continue;
      const broken = await this.#collect(answer.body, answer.total);
      if (!broken) return this.#whole(answer.etag);
      idle = this.#loaded > before ? 0 : idle + 1;
      if (this.#signal.aborted || this.#etag === undefined || attempt >= ATTEMPTS || idle === IDLE_ATTEMPTS)
        throw broken;
      await setTimeout(PAUSE_MS * (idle + 1), undefined, { signal: this.#signal });
    }
  }

  /** Leaves the partial download in the cache. */
  async end(): Promise<void> {
    await this.#cache?.end();
  }

  /** Requests the missing bytes. `again`: the bytes so far cannot be resumed and were dropped. */
  async #ask(
    kept: string | undefined,
  ): Promise<
    { body: AsyncIterable<Uint8Array>; total: number | undefined; etag: string | null } | 'unchanged' | 'again'
  > {
    const going = this.#loaded > 0 && this.#etag !== undefined;
    // Requests uncompressed bytes, so that lengths and ranges are those of the file.
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
    // With a Content-Encoding, the length is that of the transfer, not of the file.
    return {
      body: response.body,
      total: coded ? undefined : Number(response.headers.get('content-length')) || undefined,
      etag,
    };
  }

  /**
   * A model's own address may redirect anywhere; its external data only to servers that the model came from, checked
   * before each redirect.
   */
  async #fetch(init: RequestInit): Promise<Response> {
    const { origins, external, what } = this.#wanted;
    if (!external) {
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
          `${this.#url.href}: expected ${what} from ${[...origins].join(' or ')}, got a redirect to ` +
            `${at.origin}; refused`,
        );
    }
    throw new ForjaError('io', `${this.#url.href}: expected ${what} after ${HOPS} redirects at most, got more`);
  }

  /** Collects the body; returns the error if it is interrupted. */
  async #collect(body: AsyncIterable<Uint8Array>, total: number | undefined): Promise<ModelFormatError | undefined> {
    try {
      for await (const chunk of body) {
        this.#chunks.push(chunk);
        this.#loaded += chunk.length;
        await this.#cache?.append(chunk);
        this.#reported = Math.max(this.#reported, this.#loaded);
        await this.#onProgress?.({
          phase: 'download',
          loaded: this.#reported,
          ...(total === undefined ? {} : { total }),
        });
      }
    } catch (cause) {
      if (cause instanceof ForjaError) throw cause; // from the cache
      return new ModelFormatError(
        'model.truncated',
        `${this.#url.href}: the download was interrupted after ${this.#loaded} bytes: ${reasonOf(cause)}`,
        { cause },
      );
    }
    return total !== undefined && this.#loaded < total
      ? new ModelFormatError('model.truncated', `${this.#url.href}: expected ${total} bytes, got ${this.#loaded}`)
      : undefined;
  }

  async #whole(etag: string | null): Promise<Uint8Array> {
    const bytes = new Uint8Array(Buffer.concat(this.#chunks));
    if (!this.#wanted.external) checkModelBytes(bytes, `${this.#url.href} (${this.#type})`);
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

/** fetch's message is only "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
