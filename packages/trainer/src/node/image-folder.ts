// Folders of pictures as datasets. A data configuration (../data/config.ts) describes the layout.
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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

/** Files below a folder, without hidden ones. Links are followed. */
async function listingOf(root: string): Promise<Listing> {
  const files: string[] = [];
  const folders: string[] = [];
  /** `name`: the folder's path below the root; `within`: the folder itself and those that contain it, without links. */
  const walk = async (name: string, within: readonly string[]): Promise<void> => {
    const path = join(root, name);
    for (const entry of await readdir(path, { withFileTypes: true }).catch(refused(root, path))) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const inside = name === '' ? entry.name : `${name}/${entry.name}`;
      const at = join(root, inside);
      const linked = entry.isSymbolicLink();
      const found = linked ? await stat(at).catch(() => undefined) : entry;
      if (found?.isDirectory()) {
        const real = linked ? await realpath(at) : join(within.at(-1) ?? '', entry.name);
        if (within.includes(real)) continue; // a link that leads back
        folders.push(inside);
        await walk(inside, [...within, real]);
      }
      // a broken link counts, so that reading it reports the error; reading a pipe or a device would never end
      else if (found === undefined || found.isFile()) files.push(inside);
    }
  };
  await walk('', [await realpath(root).catch(refused(root, root))]);
  return { files: files.sort(), folders: folders.sort(), text: (file) => readFile(join(root, file), 'utf8') };
}

/** The error for a folder that cannot be listed: `data.notFound` if there is none, else `io`. */
function refused(root: string, path: string): (cause: NodeJS.ErrnoException) => never {
  return (cause) => {
    const got = { ENOENT: 'nothing', ENOTDIR: 'a file' }[cause.code ?? ''];
    if (path === root && got !== undefined)
      throw new ForjaError('data.notFound', `data: expected a folder of pictures, got ${got} at ${root}`, { cause });
    throw new ForjaError('io', `data: could not read the folder ${path}: ${cause.message}`, { cause });
  };
}
