// Which files make an example: the layouts of folders, as functions of file names. Reads no picture.
import { ForjaError } from '@forja/core';
import { captionLines, captionRows } from './captions.js';
import type { PictureConfig } from './config.js';
import type { SkippedFile } from './dataset.js';
import type { Target } from './fit.js';
import type { Ink } from './lines.js';
import { PICTURE_FILE } from './picture.js';

/** Files below a folder: sorted paths with `/`. */
export interface Listing {
  files: readonly string[];
  /** Subfolders, including empty ones if known. */
  folders: readonly string[];
  /** Reads a text file. */
  text(file: string): string | Promise<string>;
}

/** One example: the file of each picture field, and its class or captions. */
export interface Example {
  /** Decides whether the example is held out; examples that belong together have the same name. */
  name: string;
  /** One per field, in the layout's order. */
  files: readonly string[];
  label?: string;
  caption?: string;
}

/** Fields of pictures, and their examples. */
export interface LayoutPart {
  /** Name, if there are several independently drawn parts. */
  part?: string;
  fields: readonly { name: string; half?: NonNullable<Target['half']>; lines?: Ink }[];
  examples: Example[];
}

/** The examples of a folder. */
export interface Layout {
  parts: LayoutPart[];
  /** Names of the classes, if examples have a label. */
  classes?: string[];
  skipped: SkippedFile[];
}

type Reader<K extends PictureConfig['kind']> = (
  listing: Listing,
  config: Extract<PictureConfig, { kind: K }>,
) => Layout | Promise<Layout>;

/** The examples in a folder, according to its configuration. Throws ForjaError if something is missing. */
export async function layoutOf(listing: Listing, config: PictureConfig): Promise<Layout> {
  const layout = await (readers[config.kind] as Reader<PictureConfig['kind']>)(listing, config); // this kind's reader
  const unread = listing.files.filter((file) => UNREAD_FILE.test(file)).map((file) => ({ file, reason: UNREAD }));
  return { ...layout, skipped: [...layout.skipped, ...unread] };
}

/** Extensions of pictures in formats that are not read. */
const UNREAD_FILE = /\.(gif|bmp|tiff?|hei[cf]|jxl|jp2|dng|cr[23]|nef|arw|svg)$/i;
const UNREAD = 'not a PNG, JPEG, WebP or AVIF file; convert it';

const readers: { [K in PictureConfig['kind']]: Reader<K> } = {
  folder(listing, config) {
    const files = picturesIn(listing, config.path);
    const folderOf = (file: string): string => file.split('/').slice(0, -1).join('/');
    const examples = files.map((file) => ({ name: stem(file), files: [file], label: folderOf(file) }));
    const classes = [...new Set(examples.map(({ label }) => label))].sort();
    const named = classes.filter((name) => name !== '');
    // a folder that only contains classes is not a class itself
    const empty = listing.folders.filter(
      (folder) => !classes.includes(folder) && !listing.folders.some((f) => f.startsWith(`${folder}/`)),
    );
    if (!config.classes || classes.length + empty.length < 2)
      return { parts: [singleField('image', examples)], skipped: [] };
    if (empty.length > 0)
      throw new ForjaError(
        'data.class',
        `data: expected pictures in each subfolder of ${config.path}, as each is a class, got none in ` +
          `${some(empty)}; remove it, or set classes to false`,
      );
    if (classes.length > named.length)
      throw new ForjaError(
        'data.class',
        `data: expected all pictures of ${config.path} in subfolders, which are classes, or none, got ` +
          `${some(files.filter((f) => !f.includes('/')))} beside ${some(named)}; ` +
          'move them, or set classes to false',
      );
    return { parts: [singleField('image', examples)], classes, skipped: [] };
  },

  pairs(listing, { path, input, target }) {
    const [inputs, targets] = [byStem(listing, path, input), byStem(listing, path, target)];
    const alone = [
      ...[...inputs].flatMap(([name, file]) => (targets.has(name) ? [] : file)),
      ...[...targets].flatMap(([name, file]) => (inputs.has(name) ? [] : file)),
    ];
    if (alone.length > 0)
      throw new ForjaError(
        'data.pair',
        `data: expected a picture of the same name in ${input} and ${target} of ${path}, got ${some(alone)} ` +
          'without a partner',
      );
    const examples = [...inputs].map(([name, file]) => ({ name, files: [file, targets.get(name) ?? ''] }));
    return { parts: [{ fields: [{ name: 'input' }, { name: 'target' }], examples }], skipped: [] };
  },

  'side-by-side'(listing, { path, input }) {
    const examples = picturesIn(listing, path).map((file) => ({ name: stem(file), files: [file, file] }));
    const other = input === 'left' ? 'right' : 'left';
    const fields = [
      { name: 'input', half: input },
      { name: 'target', half: other },
    ] as const;
    return { parts: [{ fields, examples }], skipped: [] };
  },

  domains(listing, { path, a, b }) {
    const part = (name: string, folder: string): LayoutPart => ({
      part: name,
      ...singleField(
        name,
        picturesIn(listing, path, folder).map((file) => ({ name: stem(file), files: [file] })),
      ),
    });
    return { parts: [part('a', a), part('b', b)], skipped: [] };
  },

  async captions(listing, config) {
    const files = picturesIn(listing, config.path);
    const captions = await (config.captions === undefined ? captionsBeside : captionsFrom)(listing, config, files);
    const silent = files.filter((file) => !captions.has(file));
    if (silent.length === files.length)
      throw new ForjaError(
        'data.caption',
        `data: expected captions in ${config.captions ?? '.txt files beside the pictures'} of ${config.path}, got none`,
      );
    return {
      parts: [
        singleField(
          'image',
          files.flatMap((file) =>
            (captions.get(file) ?? []).map((caption) => ({ name: stem(file), files: [file], caption })),
          ),
        ),
      ],
      skipped: silent.map((file) => ({ file, reason: 'no caption' })),
    };
  },
};

type CaptionConfig = Extract<PictureConfig, { kind: 'captions' }>;

/** Captions by picture, from a .txt of the same name. */
async function captionsBeside(
  listing: Listing,
  { path }: CaptionConfig,
  files: readonly string[],
): Promise<Map<string, string[]>> {
  const pictures = new Map(files.map((file) => [stem(file), file] as const));
  const texts = listing.files.filter((file) => /\.txt$/i.test(file));
  refuseStrays(
    texts.filter((file) => !pictures.has(stem(file))),
    path,
  );
  const found = new Map<string, string[]>();
  for (const text of texts) {
    const lines = captionLines(await listing.text(text));
    if (lines.length > 0) found.set(pictures.get(stem(text)) ?? '', lines);
  }
  return found;
}

/** Captions by picture, from a JSONL file. */
async function captionsFrom(
  listing: Listing,
  { path, captions = '' }: CaptionConfig,
  files: readonly string[],
): Promise<Map<string, string[]>> {
  if (!listing.files.includes(captions))
    throw new ForjaError('data.notFound', `data: expected captions in ${captions} of ${path}, got no such file`);
  const rows = captionRows(await listing.text(captions), captions);
  const known = new Set(files);
  refuseStrays(
    rows.flatMap(({ file }) => (known.has(file) ? [] : file)),
    path,
  );
  const found = new Map<string, string[]>();
  for (const { file, text } of rows)
    if (captionLines(text).length > 0) found.set(file, [...(found.get(file) ?? []), text]);
  return found;
}

function refuseStrays(strays: string[], path: string): void {
  if (strays.length > 0)
    throw new ForjaError(
      'data.caption',
      `data: expected a picture for each caption of ${path}, got ${some(strays)} without one`,
    );
}

const singleField = (name: string, examples: Example[]): LayoutPart => ({ fields: [{ name }], examples });

/** Pictures below a folder of the listing, or all. Throws ForjaError if there are none. */
function picturesIn({ files, folders }: Listing, path: string, folder?: string): string[] {
  const where = folder === undefined ? path : `${path}/${folder}`;
  if (folder !== undefined && !folders.includes(folder))
    throw new ForjaError(
      'data.notFound',
      `data: expected the folder ${folder} in ${path}, got ${folders.length > 0 ? some(folders) : 'no folders'}`,
    );
  const inside = folder === undefined ? files : files.filter((file) => file.startsWith(`${folder}/`));
  const found = inside.filter((file) => PICTURE_FILE.test(file));
  if (found.length === 0) {
    const others = inside.filter((file) => UNREAD_FILE.test(file));
    throw new ForjaError(
      'data.empty',
      `data: expected pictures (PNG, JPEG, WebP or AVIF) in ${where}, got ` +
        `none${others.length > 0 ? ` but ${some(others)}; convert them to one of these` : ''}`,
    );
  }
  return found;
}

/** Pictures of a subfolder, by their path in it without extension. */
function byStem(listing: Listing, path: string, folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of picturesIn(listing, path, folder)) {
    const name = stem(file.slice(folder.length + 1));
    const before = found.get(name);
    if (before !== undefined)
      throw new ForjaError(
        'data.pair',
        `data: expected one picture of each name in ${folder} of ${path}, got ${before} and ${file}`,
      );
    found.set(name, file);
  }
  return found;
}

/** A path without its extension. */
const stem = (file: string): string => file.replace(/\.[^./]+$/, '');

/** The first few of a list, and how many more. */
export function some(names: readonly string[]): string {
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
}
