// Bytes of a model from a URL, Blob or array, in the worker, with progress; tells a missing, cut or foreign file by name.
import { checkModelBytes, ForjaError, joinBytes, ModelFormatError } from '@forja/core';
import type { LoadProgress, PostedSource } from '../protocol.js';

/** Reads `source` whole. Throws `model.notFound` (404, 410), `model.format` (a web page), `model.truncated` (empty or short) or `io`. */
export async function readSource(source: PostedSource, signal: AbortSignal, onProgress: (progress: LoadProgress) => void): Promise<Uint8Array> {
  if ('bytes' in source) return checked(source.bytes, 'the bytes given');
  if ('blob' in source) {
    const name = source.blob instanceof File ? source.blob.name : 'the Blob given';
    const bytes = await collect(source.blob.stream(), source.blob.size, onProgress).catch((cause: unknown) => {
      throw new ForjaError('io', `${name}: could not be read: ${String(cause)}`, { cause });
    });
    return checked(bytes, name);
  }
  return download(source.url, signal, onProgress);
}

async function download(url: string, signal: AbortSignal, onProgress: (progress: LoadProgress) => void): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    throw new ForjaError('io', `${url}: could not be fetched (offline, a wrong host, CORS or CSP connect-src): ${String(cause)}`, { cause });
  }
  if (response.status === 404 || response.status === 410) throw new ModelFormatError('model.notFound', `${url}: expected a model, got HTTP ${response.status}`);
  if (!response.ok || !response.body) throw new ForjaError('io', `${url}: expected HTTP 200, got ${response.status} ${response.statusText}`);
  const type = response.headers.get('content-type') ?? 'no content type';
  // Content-Length counts what travels: with a Content-Encoding it is not the size of the file.
  const length = response.headers.get('content-encoding') === null ? Number(response.headers.get('content-length') ?? Number.NaN) : Number.NaN;
  const total = Number.isFinite(length) && length > 0 ? length : undefined;
  let bytes: Uint8Array;
  try {
    bytes = await collect(response.body, total, onProgress);
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ModelFormatError('model.truncated', `${url}: the download broke off: ${String(cause)}`, { cause });
  }
  if (total !== undefined && bytes.length < total) throw new ModelFormatError('model.truncated', `${url}: expected ${total} bytes, got ${bytes.length}`);
  return checked(bytes, `${url} (${type})`);
}

async function collect(stream: ReadableStream<Uint8Array>, total: number | undefined, onProgress: (progress: LoadProgress) => void): Promise<Uint8Array> {
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onProgress({ phase: 'download', loaded, ...(total === undefined ? {} : { total }) });
  }
  return joinBytes(parts);
}

function checked(bytes: Uint8Array, where: string): Uint8Array {
  checkModelBytes(bytes, where);
  return bytes;
}

/** SHA-256 as lower-case hex. Needs a secure context. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // A view of plain memory: nothing here is shared.
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
