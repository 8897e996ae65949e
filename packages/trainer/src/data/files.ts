// Datasets of a page's `File`s, from a folder that was picked or dropped, in the same layouts as in Node. Pictures are
// decoded once and stay in memory.
import { ForjaError, optionsOf } from '@forja/core';
import { parseData, type DataConfig, type PictureConfig } from './config.js';
import type { Dataset } from './dataset.js';
import { fitPicture, type Target } from './fit.js';
import { notAPicture, type Decode, type Picture } from './picture.js';
import { pictureDataset, type PictureFacts, type PictureStore } from './pictures.js';
import { decodePng, isPng } from './png.js';

/** The part of `File` that is used. */
export interface PageFile {
  readonly name: string;
  /** Path that starts with the picked folder's name. */
  readonly webkitRelativePath?: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

type OfPictures = Extract<DataConfig, { kind: PictureConfig['kind'] }>;
/** Layout of the files and options of pictures: a {@link DataConfig} without `path`. */
export type FilesConfig = {
  [K in OfPictures['kind']]: Omit<Extract<OfPictures, { kind: K }>, 'path'>;
}[OfPictures['kind']];

/** Options of {@link filesDataset}. */
export interface FilesHost {
  /** Decodes JPEG, WebP and AVIF, such as {@link pageDecoder} in a page. Not needed for PNG. */
  decode?: Decode;
  name?: string;
  /** Called as files are decoded. */
  onProgress?: (done: number, total: number) => unknown;
  /** Bytes that pictures may take in memory. Default 1e9. */
  memory?: number;
}

/**
 * The dataset of a page's files, such as `input.files` of `<input type="file" webkitdirectory>`. A folder's examples,
 * order and holdout are the same as with `loadData` of `@forja/trainer/node`.
 * @throws ForjaError `data.*` as there; `data.decoder` for a format that needs `decode`.
 */
export async function filesDataset(
  files: Iterable<PageFile>,
  config: FilesConfig,
  host: FilesHost = {},
): Promise<Dataset> {
  const byName = new Map<string, PageFile>();
  for (const file of files) {
    const path = file.webkitRelativePath ? file.webkitRelativePath.split('/').slice(1).join('/') : file.name;
    if (!path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX')) byName.set(path, file);
  }
  const { name = 'files' } = optionsOf('filesDataset', host, 'decode memory name onProgress');
  const parsed = parseData({ ...config, path: name }) as PictureConfig; // FilesConfig has only kinds of pictures
  const names = [...byName.keys()].sort();
  const above = (path: string): string[] =>
    path
      .split('/')
      .slice(0, -1)
      .map((_, i, parts) => parts.slice(0, i + 1).join('/')); // all parent folders
  const listing = {
    files: names,
    folders: [...new Set(names.flatMap(above))].sort(),
    text: async (file: string) => new TextDecoder().decode(await bytesOf(byName, file)),
  };
  return pictureDataset(listing, parsed, storeOf(byName, host), {
    name,
    ...(host.onProgress ? { onProgress: host.onProgress } : {}),
  });
}

/** A store of the files' fitted pictures, which are kept in memory. */
function storeOf(files: ReadonlyMap<string, PageFile>, { decode, memory = 1e9 }: FilesHost): PictureStore {
  const records = new Map<string, Uint8Array>();
  let bytes = 0;
  const key = (file: string, { half }: Target): string => `${half ?? ''}/${file}`; // each half has a single target
  const pictureOf = async (file: string): Promise<Picture> => {
    const content = await bytesOf(files, file);
    if (isPng(content)) return decodePng(content);
    if (decode) return decode(content);
    throw new ForjaError(
      'data.decoder',
      `data: expected a decoder for ${file}, which is not a PNG, got none; give decode: pageDecoder()`,
    );
  };
  const tried = <T>(file: string, work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw notAPicture(file, cause);
    });
  return {
    facts: (file) => tried(file, pictureOf(file).then(factsOf)),
    prepare: (file, target) =>
      tried(
        file,
        pictureOf(file).then((picture) => {
          const record = fitPicture(picture, target);
          bytes += record.length;
          if (bytes > memory)
            throw new ForjaError(
              'data.size',
              `data: expected at most ${memory} bytes of pictures in memory, got more; choose a smaller size`,
            );
          records.set(key(file, target), record);
        }),
      ),
    read: (file, target) => records.get(key(file, target)) ?? new Uint8Array(), // stored by `prepare`
  };
}

/** Pages decode everything to RGBA, so a picture counts as grey if all its pixels are. */
function factsOf({ width, height, channels, data }: Picture): PictureFacts {
  let grey = channels < 3;
  if (channels === 4) {
    grey = true;
    for (let i = 0; i < data.length && grey; i += 4) grey = data[i] === data[i + 1] && data[i] === data[i + 2];
  }
  return { width, height, grey };
}

async function bytesOf(files: ReadonlyMap<string, PageFile>, file: string): Promise<Uint8Array> {
  return new Uint8Array((await files.get(file)?.arrayBuffer()) ?? new ArrayBuffer(0)); // a listed file
}
