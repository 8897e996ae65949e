// A folder of PNG files as a dataset: cropped to centred squares, resized by area, 8 bits, in memory. Subfolders are
// classes.
import { readFile, readdir } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { ForjaError } from '@forja/core';
import { convertIndexedToRgb, decode } from 'fast-png';
import { arrayDataset } from '../data/arrays.js';
import type { Dataset } from '../data/dataset.js';

/** How the pictures of a folder become equal. */
export interface ImageFolderOptions {
  /** Edge of the squares. Default: the first picture's shorter side. */
  size?: number;
  /** 1 or 3. Default: 1 when the first picture is grey, else 3. */
  channels?: number;
}

/** Bytes that pictures may take in memory. */
const LIMIT = 4e9;

/**
 * Reads every .png below `folder`, in the order of their names. Transparency goes over white.
 * @throws ForjaError `data.notFound` for no such folder, `data.empty` without a PNG, `data.format` naming a file that
 * is none.
 */
export async function imageFolder(folder: string, options: ImageFolderOptions = {}): Promise<Dataset> {
  const entries = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new ForjaError(
      'data.notFound',
      `data: expected a folder of PNG files, got ${error.code === 'ENOENT' ? 'nothing' : error.code === 'ENOTDIR' ? 'a file' : error.message} at ${folder}`,
      { cause: error },
    );
  });
  const files = entries.filter((name) => extname(name).toLowerCase() === '.png').sort();
  if (files.length === 0) {
    const others = entries.filter((name) => /\.(jpe?g|webp|gif|bmp|tiff?)$/i.test(name)).length;
    throw new ForjaError(
      'data.empty',
      `data: expected PNG files in ${folder}, got none${others > 0 ? ` but ${others} picture${others === 1 ? '' : 's'} of other formats; convert them to PNG` : ''}`,
    );
  }
  const first = await readPicture(join(folder, files[0] ?? ''));
  const { size = Math.min(first.width, first.height), channels = first.channels } = options;
  const each = size * size * channels;
  if (files.length * each > LIMIT)
    throw new ForjaError(
      'data.format',
      `data: expected at most ${LIMIT} bytes of pictures, got ${files.length} of ${size} × ${size} × ${channels}; choose a smaller size`,
    );
  const data = new Uint8Array(files.length * each);
  for (const [i, name] of files.entries())
    squared(
      i === 0 ? first : await readPicture(join(folder, name)),
      size,
      channels,
      data.subarray(i * each, (i + 1) * each),
    );
  const classOf = (name: string): string => name.split(sep).slice(0, -1).join('/');
  const classes = [...new Set(files.map(classOf))].sort();
  return arrayDataset({
    name: folder,
    data,
    shape: [size, size, channels],
    ...(classes.length > 1 ? { classes, labels: files.map((name) => classes.indexOf(classOf(name))) } : {}),
  });
}

interface Picture {
  width: number;
  height: number;
  /** 1 or 3. */
  channels: number;
  data: Uint8Array;
}

async function readPicture(path: string): Promise<Picture> {
  const bytes = await readFile(path);
  try {
    const png = decode(bytes, { checkCrc: true });
    const { width, height, depth } = png;
    const [raw, have] = png.palette
      ? [convertIndexedToRgb(png), png.palette[0]?.length ?? 3]
      : [png.data, png.channels];
    const most = png.palette ? 255 : 2 ** depth - 1;
    // below 8 bits there is one channel, in bytes
    const unpacked = !png.palette && depth < 8 ? unpack(raw as Uint8Array, width, height, depth) : raw;
    const channels = have < 3 ? 1 : 3;
    const data = new Uint8Array(width * height * channels);
    for (let p = 0; p < width * height; p++) {
      const alpha = have % 2 === 0 ? (unpacked[p * have + have - 1] ?? most) / most : 1;
      for (let c = 0; c < channels; c++)
        data[p * channels + c] = Math.round((((unpacked[p * have + c] ?? 0) / most) * alpha + 1 - alpha) * 255);
    }
    return { width, height, channels, data };
  } catch (cause) {
    throw new ForjaError(
      'data.format',
      `data: expected a PNG file, got one that cannot be read at ${path} (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    );
  }
}

function unpack(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  const row = Math.ceil((width * depth) / 8);
  const per = 8 / depth;
  return Uint8Array.from({ length: width * height }, (_, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    return ((data[y * row + Math.floor(x / per)] ?? 0) >> (8 - depth * ((x % per) + 1))) & (2 ** depth - 1);
  });
}

/**
 * The centred square of a picture, resized to `size` by averaging the area that each pixel covers. Grey is repeated,
 * colour becomes Rec. 601 luma.
 */
function squared(
  { width, height, channels: have, data }: Picture,
  size: number,
  channels: number,
  into: Uint8Array,
): void {
  const edge = Math.min(width, height);
  const [left, top] = [(width - edge) >> 1, (height - edge) >> 1];
  const scale = edge / size;
  const at = (x: number, y: number, c: number): number => {
    const from = ((top + y) * width + left + x) * have;
    if (have === 1) return data[from] ?? 0;
    return channels === 3
      ? (data[from + c] ?? 0)
      : 0.299 * (data[from] ?? 0) + 0.587 * (data[from + 1] ?? 0) + 0.114 * (data[from + 2] ?? 0);
  };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [y0, y1, x0, x1] = [y * scale, (y + 1) * scale, x * scale, (x + 1) * scale];
      for (let c = 0; c < channels; c++) {
        let [sum, area] = [0, 0];
        for (let v = Math.floor(y0); v < y1 && v < edge; v++) {
          const tall = Math.min(y1, v + 1) - Math.max(y0, v);
          for (let u = Math.floor(x0); u < x1 && u < edge; u++) {
            const weight = tall * (Math.min(x1, u + 1) - Math.max(x0, u));
            sum += weight * at(u, v, c);
            area += weight;
          }
        }
        into[(y * size + x) * channels + c] = Math.round(sum / area);
      }
    }
  }
}
