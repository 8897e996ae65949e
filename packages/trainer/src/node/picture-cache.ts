// Decoded pictures on disk: one file a picture and target, named by the content of both, so that renamed, copied and
// added files cost nothing, and changed ones are decoded again. Nothing in it is needed: it may be deleted at any time.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Target } from '../data/fit.js';

/** To be raised when the same file and target give other bytes than before. */
const VERSION = 1;
/** Bytes of a digest after each record: a file that a crash left half written is not used. */
const DIGEST = 8;

/** Where pictures are kept by default: `$XDG_CACHE_HOME/forja/pictures`, else `~/.cache/forja/pictures`. */
export const defaultCache = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'forja', 'pictures');

/** The name of a record: of a file's content, and of what it was brought to. */
export function recordKey(content: string, { width, height, channels, fit, alpha, background, half }: Target): string {
  const target = JSON.stringify([VERSION, width, height, channels, fit, alpha, background, half ?? null]);
  return createHash('sha256').update(content).update(target).digest('hex');
}

const pathOf = (cache: string, key: string): string => join(cache, key.slice(0, 2), key.slice(2));

/** Writes a record. Returns false where that cannot be done; the cache is no reason to fail. */
export async function writeRecord(cache: string, key: string, record: Uint8Array): Promise<boolean> {
  const path = pathOf(cache, key);
  const aside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(aside, [record, digestOf(record)]);
    await rename(aside, path);
    return true;
  } catch {
    await rm(aside, { force: true }).catch(() => {});
    return false;
  }
}

/** A record of `size` bytes, or undefined where there is none that is whole. */
export async function readRecord(cache: string, key: string, size: number): Promise<Uint8Array | undefined> {
  const file = await readFile(pathOf(cache, key)).catch(() => undefined);
  if (file?.length !== size + DIGEST) return undefined;
  const record = file.subarray(0, size);
  return digestOf(record).equals(file.subarray(size)) ? record : undefined;
}

/** Whether there seems to be a record of `size` bytes. */
export async function hasRecord(cache: string, key: string, size: number): Promise<boolean> {
  return (await stat(pathOf(cache, key)).catch(() => undefined))?.size === size + DIGEST;
}

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest().subarray(0, DIGEST);

/** What was known of a folder's files when it was last read: content hashes by path, size and time of change. */
export class ContentIndex {
  readonly #path: string;
  readonly #known: Map<string, string>;
  readonly #now = new Map<string, string>();

  private constructor(path: string, known: Map<string, string>) {
    this.#path = path;
    this.#known = known;
  }

  /** The index of a folder. */
  static async open(cache: string, folder: string): Promise<ContentIndex> {
    const path = join(cache, `${createHash('sha256').update(folder).digest('hex').slice(0, 32)}.json`);
    const text = await readFile(path, 'utf8').catch(() => '{}');
    try {
      return new ContentIndex(path, new Map(Object.entries(JSON.parse(text) as Record<string, string>))); // as save()
    } catch {
      return new ContentIndex(path, new Map());
    }
  }

  /** The content's hash where the file is as it was. */
  find(signature: string): string | undefined {
    const content = this.#known.get(signature);
    if (content !== undefined) this.#now.set(signature, content);
    return content;
  }

  add(signature: string, content: string): void {
    this.#now.set(signature, content);
  }

  /** Keeps what was found or added; what cannot be written is found out again next time. */
  async save(): Promise<void> {
    const aside = `${this.#path}.${process.pid}`;
    await mkdir(dirname(this.#path), { recursive: true })
      .then(() => writeFile(aside, JSON.stringify(Object.fromEntries(this.#now))))
      .then(() => rename(aside, this.#path))
      .catch(() => {});
  }
}

/** What tells that a file has not changed: its path, size and time of change. */
export async function signatureOf(file: string, path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${file}|${size}|${mtimeMs}`;
}
