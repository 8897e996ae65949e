// Cache of decoded pictures on disk: one file per picture and target, named by a hash of both, so that renamed and
// copied files are not decoded again, and changed ones are. It may be deleted at any time.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Target } from '../data/fit.js';

/** Increment this when the same file and target give different bytes than before. */
const VERSION = 2;
/** Bytes of the digest after each record, which detects incomplete files. */
const DIGEST = 8;

/** Where pictures are kept by default: `$XDG_CACHE_HOME/forja/pictures`, else `~/.cache/forja/pictures`. */
export const defaultCache = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'forja', 'pictures');

/** Name of the record of a file's content and a target. */
export function recordKey(content: string, target: Target): string {
  const { width, height, channels, fit, alpha, background, half = null, lines } = target;
  const parts = [VERSION, width, height, channels, fit, alpha, background, half, ...(lines ? [lines] : [])];
  return createHash('sha256').update(content).update(JSON.stringify(parts)).digest('hex');
}

const pathOf = (cache: string, key: string): string => join(cache, key.slice(0, 2), key.slice(2));

/** Writes a record. Returns false if that fails; the cache is optional. */
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

/** A record of `size` bytes, or undefined if it is missing or damaged. */
export async function readRecord(cache: string, key: string, size: number): Promise<Uint8Array | undefined> {
  const file = await readFile(pathOf(cache, key)).catch(() => undefined);
  if (file?.length !== size + DIGEST) return undefined;
  const record = file.subarray(0, size);
  return digestOf(record).equals(file.subarray(size)) ? record : undefined;
}

/** True if there is a file with the size of such a record. */
export async function hasRecord(cache: string, key: string, size: number): Promise<boolean> {
  return (await stat(pathOf(cache, key)).catch(() => undefined))?.size === size + DIGEST;
}

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest().subarray(0, DIGEST);

/** Content hashes of a folder's files when they were last read, by path, size and modification time. */
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
      // written by save()
      return new ContentIndex(path, new Map(Object.entries(JSON.parse(text) as Record<string, string>)));
    } catch {
      return new ContentIndex(path, new Map());
    }
  }

  /** The content's hash, if the file has not changed. */
  find(signature: string): string | undefined {
    const content = this.#known.get(signature);
    if (content !== undefined) this.#now.set(signature, content);
    return content;
  }

  add(signature: string, content: string): void {
    this.#now.set(signature, content);
  }

  /** Saves the entries found or added; ignores failures. */
  async save(): Promise<void> {
    const aside = `${this.#path}.${process.pid}`;
    await mkdir(dirname(this.#path), { recursive: true })
      .then(() => writeFile(aside, JSON.stringify(Object.fromEntries(this.#now))))
      .then(() => rename(aside, this.#path))
      .catch(() => {});
  }
}

/** A text that changes when the file does: its path, size and modification time. */
export async function signatureOf(file: string, path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${file}|${size}|${mtimeMs}`;
}
