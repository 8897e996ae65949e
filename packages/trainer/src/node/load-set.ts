// Data sets by name: the pictures of their packages, decoded by threads and cached as those of folders are, put together
// as sheets that tiles are cut from.
import { join } from 'node:path';
import type { SetConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import type { Target } from '../data/fit.js';
import { namedSet, type NamedSet, type SheetFile } from '../data/named-sets.js';
import { sheetDataset } from '../data/sheets.js';
import { loadSharp } from './decode.js';
import type { PictureHost } from './image-folder.js';
import { packageFolder } from './packages.js';
import { defaultCache } from './picture-cache.js';
import { FolderPictures } from './picture-store.js';

/**
 * The set that a configuration names, from packages installed for `cwd`.
 * @throws ForjaError `data.notFound` for a package that is not there, `data.decoder` without sharp; UsageError
 * `config.invalid` for tiles that are too large.
 */
export async function loadSet(config: SetConfig, cwd: string, host: PictureHost = {}): Promise<Dataset> {
  const set = namedSet(config.name);
  const { size = set.size, channels = 3, flip } = config;
  const folders = new Map(set.packages.map(({ name, megabytes }) => [name, packageFolder(name, cwd, megabytes)]));
  await loadSharp(); // before threads do: its library must stay in memory longer than they live
  const cache = host.cache === false ? undefined : (host.cache ?? defaultCache());
  const stores = new Map<string, FolderPictures>();
  for (const [name, folder] of folders)
    stores.set(name, await FolderPictures.open(folder, { cache, memory: host.memory ?? 4e9 }));
  const names = Object.keys(set.sheets);
  const masks = set.layout.mask?.sheet;
  const sheets: Record<string, Uint8Array> = {};
  for (const [i, name] of names.entries()) {
    sheets[name] = await sheetOf(set, name, name === masks ? 1 : channels, stores);
    host.onProgress?.(i + 1, names.length);
  }
  for (const store of stores.values()) await store.save();
  const { license, credit } = set;
  const dataset = sheetDataset(config.name, set.layout, sheets, { size, channels, flip });
  const about = { license, credit };
  return { ...dataset, ...about, ...(dataset.holdout ? { holdout: { ...dataset.holdout, ...about } } : {}) };
}

/** The files of a sheet in their places. */
async function sheetOf(
  { sheets, layout }: NamedSet,
  name: string,
  channels: number,
  stores: ReadonlyMap<string, FolderPictures>,
): Promise<Uint8Array> {
  const { width, height } = layout;
  const files = sheets[name] ?? [];
  const read = async (file: SheetFile): Promise<{ bytes: Uint8Array; file: SheetFile; target: Target }> => {
    const target: Target = {
      width: Math.round(file.width * width),
      height: Math.round(file.height * height),
      channels,
      fit: 'stretch',
      alpha: 'over',
      background: '#000000',
    };
    const store = stores.get(file.package);
    if (store === undefined) throw new Error(`named set: expected ${file.package} among its packages`);
    await store.prepare(join(file.path), target);
    return { bytes: await store.read(join(file.path), target), file, target };
  };
  const parts = await Promise.all(files.map(read));
  const [only] = parts;
  if (only && parts.length === 1) return only.bytes;
  const sheet = new Uint8Array(width * height * channels);
  for (const { bytes, file, target } of parts) {
    const line = target.width * channels;
    const [left, top] = [Math.round(file.left * width), Math.round(file.top * height)];
    for (let y = 0; y < target.height; y++)
      sheet.set(bytes.subarray(y * line, (y + 1) * line), ((top + y) * width + left) * channels);
  }
  return sheet;
}
