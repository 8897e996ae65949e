// Decoding of PNG files in JavaScript.
import { oriented, pngOrientation } from '@forja/core';
import { convertIndexedToRgb, decode, hasPngSignature } from 'fast-png';
import type { Picture } from './picture.js';

/** True if the bytes have the PNG signature. */
export const isPng = (bytes: Uint8Array): boolean => bytes.length >= 8 && hasPngSignature(bytes);

/**
 * Decodes a PNG file: palettes and less than 8 bits are unpacked, 16 bits kept, and the colour that tRNS makes
 * transparent gets an alpha of 0.
 */
export function decodePng(bytes: Uint8Array): Picture {
  const png = decode(bytes, { checkCrc: true });
  const { width, height, depth } = png;
  const orientation = pngOrientation(bytes);
  if (png.palette) {
    const channels = png.palette[0]?.length ?? 3;
    return oriented({ width, height, channels, data: convertIndexedToRgb(png) as Uint8Array }, orientation);
  }
  // below 8 bits there is one channel, packed
  const data = (depth < 8 ? unpack(png.data as Uint8Array, width, height, depth) : png.data) as Samples;
  const { channels, transparency } = png;
  if (!transparency) return oriented({ width, height, channels, data }, orientation);
  const most = 2 ** depth - 1;
  const key = Array.from(transparency, (sample) => ((sample & most) * (depth < 8 ? 255 : most)) / most);
  return oriented({ width, height, channels: channels + 1, data: keyed(data, key) }, orientation);
}

type Samples = Uint8Array | Uint16Array;

/** The pixels with an alpha channel: 0 where all samples are those of `key`, else opaque. */
function keyed(data: Samples, key: readonly number[]): Samples {
  const channels = key.length;
  const pixels = data.length / channels;
  const out =
    data.BYTES_PER_ELEMENT === 2 ? new Uint16Array(data.length + pixels) : new Uint8Array(data.length + pixels);
  out.fill(data.BYTES_PER_ELEMENT === 2 ? 65_535 : 255);
  for (let p = 0; p < pixels; p++) {
    out.set(data.subarray(p * channels, (p + 1) * channels), p * (channels + 1));
    if (key.every((sample, c) => sample === data[p * channels + c])) out[p * (channels + 1) + channels] = 0;
  }
  return out;
}

function unpack(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  const row = Math.ceil((width * depth) / 8);
  const per = 8 / depth;
  const most = 2 ** depth - 1;
  return Uint8Array.from({ length: width * height }, (_, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    return ((((data[y * row + Math.floor(x / per)] ?? 0) >> (8 - depth * ((x % per) + 1))) & most) * 255) / most;
  });
}
