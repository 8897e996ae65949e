// A Vite plugin that lists the generators at build time, as the module 'virtual:generators', and serves their files
// under models/. FORJA_GALLERY is a JSON list of paths; scripts/gallery.mjs sets it.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { externalFiles, readManifest, type Manifest } from '@forja/core';
import type { Plugin } from 'vite';
import type { Discriminator, Entry } from './src/entry.js';

const MODULE = 'virtual:generators';

/** A generator's file, and how the page shows it. */
interface Listed {
  path: string;
  entry: Entry;
  /** Path of its discriminator. */
  judge?: string;
  /** Path of a picture to begin with. */
  example?: string;
}

/** The name of a file, or of its folder if the file has the name that training gives to all of them. */
function titleOf(path: string): string {
  const name = basename(path, '.onnx');
  return name === 'generator' ? basename(dirname(path)) : name;
}

/** What a generator's card says of it; nothing if there is no card. */
function cardOf(path: string): Pick<Entry, 'about' | 'tiles'> {
  const card = path.replace(/\.onnx$/, '.md');
  if (!existsSync(card)) return {};
  const text = readFileSync(card, 'utf8');
  const about = text.split('\n').find((line) => /^[^#|`\s]/.test(line)); // neither heading, table nor code
  const [, tile, overlap] = /--tile (\d+) --overlap (\d+)/.exec(text) ?? [];
  return {
    ...(about === undefined ? {} : { about }),
    ...(tile === undefined ? {} : { tiles: { tile: Number(tile), overlap: Number(overlap) } }),
  };
}

/**
 * Path of a file that belongs to a generator, if it exists: `x.<what>` for `x.onnx`, or `<what>` for `generator.onnx`,
 * as training names it.
 */
function besideOf(path: string, what: string): string | undefined {
  const name = basename(path, '.onnx');
  const beside = join(dirname(path), name === 'generator' ? what : `${name}.${what}`);
  return existsSync(beside) ? beside : undefined;
}

/** Whether a PNG file has the size of the pictures that the model takes. */
function isOwnSize(png: string, { inputs: [input] }: Manifest): boolean {
  const bytes = readFileSync(png);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]; // the first chunk is the header
  const [, a, b, c] = input?.shape ?? [];
  return input?.layout === 'nhwc' ? a === height && b === width : b === height && c === width;
}

function discriminatorOf(path: string): { judge: string; said: Omit<Discriminator, 'file'> } | undefined {
  const judge = besideOf(path, 'discriminator.onnx');
  if (judge === undefined) return undefined;
  const bytes = readFileSync(judge);
  const score = readManifest(bytes)?.outputs.find(({ role }) => role === 'score');
  if (score && externalFiles(bytes).size === 0)
    return { judge, said: { bytes: bytes.length, probability: score.range !== undefined } };
  console.warn(
    `gallery: ${judge} is left out: expected a discriminator with its weights inside, as forja train ` +
      `--export-discriminator writes it, got ${score ? 'external data' : "no output of role 'score'"}`,
  );
  return undefined;
}

function listed(paths: readonly string[]): Listed[] {
  const ids = new Set<string>();
  return [...new Set(paths.map((path) => resolve(path)))].flatMap((path): Listed[] => {
    const bytes = readFileSync(path);
    const [beside] = externalFiles(bytes).keys();
    if (beside !== undefined) {
      console.warn(
        `gallery: ${path} is left out: expected a model with its weights inside, got weights in ${beside}, which the ` +
          'page does not have; export it again with --external-data never',
      );
      return [];
    }
    const manifest = readManifest(bytes);
    const shown = manifest?.outputs.some(({ role }) => role === 'image') && manifest.kind !== 'function';
    if (!manifest || !shown) {
      const got = manifest ? `kind '${manifest.kind}'` : 'a file without a manifest';
      console.warn(`gallery: ${path} is left out: expected a model that makes pictures, got ${got}`);
      return [];
    }
    const title = titleOf(path);
    const plain =
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, '-')
        .replace(/^-|-$/g, '') || 'generator';
    let id = plain;
    for (let n = 2; ids.has(id); n++) id = `${plain}-${n}`;
    ids.add(id);
    const found = discriminatorOf(path);
    const example = besideOf(path, 'example.png');
    const text = besideOf(path, 'example.txt');
    return [
      {
        path,
        entry: {
          id,
          title,
          file: `models/${id}.onnx`,
          bytes: bytes.length,
          manifest,
          ...cardOf(path),
          ...(found ? { discriminator: { file: `models/${id}.discriminator.onnx`, ...found.said } } : {}),
          ...(example === undefined
            ? {}
            : { example: `models/${id}.example.png`, whole: isOwnSize(example, manifest) }),
          ...(text === undefined ? {} : { text: readFileSync(text, 'utf8').trim() }),
        },
        ...(found ? { judge: found.judge } : {}),
        ...(example === undefined ? {} : { example }),
      },
    ];
  });
}

export function generators(): Plugin {
  let found: Listed[] = [];
  return {
    name: 'forja-gallery-generators',
    buildStart() {
      found = listed(JSON.parse(process.env['FORJA_GALLERY'] ?? '[]') as string[]);
      if (found.length === 0)
        throw new Error(
          'gallery: expected at least one generator in FORJA_GALLERY, got none; npm run gallery fills it in',
        );
    },
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    load: (id) =>
      id === `\0${MODULE}` ? `export default ${JSON.stringify(found.map(({ entry }) => entry))}` : undefined,
    generateBundle() {
      const emit = (fileName: string, path: string): string =>
        this.emitFile({ type: 'asset', fileName, source: readFileSync(path) });
      for (const { path, entry, judge, example } of found) {
        emit(entry.file, path);
        if (entry.example !== undefined && example !== undefined) emit(entry.example, example);
        if (entry.discriminator && judge !== undefined) emit(entry.discriminator.file, judge);
      }
    },
  };
}
