// Reads a model or its external data from an address or a Blob, with progress. Errors name a missing or truncated file.
import { ForjaError, joinBytes, ModelFormatError, UsageError } from '@forja/core';
import type { LoadProgress } from '../protocol.js';
import type { Kept } from './contract.js';

type OnProgress = (progress: LoadProgress) => void;

/** Reads a whole Blob. */
export async function readBlob(blob: Blob, name: string, onProgress: OnProgress): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await collect(blob.stream(), (loaded) => onProgress({ phase: 'read', loaded, total: blob.size })).catch(
    (cause: unknown) => {
      throw new ForjaError('io', `${name}: could not be read: ${String(cause)}`, { cause });
    },
  );
  return bytes;
}

/** What to download. */
export interface Wanted {
  /** For messages, such as `a model`. */
  what: string;
  /** Where the model came from: its address, and where redirects led. */
  origins: Set<string>;
  /** True for external data, whose redirects may only lead to `origins`. */
  external?: boolean;
}

/** A download, fresh or cached. */
export interface Download extends Kept {
  kept: boolean;
  /** Its name in messages. */
  where: string;
}

/**
 * Downloads the whole file, or returns `kept` if the server has no newer one or cannot be reached. `mode` is fetch's
 * cache mode. Throws `model.notFound` (404, 410), `model.truncated` (short), `model.format` (external data redirected
 * to another server) or `io`.
 */
export async function download(
  url: string,
  { what, origins, external = false }: Wanted,
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
  if (external && !origins.has(answering)) {
    await response.body?.cancel();
    throw new ModelFormatError(
      'model.format',
      `${url}: expected ${what} from ${[...origins].join(' or ')}, got a redirect to ${answering}; refused`,
    );
  }
  if (!external) origins.add(new URL(url).origin).add(answering);
  if (kept && (response.status === 304 || response.status >= 500 || (response.ok && same(response, kept)))) {
    await response.body?.cancel();
    return recalled(url, kept, onProgress);
  }
  if (response.status === 404 || response.status === 410)
    throw new ModelFormatError('model.notFound', `${url}: expected ${what}, got HTTP ${response.status}`);
  if (!response.ok || !response.body)
    throw new ForjaError('io', `${url}: expected HTTP 200, got ${response.status} ${response.statusText}`);
  // Content-Length is the size of the transfer, which with a Content-Encoding is not the size of the file. The browser
  // hides Content-Encoding in responses of other origins.
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
    throw new ModelFormatError('model.truncated', `${url}: the download was interrupted: ${String(cause)}`, { cause });
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
 * Headers that request the file only if it differs from `kept`. Not sent to another origin, which would have to allow
 * them; there, the response's headers are compared.
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
  const { subtle } = crypto as { subtle?: SubtleCrypto }; // missing if the page is not a secure context
  if (!subtle)
    throw new UsageError(
      'load.integrity: expected a secure context (https or localhost), where browsers compute SHA-256; serve the ' +
        "page so, or load with integrity: 'off'",
    );
  // The cast: `bytes` are not in shared memory.
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
