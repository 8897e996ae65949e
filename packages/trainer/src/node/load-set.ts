// Loads named data sets. The pictures of npm packages are decoded in threads and cached, as for folders; they are used
// as emoji, or assembled into sheets that tiles are cut from.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ForjaError } from '@forja/core';
import type { SetConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import type { Target } from '../data/fit.js';
import { HELD, emojiLayout } from '../data/emoji.js';
import { emojiAbout } from '../data/emoji-names.js';
import { namedSet, type EmojiSet, type SheetFile, type SheetSet } from '../data/named-sets.js';
import { layoutDataset, type PictureStore } from '../data/pictures.js';
import { sheetDataset } from '../data/sheets.js';
import type { EmojiAbout } from '../data/emoji.js';
import { loadSharp } from './decode.js';
import type { PictureHost } from './image-folder.js';
import { packageFolder } from './packages.js';
import { defaultCache } from './picture-cache.js';
import { FolderPictures } from './picture-store.js';

/**
 * The set that a configuration names, from packages that can be resolved from `cwd`.
 * @throws ForjaError `data.notFound` for a missing package, `data.decoder` without sharp; UsageError `config.invalid`
 * for tiles that are too large.
 */
export async function loadSet(config: SetConfig, cwd: string, host: PictureHost = {}): Promise<Dataset> {
  const set = namedSet(config.name);
  const folders = new Map(set.packages.map(({ name, megabytes }) => [name, packageFolder(name, cwd, megabytes)]));
  await loadSharp(); // loaded here before threads load it, because its native library must outlive them
  const cache = host.cache === false ? undefined : (host.cache ?? defaultCache());
  const stores = new Map<string, FolderPictures>();
  for (const [name, folder] of folders)
    stores.set(name, await FolderPictures.open(folder, { cache, memory: host.memory ?? 4e9 }));
  try {
    const dataset = await ('sheets' in set
      ? fromSheets(set, config, stores, host)
      : fromEmoji(set, config, stores, folders, host));
    const { license, credit } = set;
    const about = { license, credit };
    return { ...dataset, ...about, ...(dataset.holdout ? { holdout: { ...dataset.holdout, ...about } } : {}) };
  } finally {
    for (const store of stores.values()) await store.save();
  }
}

type Stores = ReadonlyMap<string, FolderPictures>;

async function fromSheets(
  set: SheetSet,
  { name, size = set.size, channels = 3, flip }: SetConfig,
  stores: Stores,
  { onProgress }: PictureHost,
): Promise<Dataset> {
  const names = Object.keys(set.sheets);
  const sheets: Record<string, Uint8Array> = {};
  for (const [i, sheet] of names.entries()) {
    sheets[sheet] = await sheetOf(set, sheet, sheet === set.layout.mask?.sheet ? 1 : channels, stores);
    await onProgress?.(i + 1, names.length);
  }
  return sheetDataset(name, set.layout, sheets, { size, channels, flip });
}

/** The dataset of an emoji set. Files are named `<package>:<path>`, because there may be several packages. */
async function fromEmoji(
  set: EmojiSet,
  { name, size = set.size, channels = 3, flip }: SetConfig,
  stores: Stores,
  folders: ReadonlyMap<string, string>,
  { onProgress }: PictureHost,
): Promise<Dataset> {
  const files: Record<string, string[]> = {};
  for (const [field, { package: from, path, ending }] of Object.entries(set.emoji)) {
    const found = await readdir(join(folders.get(from) ?? '', path)).catch(() => []);
    files[field] = found.filter((file) => file.endsWith(ending)).map((file) => `${from}:${path}/${file}`);
    if (files[field].length === 0)
      throw new ForjaError(
        'data.empty',
        `data: expected pictures in ${path} of the npm package ${from}, got none; install a version that has them`,
      );
  }
  const of = (file: string): [FolderPictures, string] => {
    const colon = file.indexOf(':');
    return [stores.get(file.slice(0, colon)) as FolderPictures, file.slice(colon + 1)]; // as named above
  };
  const store: PictureStore = {
    facts: (file) => of(file)[0].facts(of(file)[1]),
    prepare: (file, target) => of(file)[0].prepare(of(file)[1], target),
    read: (file, target) => of(file)[0].read(of(file)[1], target),
  };
  const shape = { size, channels, fit: 'pad', alpha: 'over', background: '#ffffff', flip, holdout: HELD } as const;
  const about = set.about && { annotation: set.about.annotation, of: await aboutOf(set.about, folders) };
  const lines = Object.fromEntries(
    Object.entries(set.emoji).flatMap(([field, folder]) => (folder.lines ? [[field, folder.lines]] : [])),
  );
  return layoutDataset(emojiLayout(files, { about, lines }), { ...shape, path: name }, store, {
    ...(onProgress ? { onProgress } : {}),
    ...(about?.annotation === 'caption' ? { words: WORDS } : {}),
  });
}

/** Words of an emoji's caption that are kept, and the largest vocabulary. */
const WORDS = { length: 12, most: 10_000 };

/** What a package's table says of emoji. @throws ForjaError `data.empty` for a package without it. */
async function aboutOf(
  { package: from, path }: NonNullable<EmojiSet['about']>,
  folders: ReadonlyMap<string, string>,
): Promise<Map<string, EmojiAbout>> {
  const where = `${path} of the npm package ${from}`;
  const text = await readFile(join(folders.get(from) ?? '', path), 'utf8').catch((cause: unknown) => {
    const message = `data: expected names of emoji in ${where}, got no such file; install a version that has it`;
    throw new ForjaError('data.empty', message, { cause });
  });
  return emojiAbout(text, where);
}

/** Assembles a sheet from its files. */
async function sheetOf(
  { sheets, layout }: SheetSet,
  name: string,
  channels: number,
  stores: Stores,
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
