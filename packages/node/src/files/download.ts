// A model from an http(s) address, with an optional folder that keeps it: asked for again with its ETag, so that a changed file is seen.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abortError, checkModelBytes, ForjaError, ModelFormatError } from '@forja/core';
import type { ReadOptions } from './read.js';

/** A download kept in a folder, and what its server called that version. */
interface Kept {
  bytes: Uint8Array;
  etag: string;
}

/** Downloads whole. Throws `model.notFound` (404, 410), `model.truncated` (breaks off, shorter than announced), `io`, `aborted`. */
export async function download(url: URL, { signal, onProgress, cache }: ReadOptions): Promise<Uint8Array> {
  const kept = cache === undefined ? undefined : await recall(cache, url);
  const control = new AbortController();
  const onAbort = (): void => control.abort();
  if (signal?.aborted) throw abortError(signal.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await fetch(url, { signal: control.signal, headers: kept ? { 'if-none-match': kept.etag } : {} });
    if (response.status === 304 && kept) return kept.bytes;
    if (response.status === 404 || response.status === 410) throw new ModelFormatError('model.notFound', `${url.href}: expected a model, got HTTP ${response.status}`);
    if (!response.ok || !response.body) throw new ForjaError('io', `${url.href}: expected HTTP 200, got ${response.status} ${response.statusText}`);
    // Content-Length counts what travels: with a Content-Encoding it is not the size of the file.
    const length = response.headers.get('content-encoding') === null ? Number(response.headers.get('content-length') ?? NaN) : NaN;
    const total = length > 0 ? length : undefined;
    const bytes = await collect(url, response.body, (loaded) => onProgress?.({ phase: 'download', loaded, ...(total === undefined ? {} : { total }) }));
    if (total !== undefined && bytes.length < total) throw new ModelFormatError('model.truncated', `${url.href}: expected ${total} bytes, got ${bytes.length}`);
    checkModelBytes(bytes, `${url.href} (${response.headers.get('content-type') ?? 'no content type'})`);
    const etag = response.headers.get('etag');
    if (cache !== undefined && etag !== null) await keep(cache, url, { bytes, etag });
    return bytes;
  } catch (error) {
    if (signal?.aborted) throw abortError(signal.reason);
    if (error instanceof ForjaError) throw error;
    throw new ForjaError('io', `${url.href}: could not be fetched: ${reasonOf(error)}`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function collect(url: URL, body: AsyncIterable<Uint8Array>, onLoaded: (loaded: number) => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let loaded = 0;
  try {
    for await (const part of body) {
      parts.push(part);
      onLoaded((loaded += part.length));
    }
  } catch (cause) {
    throw new ModelFormatError('model.truncated', `${url.href}: the download broke off after ${loaded} bytes: ${reasonOf(cause)}`, { cause });
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** fetch says only "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

// One file holds both, so that bytes and name of a version cannot come apart: a line of JSON, then the model.
const fileOf = (cache: string, url: URL): string => join(cache, `${createHash('sha256').update(url.href).digest('hex')}.model`);

async function recall(cache: string, url: URL): Promise<Kept | undefined> {
  try {
    const file = await readFile(fileOf(cache, url));
    const end = file.indexOf(10);
    const { etag, bytes: length } = JSON.parse(file.subarray(0, end).toString()) as { etag: string; bytes: number }; // written by `keep`
    const bytes = new Uint8Array(file.subarray(end + 1));
    return bytes.length === length ? { bytes, etag } : undefined;
  } catch {
    return undefined; // nothing kept, or nothing that can be used: downloaded anew
  }
}

async function keep(cache: string, url: URL, { bytes, etag }: Kept): Promise<void> {
  const file = fileOf(cache, url);
  const aside = `${file}.${randomUUID()}`;
  try {
    await mkdir(cache, { recursive: true });
    await writeFile(aside, Buffer.concat([Buffer.from(`${JSON.stringify({ etag, bytes: bytes.length, url: url.href })}\n`), bytes]));
    await rename(aside, file);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw new ForjaError('io', `load.cache: could not write to ${cache}: ${reasonOf(cause)}`, { cause });
  }
}
