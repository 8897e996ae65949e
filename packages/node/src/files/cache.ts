// A folder that caches downloads: complete ones with their server's ETag, and partial ones to resume from. It needs no
// locks: every process writes its own files, and any file that other processes read is complete, or a valid prefix.
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ForjaError } from '@forja/core';
import { makeFolder } from './make-folder.js';

/** A version of a file, or a prefix of one, with the server's ETag. */
export interface Kept {
  bytes: Uint8Array;
  etag: string;
}

/** The entry of one address in a cache folder. */
export class DownloadCache {
  readonly #folder: string;
  readonly #url: URL;
  readonly #name: string;
  #part: { path: string; handle: FileHandle; etag: string; length: number } | undefined;

  constructor(folder: string, url: URL) {
    this.#folder = folder;
    this.#url = url;
    this.#name = createHash('sha256').update(url.href).digest('hex');
  }

  /** The version stored last; undefined if there is no usable one. */
  async whole(): Promise<Kept | undefined> {
    const kept = await this.#read(`${this.#name}.model`);
    return kept && kept.length === kept.bytes.length ? kept : undefined;
  }

  /** The longest partial download, of any process. */
  async part(): Promise<Kept | undefined> {
    const parts = await Promise.all((await this.#parts()).map((file) => this.#read(file)));
    return parts.reduce(
      (longest, part) => (part && part.bytes.length > (longest?.bytes.length ?? 0) ? part : longest),
      undefined,
    );
  }

  /** Starts a file for this download, with the bytes received so far; reuses a file that has exactly these. */
  async begin(etag: string, chunks: readonly Uint8Array[]): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const last = this.#part;
    if (last?.etag === etag && last.length === length) return;
    await this.end();
    await this.#writing(async () => {
      if (last) await rm(last.path, { force: true });
      await makeFolder(this.#folder);
      const path = join(this.#folder, `${this.#name}.${randomUUID()}.part`);
      const handle = await open(path, 'wx');
      this.#part = { path, handle, etag, length };
      await handle.appendFile(`${JSON.stringify({ etag, url: this.#url.href })}\n`);
      for (const chunk of chunks) await handle.appendFile(chunk);
    });
  }

  /** Appends received bytes. */
  async append(chunk: Uint8Array): Promise<void> {
    const part = this.#part;
    if (!part) return;
    await this.#writing(() => part.handle.appendFile(chunk));
    part.length += chunk.length;
  }

  /** Closes the partial file, which stays for the next download. */
  async end(): Promise<void> {
    await this.#part?.handle.close();
    this.#part = undefined;
  }

  /** Stores a complete version, and removes partial files. */
  async keep({ bytes, etag }: Kept): Promise<void> {
    await this.end();
    const file = join(this.#folder, `${this.#name}.model`);
    const aside = `${file}.${randomUUID()}`;
    await this.#writing(async () => {
      await makeFolder(this.#folder);
      // One file holds both ETag and bytes, so that they always match: a line of JSON, then the model.
      await writeFile(
        aside,
        Buffer.concat([Buffer.from(`${JSON.stringify({ etag, bytes: bytes.length, url: this.#url.href })}\n`), bytes]),
      );
      await rename(aside, file);
    }).catch(async (error: unknown) => {
      await rm(aside, { force: true }).catch(() => undefined);
      throw error;
    });
    // another process may be removing it
    for (const part of await this.#parts()) await rm(join(this.#folder, part), { force: true }).catch(() => undefined);
  }

  async #parts(): Promise<string[]> {
    const files = await readdir(this.#folder).catch(() => []);
    return files.filter((file) => file.startsWith(`${this.#name}.`) && file.endsWith('.part'));
  }

  async #read(name: string): Promise<(Kept & { length: number | undefined }) | undefined> {
    try {
      const file = await readFile(join(this.#folder, name));
      const end = file.indexOf(10);
      // `begin` and `keep` wrote this line
      const { etag, bytes: length } = JSON.parse(file.subarray(0, end).toString()) as { etag: string; bytes?: number };
      return typeof etag === 'string' ? { bytes: new Uint8Array(file.subarray(end + 1)), etag, length } : undefined;
    } catch {
      return undefined; // nothing usable: download again
    }
  }

  async #writing(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new ForjaError(
        'io',
        `load.cache: could not write to ${this.#folder}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  }
}
