// Datasets of picture files: ./layout.ts decides which files make an example, a PictureStore reads them. Every file is
// checked before training begins, so that errors come early.
import { ForjaError } from '@forja/core';
import { tokenizer, vocabularyOf } from './captions.js';
import type { PictureConfig, PictureOptions } from './config.js';
import type { Dataset, FieldArray, FieldSpec, SkippedFile } from './dataset.js';
import { checkIndex, fieldOf } from './fields.js';
import type { Target } from './fit.js';
import { layoutOf, some, type Example, type Layout, type LayoutPart, type Listing } from './layout.js';
import { isHeldOut } from './split.js';

/** Facts from a picture's header. */
export interface PictureFacts {
  width: number;
  height: number;
  grey: boolean;
}

/** Where pictures come from: a folder, or the files of a page. */
export interface PictureStore {
  /** Throws ForjaError `data.format` if the bytes are not a picture. */
  facts(file: string): Promise<PictureFacts>;
  /** Prepares a picture for {@link read}. Throws ForjaError `data.format` for a file that cannot be read. */
  prepare(file: string, target: Target): Promise<void>;
  /** The bytes of a prepared picture, [height, width, channels]. */
  read(file: string, target: Target): Uint8Array | Promise<Uint8Array>;
}

/** Options of {@link pictureDataset} besides the configuration. */
export interface PictureDatasetOptions {
  name?: string;
  /** Called as files are prepared. */
  onProgress?: (done: number, total: number) => unknown;
}

/** A part with the examples that could be read. */
interface Group {
  part: LayoutPart;
  targets: Target[];
  train: Example[];
  held: Example[];
}

/** The dataset of a folder's files. Throws ForjaError `data.*` for missing or inconsistent files. */
export async function pictureDataset(
  listing: Listing,
  config: PictureConfig,
  store: PictureStore,
  options: PictureDatasetOptions = {},
): Promise<Dataset> {
  const words = config.kind === 'captions' ? { length: config.words, most: config.vocabulary } : undefined;
  return layoutDataset(await layoutOf(listing, config), config, store, words ? { ...options, words } : options);
}

/** The dataset of files whose layout is known. */
export async function layoutDataset(
  { parts, classes, skipped }: Layout,
  config: PictureOptions & { path: string },
  store: PictureStore,
  {
    name = config.path,
    onProgress = () => {},
    words: captions,
  }: PictureDatasetOptions & { words?: { length: number; most: number } } = {},
): Promise<Dataset> {
  const unread = new Map<string, string>();
  const shape = await shapeOf(parts, config, store, unread);
  const jobs = new Map<string, { file: string; target: Target }>();
  const groups = parts.map((part): Group => {
    const targets = part.fields.map(({ name: _, ...own }): Target => ({ ...shape, ...own }));
    const kinds = targets.map((target) => JSON.stringify(target));
    for (const { files } of part.examples)
      for (const [i, file] of files.entries())
        if (!unread.has(file)) jobs.set(`${kinds[i]}/${file}`, { file, target: targets[i] ?? shape });
    return { part, targets, train: [], held: [] };
  });
  let done = 0;
  await eachOf([...jobs.values()], async ({ file, target }) => {
    await store.prepare(file, target).catch(noteUnreadable(unread, file));
    await onProgress(++done, jobs.size);
  });

  for (const group of groups) {
    const { part } = group;
    for (const example of part.examples) {
      if (example.files.some((file) => unread.has(file))) continue;
      group[isHeldOut(example.name, config.holdout) ? 'held' : 'train'].push(example);
    }
    const total = group.train.length + group.held.length;
    if (total === 0)
      throw new ForjaError(
        'data.format',
        `data: expected pictures in ${name}, got ${unread.size} files and could read none; the first error: ` +
          `${[...unread.values()][0]}`,
      );
    if (group.train.length === 0 || (config.holdout > 0 && group.held.length === 0))
      throw new ForjaError(
        'data.empty',
        `data: expected examples to train with and to hold out, got ${group.train.length} and ` +
          `${group.held.length} of ${name} for holdout ${config.holdout}; use more pictures, or another share`,
      );
  }
  const empty = (classes ?? []).filter((label) => !groups[0]?.train.some((e) => e.label === label));
  if (empty.length > 0)
    throw new ForjaError(
      'data.class',
      `data: expected pictures to train with in each class of ${name}, got none in ${some(empty)}`,
    );

  const texts = groups.flatMap(({ train }) => train.flatMap(({ caption }) => caption ?? []));
  const words = captions && { length: captions.length, known: vocabularyOf(texts, captions.most) };
  const made = (which: 'train' | 'held', flip: boolean): Dataset =>
    datasetOf(name, groups, which, shape, store, flip, classes, words);
  return {
    ...made('train', config.flip),
    ...(config.holdout > 0 ? { holdout: { ...made('held', false), name: `${name}, held out` } } : {}),
    skipped: [...skipped, ...[...unread].map(([file, reason]): SkippedFile => ({ file, reason }))],
  };
}

/** Size and channels of all pictures: as configured, otherwise those that all files share. Notes unreadable files. */
async function shapeOf(
  parts: readonly LayoutPart[],
  config: PictureOptions & { path: string },
  store: PictureStore,
  unread: Map<string, string>,
): Promise<Target> {
  const { size, fit, alpha, background } = config;
  const [height, width] = typeof size === 'object' ? size : [size, size];
  if (height !== undefined && width !== undefined && config.channels !== undefined)
    return { height, width, channels: config.channels, fit, alpha, background };
  const sizes = new Map<string, { file: string; height: number; width: number }>();
  let grey = true;
  const halves = parts.some(({ fields }) => fields.some(({ half }) => half !== undefined));
  const files = [...new Set(parts.flatMap(({ examples }) => examples.flatMap((e) => e.files)))];
  const facts = new Map<string, PictureFacts>();
  await eachOf(files, async (file) => {
    const found = await store.facts(file).catch(noteUnreadable(unread, file));
    if (found) facts.set(file, found);
  });
  for (const file of files) {
    const found = facts.get(file);
    if (!found) continue;
    grey &&= found.grey;
    const w = halves ? Math.floor(found.width / 2) : found.width;
    sizes.set(`${w} × ${found.height}`, { file, width: w, height: found.height });
  }
  const [first, second] = [...sizes];
  if (size === undefined && first && second)
    throw new ForjaError(
      'data.size',
      `data: expected pictures of one size in ${config.path}, got ${first[0]} (${first[1].file}) and ` +
        `${second[0]} (${second[1].file}); set the option size`,
    );
  return {
    height: height ?? first?.[1].height ?? 1,
    width: width ?? first?.[1].width ?? 1,
    channels: config.channels ?? (grey ? 1 : 3),
    fit,
    alpha,
    background,
  };
}

/** Notes a file that cannot be read; rethrows other errors. */
function noteUnreadable(unread: Map<string, string>, file: string): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof ForjaError && error.code === 'data.format')) throw named(error, file);
    unread.set(file, error.message);
  };
}

/** An error prefixed with the file. */
function named(error: unknown, file: string): unknown {
  return error instanceof ForjaError && error.code.startsWith('data.') && !error.message.startsWith('data')
    ? new ForjaError(error.code, `data, ${file}: ${error.message}`, { cause: error })
    : error;
}

/** Bytes as [-1, 1]. */
const FLOATS = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

function datasetOf(
  name: string,
  groups: readonly Group[],
  which: 'train' | 'held',
  { height, width, channels }: Target,
  store: PictureStore,
  flip: boolean,
  classes: readonly string[] | undefined,
  words: { length: number; known: string[] } | undefined,
): Dataset {
  const size = height * width * channels;
  const fields: Record<string, FieldSpec> = {};
  const columns: Record<string, Column> = {};
  const parts: Record<string, number> = {};
  for (const group of groups) {
    const examples = group[which];
    const own = group.part.part === undefined ? {} : { part: group.part.part };
    const total = examples.length * (flip ? 2 : 1);
    if (group.part.part !== undefined) parts[group.part.part] = total;
    for (const [i, field] of group.part.fields.entries()) {
      fields[field.name] = { shape: [height, width, channels], dtype: 'float32', range: [-1, 1], ...own };
      columns[field.name] = {
        total,
        write(index, into, at) {
          const example = examples[index % examples.length] as Example; // index < total
          const bytes = store.read(example.files[i] ?? '', group.targets[i] as Target); // there is one target per field
          const put = (values: Uint8Array): void => {
            if (index < examples.length) for (let k = 0; k < size; k++) into[at * size + k] = FLOATS[values[k]!]!;
            else mirrored(values, width, channels, into, at * size);
          };
          return 'then' in bytes ? bytes.then(put) : put(bytes);
        },
      };
    }
    if (classes) {
      const ids = Int32Array.from(examples, ({ label = '' }) => classes.indexOf(label));
      fields['label'] = { shape: [], dtype: 'int32', classes, ...own };
      columns['label'] = { total, write: (index, into, at) => void (into[at] = ids[index % ids.length]!) };
    }
    if (words) {
      const tokens = examples.map(({ caption = '' }) => tokenizer(words.known, words.length)(caption));
      fields['text'] = { shape: [words.length], dtype: 'int32', vocabulary: words.known, ...own };
      columns['text'] = {
        total,
        write: (index, into, at) => into.set(tokens[index % tokens.length]!, at * words.length),
      };
    }
  }
  return {
    name,
    count: Math.max(...Object.values(columns).map(({ total }) => total)),
    fields,
    ...(Object.keys(parts).length > 0 ? { parts } : {}),
    read(indices, into) {
      const waits: Promise<void>[] = [];
      for (const [field, array] of Object.entries(into)) {
        const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
        if (!column) return void fieldOf({ name, fields }, field); // fieldOf throws
        for (let i = 0; i < indices.length; i++) {
          const wait = column.write(checkIndex(name, indices[i], column.total), array, i);
          if (wait) waits.push(wait);
        }
      }
      return waits.length > 0 ? Promise.all(waits).then(() => {}) : undefined;
    },
  };
}

interface Column {
  total: number;
  write(index: number, into: FieldArray, at: number): void | Promise<void>;
}

function mirrored(values: Uint8Array, width: number, channels: number, into: FieldArray, at: number): void {
  for (let k = 0; k < values.length; k += channels) {
    const x = (k / channels) % width;
    const from = k + (width - 1 - 2 * x) * channels;
    for (let c = 0; c < channels; c++) into[at + k + c] = FLOATS[values[from + c]!]!;
  }
}

/** Files prepared concurrently: enough to keep the threads of a store busy. */
const AT_ONCE = 32;

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as T); // next < length
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
