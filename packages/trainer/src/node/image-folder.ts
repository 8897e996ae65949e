// Folders of pictures as datasets. A data configuration (../data/config.ts) describes the layout.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { ForjaError, optionsOf } from '@forja/core';
import { parseData, type DataConfig, type PictureConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import type { Listing } from '../data/layout.js';
import { pictureDataset } from '../data/pictures.js';
import { loadSharp } from './decode.js';
import { defaultCache } from './picture-cache.js';
import { FolderPictures } from './picture-store.js';

/** Where decoded pictures are kept. */
export interface PictureHost {
  /**
   * Folder of the cache of decoded pictures. Default: `$XDG_CACHE_HOME/forja/pictures`, else `~/.cache/forja/pictures`.
   * `false`: no cache, and all pictures must fit in memory.
   */
  cache?: string | false;
  /** Bytes of decoded pictures in memory. Default: 1e9 with a cache, 4e9 without. */
  memory?: number;
  /** Called as files are decoded. */
  onProgress?: (done: number, total: number) => unknown;
}

/** Options of {@link imageFolder}: those of data of the kind `folder`, without its path. */
export type ImageFolderOptions = Omit<Extract<DataConfig, { kind: 'folder' }>, 'kind' | 'path'>;

/**
 * The pictures below a folder as the field `image`, in the order of their names, with subfolders as `label`. All files
 * are decoded beforehand, in threads; unreadable ones are listed in `skipped`.
 * @throws ForjaError `data.notFound` for a missing folder, `data.empty` without pictures, `data.format` if none can be
 * read, `data.size` for several sizes without `size`, `data.class` for a class without pictures, `data.decoder` for
 * formats that need sharp.
 */
export async function imageFolder(
  folder: string,
  options: ImageFolderOptions = {},
  host: PictureHost = {},
): Promise<Dataset> {
  optionsOf('imageFolder', options);
  optionsOf('imageFolder.host', host, 'cache memory onProgress');
  const config = parseData({ ...options, kind: 'folder', path: folder });
  return folderDataset(config as PictureConfig, process.cwd(), host); // the kind is 'folder'
}

/** The dataset of a configuration of pictures; its path is relative to `cwd`. */
export async function folderDataset(config: PictureConfig, cwd: string, host: PictureHost = {}): Promise<Dataset> {
  const folder = resolve(cwd, config.path);
  const listing = await listingOf(folder);
  await loadSharp(); // loaded here before threads load it, because its native library must outlive them
  const cache = host.cache === false ? undefined : (host.cache ?? defaultCache());
  const { memory = cache === undefined ? 4e9 : 1e9, onProgress } = host;
  const store = await FolderPictures.open(folder, { cache, memory });
  try {
    return await pictureDataset(listing, config, store, onProgress ? { onProgress } : {});
  } finally {
    await store.save();
  }
}

/** Files below a folder, without hidden ones. */
async function listingOf(folder: string): Promise<Listing> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      const got = { ENOENT: 'nothing', ENOTDIR: 'a file' }[error.code ?? ''] ?? error.message;
      throw new ForjaError('data.notFound', `data: expected a folder of pictures, got ${got} at ${folder}`, {
        cause: error,
      });
    },
  );
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    const name = join(entry.parentPath, entry.name)
      .slice(folder.length + 1)
      .split(sep)
      .join('/');
    if (name.split('/').some((part) => part.startsWith('.') || part === '__MACOSX')) continue;
    if (entry.isDirectory()) folders.push(name);
    // a link counts if it leads to a file; reading a pipe or a device would never end
    else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileBehind(join(folder, name))))) files.push(name);
  }
  return { files: files.sort(), folders: folders.sort(), text: (file) => readFile(join(folder, file), 'utf8') };
}

/** Whether a link leads to a file. True also for a broken link, so that reading it reports the error. */
async function isFileBehind(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined || found.isFile();
}
