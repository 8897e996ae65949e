// Bytes of a model, or of its external data, from an address or a Blob, with progress; tells a missing or cut file by
// name.
import { ForjaError, joinBytes, ModelFormatError, UsageError } from '@forja/core';
import type { LoadProgress } from '../protocol.js';
import type { Kept } from './cache.js';

type OnProgress = (progress: LoadProgress) => void;

/** Reads a Blob whole. */
export async function readBlob(blob: Blob, name: string, onProgress: OnProgress): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await collect(blob.stream(), (loaded) => onProgress({ phase: 'read', loaded, total: blob.size })).catch(
    (cause: unknown) => {
      throw new ForjaError('io', `${name}: could not be read: ${String(cause)}`, { cause });
    },
  );
  return bytes;
}

/** What is downloaded. */
export interface Wanted {
  /** In messages: `a model`. */
  what: string;
  /** Where the model came from: its address, and where redirects led. */
  origins: Set<string>;
  /** For a file that a model names: redirects may only lead to `origins`. */
  beside?: boolean;
}

/** A download, or what was kept of one. */
export interface Download extends Kept {
  kept: boolean;
  /** Names it in messages. */
  where: string;
}

/**
 * Downloads whole, or takes `kept` where the server says that it has no other, or cannot be reached. `mode` is what the
 * browser's own cache does. Throws `model.notFound` (404, 410), `model.truncated` (short), `model.format` (external
 * data that were redirected elsewhere) or `io`.
 */
export async function download(
  url: string,
  { what, origins, beside = false }: Wanted,
  kept: Kept | undefined,
  mode: RequestCache,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<Download> {
  let response: Response;
  try {
    response = await fetch(url, { signal, cache: mode, headers: kept ? conditions(url, kept) : {} });
  } catch (cause) {
    if (signal.aborted) throw cause;
    if (kept) return recalled(url, kept, onProgress); // offline
    throw new ForjaError(
      'io',
      `${url}: could not be fetched (offline, a wrong host, CORS or CSP connect-src): ${String(cause)}`,
      { cause },
    );
  }
  const answering = new URL(response.url === '' ? url : response.url).origin;
  if (beside && !origins.has(answering)) {
    await response.body?.cancel();
    throw new ModelFormatError(
      'model.format',
      `${url}: expected ${what} from ${[...origins].join(' or ')}, got a redirect to ${answering}; refused`,
    );
  }
  if (!beside) origins.add(new URL(url).origin).add(answering);
  if (kept && (response.status === 304 || response.status >= 500 || (response.ok && same(response, kept)))) {
    await response.body?.cancel();
    return recalled(url, kept, onProgress);
  }
  if (response.status === 404 || response.status === 410)
    throw new ModelFormatError('model.notFound', `${url}: expected ${what}, got HTTP ${response.status}`);
  if (!response.ok || !response.body)
    throw new ForjaError('io', `${url}: expected HTTP 200, got ${response.status} ${response.statusText}`);
  // Content-Length counts what travels: with a Content-Encoding it is not the size of the file. Another origin does not
  // show us that header.
  const length =
    response.headers.get('content-encoding') === null
      ? Number(response.headers.get('content-length') ?? Number.NaN)
      : Number.NaN;
  const announced = length > 0 ? length : undefined;
  const sure = response.type === 'cors' ? undefined : announced;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await collect(response.body, (loaded) =>
      onProgress({
        phase: 'download',
        loaded,
        ...(announced === undefined || loaded > announced ? {} : { total: announced }),
      }),
    );
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ModelFormatError('model.truncated', `${url}: the download broke off: ${String(cause)}`, { cause });
  }
  if (sure !== undefined && bytes.length < sure)
    throw new ModelFormatError('model.truncated', `${url}: expected ${sure} bytes, got ${bytes.length}`);
  return {
    bytes,
    where: `${url} (${response.headers.get('content-type') ?? 'no content type'})`,
    etag: response.headers.get('etag'),
    lastModified: response.headers.get('last-modified'),
    kept: false,
  };
}

/**
 * Asks only for another version than `kept`. Not of another origin, which would have to permit these headers: there,
 * the answer is looked at.
 */
function conditions(url: string, { etag, lastModified }: Kept): Record<string, string> {
  if (new URL(url).origin !== globalThis.location.origin) return {};
  return etag !== null ? { 'if-none-match': etag } : lastModified !== null ? { 'if-modified-since': lastModified } : {};
}

function same({ headers }: Response, { etag, lastModified }: Kept): boolean {
  return etag !== null
    ? headers.get('etag') === etag
    : lastModified !== null && headers.get('last-modified') === lastModified;
}

function recalled(where: string, kept: Kept, onProgress: OnProgress): Download {
  onProgress({ phase: 'read', loaded: kept.bytes.length, total: kept.bytes.length });
  return { ...kept, where, kept: true };
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  onLoaded: (loaded: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onLoaded(loaded);
  }
  return joinBytes(parts);
}

/** SHA-256 as lower-case hex. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { subtle } = crypto as { subtle?: SubtleCrypto }; // missing where the page is no secure context
  if (!subtle)
    throw new UsageError(
      "load.integrity: expected a secure context (https or localhost), where browsers compute SHA-256; serve the page so, or load with integrity: 'off'",
    );
  // A view of plain memory: nothing here is shared.
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
