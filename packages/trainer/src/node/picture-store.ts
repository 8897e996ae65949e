// The pictures of a folder: decoded by threads once, then read from memory or from the cache on disk.
import { join } from 'node:path';
import { ForjaError } from '@forja/core';
import type { Target } from '../data/fit.js';
import { notAPicture } from '../data/picture.js';
import type { PictureFacts, PictureStore } from '../data/pictures.js';
import { DecodePool } from './decode-pool.js';
import { ContentIndex, hasRecord, readRecord, recordKey, signatureOf } from './picture-cache.js';

/** Where {@link FolderPictures} keeps decoded pictures. */
export interface PictureKeeping {
  /** Folder of the cache, or undefined for none: all pictures must fit in memory then. */
  cache: string | undefined;
  /** Bytes of decoded pictures in memory; with a cache, the other pictures are read from it when they are needed. */
  memory: number;
}

const pool = new DecodePool();

/** Pictures of one folder. */
export class FolderPictures implements PictureStore {
  readonly #folder: string;
  readonly #keeping: PictureKeeping;
  readonly #index: ContentIndex | undefined;
  /** Records in memory, by key. */
  readonly #records = new Map<string, Uint8Array>();
  /** Content hashes, by file. */
  readonly #contents = new Map<string, string>();
  #bytes = 0;

  private constructor(folder: string, keeping: PictureKeeping, index: ContentIndex | undefined) {
    this.#folder = folder;
    this.#keeping = keeping;
    this.#index = index;
  }

  /** The pictures of `folder`. */
  static async open(folder: string, keeping: PictureKeeping): Promise<FolderPictures> {
    const index = keeping.cache === undefined ? undefined : await ContentIndex.open(keeping.cache, folder);
    return new FolderPictures(folder, keeping, index);
  }

  facts(file: string): Promise<PictureFacts> {
    return pool.run({ op: 'facts', path: join(this.#folder, file) });
  }

  async prepare(file: string, target: Target): Promise<void> {
    const { cache } = this.#keeping;
    const path = join(this.#folder, file);
    const signature = await signatureOf(file, path).catch((cause: unknown) => {
      throw notAPicture(path, cause);
    });
    const known = this.#index?.find(signature);
    if (known !== undefined && cache !== undefined) {
      this.#contents.set(file, known);
      if (await hasRecord(cache, recordKey(known, target), sizeOf(target))) return;
    }
    const { content, record } = await this.#decode(file, target);
    this.#contents.set(file, content);
    this.#index?.add(signature, content);
    if (record) this.#keep(recordKey(content, target), record, cache === undefined);
  }

  read(file: string, target: Target): Uint8Array | Promise<Uint8Array> {
    const key = recordKey(this.#contents.get(file) ?? '', target);
    return this.#records.get(key) ?? this.#load(file, target, key);
  }

  /** Saves the content hashes for the next time. */
  async save(): Promise<void> {
    await this.#index?.save();
  }

  async #load(file: string, target: Target, key: string): Promise<Uint8Array> {
    const { cache } = this.#keeping;
    const cached = cache === undefined ? undefined : await readRecord(cache, key, sizeOf(target));
    const record = cached ?? (await this.#decodeAgain(file, target, key));
    this.#keep(key, record, false);
    return record;
  }

  /** Decodes a picture whose record has disappeared from the cache. */
  async #decodeAgain(file: string, target: Target, key: string): Promise<Uint8Array> {
    const { content, record } = await this.#decode(file, target, true);
    if (record && recordKey(content, target) === key) return record;
    throw new ForjaError(
      'io',
      `data: expected ${join(this.#folder, file)} unchanged since training began, got different content; start again`,
    );
  }

  #decode(file: string, target: Target, keep = false): Promise<{ content: string; record?: Uint8Array }> {
    const { cache, memory } = this.#keeping;
    return pool.run({
      op: 'record',
      path: join(this.#folder, file),
      target,
      cache,
      keep: keep || this.#bytes + sizeOf(target) <= memory,
    });
  }

  #keep(key: string, record: Uint8Array, must: boolean): void {
    if (this.#records.has(key)) return;
    const fits = this.#bytes + record.length <= this.#keeping.memory;
    if (!fits && must)
      throw new ForjaError(
        'data.size',
        `data: expected at most ${this.#keeping.memory} bytes of pictures in memory without a cache, got more; ` +
          'choose a smaller size, or give a cache',
      );
    if (!fits) return;
    this.#records.set(key, record);
    this.#bytes += record.length;
  }
}

const sizeOf = ({ width, height, channels }: Target): number => width * height * channels;
