// Where the dynamic loader of Linux looks for a library (ld.so(8)), without loading any: LD_LIBRARY_PATH, the
// requesting library's RUNPATH, ld.so.cache, the default folders.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readElf, type Elf } from './elf.js';

/** Environment of the loader; default: this machine's. */
export interface LoaderHost {
  /** LD_LIBRARY_PATH. */
  path?: string | undefined;
  /** The cache file of ldconfig. */
  cache?: string;
  folders?: readonly string[];
}

/** The loader's result for a name. */
export type Lookup =
  { state: 'found'; path: string; elf: Elf } | { state: 'broken'; path: string; why: string } | { state: 'missing' };

/** Default folders of Debian's, Fedora's and musl's loaders. */
const FOLDERS: readonly string[] = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
  '/usr/local/lib',
];
/** Usual folders of CUDA and the driver. The loader may not know them: they are used only to report what is there. */
const CUDA_FOLDERS: readonly string[] = [
  '/usr/local/cuda/lib64',
  '/usr/local/cuda/targets/x86_64-linux/lib',
  '/opt/cuda/lib64',
  '/usr/lib/wsl/lib',
];

/** The loader's view of this machine. */
export class Loader {
  readonly #path: readonly string[];
  readonly #folders: readonly string[];
  readonly #cache: ReadonlyMap<string, readonly string[]>;

  constructor({
    path = process.env['LD_LIBRARY_PATH'],
    cache = '/etc/ld.so.cache',
    folders = FOLDERS,
  }: LoaderHost = {}) {
    this.#path = (path ?? '').split(/[:;]/).filter(Boolean);
    this.#folders = folders;
    this.#cache = readCache(cache);
  }

  /** Looks for `name`, which the library at `from` needs. */
  find(name: string, from: { path: string; elf: Elf }): Lookup {
    const origin = dirname(from.path);
    const runpath = from.elf.runpath.map((folder) => folder.replaceAll(/\$\{ORIGIN\}|\$ORIGIN/g, origin));
    const files = [...this.#path, ...runpath].map((folder) => join(folder, name));
    for (const path of [
      ...files,
      ...(this.#cache.get(name) ?? []),
      ...this.#folders.map((folder) => join(folder, name)),
    ]) {
      if (!existsSync(path)) continue;
      try {
        const elf = readElf(path);
        if (elf.bits === from.elf.bits && elf.machine === from.elf.machine) return { state: 'found', path, elf };
      } catch (error) {
        return { state: 'broken', path, why: error instanceof Error ? error.message : String(error) };
      }
    }
    return { state: 'missing' };
  }

  /** Files of the same library in other versions, or where the loader does not look. */
  others(name: string): string[] {
    const stem = name.replace(/\.so(\.[\d.]+)?$/, '.so');
    const alike = (file: string): boolean => file === stem || file.startsWith(`${stem}.`);
    const listed = [...this.#path, ...this.#folders, ...CUDA_FOLDERS].flatMap((folder) => {
      try {
        return readdirSync(folder)
          .filter(alike)
          .map((file) => join(folder, file));
      } catch {
        return []; // no such folder
      }
    });
    return [...new Set([...[...this.#cache].filter(([file]) => alike(file)).flatMap(([, paths]) => paths), ...listed])];
  }
}

const OLD = 'ld.so-1.7.0\0';
const NEW = 'glibc-ld.so.cache1.1';

/** Paths by name from ldconfig's cache (glibc, elf/cache.c); empty if missing or of another format. */
export function readCache(path: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  try {
    const file = readFileSync(path);
    const text = (at: number): string => file.toString('utf8', at, file.indexOf(0, at));
    const start =
      file.toString('latin1', 0, OLD.length) === OLD ? Math.ceil((16 + 12 * file.readUInt32LE(12)) / 8) * 8 : 0;
    if (file.toString('latin1', start, start + NEW.length) !== NEW) return found;
    for (let i = 0; i < file.readUInt32LE(start + 20); i++) {
      const entry = start + 48 + 24 * i;
      const name = text(start + file.readUInt32LE(entry + 4));
      found.set(name, [...(found.get(name) ?? []), text(start + file.readUInt32LE(entry + 8))]);
    }
  } catch {
    found.clear(); // the cache is missing or damaged; the real loader then uses its default folders, too
  }
  return found;
}
