// Makes the dataset that a visitor chose.
import {
  arrayDataset,
  filesDataset,
  idxDataset,
  pageDecoder,
  syntheticDataset,
  type DataConfig,
  type Dataset,
} from '@forja/trainer';
import type { DataChoice } from './protocol.js';

/** The dataset, and its name in a configuration. */
export interface Chosen {
  system: 'mlp' | 'dcgan';
  data: DataConfig;
  dataset: Dataset;
}

type Of<K extends DataChoice['kind']> = Extract<DataChoice, { kind: K }>;

const points = (shape: 'ring' | 'grid'): Promise<Chosen> =>
  Promise.resolve({ system: 'mlp', data: { kind: 'synthetic', shape }, dataset: syntheticDataset({ shape }) });

const bytes = async (address: string): Promise<Uint8Array> => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: expected the data, got ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
};

const KINDS: { [K in DataChoice['kind']]: (choice: Of<K>) => Promise<Chosen> } = {
  ring: () => points('ring'),
  grid: () => points('grid'),
  drawn: ({ points: data }) =>
    Promise.resolve({
      system: 'mlp',
      data: { kind: 'folder', path: 'drawn on the page' },
      dataset: arrayDataset({ name: 'drawn points', fields: { vector: { data, shape: [2], range: [-1, 1] } } }),
    }),
  mnist: async () => ({
    system: 'dcgan',
    data: { kind: 'mnist' },
    dataset: await idxDataset(await bytes('/mnist/images'), { name: 'MNIST, 10,000 test digits' }),
  }),
  files: async ({ files, size }) => ({
    system: 'dcgan',
    data: { kind: 'folder', path: 'files of the page' },
    dataset: await filesDataset(files, { kind: 'folder', size, classes: false }, { decode: pageDecoder() }),
  }),
};

/** Reads the chosen data. @throws ForjaError `data.*` for files that are not pictures. */
export function datasetOf(choice: DataChoice): Promise<Chosen> {
  return (KINDS[choice.kind] as (choice: DataChoice) => Promise<Chosen>)(choice); // the cast: a row takes its own kind
}
